// SPDX-License-Identifier: Apache-2.0

package review

import (
	"fmt"
	"strings"
	"time"
)

// labelWidth is the column of labels.
const labelWidth = 12

// field is a label with a value beside it.
func field(label string, value Line, columns int) []Line {
	return hang(append(Line{{fmt.Sprintf("%-*s", labelWidth, label), Dim}}, value...), 2, 2+labelWidth, columns)
}

// hang wraps a line with one indent for its first row and one for the others.
func hang(l Line, first, rest, columns int) []Line {
	rows := l.Wrap(columns-rest, true)
	indent := first
	for i, row := range rows {
		rows[i] = append(Line{{strings.Repeat(" ", indent), Plain}}, row...)
		indent = rest
	}
	return rows
}

// Age is a duration as kubectl prints it: its largest units.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
