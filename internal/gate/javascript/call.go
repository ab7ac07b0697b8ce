// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// anyCall evaluates a call, a construction, a tagged template or an import().
func (a *analysis) anyCall(n *syntax.Node, s *scope) value {
	if n.Kind == syntax.ImportCall {
		return a.importCall(n, s)
	}
	list := n.List
	if n.Kind == syntax.Tagged {
		a.template(n.Right, s)
		list = append([]*syntax.Node{{Kind: syntax.Array, From: n.Right.From, To: n.Right.To}}, n.Right.List...) // its strings come first
	}
	switch f := n.Left; f.Kind {
	case syntax.Member:
		if _, ok := a.idiom(f, s); !ok {
			return a.methodCall(n, f, f.Text, list, s)
		}
	case syntax.Index:
		if k := a.foldSole(f.Right, s); k.Known == report.Literal {
			a.eval(f.Right, s)
			return a.methodCall(n, f, k.Value, list, s)
		}
	case syntax.Function, syntax.Class:
		return a.callInline(n, f, list, s)
	case syntax.Ident:
		if v, ok := a.callKnown(n, f, list, s); ok {
			return v
		}
	}
	if n.Left.Kind == syntax.Index {
		v, receiver := a.indexOf(n.Left, s)
		if f := n.Left.Left; f.Kind == syntax.Ident && f.Text == "console" && s.lookup("console") == nil {
			v.kinds &^= handle // console[level](…) gives no stream
		}
		return a.callValue(n, v, receiver, list, s)
	}
	return a.callValue(n, a.look(n.Left, s), 0, list, s)
}

// callKnown calls a function or class of the source by its only name.
func (a *analysis) callKnown(n, f *syntax.Node, list []*syntax.Node, s *scope) (value, bool) {
	v := s.lookup(f.Text)
	if v == nil || v.callable == nil || v.bindings != 1 || a.isStored(v) || v.hoistedGlobal(a.known) {
		return value{}, false
	}
	return of(a.callFunction(n, v.callable, list, s)), true
}

func (a *analysis) callInline(n, f *syntax.Node, list []*syntax.Node, s *scope) value {
	if f.Kind == syntax.Function {
		a.function(f, s, false)
	} else {
		a.class(f, s)
	}
	return of(a.callFunction(n, a.callables[f], list, s))
}

// callFunction passes arguments to the one function that a call can mean.
func (a *analysis) callFunction(n *syntax.Node, f *callable, list []*syntax.Node, s *scope) kinds {
	args := a.evalArguments(list, s)
	target := f
	if f.node.Kind == syntax.Class {
		target = f.constructor
		if target == nil {
			a.grow(&a.arguments, args.all)
			a.grow(&a.elements, args.all)
			return made(f) | args.all&(hot|handle)
		}
	}
	a.give(target, args)
	a.noteCall(target, site{n, list, s})
	if n.Kind == syntax.New && f.node.Kind == syntax.Class {
		return made(f) | target.results | primitive
	}
	if n.Kind == syntax.New {
		return data | target.results&callers | primitive
	}
	k := target.results | primitive
	if target.node.Has(syntax.Generator) || target.node.Has(syntax.Async) {
		a.grow(&a.elements, target.results)
		k = data | target.results
	}
	return k
}

// noteCall notes a call that can only mean f.
func (a *analysis) noteCall(f *callable, at site) {
	if f.seen == nil {
		f.seen = map[*syntax.Node]bool{}
	}
	if !f.seen[at.node] {
		f.seen[at.node], a.changed = true, true
		f.sites = append(f.sites, at)
	}
}

// made gives the kinds of the instances of a class: a parent may give any object for this.
func made(f *callable) kinds {
	if f.node.Right != nil {
		return instance | data
	}
	return instance
}

// passed are the kinds of the arguments of a call.
type passed struct {
	each   []kinds
	all    kinds
	spread bool
}

func (a *analysis) evalArguments(list []*syntax.Node, s *scope) passed {
	var p passed
	for _, x := range list {
		k := a.eval(x, s)
		p.spread = p.spread || x.Kind == syntax.Spread
		p.each = append(p.each, k)
		p.all |= k
	}
	return p
}

func (a *analysis) give(f *callable, args passed) {
	last := len(f.arguments) - 1
	for i, k := range args.each {
		if args.spread {
			k = args.all
			for j := range f.arguments {
				a.grow(&f.arguments[j], k)
			}
		}
		a.grow(&f.arguments[min(i, last)], k)
	}
	if a.usesArguments {
		a.grow(&a.elements, args.all)
	}
}

