// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// escape notes that a function is used as a value, so that any call may call it.
func (f *callable) escape(a *analysis) {
	if !f.escapes {
		f.escapes, a.changed = true, true
	}
	if f.constructor != nil {
		f.constructor.escape(a)
	}
}

// prepare names the methods of classes and objects before the first pass.
func (a *analysis) prepare() {
	for n, s := range a.scopes {
		_ = s
		if n.Kind != syntax.Class {
			continue
		}
		for _, m := range n.List {
			if m.Kind == syntax.Field && !m.Has(syntax.Computed) && m.Right != nil && m.Right.Kind == syntax.Function && m.Text == "" && !isConstructor(m) {
				a.addMethod(m.Left.Text, a.callables[m.Right])
			}
		}
	}
}

// prepareHooks lets the language call methods with the names of hooks.
func (a *analysis) prepareHooks() {
	for name := range hooks {
		a.readMethods.add(name)
	}
	if a.defined.has("then") {
		a.native()
	}
}

func (a *analysis) addMethod(name string, f *callable) {
	if f.method == "" && !slices.Contains(a.methods[name], f) {
		f.method = name
		a.methods[name] = append(a.methods[name], f)
	}
}

// function evaluates a function where it stands. escapes is set when its value goes anywhere.
func (a *analysis) function(n *syntax.Node, s *scope, escapes bool) kinds {
	f := a.callables[n]
	if escapes {
		f.escape(a)
	}
	a.functionBody(f, s)
	return function
}

// functionBody evaluates parameters and body of a function.
func (a *analysis) functionBody(f *callable, _ *scope) {
	n := f.node
	outer, self, inFunction := a.fn, a.self, a.inFunction
	a.fn = f
	if !n.Has(syntax.Arrow) {
		a.self = of(a.receiver(f))
		a.inFunction = true
	}
	extra := f.extra
	if f.escapes || f.method != "" && (a.allRead || a.readMethods.has(f.method)) {
		extra |= unknownData | a.arguments | a.elements
	}
	if a.usesArguments {
		extra |= a.elements // arguments[0] = x sets the first parameter
	}
	for i, p := range n.Params {
		k := f.arguments[min(i, len(f.arguments)-1)] | extra | primitive
		if f.counter == i+1 && !f.escapes && p.Kind == syntax.Ident {
			k = primitive
		}
		if f.folds && i == 0 && !f.escapes && p.Kind != syntax.Spread {
			k = f.accumulator
		}
		if p.Kind == syntax.Spread {
			for j := i; j < len(f.arguments); j++ {
				a.grow(&a.elements, f.arguments[min(j, len(f.arguments)-1)])
			}
			a.grow(&a.elements, extra)
			a.assignTo(p.Left, f.scope, of(data), nil)
			continue
		}
		a.assignTo(p, f.scope, of(k), nil)
		if p.Has(syntax.Parameter) {
			if p.Kind == syntax.Default {
				v := a.look(p.Right, f.scope)
				k |= v.kinds | a.consume(p.Right, v)
			}
			a.storeName(parameterName(p), k)
		}
	}
	if n.Body.Kind == syntax.Block {
		a.block(n.Body, f.scope)
	} else {
		a.returns(a.eval(n.Body, f.scope))
	}
	a.fn, a.self, a.inFunction = outer, self, inFunction
}

// returns adds to what the current function gives.
func (a *analysis) returns(k kinds) {
	if a.fn == nil {
		return
	}
	a.grow(&a.fn.results, k)
	a.grow(&a.results, k)
	if a.fn.node.Has(syntax.Async) || a.fn.node.Has(syntax.Generator) {
		a.grow(&a.elements, k)
	}
}

// receiver gives what this may be in a function. Sloppy code that is called
// without a receiver gets the global object.
func (a *analysis) receiver(f *callable) kinds {
	k := f.this
	if f.method == "" && !f.inClass {
		k |= data
	}
	if f.escapes || f.method == "" || a.allRead || a.readMethods.has(f.method) {
		k |= a.this | a.receivers
	}
	if !f.node.Has(syntax.Strict) && !a.strict {
		k |= global
	}
	return k
}

