// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// fold gives the text of an expression as far as it is known before the code runs.
func (a *analysis) fold(n *syntax.Node, s *scope) report.Fact {
	if a.steps++; a.steps > maxSteps {
		return unknownFact // a = b + b; b = c + c; … doubles the work with each name
	}
	switch n.Kind {
	case syntax.String:
		if n.Has(syntax.Lossy) {
			return unknownFact
		}
		return literal(n.Text)
	case syntax.Template:
		return a.foldTemplate(n, s)
	case syntax.Binary:
		if n.Text == "+" {
			return a.foldSum(n, s)
		}
	case syntax.Ident:
		return a.foldName(n, s)
	case syntax.Member:
		if n.Text == "sep" && a.isName(n, s, "path.sep") {
			return literal("/")
		}
		return a.foldProperty(n, s)
	case syntax.Call:
		return a.foldCall(n, s)
	}
	return unknownFact
}

// foldSole folds what has the same text in every call of the function around it.
func (a *analysis) foldSole(n *syntax.Node, s *scope) report.Fact {
	chosen, choice := a.chosen, a.choice
	a.chosen, a.choice = nil, 0
	f := a.fold(n, s)
	if a.chosen != nil {
		f = unknownFact
	}
	a.chosen, a.choice = chosen, choice
	return f
}

// maxFolded bounds the text that is put together, in bytes: longer than any path.
const maxFolded = 8192

// join appends a fact to one that is known from its start.
func join(x, y report.Fact) report.Fact {
	switch {
	case len(x.Value)+len(y.Value) > maxFolded:
		return unknownFact
	case x.Known == report.Prefix:
		return x
	case x.Known != report.Literal:
		return unknownFact
	case y.Known == report.Literal || y.Known == report.Prefix:
		return report.Fact{Known: y.Known, Value: x.Value + y.Value}
	}
	return report.Fact{Known: report.Prefix, Value: x.Value}
}

func (a *analysis) foldTemplate(n *syntax.Node, s *scope) report.Fact {
	if n.Has(syntax.Lossy) {
		return unknownFact
	}
	out := literal(n.Strings[0])
	for i, x := range n.List {
		out = join(join(out, a.fold(x, s)), literal(n.Strings[i+1]))
	}
	return out
}

// foldSum adds texts: one side must be known to be one, or the sum may be a number.
func (a *analysis) foldSum(n *syntax.Node, s *scope) report.Fact {
	x := a.fold(n.Left, s)
	if x.Known != report.Literal && x.Known != report.Prefix {
		return unknownFact
	}
	return join(x, a.fold(n.Right, s))
}

// foldName folds a variable that is bound once.
func (a *analysis) foldName(n *syntax.Node, s *scope) report.Fact {
	v := s.lookup(n.Text)
	if v != nil && v.owner != nil {
		return a.foldParameter(v)
	}
	if v == nil || v.initial == nil || v.bindings != 1 || v.folding || v.hoistedGlobal(a.known) || a.isStored(v) {
		return unknownFact
	}
	v.folding = true
	defer func() { v.folding = false }()
	return a.fold(v.initial, v.scope)
}

// maxSites bounds how many calls of a function are followed to a path.
const maxSites = 32

// foldParameter folds a parameter of a function whose calls are all known. Where
// there are several, the caller looks at one after the other.
func (a *analysis) foldParameter(v *variable) report.Fact {
	f := v.owner
	if f.escapes || f.extra != 0 || f.method != "" || v.bindings != 1 || v.folding || a.usesArguments || len(f.sites) == 0 || len(f.sites) > maxSites || f.node.Has(syntax.Method) {
		return unknownFact
	}
	if len(f.sites) > 1 {
		if a.chosen != nil && a.chosen != f {
			return unknownFact
		}
		a.chosen = f
	}
	call := f.sites[a.choice%len(f.sites)]
	if v.position >= len(call.list) {
		return unknownFact
	}
	for _, x := range call.list[:v.position+1] {
		if x.Kind == syntax.Spread {
			return unknownFact
		}
	}
	v.folding = true
	defer func() { v.folding = false }()
	return a.fold(call.list[v.position], call.scope)
}

