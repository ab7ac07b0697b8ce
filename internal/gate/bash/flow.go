// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"maps"
	"slices"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// state is what is certain at the point that the walk has reached.
type state struct {
	// defined counts the names that were certainly set: variables, "()f" for
	// functions, "[]m" for maps. trail holds them in order, to go back.
	defined map[string]int
	trail   []string
	// cwd are the directories that the shell can be in; none when it is not known.
	cwd []string
	// fn is the function being read, "" outside; local are its own variables.
	fn    string
	local map[string]bool
	// hidden are the variables that a handler does not see.
	hidden map[string]bool
	// needs are the names that the function found defined.
	needs map[string]bool
	// pinned holds the range that operations are reported at, inside code that is quoted.
	pinned *span
	// analyses counts how often functions were read, calls how deep this one is.
	analyses, calls int
	// forked counts the background commands and pipes around this point.
	forked int
}

type span struct{ from, to int }

// analysed is what reading a function once has shown.
type analysed struct {
	busy   bool
	runs   int
	needs  map[string]bool
	gives  []string
	before []string
	after  []string
}

// maxRuns is how often one function is read for different states, maxAnalyses how often all are.
const (
	maxRuns     = 6
	maxAnalyses = 1000
)

// maxCalls bounds the depth of calls, maxCwd the directories that are told apart.
const (
	maxCalls = 40
	maxCwd   = 4
)

func (s *script) define(name string) {
	s.defined[name]++
	s.trail = append(s.trail, name)
}

// isDefined tells whether name is certainly set by the script.
func (s *script) isDefined(name string) bool {
	ok := s.defined[name] > 0 && !s.hidden[name]
	if ok && s.needs != nil {
		s.needs[name] = true
	}
	return ok
}

// back forgets what was defined since the mark, and returns it.
func (s *script) back(mark int) []string {
	gone := slices.Clone(s.trail[mark:])
	for _, name := range gone {
		s.defined[name]--
	}
	s.trail = s.trail[:mark]
	return gone
}

// subshell runs f in a copy of the state.
func (s *script) subshell(f func()) {
	mark, cwd := len(s.trail), s.cwd
	f()
	s.back(mark)
	s.cwd = cwd
}

// maybe runs f, which may or may not run.
func (s *script) maybe(f func()) {
	s.branches(f, func() {})
}

// branches runs alternatives from the same state. After them is certain what all of them made so.
func (s *script) branches(fs ...func()) {
	mark, before := len(s.trail), s.cwd
	var common map[string]bool
	var after []string
	for i, f := range fs {
		s.cwd = before
		f()
		after = joinDirectories(after, s.cwd, i == 0)
		names := map[string]bool{}
		for _, name := range s.back(mark) {
			names[name] = i == 0 || common[name]
		}
		maps.DeleteFunc(names, func(_ string, keep bool) bool { return !keep })
		common = names
	}
	s.cwd = after
	for _, name := range slices.Sorted(maps.Keys(common)) {
		s.define(name)
	}
}

func joinDirectories(a, b []string, first bool) []string {
	switch {
	case first:
		return b
	case a == nil || b == nil:
		return nil
	}
	out := slices.Clone(a)
	for _, dir := range b {
		if !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	if len(out) > maxCwd {
		return nil
	}
	return out
}

// loop runs the body of a loop, which may run many times or never.
func (s *script) loop(body []*syntax.Stmt, f func()) {
	if s.moves && slices.ContainsFunc(body, func(st *syntax.Stmt) bool { return s.mentionsMove(st) }) {
		s.cwd = nil
	}
	s.maybe(f)
}

// mentionsMove tells whether a tree may change the directory; a call of a
// function may, what runs in a subshell does not.
func (s *script) mentionsMove(root syntax.Node) bool {
	found := false
	syntax.Walk(root, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst:
			return false
		case *syntax.CallExpr:
			if len(n.Args) == 0 {
				break
			}
			switch name := staticLit(n.Args[0]); name {
			case "cd", "pushd", "popd", "builtin", "command":
				found = true
			default:
				found = found || s.functions[name] != nil
			}
		}
		return !found
	})
	return found
}

// enter reads the body of a function in the state of a call.
func (s *script) enter(name string, f *function, at span) {
	if f.busy {
		if s.forked > 0 {
			s.op(at, report.Operation{
				Kind: report.Process, Name: name, Args: report.Args{Argv: []report.Fact{{Known: report.Literal, Value: name}}},
				Reason: "the function calls itself in a new process",
			})
		}
		return
	}
	if f.runs > 0 && slices.Equal(f.before, s.cwd) && s.satisfies(f.needs) {
		s.leave(f)
		return
	}
	if f.runs++; f.runs > maxRuns || s.analyses > maxAnalyses || s.calls > maxCalls {
		s.op(at, report.Operation{Kind: report.Unknown, Name: name, Reason: "the function is called in too many different states"})
		return
	}
	s.analyses++
	s.calls++
	f.busy, f.before = true, s.cwd
	outer := s.state
	s.fn, s.local, s.needs, s.pinned = name, map[string]bool{}, map[string]bool{}, nil
	mark := len(s.trail)
	for _, d := range f.decls {
		s.stmt(d.Body)
	}
	f.gives = slices.DeleteFunc(s.back(mark), func(n string) bool { return s.local[n] })
	if slices.ContainsFunc(f.decls, func(d *syntax.FuncDecl) bool {
		return len(f.decls) > 1 || isSubshell(d.Body) || calls(d.Body, "return")
	}) {
		f.gives = nil
	}
	f.needs = s.needs
	maps.DeleteFunc(f.needs, func(n string, _ bool) bool { return s.defined[n] == 0 })
	f.after, f.busy = s.cwd, false
	s.calls--
	s.fn, s.local, s.needs, s.pinned = outer.fn, outer.local, outer.needs, outer.pinned
	s.satisfies(f.needs)
	s.leave(f)
}

// satisfies tells whether all names are defined here.
func (s *script) satisfies(names map[string]bool) bool {
	ok := true
	for name := range names {
		ok = s.isDefined(name) && ok
	}
	return ok
}

// leave brings the state to what it is after the function.
func (s *script) leave(f *function) {
	for _, name := range f.gives {
		s.define(name)
	}
	s.cwd = f.after
}

func isSubshell(st *syntax.Stmt) bool {
	_, ok := st.Cmd.(*syntax.Subshell)
	return ok
}

// calls tells whether a tree has a command of that name.
func calls(root syntax.Node, name string) bool {
	found := false
	syntax.Walk(root, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		found = found || ok && len(call.Args) > 0 && staticLit(call.Args[0]) == name
		return !found
	})
	return found
}
