// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// temporary stands for the name that mktemp makes up.
const temporary = "/tmp/tmp.XXXXXXXXXX"

// output gives what a command substitution can print, without its last line ends.
func (e *evaluator) output(stmts []*syntax.Stmt) texts {
	if len(stmts) != 1 {
		return texts{unknown}
	}
	cmd := stmts[0].Cmd
	if pipe, ok := cmd.(*syntax.BinaryCmd); ok && pipe.Op == syntax.Pipe {
		return e.output([]*syntax.Stmt{pipe.Y})
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
	case "mktemp":
		if s, ok := only(rest).literal(); len(rest) == 0 || ok && s == "-d" {
			return texts{lit(temporary)}
		}
	case "basename":
		return baseNames(rest)
	case "date":
		return dated(rest)
	case "echo":
		return echoed(rest)
	}
	return texts{unknown}
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
	option, ok := rest[0].literal()
	switch {
	case name == "wc" && len(rest) == 1 && ok && (option == "-l" || option == "-w" || option == "-c" || option == "-m"):
	case name == "grep" && ok && strings.HasPrefix(option, "-") && strings.Trim(option, "-cviwxFEi") == "" && strings.Contains(option, "c") && len(rest) <= 3:
		for _, a := range rest[1:] {
			if a.split || a.mayBeOption() {
				return texts{unknown}
			}
		}
	default:
		return texts{unknown}
	}
	return texts{aNumber, nil}
}

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
	if t[0].kind != glob || t[0].text != "*" || len(t) > 2 || len(t) == 2 && (strings.Contains(t[1].text, "/") || t[1].kind != literal) {
		return unknown
	}
	if len(t) == 2 && suffix != "" && suffix[0] == '.' && strings.HasSuffix(t[1].text, suffix) {
		return t[:1].add(piece{literal, strings.TrimSuffix(t[1].text, suffix)})
	}
	if suffix != "" {
		return unknown
	}
	return t
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
		if a.split || a.mayBeOption() {
			return texts{unknown}
		}
		if i > 0 {
			out = out.concat(texts{lit(" ")})
		}
		out = out.concat(a.texts)
	}
	return out
}