// methodCall calls base.name(…).
func (a *analysis) methodCall(n, f *syntax.Node, name string, list []*syntax.Node, s *scope) value {
	base := a.look(f.Left, s)
	if f.Left.Kind == syntax.Super {
		base = of(data | a.self.kinds&^global)
	}
	var out value
	for _, full := range base.names {
		next, k := a.step(f.Left, full, name)
		base.kinds |= k
		if next != "" {
			out = a.union(out, a.callName(n, next, list, s))
		}
	}
	if base.kinds == 0 {
		return out
	}
	out.kinds |= a.callMethod(n, name, base.kinds, list, s)
	return out
}

// callMethod calls a method of a value that has no dotted name.
func (a *analysis) callMethod(n *syntax.Node, name string, base kinds, list []*syntax.Node, s *scope) kinds {
	m, known := a.known.methods[name]
	if base&^(instance|primitive) == 0 && len(a.methods[name]) > 0 && !a.keyedInstances {
		known = false // a method of the code's own, whatever its name
	}
	own := a.defined.has(name) || strings.HasPrefix(name, "#")
	read := a.methods[name]
	callee := a.propertyValue(n, base, name)
	switch {
	case name == "call" || name == "apply" || name == "bind":
		return a.callThrough(n, name, base, list, s)
	case a.isSensitive(name):
	case !known && !own && a.dynamic.has(function) && !base.has(callers):
		a.report(n, report.Operation{Kind: report.Compute, Form: report.FormCall, Name: "." + name})
		own = true
	case !known && !own:
		a.unknown(n, "."+name, report.FormCall, "the code calls a method that neither it nor the language defines")
	case base.has(handle) && !known:
	case known:
		a.report(n, report.Operation{Kind: report.Compute, Form: report.FormCall, Name: "." + name})
	}
	if callee.has(hot) && !own {
		callee &^= hot // reading a known method gives that method
		callee |= base & hot & a.read(name)
	}
	receiver := base
	if known && !own && name != "valueOf" && !a.polluted && !a.dynamic.has(function) {
		receiver &^= builtin // functions of the language have none of these methods
	}
	args := a.callbackArguments(list, s, receiver, a.callbackOf(name, base, known && !own && (m.callback || m.result == primitive)))
	for _, g := range read {
		a.give(g, args)
		a.grow(&g.this, base)
	}
	if callee.has(hot) {
		a.unknown(n, "."+name, report.FormCall, "the function may be one that compiles text, reached by a key made at run time")
	}
	out := callee & keyed
	if out != 0 {
		out |= hot
	}
	for _, g := range read {
		out |= g.results
		if g.node.Has(syntax.Async) || g.node.Has(syntax.Generator) {
			out |= data
			a.grow(&a.elements, g.results)
		}
	}
	property := a.readOf(base, name)
	if property.has(callers) || len(read) == 0 && own {
		a.grow(&a.arguments, args.all)
		a.grow(&a.this, base)
		out |= a.results | primitive
		if property.has(builtin) {
			a.grow(&a.elements, args.all)
			out |= args.all | unknownData | a.elements | builtin
		}
	}
	if known {
		out |= a.builtinCall(n, m, receiver, args)
	}
	return out | primitive
}

// builtinCall is what a method of the language does with its arguments.
func (a *analysis) builtinCall(n *syntax.Node, m method, base kinds, args passed) kinds {
	keep := args.all
	if keep.has(keyed) {
		keep |= hot
	}
	if m.callback {
		keep &^= function
	}
	if args.all.has(hot) && m.callback {
		a.unknown(n, "[]", report.FormCall, "a value that a key made at run time may have reached is passed to a function that may call it")
	}
	switch {
	case m.result&^primitive == 0:
		return primitive
	case m.result&^(primitive|text) == 0:
		return text | primitive
	}
	a.grow(&a.elements, keep)
	a.grow(&a.elements, a.results)
	return m.result | keep | base | a.elements | a.results
}

// callback says how a known function calls the function literals that it is given.
type callback struct {
	direct  bool
	counter int // the position, from 1, of the parameter that is a number
	folds   bool
	every   bool  // all function literals are called, and not only the first
	self    kinds // what this may be
}

