// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// eval gives what an expression may be where its value goes anywhere: names of
// modules and effects do not survive that, so they are reported here.
func (a *analysis) eval(n *syntax.Node, s *scope) kinds {
	if n == nil {
		return primitive
	}
	v := a.look(n, s)
	return v.kinds | a.consume(n, v)
}

// consume reports the dotted names of a value that is used as a value.
func (a *analysis) consume(n *syntax.Node, v value) kinds {
	var k kinds
	for _, name := range v.names {
		k |= a.use(use{name: name, node: n, form: report.FormReference})
	}
	return k
}

// look gives what an expression may be, and leaves its dotted names to the caller.
//

func (a *analysis) look(n *syntax.Node, s *scope) value {
	if a.steps++; a.steps > maxSteps {
		return value{} // the report is marked as incomplete
	}
	switch n.Kind {
	case syntax.Ident:
		return a.identifier(n, s)
	case syntax.String:
		if a.isSensitive(n.Text) || n.Has(syntax.Lossy) {
			return of(text)
		}
		return of(named)
	case syntax.Template:
		return of(a.template(n, s))
	case syntax.Number, syntax.Literal:
		return of(primitive)
	case syntax.RegExp:
		return of(data)
	case syntax.This:
		return a.thisValue()
	case syntax.Super:
		return of(data | function)
	case syntax.Meta:
		if n.Text == "new.target" {
			return of(primitive | function)
		}
		return of(data | handle)
	case syntax.Function:
		return of(a.function(n, s, true))
	case syntax.Class:
		return of(a.class(n, s))
	case syntax.Array:
		return of(a.array(n, s))
	case syntax.Object:
		return of(a.object(n, s))
	case syntax.Member:
		return a.member(n, s)
	case syntax.Index:
		return a.index(n, s)
	case syntax.Call, syntax.New, syntax.Tagged, syntax.ImportCall:
		return a.anyCall(n, s)
	case syntax.Unary, syntax.Update, syntax.Binary:
		return a.operator(n, s)
	case syntax.Assign:
		return a.assign(n, s)
	case syntax.Conditional:
		a.eval(n.Left, s)
		return a.union(a.look(n.Right, s), a.look(n.Third, s))
	case syntax.Sequence:
		for _, x := range n.List[:len(n.List)-1] {
			a.eval(x, s)
		}
		return a.look(n.List[len(n.List)-1], s)
	case syntax.Spread:
		k := a.eval(n.Left, s)
		return of(a.iterated(k))
	case syntax.Yield:
		if n.Left != nil {
			a.grow(&a.elements, a.eval(n.Left, s))
		}
		return of(unknownData | a.elements)
	case syntax.Await:
		v := a.look(n.Left, s)
		v.kinds |= unknownData | a.elements
		return v
	}
	return of(primitive)
}

// template evaluates a template that has no tag.
func (a *analysis) template(n *syntax.Node, s *scope) kinds {
	k := named
	for _, x := range n.List {
		a.eval(x, s)
		k = text
	}
	if k == named && (a.isSensitive(n.Strings[0]) || n.Has(syntax.Lossy)) {
		return text
	}
	return k
}

func (a *analysis) identifier(n *syntax.Node, s *scope) value {
	v := s.lookup(n.Text)
	if v == nil {
		return a.globalName(n.Text)
	}
	out := v.value
	if v.hoisted && a.known.isGlobal(n.Text) {
		out = a.union(out, a.globalName(n.Text))
	}
	if a.isStored(v) {
		out.kinds |= *a.state.property(v.name) | a.dynamic
	}
	if f := v.callable; f != nil {
		f.escape(a)
		out.kinds |= function
	}
	return out
}

// isStored reports whether code may set a variable through the object that it is a
// property of, as this.x = … does for the variables of a script.
func (a *analysis) isStored(v *variable) bool {
	if v.shared && v.scope.parent != nil {
		return a.mutable[v.name] > 0 || a.dynamic != 0
	}
	return v.shared && (a.storesGlobal && a.mutable[v.name] > 0 || a.keyedGlobal)
}

