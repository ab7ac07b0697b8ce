// SPDX-License-Identifier: Apache-2.0

package review

import (
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Changes shows what differs from the code that people approved before, as the
// operator put it into the Approval.
func Changes(s *v1alpha1.Subject, columns int) []Line {
	if s.Changes == "" {
		return Line{{"No other code of this requester and agent was approved under this policy before, or it was the same.", Plain}}.Wrap(columns, true)
	}
	from := Safe("Compared with "+s.ChangesFrom+", which people approved and which ran.", Plain).Wrap(columns, true)
	return append(from, diff(s.Changes, columns)...)
}

// diff colours a unified diff and makes it safe to print. A row that goes on
// with a long line is marked, so that it cannot pass for a line of the diff.
func diff(text string, columns int) []Line {
	const gutter, goesOn = "| ", "+ "
	var out []Line
	number := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		mark := gutter
		for _, row := range Safe(line, diffStyle(line, number)).Wrap(columns-len(gutter), false) {
			out = append(out, append(Line{{mark, Dim}}, row...))
			mark = goesOn
		}
		if rightToLeft(line) {
			for _, row := range (Line{{rightToLeftNote, Warning}}).Wrap(columns-len(gutter), true) {
				out = append(out, append(Line{{gutter, Dim}}, row...))
			}
		}
		number++
	}
	return out
}

// diffStyle tells the style of a line of a diff that begins with two lines of names.
func diffStyle(line string, number int) Style {
	switch {
	case number < 2, strings.HasPrefix(line, "@@"):
		return Dim
	case strings.HasPrefix(line, "+"):
		return Good
	case strings.HasPrefix(line, "-"):
		return Bad
	default:
		return Plain
	}
}