// class evaluates a class where it stands.
func (a *analysis) class(n *syntax.Node, outer *scope) kinds {
	f := a.callables[n]
	s := a.scopes[n]
	if !n.Has(syntax.Declaration) {
		f.escape(a)
	}
	for _, d := range n.Params {
		a.decorator(d, s)
		f.escape(a)
	}
	k := function
	if n.Right != nil {
		k |= a.extends(n, f, outer) | data
	}
	for _, m := range n.List {
		a.classMember(m, k, s)
	}
	return k
}

// extends evaluates the parent of a class.
func (a *analysis) extends(n *syntax.Node, f *callable, s *scope) kinds {
	f.escape(a)
	v := a.look(n.Right, s)
	for _, name := range v.names {
		if !strings.HasSuffix(name, "Error") {
			a.native() // the constructor of Promise and the methods of streams are called by Node, with functions
			a.escapeMethods()
		}
	}
	for _, name := range v.names {
		v.kinds |= a.use(use{name: name, node: n.Right, form: report.FormReference})
	}
	if v.kinds.has(hot | global | keyed) {
		a.unknown(n.Right, "extends", report.FormReference, "the class may be one that compiles text, reached by a key made at run time")
	}
	return v.kinds & (hot | handle)
}

func (a *analysis) classMember(m *syntax.Node, class kinds, s *scope) {
	outer, self := a.fn, a.self
	defer func() { a.fn, a.self = outer, self }()
	for _, d := range m.Params {
		a.decorator(d, s)
	}
	a.self = of(instance | class&(handle|data))
	if m.Has(syntax.Static) {
		a.self = of(class | data)
	}
	if m.Kind == syntax.StaticInit {
		a.fn = nil
		a.statements([]*syntax.Node{m.Body}, a.scopes[m])
		return
	}
	if m.Has(syntax.Method) {
		f := a.callables[m.Right]
		f.inClass = true
		a.grow(&f.this, a.self.kinds)
		if isConstructor(m) {
			a.functionBody(f, s)
			return
		}
		if m.Text != "" || m.Has(syntax.Computed) {
			f.escape(a)
		}
		a.functionBody(f, s)
	}
	if !m.Has(syntax.Computed) {
		if name := m.Left.Text; m.Left.Kind != syntax.PrivateName {
			a.checkName(m, name, report.FormStore)
		}
	}
	k := a.keyOf(m, s)
	if k.name == "" {
		a.keyInstances()
	}
	v := function
	switch {
	case m.Text == "get":
		v = a.callables[m.Right].results | primitive
	case m.Text == "set":
		v = primitive
		a.grow(&a.arguments, *a.state.property(k.name))
	case !m.Has(syntax.Method):
		v = a.fieldValue(m, s)
	}
	if k.name == "" {
		a.storeUnknown(k, v)
		return
	}
	if m.Has(syntax.Computed) {
		a.checkName(m, k.name, report.FormStore)
	}
	if m.Has(syntax.Method) && m.Text == "" {
		if k.name[0] >= '0' && k.name[0] <= '9' {
			a.grow(&a.elements, function)
		}
		return // its calls are known by name
	}
	a.storeName(k.name, v)
}

func (a *analysis) fieldValue(m *syntax.Node, s *scope) kinds {
	a.fn = nil
	if m.Right == nil {
		return primitive
	}
	if m.Right.Kind == syntax.Function && !m.Has(syntax.Computed) {
		a.function(m.Right, s, false)
		return function
	}
	return a.eval(m.Right, s)
}

// decorator evaluates a decorator. What it is given, and what its result replaces,
// depends on the compiler and its settings.
func (a *analysis) decorator(d *syntax.Node, s *scope) {
	a.eval(d, s)
	a.unknown(d, "@", report.FormCall, "a decorator may replace what it decorates")
}