func (a *analysis) globalName(name string) value {
	if name == "arguments" && a.inFunction {
		return of(data)
	}
	return value{names: []string{a.known.canonical(name)}}
}

func (a *analysis) thisValue() value {
	return a.self
}

func (a *analysis) array(n *syntax.Node, s *scope) kinds {
	for _, x := range n.List {
		if x != nil {
			a.grow(&a.elements, a.eval(x, s))
		}
	}
	return data
}

// iterated gives what the elements of an iterable may be.
func (a *analysis) iterated(k kinds) kinds {
	return unknownData | a.elements | k&(hot|global)
}

// object evaluates an object literal.
func (a *analysis) object(n *syntax.Node, s *scope) kinds {
	k := data
	for _, p := range n.List {
		if p.Kind == syntax.Spread {
			k |= a.eval(p.Left, s) & (hot | global) // own properties only: the prototype stays behind
			continue
		}
		a.property(p, s)
	}
	return k
}

// property evaluates a property of an object literal.
func (a *analysis) property(p *syntax.Node, s *scope) {
	if !p.Has(syntax.Computed) {
		name := p.Left.Text
		if name == "__proto__" && p.Left.Kind == syntax.String && !p.Has(syntax.Shorthand) && p.Right.Kind == syntax.Literal && p.Right.Text == "null" {
			return
		}
		a.checkName(p, name, report.FormStore)
	}
	a.store(p, s, a.keyOf(p, s), func() kinds { return a.member2(p, s) })
}

// member2 evaluates the value of a property or class member.
func (a *analysis) member2(p *syntax.Node, s *scope) kinds {
	if p.Right == nil {
		return primitive
	}
	if p.Text == "" {
		return a.eval(p.Right, s)
	}
	a.eval(p.Right, s)
	f := a.callables[p.Right]
	if f != nil && p.Text == "get" {
		return f.results
	}
	return primitive
}

// key is what a property is called.
type key struct {
	name  string // "" when it is not known
	kinds kinds
}

// dangerous reports whether the key may be one that reaches a constructor.
func (k key) dangerous() bool { return k.name == "" && k.kinds.has(^(primitive | named)) }

// keyOf gives the key of a property or class member.
func (a *analysis) keyOf(p *syntax.Node, s *scope) key {
	if !p.Has(syntax.Computed) {
		return key{p.Left.Text, named}
	}
	return a.key(p.Left, s)
}

// key evaluates an expression in brackets.
func (a *analysis) key(n *syntax.Node, s *scope) key {
	k := a.eval(n, s)
	if f := a.foldSole(n, s); f.Known == report.Literal {
		return key{f.Value, named}
	}
	return key{"", k}
}

// store records a value under a key of an object that the code makes.
func (a *analysis) store(p *syntax.Node, _ *scope, k key, eval func() kinds) {
	v := eval()
	if k.name == "" {
		a.storeUnknown(k, v)
		return
	}
	if p.Has(syntax.Computed) {
		a.checkName(p, k.name, report.FormStore)
	}
	a.storeName(k.name, v)
}

func (a *analysis) storeName(name string, v kinds) {
	a.grow(a.state.property(name), v)
	a.grow(&a.own, v)
	a.set(name, v)
	if hooks.has(name) {
		a.hook(v)
		if name == "then" {
			a.native()
		}
	}
	if name == "value" && a.defined.has("next") {
		a.grow(&a.elements, v) // the result of an iterator of the code's own
	}
	if isPrimitiveKey(name) {
		a.grow(&a.elements, v)
	}
}

func (a *analysis) storeUnknown(k key, v kinds) {
	a.grow(&a.elements, v)
	if k.kinds.has(^primitive) {
		a.grow(&a.dynamic, v)
		a.hook(v)
		if v.has(function) && k.kinds.has(^(primitive | named)) {
			a.native() // the key may be "then"
		}
		if len(a.accessors) > 0 {
			a.grow(&a.arguments, v) // any setter
		}
	}
}

