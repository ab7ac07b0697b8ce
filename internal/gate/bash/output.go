// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// temporary stands for the name that mktemp makes up.
const temporary = "/tmp/tmp." + report.MadeUp

// output gives what a command substitution can print, without its last line
// ends: d=$(echo "..<newline>") is "..".
func (e *evaluator) output(stmts []*syntax.Stmt) texts {
	var out texts
	for _, t := range e.outputLines(stmts) {
		out = out.join(texts{t.withoutLineEnds()})
	}
	return out
}

func (e *evaluator) outputLines(stmts []*syntax.Stmt) texts {
	if len(stmts) != 1 {
		return texts{unknown}
	}
	if slices.ContainsFunc(stmts[0].Redirs, func(r *syntax.Redirect) bool { return !isQuiet(r) }) {
		return texts{unknown}
	}
	if slices.ContainsFunc(e.s.values[handlerPrints], func(t text) bool { return len(t) > 0 }) {
		return texts{unknown}
	}
	cmd := stmts[0].Cmd
	if both, ok := cmd.(*syntax.BinaryCmd); ok && both.Op == syntax.Pipe {
		return e.output([]*syntax.Stmt{both.Y})
	} else if ok && both.Op == syntax.OrStmt {
		// grep -c x f || true; or two numbers, one after the other.
		return e.either(both)
	}
	call, ok := cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return texts{unknown}
	}
	inner := evaluator{s: e.s, fn: e.fn}
	var words []arg
	for _, w := range call.Args {
		words = append(words, inner.word(w))
	}
	return e.printed(words)
}

// either gives what "a || b" prints when that is no text, or numbers.
func (e *evaluator) either(c *syntax.BinaryCmd) texts {
	first, second := e.output([]*syntax.Stmt{c.X}), e.output([]*syntax.Stmt{c.Y})
	if call, ok := c.Y.Cmd.(*syntax.CallExpr); ok && len(c.Y.Redirs) == 0 && len(call.Args) == 1 {
		if name := staticLit(call.Args[0]); (name == "true" || name == ":") && e.s.functions[name] == nil {
			return first
		}
	}
	if !first.areNumbers() || !second.areNumbers() {
		return texts{unknown}
	}
	return first.join(second).join(texts{aNumber, nil})
}

// printed gives what one command prints, where the table of its kind tells.
func (e *evaluator) printed(words []arg) texts {
	name, ok := words[0].literal()
	if !ok {
		return texts{unknown}
	}
	rest := words[1:]
	if slices.ContainsFunc(rest, func(a arg) bool { return len(a.texts) == 0 }) {
		// Nothing is known to reach one of the words, or not yet.
		return nil
	}
	if f := e.s.functions[name]; f != nil {
		return e.s.values[name+"\x00>"]
	}
	switch name {
	case "wc", "grep":
		return e.counted(name, rest)
	case "nproc", "seq":
		if slices.ContainsFunc(rest, func(a arg) bool { return !a.texts.areNumbers() }) {
			return texts{unknown}
		}
		return texts{aNumber, nil}
	case "pwd":
		if len(rest) == 0 && !e.s.moves {
			return texts{lit(report.WorkingDirectory)}
		}
	default:
		if p := printers[name]; p != nil {
			return p(rest)
		}
	}
	return texts{unknown}
}

// printers are the commands whose output depends on their words alone.
var printers = map[string]func([]arg) texts{"mktemp": made, "basename": baseNames, "date": dated, "echo": echoed}

func made(rest []arg) texts {
	if s, ok := only(rest).literal(); len(rest) > 0 && (!ok || s != "-d") {
		return texts{unknown}
	}
	return texts{lit(temporary)}
}

// only gives the single element of words, or an unknown one.
func only(words []arg) arg {
	if len(words) == 1 {
		return words[0]
	}
	return arg{texts: texts{unknown}}
}

