// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// load reports the loading of a module and gives the name it has from then on.
func (a *analysis) load(n *syntax.Node, module string) value {
	name := strings.TrimPrefix(module, "node:")
	if !a.known.modules.has(name) {
		a.report(n, report.Operation{Kind: report.Unknown, Form: report.FormImport, Name: module, Reason: "only modules of Node that the tables know may be loaded"})
		return of(hot)
	}
	a.report(n, report.Operation{Kind: report.Import, Form: report.FormImport, Name: name})
	return value{names: []string{a.known.canonical(name)}}
}

// moduleStatement evaluates import and export declarations.
func (a *analysis) moduleStatement(n *syntax.Node, s *scope) {
	switch n.Kind {
	case syntax.Import:
		module := a.load(n, n.Text)
		for _, x := range n.List {
			v := module
			if len(v.names) > 0 && x.Text != "*" && x.Text != "default" {
				v = a.nameMember(x, x, v.names[0], x.Text)
			}
			a.assignName(x.Left, s, v)
		}
	case syntax.ImportEquals:
		a.assignName(n.Left, s, a.look(n.Right, s))
	case syntax.Export:
		a.export(n, s)
	}
}

func (a *analysis) export(n *syntax.Node, s *scope) {
	if n.Has(syntax.Star) {
		a.consume(n, a.load(n, n.Text))
		return
	}
	for _, x := range n.List {
		if v := s.lookup(x.Left.Text); v != nil {
			a.consume(x, v.value)
		}
	}
	switch x := n.Left; {
	case x == nil:
	case x.Kind == syntax.Var, x.Has(syntax.Declaration), x.Kind == syntax.Enum, x.Kind == syntax.Namespace, x.Kind == syntax.ImportEquals:
		a.statement(x, s)
	default:
		a.eval(x, s)
	}
}

// importCall evaluates import(x).
func (a *analysis) importCall(n *syntax.Node, s *scope) value {
	if len(n.List) >= 1 {
		for _, x := range n.List {
			a.eval(x, s)
		}
		if f := a.foldSole(n.List[0], s); f.Known == report.Literal {
			return a.load(n, f.Value)
		}
	}
	a.report(n, report.Operation{Kind: report.Dynamic, Form: report.FormImport, Name: "import", Reason: "which module is loaded is only known at run time"})
	return of(hot)
}

// require evaluates require(x).
func (a *analysis) require(n *syntax.Node, list []*syntax.Node, s *scope) value {
	for _, x := range list {
		a.eval(x, s)
	}
	if len(list) > 0 {
		if f := a.foldSole(list[0], s); f.Known == report.Literal {
			return a.load(n, f.Value)
		}
	}
	a.report(n, report.Operation{Kind: report.Dynamic, Form: report.FormImport, Name: "require", Reason: "which module is loaded is only known at run time"})
	return of(hot)
}
