// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

func (a *analysis) statements(list []*syntax.Node, s *scope) {
	for _, n := range list {
		a.statement(n, s)
	}
}

// block evaluates a block in the scope that it opens.
func (a *analysis) block(n *syntax.Node, _ *scope) { a.statements(n.List, a.scopes[n]) }

func (a *analysis) statement(n *syntax.Node, s *scope) {
	if n == nil {
		return
	}
	switch n.Kind {
	case syntax.Empty, syntax.Jump:
	case syntax.Block:
		a.block(n, s)
	case syntax.Expression:
		a.discard(n.Left, s)
	case syntax.Var:
		for _, d := range n.List {
			a.declare(d, s)
		}
	case syntax.Function:
		a.function(n, s, false)
		a.declareFunction(n, s)
	case syntax.Class:
		a.class(n, s)
	case syntax.Return:
		a.returns(a.eval(n.Left, s))
	case syntax.Throw:
		k := a.eval(n.Left, s)
		a.grow(&a.thrown, k)
		a.grow(&a.elements, k) // a promise that is rejected gives it to its handlers
	case syntax.If:
		a.eval(n.Left, s)
		a.statement(n.Right, s)
		a.statement(n.Third, s)
	case syntax.While, syntax.DoWhile:
		a.eval(n.Left, s)
		a.statement(n.Body, s)
	case syntax.For:
		a.forLoop(n)
	case syntax.ForIn, syntax.ForOf:
		a.forEach(n)
	case syntax.Labeled:
		a.statement(n.Body, s)
	case syntax.Try:
		a.try(n, s)
	case syntax.Switch:
		a.eval(n.Left, a.scopes[n])
		for _, c := range n.List {
			if c.Left != nil {
				a.eval(c.Left, a.scopes[n])
			}
			a.statements(c.List, a.scopes[n])
		}
	case syntax.Import, syntax.ImportEquals, syntax.Export:
		a.moduleStatement(n, s)
	case syntax.Enum:
		a.enum(n)
	case syntax.Namespace:
		a.namespace(n, s)
	}
}

// discard evaluates an expression whose value goes nowhere.
func (a *analysis) discard(n *syntax.Node, s *scope) {
	v := a.look(n, s)
	if n.Kind != syntax.Assign || n.Left.Kind != syntax.Ident {
		a.consume(n, v)
	}
}

func (a *analysis) declare(d *syntax.Node, s *scope) {
	if d.Right == nil {
		if d.Left.Kind == syntax.Ident {
			a.assignName(d.Left, s, of(primitive))
		}
		return
	}
	if f := a.callables[d.Right]; f != nil && d.Left.Kind == syntax.Ident {
		a.callableValue(d, s)
		return
	}
	a.assignTo(d.Left, s, a.look(d.Right, s), d.Right)
}

// callableValue gives a function or class a name, which alone is no escape.
func (a *analysis) callableValue(d *syntax.Node, s *scope) {
	f := a.callables[d.Right]
	escaped := f.escapes
	k := function
	if d.Right.Kind == syntax.Function {
		a.function(d.Right, s, false)
	} else {
		k = a.class(d.Right, s)
	}
	_ = escaped
	a.assignName(d.Left, s, of(k))
}

// declareFunction gives a function declaration its name.
func (a *analysis) declareFunction(n *syntax.Node, s *scope) {
	if n.Left == nil {
		return
	}
	a.assignName(n.Left, s, of(function))
	if outer := s.functionScope(); outer != s {
		a.assignName(n.Left, outer, of(function))
		a.callables[n].escape(a)
	}
	if v := s.lookup(n.Left.Text); v != nil && v.bindings != 1 {
		a.callables[n].escape(a)
	}
}

func (a *analysis) forLoop(n *syntax.Node) {
	s := a.scopes[n]
	if n.Left != nil {
		if n.Left.Kind == syntax.Var {
			a.statement(n.Left, s)
		} else {
			a.eval(n.Left, s)
		}
	}
	if n.Right != nil {
		a.eval(n.Right, s)
	}
	if n.Third != nil {
		a.eval(n.Third, s)
	}
	a.statement(n.Body, s)
}

// forEach evaluates for in and for of.
func (a *analysis) forEach(n *syntax.Node) {
	s := a.scopes[n]
	over := a.eval(n.Right, s)
	k := a.iterated(over)
	if n.Kind == syntax.ForIn {
		k = text
	}
	target := n.Left
	if target.Kind == syntax.Var {
		target = target.List[0].Left
	}
	if n.Left.Kind == syntax.Var && target.Kind == syntax.Ident {
		a.noteKeys(n, target, s)
	}
	a.assignTo(target, s, of(k), nil)
	a.statement(n.Body, s)
}

// noteKeys notes that a loop variable holds keys of one object: for (k in x), for (k of Object.keys(x)).
func (a *analysis) noteKeys(n, target *syntax.Node, s *scope) {
	list := n.Right
	if n.Kind == syntax.ForOf {
		list = keysOf(n.Right)
	}
	if v := s.lookup(target.Text); v != nil && list != nil && list.Kind == syntax.Ident {
		v.keyOf = s.lookup(list.Text)
	}
}

// keysOf gives x of Object.keys(x).
func keysOf(n *syntax.Node) *syntax.Node {
	if n.Kind == syntax.Call && len(n.List) == 1 && n.Left.Kind == syntax.Member && n.Left.Text == "keys" && n.Left.Left.Kind == syntax.Ident && n.Left.Left.Text == "Object" {
		return n.List[0]
	}
	return nil
}

func (a *analysis) try(n *syntax.Node, s *scope) {
	a.statement(n.Body, s)
	if n.Right != nil {
		inner := a.scopes[n]
		if n.Left != nil {
			a.assignTo(n.Left, inner, of(unknownData|a.thrown|a.elements), nil)
		}
		a.statement(n.Right, inner)
	}
	a.statement(n.Third, s)
}

// enum evaluates a TypeScript enum.
func (a *analysis) enum(n *syntax.Node) {
	s := a.scopes[n]
	for _, m := range n.List {
		k := primitive
		if m.Right != nil {
			k = a.eval(m.Right, s)
		}
		key := a.keyOf(m, s)
		if key.name == "" {
			a.storeUnknown(key, k|named)
			continue
		}
		a.checkName(m, key.name, report.FormStore)
		a.storeName(key.name, k)
		if v := s.variables[key.name]; v != nil {
			a.assignName(&syntax.Node{Kind: syntax.Ident, Text: key.name}, s, of(k))
		}
	}
	a.assignName(n.Left, s, of(data))
	if a.known.isGlobal(n.Left.Text) { // const enum fetch {} is erased
		a.unknown(n, n.Left.Text, report.FormStore, "an enum may be erased, and a global has the same name")
	}
}

// namespace evaluates a TypeScript namespace: what it exports are properties.
func (a *analysis) namespace(n *syntax.Node, s *scope) {
	if isInstantiated(n.Body) {
		a.assignName(n.Left, s, of(data))
	}
	a.block(n.Body, a.scopes[n])
	for name, v := range a.scopes[n.Body].variables {
		a.defined.add(name)
		a.storeName(name, v.value.kinds)
		if v.callable != nil {
			v.callable.escape(a)
		}
		if len(v.value.names) > 0 {
			a.storeName(name, a.consume(n, v.value))
		}
	}
}
