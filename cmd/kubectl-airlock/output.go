// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/airlock-dev/airlock/internal/review"
)

// The escape sequences for colours (ECMA-48 SGR).
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// width is how many characters of a line are shown around a finding.
const width = 120

// writeText prints each finding as compilers do, with its line and a caret, and
// the verdict last.
func writeText(w io.Writer, out checked, colored bool) error {
	paint := func(color, text string) string {
		if !colored {
			return text
		}
		return color + text + plain
	}
	var b strings.Builder
	lines := review.SourceLines(v1alpha1.Language(out.Report.Language), string(out.source))
	for _, f := range out.Verdict.Findings {
		fmt.Fprintf(&b, "%s %s %s\n", paint(bold, place(out.File, f)), paint(colorOf(f.Decision), strings.ToLower(string(f.Decision))+":"), f.Reason)
		if f.Line >= 1 && int(f.Line) <= len(lines) {
			text, marker := excerpt(lines[f.Line-1], int(f.Column), f.Snippet)
			fmt.Fprintf(&b, "    %s\n    %s\n", text, paint(colorOf(f.Decision), marker))
		}
	}
	if hidden := int(*out.Verdict.FindingsTotal) - len(out.Verdict.Findings); hidden > 0 {
		fmt.Fprintf(&b, "and %d more findings\n", hidden)
	}
	fmt.Fprintf(&b, "%s: %s under %s, driven by %s input\n", review.SafeString(out.File),
		paint(colorOf(out.Verdict.Decision), string(out.Verdict.Decision)), review.SafeString(out.Policy), strings.ToLower(string(out.Verdict.Trust)))
	if out.spec != nil && out.spec.Kyverno != nil {
		b.WriteString("The Kyverno rules that this policy selects lie in the cluster and were not asked: they can make the verdict stricter.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func place(file string, f v1alpha1.Finding) string {
	file = review.SafeString(file)
	if f.Line == 0 {
		return file + ":"
	}
	return fmt.Sprintf("%s:%d:%d:", file, f.Line, f.Column)
}

func colorOf(d v1alpha1.Decision) string {
	switch d {
	case v1alpha1.Allow:
		return green
	case v1alpha1.RequireApproval:
		return yellow
	case v1alpha1.Deny:
		return red
	default:
		return red
	}
}

// excerpt shows a part of a line around column, which counts from 1, and marks
// snippet, or one character, below it. The code is the agent's: control and
// bidirectional characters are shown as escapes (CVE-2021-42574).
func excerpt(line string, column int, snippet string) (text, marker string) {
	runes := []rune(line)
	at := min(max(column-1, 0), len(runes))
	from := 0
	if len(runes) > width {
		from = max(0, at-width/3)
	}
	to := min(len(runes), from+width)
	before := report.Snippet([]byte(string(runes[from:at])))
	behind := report.Snippet([]byte(string(runes[at:to])))
	marked := 1
	if snippet != "" && strings.HasPrefix(behind, snippet) {
		marked = utf8.RuneCountInString(snippet)
	}
	return before + behind, strings.Repeat(" ", utf8.RuneCountInString(before)) + "^" + strings.Repeat("~", marked-1)
}
