// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// arg is a word of a command as far as it is known.
type arg struct {
	texts texts
	// split is set when the word may become no word, or several ones, or file names.
	split bool
	// list is set when the word is any number of words, each of them one of the texts.
	list     bool
	from, to int
	// static is set when nothing in the word is expanded.
	static bool
}

// literal gives the whole word when it is known to be exactly one.
func (a arg) literal() (string, bool) {
	if a.split || a.list || len(a.texts) != 1 {
		return "", false
	}
	return a.texts[0].literal()
}

// mayBeOption tells whether a command can take the word for an option.
func (a arg) mayBeOption() bool {
	for _, t := range a.texts {
		if a.split && !t.isNumber() || t.mayStartWithDash() {
			return true
		}
	}
	return len(a.texts) == 0
}

// isPattern tells whether the word stands for the names of files.
func (a arg) isPattern() bool {
	return slices.ContainsFunc(a.texts, func(t text) bool {
		return slices.ContainsFunc(t, func(p piece) bool { return p.kind == glob })
	})
}

// divides tells whether the word may become another number of words.
func (a arg) divides() bool { return a.split || a.list || a.isPattern() }

// evaluator gives the values of words inside one function, or outside of all.
type evaluator struct {
	s  *script
	fn string // the innermost function, "" outside
	// read, when set, is told of every variable that is read, and says whether the script has set it.
	read func(name string) bool
	// quoted is set inside double quotes.
	quoted bool
	// value is set for the right side of an assignment: no splitting, no file names.
	value       bool
	split, list bool
}

// word gives the alternatives of a word as an argument of a command.
func (e evaluator) word(w *syntax.Word) arg {
	if w == nil {
		return arg{texts: texts{nil}}
	}
	e.split, e.list, e.quoted = false, false, false
	if !e.value && countBraces(w) > maxBraces {
		return arg{texts: texts{unknown}, split: true, from: int(w.Pos().Offset()), to: int(w.End().Offset())}
	}
	ts := e.parts(e.withBraces(w))
	return arg{texts: ts, split: e.split, list: e.list, static: isStatic(w.Parts), from: int(w.Pos().Offset()), to: int(w.End().Offset())}
}

// isStatic tells whether nothing in a word is expanded.
func isStatic(parts []syntax.WordPart) bool {
	return !slices.ContainsFunc(parts, func(p syntax.WordPart) bool {
		switch p := p.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
			return false
		case *syntax.DblQuoted:
			return !isStatic(p.Parts)
		}
		return true
	})
}

// maxBraces bounds the brace expansions of one word.
const maxBraces = 32

func countBraces(w *syntax.Word) int {
	n := 0
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok {
			n += strings.Count(l.Value, "{")
		}
	}
	return n
}

// withBraces gives the parts of a word with its brace expansions taken apart.
func (e *evaluator) withBraces(w *syntax.Word) []syntax.WordPart {
	if e.value {
		return w.Parts
	}
	if len(w.Parts) == 1 && w.Lit() == "[" {
		return []syntax.WordPart{&syntax.SglQuoted{Value: "["}}
	}
	apart := &syntax.Word{Parts: slices.Clone(w.Parts)}
	syntax.SplitBraces(apart)
	return apart.Parts
}

// assigned gives the alternatives of a word on the right of an assignment.
func (e evaluator) assigned(w *syntax.Word) texts {
	e.value = true
	return e.word(w).texts
}

func (e *evaluator) parts(parts []syntax.WordPart) texts {
	if len(parts) == 1 {
		return e.part(parts[0], true)
	}
	out := texts{nil}
	for i, p := range parts {
		out = out.concat(e.part(p, i == 0))
	}
	return out
}

func (e *evaluator) part(p syntax.WordPart, first bool) texts {
	switch p := p.(type) {
	case *syntax.Lit:
		return texts{e.lit(p.Value, first)}
	case *syntax.SglQuoted:
		if !p.Dollar {
			return texts{lit(p.Value)}
		}
		return texts{ansiC(p.Value)}
	case *syntax.DblQuoted:
		return e.double(p)
	case *syntax.ParamExp:
		return e.unquoted(e.param(p), p)
	case *syntax.CmdSubst:
		return e.unquoted(e.output(p.Stmts), p)
	case *syntax.ArithmExp:
		return texts{aNumber}
	case *syntax.ProcSubst:
		return texts{lit("/dev/fd/63")}
	case *syntax.BraceExp:
		return e.braces(p)
	}
	e.split = true
	return texts{unknown}
}

