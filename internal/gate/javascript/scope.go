// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
)

// variable is a name bound in a scope, with everything it may ever hold.
type variable struct {
	name     string
	value    value
	bindings int
	// constant is set when it is bound once, by const, and initial is its value.
	initial *syntax.Node
	scope   *scope
	// callable is the function or class it is bound to; only if bindings is 1 it is the only one.
	callable *callable
	// hoisted is set for var at the top level: where the code runs as a
	// script, the global of the same name shows through.
	hoisted bool
	// shared is set when the value is also a property: of the global object, for a script,
	// or of a namespace.
	shared bool
	// keyOf is the variable whose own keys it enumerates.
	keyOf *variable
	// folding guards against cycles.
	folding bool
	// owner is the function that it is a parameter of, and position where.
	owner    *callable
	position int
}

// site is a call that can only mean one function.
type site struct {
	node  *syntax.Node
	list  []*syntax.Node
	scope *scope
}

type scope struct {
	parent    *scope
	function  bool // a scope that var binds in
	variables map[string]*variable
}

func (s *scope) lookup(name string) *variable {
	for ; s != nil; s = s.parent {
		if v := s.variables[name]; v != nil {
			return v
		}
	}
	return nil
}

func (s *scope) bind(name string) *variable {
	v := s.variables[name]
	if v == nil {
		v = &variable{name: name, scope: s}
		s.variables[name] = v
	}
	v.bindings++
	return v
}

func (s *scope) functionScope() *scope {
	for !s.function {
		s = s.parent
	}
	return s
}

// callable is a function or class of the source.
type callable struct {
	node *syntax.Node
	// scope is what the parameters are bound in.
	scope *scope
	// arguments of the calls that are known to call it, by position; the last one collects the rest.
	arguments [8]kinds
	// extra is what every parameter may be besides.
	extra   kinds
	results kinds
	this    kinds
	// sites are the calls by its only name, if they are all.
	sites []site
	seen  map[*syntax.Node]bool
	// counter is the position, from 1, of a parameter that is a number.
	counter int
	// folds is set for the function of a reduce with an initial value, and
	// accumulator is what its first parameter may be.
	folds       bool
	accumulator kinds
	// escapes is set when it can be called by calls that do not name it.
	escapes bool
	// method is the name of the property that holds it.
	method string
	// inClass is set for members of classes.
	inClass bool
	// constructor is that of a class.
	constructor *callable
}

// binder finds what every scope binds.
type binder struct {
	scopes    map[*syntax.Node]*scope
	callables map[*syntax.Node]*callable
	methods   map[string][]*callable
	// accessors are the getters and setters by name; "" for those whose name is computed.
	accessors map[string][]*callable
	defined   set
	assigned  []assigned
	// namespace counts the namespaces around, and exporting is set in what they export.
	namespace int
	exporting bool
	// usesArguments is set when the code mentions arguments.
	usesArguments bool
	// mentions counts the uses of a name, and bases those that read a property of it.
	mentions, bases map[string]int
	// deletes is set when the code deletes a property by a key.
	deletes bool
	// mutable counts how often the code gives a value to a property of that name.
	mutable map[string]int
}

// assigned is an assignment to a name, which makes a global when nothing binds it.
type assigned struct {
	node  *syntax.Node
	scope *scope
}

func (b *binder) open(n *syntax.Node, parent *scope, isFunction bool) *scope {
	s := &scope{parent: parent, function: isFunction, variables: map[string]*variable{}}
	b.scopes[n] = s
	return s
}

func (b *binder) each(list []*syntax.Node, s *scope) {
	for _, n := range list {
		if n != nil {
			b.node(n, s)
		}
	}
}

