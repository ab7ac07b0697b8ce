// SPDX-License-Identifier: Apache-2.0

// Package runner is what stands between a sandbox pod and the code that it was
// created for. Prepare runs in an init container and lays down exactly the
// bytes that were judged; Run is PID 1 of the sandbox container: it hashes those
// bytes again, executes the interpreter, bounds and hashes the output, ends
// everything the code left behind and writes a Report.
//
// The code runs under the same uid as the runner, so everything in here assumes
// that its neighbour is hostile: it may signal the runner, trace it, change its
// resource limits, fill its pipes, exhaust process ids and write to the
// termination log.
package runner
