// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// walk reads the script in the order in which it runs.
func (s *script) walk(file *syntax.File) {
	s.state = state{defined: map[string]int{}, cwd: []string{report.WorkingDirectory}}
	s.stmts(file.Stmts)
	// What no one calls is read, too: after all else, as it could only run then.
	names := []string{}
	for name := range s.functions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if f := s.functions[name]; f.runs == 0 {
			s.enter(name, f, spanOf(f.decls[0]))
		}
	}
	s.finish()
}

func spanOf(n syntax.Node) span { return span{int(n.Pos().Offset()), int(n.End().Offset())} }

// op records an operation at a place.
func (s *script) op(at span, op report.Operation) {
	if s.pinned != nil {
		at = *s.pinned
	}
	if op.Form == "" {
		op.Form = report.FormCall
	}
	if op.Kind == report.FileWrite && op.Args.Path.Known == report.Literal {
		s.nameWritten(at, op)
	}
	if op.Kind == report.FileWrite && op.Name != "mkdir" && op.Args.Path.Known == report.Literal {
		s.written[op.Args.Path.Value]++
		if op.Name != "tar" {
			s.packed[op.Args.Path.Value]++
		}
	}
	s.out.Add(at.from, at.to, op)
}

// nameWritten reports written files that commands of the tables take code or
// options from. A file .jq in the home directory is code that every jq runs
// first, and may read more than it is given.
func (s *script) nameWritten(at span, op report.Operation) {
	name := op.Args.Path.Value
	for element := range strings.SplitSeq(name, "/") {
		switch element {
		case ".jq":
			s.unknown(at, op.Name, "jq runs what is in a file .jq of the home directory")
		case ".curlrc", "curlrc", ".wgetrc":
			s.unknown(at, op.Name, "curl and wget take options from a file of that name in the home directory")
		}
	}
}

func (s *script) dynamic(n syntax.Node, name, reason string) {
	s.op(spanOf(n), report.Operation{Kind: report.Dynamic, Name: name, Reason: reason})
}

func (s *script) unknown(at span, name, reason string) {
	s.op(at, report.Operation{Kind: report.Unknown, Name: name, Reason: reason})
}

func (s *script) stmts(list []*syntax.Stmt) {
	for _, st := range list {
		s.stmt(st)
	}
}

func (s *script) stmt(st *syntax.Stmt) {
	if st.Coprocess || st.Disown {
		s.unknown(spanOf(st), "source", "syntax of another shell")
	}
	run := func() {
		for _, r := range st.Redirs {
			s.redirect(r)
		}
		if call, ok := st.Cmd.(*syntax.CallExpr); ok {
			s.simple(call, st.Redirs)
			s.madeList(call, st.Redirs)
		} else if st.Cmd != nil {
			s.compound(st.Cmd)
		}
	}
	if st.Background {
		s.forked++
		s.subshell(run)
		s.forked--
		return
	}
	run()
}

func (s *script) compound(c syntax.Command) {
	switch c := c.(type) {
	case *syntax.IfClause:
		s.ifClause(c)
	case *syntax.WhileClause:
		s.loop(append(slices.Clone(c.Cond), c.Do...), func() {
			s.stmts(c.Cond)
			s.stmts(c.Do)
		})
	case *syntax.ForClause:
		s.forClause(c)
	case *syntax.CaseClause:
		s.caseClause(c)
	case *syntax.Block:
		s.stmts(c.Stmts)
	case *syntax.Subshell:
		s.subshell(func() { s.stmts(c.Stmts) })
	case *syntax.BinaryCmd:
		s.binary(c)
	default:
		s.special(c)
	}
}

func (s *script) special(c syntax.Command) {
	switch c := c.(type) {
	case *syntax.FuncDecl:
		s.declareFunction(c)
	case *syntax.ArithmCmd:
		s.arithmetic(c.X)
	case *syntax.LetClause:
		for _, x := range c.Exprs {
			s.arithmetic(x)
		}
	case *syntax.TestClause:
		s.test(c.X)
	case *syntax.DeclClause:
		s.declare(c)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			s.stmt(c.Stmt)
		}
	case *syntax.CoprocClause:
		s.op(spanOf(c), report.Operation{Kind: report.Process, Name: "coproc", Args: report.Args{Argv: []report.Fact{{Known: report.UnknownValue}}}})
		s.subshell(func() { s.stmt(c.Stmt) })
	default:
		s.unknown(spanOf(c), "source", "syntax that the gate does not know")
	}
}