func (b *binder) node(n *syntax.Node, s *scope) {
	switch n.Kind {
	case syntax.Function:
		b.function(n, s)
		return
	case syntax.Class:
		b.class(n, s)
		return
	case syntax.Block, syntax.Switch, syntax.For, syntax.ForIn, syntax.ForOf:
		s = b.open(n, s, false)
	case syntax.StaticInit:
		s = b.open(n, s, true)
	case syntax.Try:
		b.try(n, s)
		return
	case syntax.Var:
		for _, d := range n.List {
			b.declarator(n, d, s)
		}
		return
	case syntax.ImportName:
		s.bind(n.Left.Text)
		return
	case syntax.Export:
		b.exporting = b.namespace > 0
		defer func() { b.exporting = false }()
		if len(n.List) > 0 {
			if n.Text == "" {
				for _, x := range n.List {
					b.node(x.Left, s)
				}
			}
			return
		}
	case syntax.ImportEquals:
		s.bind(n.Left.Text)
		b.node(n.Right, s)
		return
	case syntax.Enum, syntax.Namespace:
		b.typescript(n, s)
		return
	case syntax.Assign, syntax.Update:
		b.target(n.Left, s)
		if n.Left.Kind == syntax.Member && n.Left.Left.Kind == syntax.Ident {
			b.mentions[n.Left.Left.Text]++ // a store is no read
		}
	case syntax.Property, syntax.Field:
		b.key(n)
	case syntax.Unary:
		b.deletes = b.deletes || n.Text == "delete" && n.Left.Kind == syntax.Index
	case syntax.Ident:
		b.usesArguments = b.usesArguments || n.Text == "arguments"
		b.mentions[n.Text]++
	case syntax.Member:
		if n.Left.Kind == syntax.Ident {
			b.bases[n.Left.Text]++
		}
	}
	if (n.Kind == syntax.ForIn || n.Kind == syntax.ForOf) && n.Left.Kind != syntax.Var {
		b.target(n.Left, s)
	}
	n.Children(func(c *syntax.Node) { b.node(c, s) })
	b.accessor(n)
}

// accessor notes a getter or setter.
func (b *binder) accessor(n *syntax.Node) {
	if n.Kind != syntax.Property && n.Kind != syntax.Field || n.Text == "" || n.Right == nil {
		return
	}
	name := n.Left.Text
	if n.Has(syntax.Computed) {
		name = ""
	}
	b.accessors[name] = append(b.accessors[name], b.callables[n.Right])
}

// key notes the names that the code gives to properties of its own.
func (b *binder) key(n *syntax.Node) {
	if n.Has(syntax.Computed) {
		return
	}
	b.defined.add(n.Left.Text)
	b.mutable[n.Left.Text]++
}

func (b *binder) declarator(n, d *syntax.Node, s *scope) {
	where := s
	if n.Text == "var" {
		where = s.functionScope()
	}
	b.pattern(d.Left, where, func(v *variable) {
		v.hoisted = v.hoisted || n.Text == "var" && where.parent == nil
		v.shared = v.shared || v.hoisted || b.exporting
	})
	if d.Left.Kind == syntax.Ident && d.Right != nil {
		v := where.variables[d.Left.Text]
		v.initial = d.Right
		if d.Right.Kind == syntax.Function || d.Right.Kind == syntax.Class {
			b.node(d.Right, s)
			v.callable = b.callables[d.Right]
			return
		}
	}
	b.defaults(d.Left, s)
	if d.Right != nil {
		b.node(d.Right, s)
	}
}

// pattern binds the names of a pattern.
func (b *binder) pattern(n *syntax.Node, s *scope, f func(*variable)) {
	switch n.Kind {
	case syntax.Ident:
		if v := s.bind(n.Text); f != nil {
			f(v)
		}
	case syntax.ArrayPattern, syntax.ObjectPattern:
		for _, x := range n.List {
			if x != nil {
				b.pattern(x, s, f)
			}
		}
	case syntax.Property:
		b.pattern(n.Right, s, f)
	case syntax.Default, syntax.Spread:
		b.pattern(n.Left, s, f)
	}
}

// defaults walks the expressions inside of a pattern.
func (b *binder) defaults(n *syntax.Node, s *scope) {
	switch n.Kind {
	case syntax.Ident:
	case syntax.Default:
		b.defaults(n.Left, s)
		b.node(n.Right, s)
	case syntax.Property:
		if n.Has(syntax.Computed) {
			b.node(n.Left, s)
		}
		b.defaults(n.Right, s)
	case syntax.ArrayPattern, syntax.ObjectPattern, syntax.Spread:
		n.Children(func(c *syntax.Node) { b.defaults(c, s) })
	default:
		b.node(n, s)
	}
}

