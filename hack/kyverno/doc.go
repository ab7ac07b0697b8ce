// SPDX-License-Identifier: Apache-2.0

// Package kyverno compares Airlock's evaluation of organisation rules with
// Kyverno's own: its engine for ValidatingPolicies and its command line. It is a
// module of its own because it compiles all of Kyverno.
package kyverno