// counters gives the position of the index among the parameters of a callback. The
// forEach of maps has keys there instead.
var counters = map[string]int{
	"map": 2, "filter": 2, "find": 2, "findLast": 2, "findIndex": 2, "findLastIndex": 2, "flatMap": 2, "some": 2, "every": 2, "reduce": 3, "reduceRight": 3, "Array.from": 2,
}

func (a *analysis) callbackOf(name string, base kinds, direct bool) callback {
	counter := 2
	if a.dynamic.has(function) {
		counter = 0 // a method of the code's own may be stored under the name
	}
	if name == "forEach" && !a.hasMaps && !base.has(handle) {
		return callback{direct: direct, counter: counter, self: base}
	}
	if counter > 0 {
		counter = counters[name]
	}
	return callback{direct, counter, name == "reduce" || name == "reduceRight", name == "then", base}
}

// callbackArguments evaluates arguments; a function literal that is given to a
// method of the language is called with elements only.
func (a *analysis) callbackArguments(list []*syntax.Node, s *scope, base kinds, c callback) passed {
	var p passed
	if c.direct && c.folds && len(list) == 2 && list[0].Kind == syntax.Function && list[1].Kind != syntax.Spread {
		f := a.callables[list[0]]
		f.folds = true
		a.grow(&f.accumulator, a.eval(list[1], s)|f.results)
	}
	var calls []*callable
	for _, x := range list {
		var k kinds
		if c.direct && x.Kind == syntax.Function && (len(calls) == 0 || c.every) {
			f := a.callables[x]
			f.counter = c.counter
			a.grow(&f.extra, unknownData|a.elements|base)
			a.function(x, s, false)
			a.grow(&a.elements, f.results)
			calls = append(calls, f)
			p.each = append(p.each, function)
			continue // the method calls it, and does not keep it
		}
		k = a.eval(x, s)
		p.spread = p.spread || x.Kind == syntax.Spread
		p.each = append(p.each, k)
		p.all |= k
	}
	for _, f := range calls { // what it is called with, and its this, may be arguments, too
		a.grow(&f.extra, p.all)
		a.grow(&f.this, p.all|c.self)
	}
	if p.all.has(function) {
		a.grow(&a.this, c.self&handle)
	}
	return p
}

// callThrough is f.call(this, …), f.apply(this, […]) and f.bind(this, …).
func (a *analysis) callThrough(n *syntax.Node, name string, base kinds, list []*syntax.Node, s *scope) kinds {
	a.report(n, report.Operation{Kind: report.Compute, Form: report.FormCall, Name: "." + name})
	args := a.evalArguments(list, s)
	a.grow(&a.this, args.all|base)
	a.grow(&a.arguments, args.all|a.elements)
	a.escapeMethods()
	if base.has(hot) {
		a.unknown(n, "."+name, report.FormCall, "the function may be one that compiles text, reached by a key made at run time")
	}
	if args.all.has(hot) {
		a.unknown(n, "."+name, report.FormCall, "a value that a key made at run time may have reached is passed to a function that may call it")
	}
	a.grow(&a.elements, args.all)
	out := base | args.all | a.elements | a.results | a.read(name) | unknownData
	if out.has(keyed) {
		out |= hot
	}
	return out
}

// escapeMethods lets every method be called by unknown calls.
func (a *analysis) escapeMethods() {
	if !a.allRead {
		a.allRead, a.changed = true, true
	}
}

// callValue calls a value that came from anywhere.
func (a *analysis) callValue(n *syntax.Node, v value, recv kinds, list []*syntax.Node, s *scope) value {
	var out value
	for _, name := range v.names {
		out = a.union(out, a.callName(n, name, list, s))
	}
	if v.kinds == 0 {
		return out
	}
	args := a.evalArguments(list, s)
	if v.kinds.has(hot) {
		a.unknown(n, "[]", report.FormCall, "the function may be one that compiles text, reached by a key made at run time")
	}
	a.grow(&a.arguments, args.all)
	a.grow(&a.this, recv)
	out.kinds |= a.results | unknownData | v.kinds&handle
	if v.kinds.has(keyed) {
		out.kinds |= hot
	}
	if v.kinds.has(builtin) {
		if args.all.has(hot) {
			a.unknown(n, "[]", report.FormCall, "a value that a key made at run time may have reached is passed to a function that may call it")
		}
		a.grow(&a.elements, args.all|a.results)
		out.kinds |= args.all | recv | a.elements | builtin // __lookupGetter__ gives one
	}
	return out
}