// target notes what an assignment outside of a declaration binds.
func (b *binder) target(n *syntax.Node, s *scope) {
	switch n.Kind {
	case syntax.Ident:
		b.assigned = append(b.assigned, assigned{n, s})
	case syntax.Member:
		b.defined.add(n.Text)
		b.mutable[n.Text]++
	case syntax.ArrayPattern, syntax.ObjectPattern:
		for _, x := range n.List {
			if x != nil {
				b.target(x, s)
			}
		}
	case syntax.Property:
		b.target(n.Right, s)
	case syntax.Default, syntax.Spread:
		b.target(n.Left, s)
	}
}

func (b *binder) function(n *syntax.Node, s *scope) {
	f := &callable{node: n}
	b.callables[n] = f
	if n.Left != nil {
		if n.Has(syntax.Declaration) {
			b.declare(n.Left.Text, s, f)
		} else {
			s = b.open(n.Left, s, false)
			v := s.bind(n.Left.Text)
			v.callable = f
		}
	}
	inner := b.open(n, s, true)
	f.scope = inner
	for i, p := range n.Params {
		b.pattern(p, inner, nil)
		if p.Kind == syntax.Ident {
			inner.variables[p.Text].owner, inner.variables[p.Text].position = f, i
		}
	}
	for _, p := range n.Params {
		b.defaults(p, inner)
	}
	b.node(n.Body, inner)
}

// declare binds a function declaration; in a block also in the function around
// it, as sloppy code does (ECMAScript B.3.3).
func (b *binder) declare(name string, s *scope, f *callable) {
	v := s.bind(name)
	v.callable = f
	v.shared = v.shared || s.parent == nil || b.exporting
	if outer := s.functionScope(); outer != s {
		o := outer.bind(name)
		o.bindings++ // it never counts as the only one
		o.callable = f
		o.hoisted = o.hoisted || outer.parent == nil
		o.shared = o.shared || o.hoisted
	}
}

func (b *binder) class(n *syntax.Node, s *scope) {
	f := &callable{node: n}
	b.callables[n] = f
	if n.Left != nil {
		if n.Has(syntax.Declaration) {
			v := s.bind(n.Left.Text)
			v.callable = f
		}
		s = b.open(n.Left, s, false)
		s.bind(n.Left.Text).callable = f
	}
	s = b.open(n, s, true)
	b.each(n.Params, s)
	if n.Right != nil {
		b.node(n.Right, s)
	}
	for _, m := range n.List {
		b.node(m, s)
		if m.Kind == syntax.Field && m.Has(syntax.Method) && isConstructor(m) {
			f.constructor = b.callables[m.Right]
			for _, p := range m.Right.Params {
				if p.Has(syntax.Parameter) {
					b.defined.add(parameterName(p))
				}
			}
		}
	}
}

func isConstructor(m *syntax.Node) bool {
	return !m.Has(syntax.Static) && !m.Has(syntax.Computed) && m.Left.Text == "constructor" && m.Left.Kind == syntax.String
}

func parameterName(p *syntax.Node) string {
	if p.Kind == syntax.Default {
		p = p.Left
	}
	return p.Text
}

func (b *binder) try(n *syntax.Node, s *scope) {
	b.node(n.Body, s)
	if n.Right != nil {
		inner := b.open(n, s, false)
		if n.Left != nil {
			b.pattern(n.Left, inner, nil)
			b.defaults(n.Left, inner)
		}
		b.node(n.Right, inner)
	}
	if n.Third != nil {
		b.node(n.Third, s)
	}
}

func (b *binder) typescript(n *syntax.Node, s *scope) {
	if n.Kind == syntax.Enum || isInstantiated(n.Body) {
		s.bind(n.Left.Text).bindings++
	}
	inner := b.open(n, s, true)
	for _, m := range n.List {
		b.key(m)
		if !m.Has(syntax.Computed) {
			inner.bind(m.Left.Text)
		}
		if m.Right != nil {
			b.node(m.Right, inner)
		}
	}
	if n.Body != nil {
		b.namespace++
		b.node(n.Body, inner)
		b.namespace--
	}
}

// isInstantiated reports whether a namespace is there at run time. One that only
// declares types is not, and its name is that of a global:
// namespace fetch { interface X {} }; fetch("http://x")
func isInstantiated(body *syntax.Node) bool {
	return slices.ContainsFunc(body.List, func(n *syntax.Node) bool {
		return n != nil && n.Kind != syntax.Empty && n.Kind != syntax.ImportEquals && n.Kind != syntax.Enum && n.Kind != syntax.Namespace
	})
}
