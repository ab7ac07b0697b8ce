// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// printedBy gives what a function prints when it prints one thing only: the
// alternatives of its echo commands. Any command that may print more is unknown.
func (e evaluator) printedBy(body *syntax.Stmt) texts {
	out := texts{nil}
	e.printedStmt(body, &out)
	return out
}

func (e evaluator) printedList(list []*syntax.Stmt, out *texts) {
	for _, st := range list {
		e.printedStmt(st, out)
	}
}

func (e evaluator) printedStmt(st *syntax.Stmt, out *texts) {
	if len(st.Redirs) == 1 && isSilencing(st.Redirs[0]) {
		return
	}
	if slices.ContainsFunc(st.Redirs, func(r *syntax.Redirect) bool { return !isQuiet(r) }) {
		*out = texts{unknown}
		return
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		e.printedCall(c, out)
	case *syntax.Block:
		e.printedList(c.Stmts, out)
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			e.printedList(c.Cond, out)
			e.printedList(c.Then, out)
		}
	case *syntax.WhileClause:
		e.printedList(c.Cond, out)
		e.printedList(c.Do, out)
	case *syntax.ForClause:
		e.printedList(c.Do, out)
	case *syntax.CaseClause:
		for _, item := range c.Items {
			e.printedList(item.Stmts, out)
		}
	case *syntax.BinaryCmd:
		if c.Op == syntax.AndStmt || c.Op == syntax.OrStmt {
			e.printedStmt(c.X, out)
		}
		e.printedStmt(c.Y, out)
	case *syntax.DeclClause, *syntax.ArithmCmd, *syntax.LetClause, *syntax.TestClause, nil:
	default:
		*out = texts{unknown}
	}
}

// isSilencing tells whether a redirection takes the whole output away from a
// substitution. What goes to >&2 comes back by 2>&1, which no one accepts.
func isSilencing(r *syntax.Redirect) bool {
	if r.N != nil && r.N.Value != "1" {
		return false
	}
	to := r.Word.Lit()
	return r.Op == syntax.DplOut && to == "2" || r.Op == syntax.RdrOut && to == "/dev/null"
}

// isQuiet tells whether a redirection leaves what a command prints as it is:
// one of its input, or of its errors to nowhere.
func isQuiet(r *syntax.Redirect) bool {
	switch r.Op {
	case syntax.RdrIn, syntax.WordHdoc, syntax.Hdoc, syntax.DashHdoc:
		return r.N == nil || r.N.Value == "0"
	case syntax.RdrOut, syntax.AppOut:
		return r.N != nil && r.N.Value == "2" && r.Word.Lit() == "/dev/null"
	default:
		return false
	}
}

func (e evaluator) printedCall(c *syntax.CallExpr, out *texts) {
	if len(c.Args) == 0 {
		return
	}
	name := staticLit(c.Args[0])
	if strings.Contains(" : true false test [ return exit break continue shift local read ", " "+name+" ") && e.s.functions[name] == nil {
		return
	}
	var words []arg
	for _, w := range c.Args {
		words = append(words, e.word(w))
	}
	printed := e.printed(words)
	if len(*out) > 1 && !printed.areNumbers() {
		// Several lines are not one of them.
		printed = texts{unknown}
	}
	*out = out.join(printed)
}