// foldProperty folds x.name where x is bound once to an object literal, and nothing
// in the code stores under that name, or under a key made at run time.
func (a *analysis) foldProperty(n *syntax.Node, s *scope) report.Fact {
	if n.Left.Kind != syntax.Ident {
		return unknownFact
	}
	v := s.lookup(n.Left.Text)
	if v == nil || v.bindings != 1 || v.initial == nil || a.isStored(v) || v.folding || v.initial.Kind != syntax.Object || a.mutable[n.Text] != 1 {
		return unknownFact
	}
	if a.mentions[n.Left.Text] != a.bases[n.Left.Text] {
		return unknownFact
	}
	for _, p := range v.initial.List {
		if p.Kind != syntax.Property || p.Has(syntax.Computed) || p.Has(syntax.Method) || p.Text != "" || p.Right.Kind == syntax.Function {
			return unknownFact
		}
	}
	for _, p := range v.initial.List {
		if p.Left.Text == n.Text {
			v.folding = true
			defer func() { v.folding = false }()
			return a.fold(p.Right, v.scope)
		}
	}
	return unknownFact
}

// isName reports whether an expression can only be something of that dotted name.
func (a *analysis) isName(n *syntax.Node, s *scope, names ...string) bool {
	if !isNamePath(n) {
		return false
	}
	reporting := a.reporting
	a.reporting = false
	v := a.look(n, s)
	a.reporting = reporting
	if v.kinds != 0 || len(v.names) != 1 {
		return false
	}
	return slices.Contains(names, v.names[0])
}

// isNamePath recognises a, a.b, a.b.c and require('a').b, which are cheap to look at again.
func isNamePath(n *syntax.Node) bool {
	for range 3 {
		switch {
		case n.Kind == syntax.Ident:
			return true
		case n.Kind == syntax.Member:
			n = n.Left
		case n.Kind == syntax.Call && n.Left.Kind == syntax.Ident && len(n.List) == 1 && n.List[0].Kind == syntax.String:
			return n.Left.Text == "require"
		default:
			return false
		}
	}
	return false
}

func (a *analysis) foldCall(n *syntax.Node, s *scope) report.Fact {
	if n.Left.Kind != syntax.Member && n.Left.Kind != syntax.Ident {
		return unknownFact
	}
	switch {
	case a.isName(n.Left, s, "path.join"):
		return a.foldPath(n.List, s, false)
	case a.isName(n.Left, s, "path.resolve"):
		return a.foldPath(n.List, s, true)
	case a.isName(n.Left, s, "path.normalize") && len(n.List) == 1:
		return a.foldPath(n.List, s, false)
	case a.isName(n.Left, s, "process.cwd") && !a.moved:
		return literal(report.WorkingDirectory)
	case a.isName(n.Left, s, "os.tmpdir"):
		return literal("/tmp")
	}
	return unknownFact
}

// foldPath joins the arguments of path.join or path.resolve. Parts that go up
// stay in the path, for the judge of paths to see.
func (a *analysis) foldPath(list []*syntax.Node, s *scope, resolve bool) report.Fact {
	out := literal("")
	if resolve {
		if a.moved {
			return unknownFact
		}
		out = literal(report.WorkingDirectory)
	}
	for _, x := range list {
		if x.Kind == syntax.Spread {
			return unknownFact
		}
		f := a.fold(x, s)
		if f.Known != report.Literal {
			return unknownFact
		}
		if resolve && path.IsAbs(f.Value) {
			out = f
			continue
		}
		if out.Value != "" && f.Value != "" {
			out.Value += "/"
		}
		out.Value += f.Value
	}
	if strings.TrimSpace(out.Value) == "" {
		return literal(".")
	}
	return out
}
