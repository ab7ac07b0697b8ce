// SPDX-License-Identifier: Apache-2.0

// Package sandbox makes the pod that runs one judged program, and the objects
// that carry its code, inputs and credentials, as values. It is pure.
//
// The pod has two containers. "prepare" runs the operator's image: it verifies
// the code and inputs against their digests and lays them down in volumes that
// nothing can write to afterwards. "sandbox" runs the policy's image with the
// runner as PID 1, which verifies them again and executes the interpreter.
package sandbox
