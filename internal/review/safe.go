// SPDX-License-Identifier: Apache-2.0

// Package review lays out what an approver reads: who asks, why a person is
// asked, what the code reaches, and the code itself. All of that comes from an
// agent or from whoever steers it, so nothing of it reaches a terminal as it
// is. The package is pure; the plugin's text and its terminal interface both
// print what it makes.
package review

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/text/unicode/bidi"
)

// Style says what a piece of text is; an output chooses how that looks, or
// ignores it. No meaning is carried by a style alone.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Dim
	Strong
	Good
	Warning
	Bad
	// Hidden marks a character that would not show, written as <U+202E>.
	Hidden
	Keyword
	Text
	Comment
	Number
	Name
)

// Span is a piece of one line in one style. Its text is safe to print.
type Span struct {
	Text  string
	Style Style
}

// Line is one line of text, without its end.
type Line []Span

// String is the line without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// maxCombining is how many marks may stand on one character. Written languages
// need two or three; a flood of them paints over the lines above and below.
const maxCombining = 3

// Safe makes one line of hostile text printable: characters that do not show,
// that steer a terminal (CWE-150), reorder a line (CVE-2021-42574) or do not
// keep to their column are written as <U+202E>, and a tab as spaces.
func Safe(text string, style Style) Line {
	return safeStyled(text, func(int) Style { return style })
}

// SafeString is Safe without styles.
func SafeString(text string) string { return Safe(text, Plain).String() }

// safeStyled takes the style of each character by its byte offset.
func safeStyled(text string, styleAt func(offset int) Style) Line {
	var out lineBuilder
	combining := maxCombining // a mark at the start would stand on what is printed before it
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && n == 1:
			out.add(fmt.Sprintf("<0x%02X>", text[at]), Hidden)
			combining = maxCombining
		case r == '\t':
			out.add("    ", styleAt(at))
			combining = maxCombining
		case unicode.In(r, unicode.Mn, unicode.Me) && !hidden(r) && combining < maxCombining:
			out.add(string(r), styleAt(at))
			combining++
		case hidden(r) || unicode.In(r, unicode.Mn, unicode.Me):
			out.add(fmt.Sprintf("<U+%04X>", r), Hidden)
			combining = maxCombining
		default:
			out.add(string(r), styleAt(at))
			combining = 0
		}
		at += n
	}
	out.flush()
	return out.line
}

// unseen are graphic characters that do not show as themselves in one place:
// vowels and finals of Hangul, regional indicators and modifiers of emoji join
// with what stands beside them in some terminals and not in others; the fillers
// of Khmer, Khitan and the joiner of Tifinagh do not show; U+2800 and U+1D159 are
// blanks that are no space.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, {Lo: 0x1160, Hi: 0x11ff, Stride: 1}, {Lo: 0x17b4, Hi: 0x17b5, Stride: 1},
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x2d7f, Hi: 0x2d7f, Stride: 1}, {Lo: 0xd7b0, Hi: 0xd7ff, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe4, Hi: 0x16fe4, Stride: 1}, {Lo: 0x1d159, Hi: 0x1d159, Stride: 1},
		{Lo: 0x1f1e6, Hi: 0x1f1ff, Stride: 1}, {Lo: 0x1f3fb, Hi: 0x1f3ff, Stride: 1},
	},
}

// hidden reports whether a character does not show as itself in one place.
func hidden(r rune) bool {
	if r == ' ' {
		return false
	}
	return !unicode.IsGraphic(r) ||
		unicode.In(r, unseen, unicode.Zs, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Co)
}

// countHidden counts the characters that Safe writes out.
func countHidden(text string) int {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		for _, s := range Safe(line, Plain) {
			if s.Style == Hidden {
				n += strings.Count(s.Text, "<")
			}
		}
	}
	return n
}

const rightToLeftNote = "line has right-to-left letters: the terminal may show it in another order"

// rightToLeft reports whether the text has letters that terminals may show in
// another order than the language reads them, without any control character.
func rightToLeft(text string) bool {
	for _, r := range text {
		if r < 0x590 { // the first right-to-left script
			continue
		}
		p, _ := bidi.LookupRune(r)
		if c := p.Class(); c == bidi.R || c == bidi.AL || c == bidi.AN {
			return true
		}
	}
	return false
}

// lineBuilder joins neighbours of one style, in linear time.
type lineBuilder struct {
	line  Line
	text  strings.Builder
	style Style
}

func (b *lineBuilder) add(text string, style Style) {
	if style != b.style {
		b.flush()
		b.style = style
	}
	b.text.WriteString(text)
}

func (b *lineBuilder) flush() {
	if b.text.Len() > 0 {
		b.line = append(b.line, Span{b.text.String(), b.style})
		b.text.Reset()
	}
}

// width is how many columns a safe character takes.
func width(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	return ansi.StringWidth(string(r))
}

// Width is how many columns the line takes.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		for _, r := range s.Text {
			n += width(r)
		}
	}
	return n
}

// Wrap breaks a line into lines of at most columns columns; at blanks where
// words is set and a blank is there. It gives one line at least.
func (l Line) Wrap(columns int, words bool) []Line {
	columns = max(columns, 2) // room for a wide character
	if l.Width() <= columns {
		return []Line{l}
	}
	var out []Line
	var row []cell
	used := 0
	for _, s := range l {
		for _, r := range s.Text {
			w := width(r)
			if used+w > columns {
				row, out = breakRow(row, out, words)
				used = cellsWidth(row)
			}
			row = append(row, cell{r, s.Style})
			used += w
		}
	}
	return append(out, toLine(row))
}

type cell struct {
	r     rune
	style Style
}

// breakRow moves a full row to the output and gives what starts the next one.
func breakRow(row []cell, out []Line, words bool) (rest []cell, wrapped []Line) {
	if words {
		for i := len(row) - 1; i > len(row)/2; i-- {
			if row[i].r == ' ' {
				return append([]cell(nil), row[i+1:]...), append(out, toLine(row[:i]))
			}
		}
	}
	return nil, append(out, toLine(row))
}

func cellsWidth(row []cell) int {
	n := 0
	for _, c := range row {
		n += width(c.r)
	}
	return n
}

func toLine(row []cell) Line {
	var out lineBuilder
	for _, c := range row {
		out.add(string(c.r), c.style)
	}
	out.flush()
	return out.line
}

// Cut gives what of a line fits into columns columns.
func (l Line) Cut(columns int) Line {
	if l.Width() <= columns {
		return l
	}
	return l.Wrap(columns, false)[0]
}
