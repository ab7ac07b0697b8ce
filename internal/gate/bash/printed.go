// SPDX-License-Identifier: Apache-2.0

package bash

import (
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
	for _, r := range st.Redirs {
		if to := r.Word.Lit(); r.Op == syntax.DplOut && to == "2" || to == "/dev/null" {
			return
		}
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