// counted knows that wc -l and grep -c print a number when they are given no file name to print beside it.
func (e *evaluator) counted(name string, rest []arg) texts {
	if len(rest) == 0 {
		return texts{unknown}
	}
	option, _ := rest[0].literal()
	one := name == "wc" && len(rest) == 1 && wcCounts.MatchString(option)
	if name == "grep" && len(rest) <= 3 && grepCounts.MatchString(option) {
		one = !slices.ContainsFunc(rest[1:], func(a arg) bool { return a.divides() || a.mayBeOption() })
	}
	if !one {
		return texts{unknown}
	}
	return texts{aNumber, nil}
}

var (
	wcCounts   = regexp.MustCompile(`^-[lwcm]$`)
	grepCounts = regexp.MustCompile(`^-[viwxFE]*c[viwxFE]*$`)
)

// baseNames gives the last element of paths, without a suffix.
func baseNames(rest []arg) texts {
	if len(rest) == 0 || len(rest) > 2 || rest[0].divides() && !rest[0].isPattern() || rest[0].mayBeOption() && !rest[0].isPattern() {
		return texts{unknown}
	}
	suffix := ""
	if len(rest) == 2 {
		text, ok := rest[1].literal()
		if !ok {
			return texts{unknown}
		}
		suffix = text
	}
	var out texts
	for _, t := range rest[0].texts {
		out = out.join(texts{baseName(t, suffix)})
	}
	return out
}

func baseName(t text, suffix string) text {
	if s, ok := t.literal(); ok {
		base := path.Base(s)
		if base != suffix {
			base = strings.TrimSuffix(base, suffix)
		}
		return lit(base)
	}
	n := len(t)
	head := t.prefix()
	if t.isUnknown() || n > 3 || head != "" && !strings.HasSuffix(head, "/") {
		return unknown
	}
	if head != "" {
		t = t[1:]
	}
	return patternName(t, suffix)
}

// patternName is baseName for "*" and "*.txt".
func patternName(t text, suffix string) text {
	if t[0].text != "*" || len(t) > 2 {
		return unknown
	}
	tail := ""
	if len(t) == 2 {
		tail = t[1].text
	}
	switch {
	case strings.Contains(tail, "/") || len(t) == 2 && t[1].kind != literal:
		return unknown
	case suffix == "":
		return t
	case suffix[0] == '.' && strings.HasSuffix(tail, suffix):
		return t[:1].add(piece{literal, strings.TrimSuffix(tail, suffix)})
	}
	return unknown
}

// dated knows the conversions of date that print digits.
func dated(rest []arg) texts {
	format, ok := only(rest).literal()
	if !ok || !strings.HasPrefix(format, "+") {
		return texts{unknown}
	}
	var out text
	for i := 1; i < len(format); i++ {
		switch {
		case format[i] != '%':
			out = out.add(piece{literal, string(format[i])})
		case i+1 < len(format) && strings.IndexByte("sYmdHMSjuUVGyCN", format[i+1]) >= 0:
			out = out.add(piece{kind: number})
			i++
		case i+1 < len(format) && (format[i+1] == 'F' || format[i+1] == 'T'):
			sep := map[byte]string{'F': "-", 'T': ":"}[format[i+1]]
			out = out.concat(text{{kind: number}, {literal, sep}, {kind: number}, {literal, sep}, {kind: number}})
			i++
		default:
			return texts{unknown}
		}
	}
	return texts{out}
}

// echoed gives the words of echo, when none of them can be an option or hold an escape.
func echoed(rest []arg) texts {
	if len(rest) > 0 {
		if s, ok := rest[0].literal(); ok && s == "-n" {
			rest = rest[1:]
		}
	}
	out := texts{nil}
	for i, a := range rest {
		if a.split || a.list || a.mayBeOption() {
			return texts{unknown}
		}
		if slices.ContainsFunc(a.texts, func(t text) bool { return strings.Contains(t.shape(), `\`) }) {
			return texts{unknown} // sh: echo '\057etc'
		}
		if i > 0 {
			out = out.concat(texts{lit(" ")})
		}
		out = out.concat(a.texts)
	}
	return out
}