// set gives a value to the setters of that name, and to those whose name is computed.
func (a *analysis) set(name string, v kinds) {
	for _, list := range [...][]*callable{a.accessors[name], a.accessors[""]} {
		a.steps += len(list)
		for _, f := range list {
			a.grow(&f.arguments[0], v)
		}
	}
}

// hooks are properties that the language calls by itself.
var hooks = set{"then": {}, "toJSON": {}, "toString": {}, "valueOf": {}, "next": {}, "return": {}, "throw": {}}

// native notes that the language or Node may call functions of the source with
// functions of its own, as it does with then methods.
func (a *analysis) native() { a.grow(&a.arguments, builtin) }

// hook records a value that the language may call, on any object and with any arguments.
func (a *analysis) hook(v kinds) {
	if v.has(keyed) {
		v |= hot
	}
	a.grow(&a.elements, v&hot)
	if v.has(function) {
		a.grow(&a.this, function)
	}
}

// operator evaluates unary and binary operators.
func (a *analysis) operator(n *syntax.Node, s *scope) value {
	switch n.Kind {
	case syntax.Unary:
		return a.unary(n, s)
	case syntax.Update:
		a.assignTo(n.Left, s, of(primitive), nil)
		return of(primitive)
	}
	switch n.Text {
	case "&&", "||", "??":
		return a.union(a.look(n.Left, s), a.look(n.Right, s))
	case "+":
		if k := a.eval(n.Left, s) | a.eval(n.Right, s); k&^primitive == 0 {
			return of(primitive)
		}
		return of(text | primitive)
	case "==", "===", "!=", "!==":
		if a.isMainTest(n.Left, s) || a.isMainTest(n.Right, s) {
			return of(primitive)
		}
	case "in":
		if n.Left.Kind == syntax.PrivateName {
			a.eval(n.Right, s)
			return of(primitive)
		}
	}
	left := a.eval(n.Left, s)
	if n.Text == "instanceof" {
		if a.hasInstance {
			a.grow(&a.arguments, left)
		}
		a.classReference(n.Right, s)
	} else {
		a.eval(n.Right, s)
	}
	return of(primitive)
}

// isMainTest recognises require.main === module.
func (a *analysis) isMainTest(n *syntax.Node, s *scope) bool {
	return n.Kind == syntax.Member && n.Text == "main" && n.Left.Kind == syntax.Ident && n.Left.Text == "require" && s.lookup("require") == nil
}

// classReference evaluates a class that is only compared with, which is no escape.
func (a *analysis) classReference(n *syntax.Node, s *scope) {
	if n.Kind == syntax.Ident {
		if v := s.lookup(n.Text); v != nil && v.callable != nil {
			return
		}
	}
	a.eval(n, s)
}

func (a *analysis) unary(n *syntax.Node, s *scope) value {
	switch {
	case n.Text == "typeof" && n.Left.Kind == syntax.Ident:
		return of(named)
	case n.Text == "typeof":
		a.eval(n.Left, s)
		return of(named)
	case n.Text == "delete" && (n.Left.Kind == syntax.Member || n.Left.Kind == syntax.Index):
		a.assignTo(n.Left, s, of(primitive), nil)
		return of(primitive)
	}
	a.eval(n.Left, s)
	return of(primitive)
}

func (a *analysis) isSensitive(name string) bool { return a.known.sensitive.has(name) }

// checkName reports a property name that reaches constructors, prototypes or the loader.
func (a *analysis) checkName(n *syntax.Node, name string, form report.Form) bool {
	if !a.isSensitive(name) {
		return false
	}
	a.unknown(n, "."+name, form, "the property "+strings.TrimPrefix(name, ".")+" reaches the constructor of functions, a prototype or the loader")
	return true
}

func (a *analysis) unknown(n *syntax.Node, name string, form report.Form, reason string) {
	a.report(n, report.Operation{Kind: report.Unknown, Form: form, Name: name, Reason: reason})
}

func (a *analysis) report(n *syntax.Node, op report.Operation) {
	if a.reporting {
		a.out.Add(n.From, n.To, op)
	}
}
