// SPDX-License-Identifier: Apache-2.0

package review

import (
	"fmt"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// blankRun is how many blank lines are shown as they are. Code that was pushed
// out of sight by more of them comes back into sight.
const blankRun = 3

// SourceLines gives the lines as the positions of findings count them: a
// carriage return alone ends a line for Python only.
func SourceLines(lang v1alpha1.Language, source string) []string {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	if lang == v1alpha1.Python {
		source = strings.ReplaceAll(source, "\r", "\n")
	}
	return strings.Split(source, "\n")
}

// Painter tells the style of every byte of a source, or gives nil.
type Painter func(lang v1alpha1.Language, source string) []Style

// Listing is code with numbers and findings, and where in it the findings are.
type Listing struct {
	Lines    []Line
	Findings []int // indices into Lines, ascending
	notes    map[int]bool
}

// IsNote reports whether a line is about the code, and not the code.
func (l Listing) IsNote(line int) bool { return l.notes[line] }

// Code lists the source with line numbers, each finding below its line, and
// nothing left out: long lines go on in further rows. Findings without a place
// come first, and before them how many the verdict does not list: an agent
// chooses what stands at the top, and code without a mark must not look judged.
func Code(code v1alpha1.Code, verdict v1alpha1.Verdict, columns int, paint Painter) Listing {
	source := strings.Join(SourceLines(code.Language, code.Source), "\n")
	lines := strings.Split(source, "\n")
	if len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1] // the end of the last line is no line
	}
	c := codeWriter{columns: columns, digits: len(fmt.Sprint(len(lines))), byLine: map[int][]v1alpha1.Finding{}}
	c.notes = map[int]bool{}
	if paint != nil {
		if styles := paint(code.Language, source); len(styles) == len(source) {
			c.styles = styles
		}
	}
	c.head(verdict, len(lines))
	offset := 0
	for i := 0; i < len(lines); i++ {
		if run := c.blanks(lines, i); run > blankRun {
			c.add(Line{{c.gutter("") + fmt.Sprintf("(lines %d to %d are blank)", i+1, i+run), Dim}})
			for range run {
				offset += len(lines[i]) + 1
				i++
			}
			i--
			continue
		}
		c.source(i+1, lines[i], offset)
		offset += len(lines[i]) + 1
	}
	return c.Listing
}

// head sorts the findings by line and lists those without a place.
func (c *codeWriter) head(verdict v1alpha1.Verdict, lines int) {
	if total, listed := Total(verdict), len(verdict.Findings); int(total) > listed {
		c.Findings = append(c.Findings, len(c.Lines))
		c.note(fmt.Sprintf("only the first %d of %d findings are marked below: more of the code needs a look", listed, total))
	}
	for _, f := range verdict.Findings {
		n := int(f.Line)
		if n > lines {
			n = 0
		}
		c.byLine[n] = append(c.byLine[n], f)
	}
	for _, f := range c.byLine[0] {
		c.finding(f, "")
	}
}

type codeWriter struct {
	Listing
	columns, digits int
	styles          []Style
	byLine          map[int][]v1alpha1.Finding
}

func (c *codeWriter) add(l Line) { c.Lines = append(c.Lines, l) }

// addNote adds a line with an empty gutter.
func (c *codeWriter) addNote(l Line) {
	c.notes[len(c.Lines)] = true
	c.add(append(Line{{c.gutter(""), Dim}}, l...))
}

func (c *codeWriter) gutter(number string) string {
	return fmt.Sprintf("%*s | ", c.digits, number)
}

// blanks counts the blank lines from i on that no finding is about.
func (c *codeWriter) blanks(lines []string, i int) int {
	n := 0
	for i+n < len(lines) && strings.Trim(lines[i+n], " \t") == "" && len(c.byLine[i+n+1]) == 0 {
		n++
	}
	return n
}

func (c *codeWriter) source(number int, text string, offset int) {
	line := safeStyled(text, func(at int) Style {
		if c.styles == nil {
			return Plain
		}
		return c.styles[offset+at]
	})
	gutter := c.gutter(fmt.Sprint(number))
	rows := line.Wrap(c.columns-len(gutter), false)
	for i, row := range rows {
		if i > 0 {
			gutter = fmt.Sprintf("%*s + ", c.digits, "")
		}
		c.add(append(Line{{gutter, Dim}}, row...))
	}
	if rightToLeft(text) {
		c.note(rightToLeftNote)
	}
	for _, f := range c.byLine[number] {
		before := "" // of a line that fills several rows, the column is told in words
		if len(rows) == 1 && f.Column > 0 {
			runes := []rune(text)
			before = strings.Repeat(" ", Safe(string(runes[:min(len(runes), int(f.Column)-1)]), Plain).Width())
		}
		c.finding(f, before)
	}
}

func (c *codeWriter) note(text string) {
	for _, row := range (Line{{text, Warning}}).Wrap(c.columns-c.digits-3, true) {
		c.addNote(row)
	}
}

// finding writes a caret and the reason, which the gate made safe; it is made
// safe again, because here is where it is printed.
func (c *codeWriter) finding(f v1alpha1.Finding, before string) {
	c.Findings = append(c.Findings, len(c.Lines))
	style := StyleOf(f.Decision)
	indent, caret := before, "^ "
	if len(before) > c.columns/3 { // the caret stays below its character, and the reason has room
		c.addNote(Line{{before + "^", style}})
		indent, caret = "", ""
	}
	text := append(Line{{caret + Word(f.Decision) + ": ", style}}, Safe(f.Reason, Plain)...)
	for i, row := range text.Wrap(c.columns-c.digits-3-len(indent)-2, true) {
		if i == 1 {
			indent += "  "
		}
		c.addNote(append(Line{{indent, Plain}}, row...))
	}
}

// StyleOf shows how much a decision matters; what is not known denies.
func StyleOf(d v1alpha1.Decision) Style {
	switch d {
	case v1alpha1.Allow:
		return Good
	case v1alpha1.RequireApproval:
		return Warning
	case v1alpha1.Deny:
		return Bad
	default:
		return Bad
	}
}

// Word is a decision in words for people; what is not known denies.
func Word(d v1alpha1.Decision) string {
	switch d {
	case v1alpha1.Allow:
		return "is allowed"
	case v1alpha1.RequireApproval:
		return "needs approval"
	case v1alpha1.Deny:
		return "is denied"
	default:
		return "is denied"
	}
}
