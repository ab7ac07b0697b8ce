// SPDX-License-Identifier: Apache-2.0

package bash

import "testing"

// Where a comment begins and ends decides what is code.
func TestCommentsHideNoCode(t *testing.T) {
	for name, code := range map[string]string{
		"a comment that ends in a backslash":      "echo a # b \\\ntouch /etc/x",
		"a line of comment with a backslash":      "echo \\\n# b \\\ntouch /etc/x",
		"a hash behind the bracket of a test":     "[[ a || (#'\nb ) ]]\ntouch /etc/x\n: #'\n) ]]",
		"a hash behind a list":                    "x=(a)#$(touch /etc/x)",
		"a dollar and a bracket on two lines":     "echo \"$\\\n(touch /etc/x)\"",
		"a comment in a handler with a backslash": "trap 'echo a # b \\\ntouch /etc/x' EXIT",
	} {
		t.Run(name, func(t *testing.T) {
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %q", code)
			}
		})
	}
}

func TestOrdinaryCommentsAndContinuedLinesAreAllowed(t *testing.T) {
	for _, code := range []string{
		"#!/bin/bash\n# a\necho a # b\n",
		"sort -k2 a.csv | \\\n  grep -v '^#' | \\\n  sed -e 's/#.*//' \\\n  > b.csv",
		"x=(\n  # one\n  a\n  b # two\n)\necho \"${#x[@]}\"",
	} {
		for _, op := range blocked(Read([]byte(code))) {
			t.Errorf("%s %s %s: %q", op.Kind, op.Name, op.Reason, code)
		}
	}
}

// What a handler prints within a command substitution is a part of its value.
func TestHandlersPrintIntoSubstitutions(t *testing.T) {
	for name, code := range map[string]string{
		"of an error":          "set -E\ntrap 'echo /etc/passwd' ERR\nf() { false; true; }\ncat \"$(f)\"",
		"of an error, a count": "set -E\ntrap \"echo '+a[\\$(touch /etc/x)]'\" ERR\nn=$(grep -c x missing)\necho $((n))",
		"of every command":     "set -T\ntrap 'echo /etc/passwd' DEBUG\nf() { :; }\ncat \"$(f)\"",
	} {
		t.Run(name, func(t *testing.T) {
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %q", code)
			}
		})
	}
	const harmless = "set -Eeuo pipefail\ntrap 'echo \"error in line $LINENO\" >&2' ERR\nn=$(wc -l < a.csv)\necho $((n + 1))"
	for _, op := range blocked(Read([]byte(harmless))) {
		t.Errorf("%s %s %s", op.Kind, op.Name, op.Reason)
	}
}
