// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"bytes"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// words reports what expanding words does.
func (s *script) words(ws []*syntax.Word) {
	for _, w := range ws {
		s.word(w)
	}
}

func (s *script) word(w *syntax.Word) {
	if w == nil {
		return
	}
	if len(w.Parts) > 0 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok && strings.HasPrefix(l.Value, "~") {
			s.readVariable("HOME", spanOf(w))
		}
	}
	for _, p := range w.Parts {
		s.part(p, false)
	}
}

func (s *script) part(p syntax.WordPart, quoted bool) {
	switch p := p.(type) {
	case *syntax.Lit:
		s.checkLit(p, quoted)
	case *syntax.DblQuoted:
		if p.Dollar {
			s.unknown(spanOf(p), `$"`, "the text is translated before it is used")
		}
		for _, q := range p.Parts {
			s.part(q, true)
		}
	case *syntax.ParamExp:
		s.paramExp(p, quoted)
	case *syntax.CmdSubst:
		s.substitution(p)
	case *syntax.ArithmExp:
		s.arithmetic(p.X)
	case *syntax.ProcSubst:
		s.subshell(func() { s.stmts(p.Stmts) })
	case *syntax.ExtGlob:
		s.unknown(spanOf(p), "extglob", "extended patterns parse only in some modes of the shell")
	case *syntax.SglQuoted:
	default:
		s.unknown(spanOf(p), "source", "syntax that the gate does not know")
	}
}

// checkLit refuses literal text with an expansion that the parser left in it.
func (s *script) checkLit(l *syntax.Lit, quoted bool) {
	for i := 0; i+1 < len(l.Value); i++ {
		switch c, next := l.Value[i], l.Value[i+1]; {
		case c == '\\':
			i++
		case c == '`', c == '$' && (next == '(' || next == '{' || next == '['), !quoted && (c == '<' || c == '>') && next == '(':
			s.dynamic(l, "expansion", "an expansion inside of a pattern or a name")
			return
		}
	}
}

func (s *script) substitution(c *syntax.CmdSubst) {
	at := spanOf(c)
	if c.TempFile || c.ReplyVar {
		s.unknown(at, "${ ;}", "syntax of another shell")
	}
	if c.Backquotes && (s.pinned != nil || bytes.ContainsAny(s.source[at.from:min(at.to, len(s.source))], "\\\"")) {
		s.dynamic(c, "`", "backslashes and quotes between backquotes are read twice")
	}
	s.subshell(func() { s.stmts(c.Stmts) })
}

func (s *script) paramExp(p *syntax.ParamExp, quoted bool) {
	if p.Param == nil || p.NestedParam != nil || p.Flags != nil || p.Width || p.IsSet || len(p.Modifiers) > 0 {
		s.unknown(spanOf(p), "${", "syntax of another shell")
		return
	}
	name := p.Param.Value
	s.paramForm(p, quoted)
	if !isSpecial(name) && (!hasDefault(p) || !s.known.isPlain(name)) {
		s.readVariable(name, spanOf(p))
	}
	s.subscript(name, p.Index)
	if p.Slice != nil {
		s.arithmetic(p.Slice.Offset)
		s.arithmetic(p.Slice.Length)
	}
	if p.Repl != nil {
		s.pattern(p.Repl.Orig)
		s.word(p.Repl.With)
	}
	if p.Exp != nil {
		s.operator(p)
	}
}

// hasDefault tells whether an expansion says what an unset variable means.
func hasDefault(p *syntax.ParamExp) bool {
	if p.Exp == nil || p.Excl {
		return false
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull, syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		return true
	default:
		return false
	}
}

// paramForm reports forms that evaluate a value, or that shells parse differently.
func (s *script) paramForm(p *syntax.ParamExp, quoted bool) {
	switch {
	case p.Names != 0:
		s.environment(spanOf(p), "${!"+p.Param.Value, report.Fact{Known: report.UnknownValue})
	case p.Excl && !isAll(p):
		s.dynamic(p, "${!", "the name of the variable is computed")
	}
	if quoted && hasQuotes(p) && !cutsQuoted(p) {
		// "${x:-'}"; rm y; echo '}": Bash does not take that quote for one, the parser does.
		s.dynamic(p, "${", "quotes inside of a quoted expansion are read differently by shells")
	}
}