func (s *script) ifClause(c *syntax.IfClause) {
	if len(c.Cond) == 0 {
		s.stmts(c.Then)
		return
	}
	s.stmts(c.Cond)
	otherwise := func() {}
	if c.Else != nil {
		otherwise = func() { s.ifClause(c.Else) }
	}
	switch {
	case leaves(c.Then):
		s.subshell(func() { s.stmts(c.Then) })
		otherwise()
	case c.Else != nil && len(c.Else.Cond) == 0 && leaves(c.Else.Then):
		s.subshell(otherwise)
		s.stmts(c.Then)
	default:
		s.branches(func() { s.stmts(c.Then) }, otherwise)
	}
}

// leaves tells whether a list ends the script, the function or the round of the loop.
func leaves(list []*syntax.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	last := list[len(list)-1]
	call, ok := last.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 || last.Background || last.Negated {
		return false
	}
	name := staticLit(call.Args[0])
	return name == "exit" || name == "return"
}

func (s *script) forClause(c *syntax.ForClause) {
	if loop, ok := c.Loop.(*syntax.CStyleLoop); ok {
		for _, x := range []syntax.ArithmExpr{loop.Init, loop.Cond, loop.Post} {
			s.arithmetic(x)
		}
		s.loop(c.Do, func() { s.stmts(c.Do) })
		return
	}
	words := c.Loop.(*syntax.WordIter)
	s.words(words.Items)
	s.assigns(words.Name, spanOf(c.Loop))
	s.holdsNumbers(words.Name.Value, c.Loop)
	if len(words.Items) > 0 {
		if e := s.evaluator(); !e.word(words.Items[0]).divides() {
			s.define(words.Name.Value)
		}
	}
	s.loop(c.Do, func() {
		s.define(words.Name.Value)
		if c.Select {
			s.define("REPLY")
		}
		s.stmts(c.Do)
	})
}

func (s *script) caseClause(c *syntax.CaseClause) {
	s.word(c.Word)
	var fs []func()
	whole := false
	for _, item := range c.Items {
		s.words(item.Patterns)
		for _, p := range item.Patterns {
			whole = whole || p.Lit() == "*"
		}
		if item.Op == syntax.Break && !leaves(item.Stmts) {
			fs = append(fs, func() { s.stmts(item.Stmts) })
		} else {
			s.subshell(func() { s.stmts(item.Stmts) })
			s.cwd = s.unlessMoved(item.Stmts)
		}
	}
	if !whole || len(fs) == 0 {
		fs = append(fs, func() {})
	}
	s.branches(fs...)
}

// unlessMoved gives the directory after a list whose effects were not followed.
func (s *script) unlessMoved(list []*syntax.Stmt) []string {
	if s.moves && slices.ContainsFunc(list, func(st *syntax.Stmt) bool { return s.mentionsMove(st) }) {
		return nil
	}
	return s.cwd
}

func (s *script) binary(c *syntax.BinaryCmd) {
	switch c.Op {
	case syntax.Pipe, syntax.PipeAll:
		s.forked++
		s.subshell(func() { s.stmt(c.X) })
		s.pipedInto(c)
		s.forked--
	default:
		s.stmt(c.X)
		s.maybe(func() { s.stmt(c.Y) })
	}
}

func (s *script) declareFunction(f *syntax.FuncDecl) {
	name := f.Name.Value
	switch f.Body.Cmd.(type) {
	case *syntax.Block, *syntax.Subshell, *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseClause:
	default:
		// To Bash, "f() { …; } | x" is a pipe, and the function is gone after it.
		s.unknown(spanOf(f), name, "the body of a function is not one compound command")
	}
	s.define("()" + name)
	if s.known.shadows(name) {
		s.op(spanOf(f.Name), report.Operation{
			Kind: report.Unknown, Form: report.FormStore, Name: name, Reason: "a function takes the place of a command",
		})
	}
}
