// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxOperations bounds a report: what no person can review is not allowed.
const MaxOperations = 10000

// Builder collects the operations of one source by byte offset.
type Builder struct {
	report     Report
	source     []byte
	operations []placed
}

type placed struct {
	from, to int
	op       Operation
}

// NewBuilder starts the report on source, which is what the offsets refer to.
func NewBuilder(lang Language, parser, tables string, source []byte) *Builder {
	return &Builder{report: Report{Language: lang, Parser: parser, Tables: tables}, source: source}
}

// Add records op at the bytes [from, to). Language, Position and Snippet are filled in.
func (b *Builder) Add(from, to int, op Operation) {
	if len(b.operations) >= MaxOperations {
		b.Limit("operations")
		return
	}
	b.operations = append(b.operations, placed{from, to, op})
}

// Limit records that the cap called name was hit.
func (b *Builder) Limit(name string) {
	if !slices.Contains(b.report.Limits, name) {
		b.report.Limits = append(b.report.Limits, name)
	}
}

// Fail records why the source could not be read, at the byte offset.
func (b *Builder) Fail(offset int, message string) {
	lines := indexLines(b.source)
	b.report.Error = &ReadError{Position: lines.position(offset, offset), Message: message}
}

// Report gives the finished report, its operations in source order and without duplicates.
func (b *Builder) Report() *Report {
	slices.SortStableFunc(b.operations, func(x, y placed) int {
		if x.from != y.from {
			return x.from - y.from
		}
		return x.to - y.to
	})
	lines := indexLines(b.source)
	b.report.Operations = make([]Operation, 0, len(b.operations))
	for i, p := range b.operations {
		if b.isDuplicate(i) {
			continue
		}
		op := p.op
		op.Language = b.report.Language
		op.Core = op.Core || op.Kind == Compute && strings.LastIndexByte(op.Name, '.') <= 0
		op.Position = lines.position(p.from, p.to)
		op.Snippet = Snippet(b.source[p.from:p.to])
		b.report.Operations = append(b.report.Operations, op)
	}
	return &b.report
}

// isDuplicate reports whether an equal operation at the same place comes before the i-th.
func (b *Builder) isDuplicate(i int) bool {
	p := b.operations[i]
	for j := i - 1; j >= 0 && b.operations[j].from == p.from && b.operations[j].to == p.to; j-- {
		q := b.operations[j].op
		if q.Kind == p.op.Kind && q.Name == p.op.Name && q.Form == p.op.Form && q.Args.equal(p.op.Args) {
			return true
		}
	}
	return false
}

func (a Args) equal(b Args) bool {
	same := func(x, y *Fact) bool { return x == y || x != nil && y != nil && *x == *y }
	return same(a.Path, b.Path) && same(a.Host, b.Host) && same(a.SQL, b.SQL) && same(a.Env, b.Env) &&
		a.Verb == b.Verb && same(a.Table, b.Table) && slices.Equal(a.Argv, b.Argv)
}

// runeStride is the distance between the offsets whose rune count is kept, so
// that a column in a very long line is found without reading all of it.
const runeStride = 256

type lineIndex struct {
	source []byte
	starts []int // offset of each line
	runes  []int // runes before offset i*runeStride
}

func indexLines(source []byte) *lineIndex {
	l := &lineIndex{source: source, starts: []int{0}}
	count := 0
	for i, c := range source {
		if i%runeStride == 0 {
			l.runes = append(l.runes, count)
		}
		if utf8.RuneStart(c) {
			count++
		}
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	if len(source)%runeStride == 0 {
		l.runes = append(l.runes, count)
	}
	return l
}

func (l *lineIndex) position(from, to int) Position {
	line, column := l.at(from)
	endLine, endColumn := l.at(to)
	return Position{Line: line, Column: column, EndLine: endLine, EndColumn: endColumn}
}

func (l *lineIndex) at(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.source)))
	i, exact := slices.BinarySearch(l.starts, offset)
	if !exact {
		i--
	}
	return i + 1, l.runesBefore(offset) - l.runesBefore(l.starts[i]) + 1
}

func (l *lineIndex) runesBefore(offset int) int {
	block := offset / runeStride
	n := l.runes[block]
	for _, c := range l.source[block*runeStride : offset] {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// firstLine cuts text at its first line end.
func firstLine(text []byte) ([]byte, bool) {
	line, _, more := bytes.Cut(text, []byte("\n"))
	return line, more
}
