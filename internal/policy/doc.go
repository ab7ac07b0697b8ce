// SPDX-License-Identifier: Apache-2.0

// Package policy turns what the gate found in a piece of code into a verdict:
// Report x ExecutionPolicy x provenance -> Verdict. It also checks what a
// request asks for against what its policy lists.
//
// Everything is an allowlist. An operation that no rule lists is denied, and so
// is everything that this package does not know: a kind, a trust, a language.
// The package is pure: values in, values out.
package policy