// cutsQuoted tells whether an expansion is "${x#"$y"}" or its kind, whose
// pattern is one quoted expansion: all shells agree about its quotes.
func cutsQuoted(p *syntax.ParamExp) bool {
	if p.Exp == nil || p.Exp.Word == nil || len(p.Exp.Word.Parts) != 1 {
		return false
	}
	switch p.Exp.Op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
	default:
		return false
	}
	q, ok := p.Exp.Word.Parts[0].(*syntax.DblQuoted)
	if !ok || q.Dollar || len(q.Parts) != 1 {
		return false
	}
	inner, ok := q.Parts[0].(*syntax.ParamExp)
	return ok && !hasQuotes(inner)
}

// hasQuotes tells whether the words of an expansion, but not its subscript, hold quotes or backslashes.
func hasQuotes(p *syntax.ParamExp) bool {
	var words []*syntax.Word
	if p.Exp != nil {
		words = append(words, p.Exp.Word)
	}
	if p.Repl != nil {
		words = append(words, p.Repl.Orig, p.Repl.With)
	}
	found := false
	for _, w := range words {
		if w == nil {
			continue
		}
		syntax.Walk(w, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.SglQuoted, *syntax.DblQuoted:
				found = true
			case *syntax.Lit:
				found = found || strings.ContainsAny(n.Value, "'\"`\\{}")
			case *syntax.CmdSubst:
				found = found || n.Backquotes
				return false
			}
			return true
		})
	}
	return found
}

func (s *script) operator(p *syntax.ParamExp) {
	switch p.Exp.Op {
	case syntax.OtherParamOps:
		if op := p.Exp.Word.Lit(); op == "" || !strings.Contains("QULEAKkua", op) {
			s.dynamic(p, "${@"+op, "the value is expanded again")
		}
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		s.word(p.Exp.Word)
		s.assigns(p.Param, spanOf(p))
		s.holdsNumbers(p.Param.Value, p)
	case syntax.MatchEmpty, syntax.ArrayExclude, syntax.ArrayIntersect:
		s.unknown(spanOf(p), "${", "syntax of another shell")
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		s.pattern(p.Exp.Word)
	default:
		s.word(p.Exp.Word)
	}
}

// pattern reports what expanding a pattern does. Extended patterns without
// expansions are the same in all modes or an error.
func (s *script) pattern(w *syntax.Word) {
	if w == nil {
		return
	}
	for _, p := range w.Parts {
		if x, ok := p.(*syntax.ExtGlob); ok {
			if strings.ContainsAny(x.Pattern.Value, "$`<>\\'\"") {
				s.dynamic(x, "extglob", "an expansion inside of a pattern")
			}
			continue
		}
		s.part(p, false)
	}
}

func isSpecial(name string) bool {
	return len(name) == 1 && strings.Contains("#?$!-@*", name) || name[0] >= '0' && name[0] <= '9'
}

// readVariable reports a variable that comes from the environment.
func (s *script) readVariable(name string, at span) {
	switch {
	case s.known.variables[name] == variableNumber, s.known.variables[name] == variableShell:
		return
	case s.isDefined(name) && (!s.unsets[name] || !s.locals[name]):
		// Removing a local variable brings the one of the environment back.
		return
	case s.known.isPlain(name) && len(s.values[name]) > 0:
		s.early[name] = true
		return
	}
	s.environment(at, "$"+name, report.Fact{Known: report.Literal, Value: name})
}

func (s *script) environment(at span, name string, env report.Fact) {
	s.op(at, report.Operation{Kind: report.Environment, Form: report.FormReference, Name: name, Args: report.Args{Env: &env}})
}

// eval gives the value of a word at the point that the walk has reached.
func (s *script) evaluator() evaluator {
	return evaluator{s: s, fn: s.fn, read: s.isDefined}
}
