// SPDX-License-Identifier: Apache-2.0

package bash

import "testing"

// An awk program is read as far as it takes to find what it writes. Where a
// slash between brackets ends the pattern decides what is code behind it.
func TestSlashesBetweenBracketsHideNoCodeOfAwk(t *testing.T) {
	for name, program := range map[string]string{
		"a class before the slash":           `/[[:alpha:]/]"/ {print "x" > "/etc/y"} #"`,
		"a bracket that comes first":         `/[]/]"/ {print "x" > "/etc/y"} #"`,
		"a bracket behind a caret":           `/[^]/]"/ {print "x" > "/etc/y"} #"`,
		"a bracket within brackets":          `/[[/]"/ {print "x" > "/etc/y"} #"`,
		"a pattern behind a condition":       `{ if (1) /"/; print "x" > "/etc/y"; if (1) /"/ }`,
		"a division that looks like pattern": `{ x = (1) / 2; print "x" > "/etc/y"; y = 1 / 2 }`,
	} {
		t.Run(name, func(t *testing.T) {
			code := "awk '" + program + "' f"
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %s", code)
			}
		})
	}
}

func TestDivisionsBehindBracketsOfAwkAreRead(t *testing.T) {
	for _, program := range []string{
		`{ v[NR] = $1 } END { if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }`,
		`/[[:space:]]+[^]"]x/ { n++ } END { print (n + 1) / 2 }`,
		`{ s += (length($1) + 1) / 2; print substr($2, 1, 3) / 4 }`,
	} {
		for _, op := range blocked(Read([]byte("awk '" + program + "' f"))) {
			t.Errorf("%s %s %s: %s", op.Kind, op.Name, op.Reason, program)
		}
	}
}
