// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// command is one command with its words, as they are after expansion.
type command struct {
	name string
	args []arg // without the name
	at   span
	// external is set when functions and builtins are passed over: env, xargs, find -exec.
	external bool
	// input is what the command reads, when the script says it.
	input input
	// within counts the commands that this one is a word of: env, xargs, find.
	within int
	// dirs are the directories that it can run in; none when that is not known.
	dirs []string
}

// input is the standard input of a command.
type input struct {
	given bool // a pipe or a here-document, not the input of the script
	text  report.Fact
}

var functionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]*$`)

// staticLit gives a word that has no expansion at all, without its quotes; "" for every other.
func staticLit(w *syntax.Word) string {
	if len(w.Parts) == 1 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok && identifier.MatchString(l.Value) {
			return l.Value
		}
	}
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
		case *syntax.DblQuoted:
			for _, q := range p.Parts {
				if _, ok := q.(*syntax.Lit); !ok {
					return ""
				}
			}
		default:
			return ""
		}
	}
	text, _ := evaluator{}.word(w).literal()
	return text
}

// builtinOf gives the name of a call, and its other words, behind "builtin" and "command".
func (s *script) builtinOf(c *syntax.CallExpr) (string, []*syntax.Word) {
	words := c.Args
	for prefixed := false; len(words) > 1; words = words[1:] {
		name := staticLit(words[0])
		if name != "builtin" && name != "command" && (!prefixed || !strings.HasPrefix(name, "-")) {
			break
		}
		prefixed = true
	}
	if len(words) == 0 {
		return "", nil
	}
	return staticLit(words[0]), words[1:]
}

// simple reports a simple command.
func (s *script) simple(c *syntax.CallExpr, redirs []*syntax.Redirect) {
	s.simpleInput(c, s.inputOf(redirs))
}

func (s *script) simpleInput(c *syntax.CallExpr, in input) {
	s.words(c.Args)
	for _, a := range c.Assigns {
		s.assign(a, len(c.Args) > 0)
	}
	if len(c.Args) == 0 {
		return
	}
	at := spanOf(c)
	at.from = int(c.Args[0].Pos().Offset())
	name := staticLit(c.Args[0])
	var words []arg
	e := s.evaluator()
	for _, w := range c.Args[1:] {
		words = append(words, e.word(w))
	}
	if name == "" || hasPattern(c.Args[0]) {
		s.op(at, report.Operation{Kind: report.Dynamic, Name: "command", Args: report.Args{Argv: argv("", words)}, Reason: "the name of the command is computed"})
		return
	}
	s.run(command{name: name, args: words, at: at, input: in, dirs: s.cwd})
}

// hasPattern tells whether a word has a part that stands for other text: a
// pattern, braces, a tilde or $'…'. Such a name of a command hides what it runs.
func hasPattern(w *syntax.Word) bool {
	for i, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			if i == 0 && strings.HasPrefix(p.Value, "~") || strings.ContainsAny(p.Value, "*?{") || strings.Contains(p.Value, "[") && p.Value != "[" {
				return true
			}
		case *syntax.SglQuoted:
			if p.Dollar {
				return true
			}
		case *syntax.DblQuoted:
			if p.Dollar {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// run reports a command by its name.
func (s *script) run(c command) {
	if !c.external {
		if f := s.functions[c.name]; f != nil {
			s.callFunction(c, f)
			return
		}
		if b, ok := builtins[c.name]; ok {
			b(s, c)
			return
		}
	}
	for _, dir := range []string{"/bin/", "/usr/bin/"} {
		if rest, ok := strings.CutPrefix(c.name, dir); ok && !strings.Contains(rest, "/") {
			c.name, c.external = rest, true
		}
	}
	if w := wrappers[c.name]; w != nil {
		w(s, c)
		return
	}
	if flag, ok := s.known.interpreters[c.name]; ok {
		s.interpreter(c, flag)
		return
	}
	if t, ok := s.known.tools[c.name]; ok {
		s.tool(c, t)
		return
	}
	s.process(c)
}

// callFunction reports a call of a function of the script.
func (s *script) callFunction(c command, f *function) {
	if !s.isDefined("()" + c.name) {
		// Before its definition, or where that may not have run, the name means a command.
		s.process(c)
	} else {
		s.op(c.at, report.Operation{Kind: report.Compute, Name: c.name, Core: true, Reason: "a function of the script"})
	}
	s.enter(c.name, f, c.at)
}

// process reports a command that the tables do not know.
func (s *script) process(c command) {
	s.op(c.at, report.Operation{Kind: report.Process, Name: c.name, Args: report.Args{Argv: argv(c.name, c.args)}})
}

// compute reports a command whose effects, if any, are operations beside it.
func (s *script) compute(c command) {
	s.op(c.at, report.Operation{Kind: report.Compute, Name: c.name, Core: true, Args: report.Args{Argv: argv(c.name, c.args)}})
}

func (s *script) refuse(c command, reason string) {
	s.op(c.at, report.Operation{Kind: report.Unknown, Name: c.name, Args: report.Args{Argv: argv(c.name, c.args)}, Reason: reason})
}

func (s *script) evaluates(c command, reason string) {
	s.op(c.at, report.Operation{Kind: report.Dynamic, Name: c.name, Args: report.Args{Argv: argv(c.name, c.args)}, Reason: reason})
}

// maxArgv is how many words of a command the report shows; the last one is unknown when there are more.
const maxArgv = 64

// argv gives a command line word by word. A word that may be several ends what is known.
func argv(name string, words []arg) []report.Fact {
	var out []report.Fact
	add := func(f report.Fact) { out = append(out, f) }
	if name != "" {
		add(report.Fact{Known: report.Literal, Value: name})
	} else {
		add(report.Fact{Known: report.UnknownValue})
	}
	for i, a := range words {
		if i == maxArgv {
			add(report.Fact{Known: report.UnknownValue})
			break
		}
		add(a.fact())
	}
	return out
}

// fact gives a word as a fact.
func (a arg) fact() report.Fact {
	if text, ok := a.literal(); ok {
		return report.Fact{Known: report.Literal, Value: text}
	}
	if !a.split && !a.list && len(a.texts) == 1 && a.texts[0].prefix() != "" {
		return report.Fact{Known: report.Prefix, Value: a.texts[0].prefix()}
	}
	return report.Fact{Known: report.UnknownValue}
}

// inputOf finds a here-document or a here-string among redirections.
func (s *script) inputOf(redirs []*syntax.Redirect) input {
	var in input
	for _, r := range redirs {
		if r.N != nil && r.N.Value != "0" {
			continue
		}
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			in = input{given: true, text: s.heredocText(r)}
		case syntax.WordHdoc:
			e := s.evaluator()
			in = input{given: true, text: arg{texts: e.assigned(r.Word)}.fact()}
		case syntax.RdrIn, syntax.DplIn, syntax.RdrInOut:
			in = input{given: true}
		default:
			if r.N != nil {
				in = input{given: true} // 0>x, 0>&3
			}
		}
	}
	return in
}

// heredocText gives the text of a here-document that expands nothing.
func (s *script) heredocText(r *syntax.Redirect) report.Fact {
	if r.Hdoc == nil || len(r.Hdoc.Parts) != 1 || r.Op == syntax.DashHdoc {
		return report.Fact{Known: report.UnknownValue}
	}
	l, ok := r.Hdoc.Parts[0].(*syntax.Lit)
	if !ok || r.Word.Lit() != "" && strings.Contains(l.Value, `\`) {
		return report.Fact{Known: report.UnknownValue}
	}
	return report.Fact{Known: report.Literal, Value: l.Value}
}

// pipedInto reports the right side of a pipe.
func (s *script) pipedInto(c *syntax.BinaryCmd) {
	s.subshell(func() {
		call, ok := c.Y.Cmd.(*syntax.CallExpr)
		if !ok {
			s.stmt(c.Y)
			return
		}
		for _, r := range c.Y.Redirs {
			s.redirect(r)
		}
		in := s.inputOf(c.Y.Redirs)
		in.given = true
		s.simpleInput(call, in)
	})
}