func (e *evaluator) double(q *syntax.DblQuoted) texts {
	if q.Dollar {
		return texts{unknown}
	}
	outer := e.quoted
	e.quoted = true
	ts := e.parts(q.Parts)
	e.quoted = outer
	if len(q.Parts) == 0 {
		return texts{nil}
	}
	return ts
}

// unquoted marks what word splitting can do to an expansion.
func (e *evaluator) unquoted(ts texts, p syntax.WordPart) texts {
	if param, ok := p.(*syntax.ParamExp); ok && isAll(param) {
		return e.everything(ts, param)
	}
	if e.quoted || e.value {
		return ts
	}
	e.split = e.split || slices.ContainsFunc(ts, e.mayDivide)
	return ts
}

// everything gives the words of "$@" and its kind.
func (e *evaluator) everything(ts texts, p *syntax.ParamExp) texts {
	if e.quoted && !e.value && !isJoined(p) {
		e.list = true
		return ts
	}
	e.split = e.split || !e.quoted && !e.value
	if len(ts) == 1 && ts.areNumbers() && e.split {
		return ts
	}
	return texts{unknown}
}

// mayDivide tells whether an unquoted value may become another number of words.
func (e *evaluator) mayDivide(t text) bool {
	s, known := t.literal()
	switch {
	case e.s.ifs:
		return true
	case known:
		return s == "" || strings.ContainsAny(s, " \t\n*?[\\")
	}
	return !t.isNumber()
}

// isAll tells whether the expansion is "$@", "${a[@]}" or the like.
func isAll(p *syntax.ParamExp) bool {
	if p.Length || p.Param == nil {
		return false
	}
	if p.Param.Value == "@" || p.Param.Value == "*" {
		return true
	}
	w, ok := p.Index.(*syntax.Word)
	return ok && (w.Lit() == "@" || w.Lit() == "*") || p.Names != 0
}

// isJoined tells whether the expansion is "$*" or "${a[*]}", which is one word.
func isJoined(p *syntax.ParamExp) bool {
	w, ok := p.Index.(*syntax.Word)
	return p.Param.Value == "*" || ok && w.Lit() == "*" || p.Names == syntax.NamesPrefix
}

// lit removes the quoting of literal text and finds patterns in it.
func (e *evaluator) lit(s string, first bool) text {
	if !e.quoted && (first && strings.HasPrefix(s, "~") || strings.Contains(s, ":~") || strings.Contains(s, "=~")) {
		// Bash expands tildes behind "=" and ":" in words that look like assignments: dd of=~/x.
		return unknown
	}
	var out text
	var run strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && (!e.quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0):
			i++
			if s[i] != '\n' {
				run.WriteByte(s[i])
			}
		case len(out) >= maxPieces:
			return append(out, piece{kind: anything})
		case !e.quoted && !e.value && (c == '*' || c == '?' || c == '['):
			out = out.add(piece{literal, run.String()}).add(piece{glob, string(c)})
			run.Reset()
		default:
			run.WriteByte(c)
		}
	}
	return out.add(piece{literal, run.String()})
}

// braces joins the alternatives of a brace expansion, which are so many words.
func (e *evaluator) braces(b *syntax.BraceExp) texts {
	e.list = true
	if b.Sequence {
		if digits.MatchString(strings.TrimPrefix(b.Elems[0].Lit(), "-")) {
			return texts{aNumber}
		}
		return texts{unknown}
	}
	var out texts
	for _, w := range b.Elems {
		out = out.join(e.parts(w.Parts))
	}
	return out
}

// ansiC decodes $'…'; what it does not know it leaves unknown.
func ansiC(s string) text {
	simple := map[byte]byte{'n': '\n', 't': '\t', '\\': '\\', '\'': '\'', '"': '"', 'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'r': 13, 'v': 11, '?': '?'}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return unknown
		}
		c, ok := simple[s[i]]
		if !ok {
			return unknown
		}
		out.WriteByte(c)
	}
	return lit(out.String())
}
