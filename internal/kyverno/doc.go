// SPDX-License-Identifier: Apache-2.0

// Package kyverno evaluates organisation rules: Kyverno's ValidatingPolicies in
// JSON evaluation mode, on a Document that holds what the gate found and what
// is asked for. It is the one door to Kyverno, and only the operator opens it.
//
// A rule can only tighten a verdict. Whatever keeps a rule from being evaluated
// (it does not compile, it is for another mode, it fails, it costs too much)
// keeps code from running.
//
// The rules are compiled by Kyverno's own functions and with its libraries, but
// in an environment of this package: Kyverno's compiler for whole policies
// links every library that reaches outside, evaluates without a way to
// interrupt it, and lets PolicyExceptions and failurePolicy loosen a rule.
package kyverno
