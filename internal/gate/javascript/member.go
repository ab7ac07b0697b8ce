// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// member evaluates x.name.
func (a *analysis) member(n *syntax.Node, s *scope) value {
	if v, ok := a.idiom(n, s); ok {
		return v
	}
	return a.named(n, n.Left, n.Text, s)
}

// idiom recognises the few uses of sensitive names that ordinary code needs.
func (a *analysis) idiom(n *syntax.Node, s *scope) (value, bool) {
	inner := n.Left
	if inner.Kind != syntax.Member {
		return value{}, false
	}
	switch {
	case inner.Text == "constructor" && n.Text == "name": // this.constructor.name
		k := a.eval(inner.Left, s) | function
		return of(text | a.propertyRead(n, k, n.Text)), true
	case inner.Text == "prototype" && inner.Left.Kind == syntax.Ident: // Array.prototype.slice
		v := s.lookup(inner.Left.Text)
		_, known := a.known.pure[inner.Left.Text]
		if m, ok := a.known.methods[n.Text]; ok && (v == nil && known || v != nil && v.callable != nil) {
			return of(builtin | m.result | a.propertyRead(n, instance, n.Text)), true
		}
	}
	return value{}, false
}

// named evaluates a property of base whose name is known.
func (a *analysis) named(n, base *syntax.Node, name string, s *scope) value {
	v := a.look(base, s)
	out := value{}
	for _, full := range v.names {
		out = a.union(out, a.nameMember(n, base, full, name))
	}
	if len(v.names) > 0 && v.kinds == 0 {
		return out
	}
	out.kinds |= a.propertyRead(n, v.kinds, name)
	return out
}

// nameMember gives the property of something known by its dotted name.
func (a *analysis) nameMember(n, base *syntax.Node, full, name string) value {
	next, k := a.step(base, full, name)
	if next != "" {
		return value{names: []string{next}}
	}
	return of(a.propertyRead(n, k, name))
}

// step goes from a dotted name to one of its properties. Where the name is a plain
// value or a function, that is reported, and the kinds of the value are given.
func (a *analysis) step(base *syntax.Node, full, name string) (next string, k kinds) {
	if full == "process.env" {
		return "", a.use(use{name: full + "." + name, node: base, form: report.FormReference})
	}
	if isGlobalObject(full) && a.known.isGlobal(name) {
		return a.known.canonical(name), 0
	}
	next = a.known.canonical(full + "." + name)
	if _, known := a.known.pure[next]; known || a.known.effectsOf(next) != nil || a.known.namespaces.has(next) {
		return next, 0
	}
	p, leaf := a.known.pure[full]
	through := name == "call" || name == "apply" || name == "bind" || name == "name" || name == "length"
	switch {
	case leaf && p.form == "value" && !a.known.namespaces.has(full),
		leaf && p.form != "value" && through,
		a.known.effectsOf(full) != nil && full != "process.env":
		return "", a.use(use{name: full, node: base, form: report.FormReference})
	}
	return next, 0
}

func isGlobalObject(name string) bool {
	return name == "globalThis" || name == "global" || name == "self"
}

// propertyRead gives a property of a value that has no dotted name. It may go
// anywhere, so a method of that name is not only called by name.
func (a *analysis) propertyRead(n *syntax.Node, base kinds, name string) kinds {
	if len(a.methods[name]) > 0 && !a.readMethods.has(name) {
		a.readMethods.add(name)
		a.changed = true
	}
	return a.propertyValue(n, base, name)
}

// propertyValue gives a property of a value that has no dotted name.
func (a *analysis) propertyValue(n *syntax.Node, base kinds, name string) kinds {
	if strings.HasPrefix(name, "#") {
		return *a.state.property(name) | primitive
	}
	if a.checkName(n, name, report.FormAttribute) {
		return hot
	}
	_, isMethod := a.known.methods[name]
	switch {
	case base.has(global) && a.known.onGlobal.has(name):
		a.unknown(n, "."+name, report.FormAttribute, "in sloppy code this may be the global object, and the name is one of its")
		return hot
	case base.has(handle) && !isMethod && !plainProperties.has(name):
		a.unknown(n, "."+name, report.FormAttribute, "it may be a property of a stream or another object that reaches files")
	case strings.HasPrefix(name, "_") && !a.defined.has(name) && name != "_id" && name != "_":
		a.unknown(n, "."+name, report.FormAttribute, "the code does not define this name, and names like it are internals of libraries")
	}
	a.accessed(name, base)
	k := a.readOf(base, name)
	if isMethod || a.known.builtins.has(name) || base.has(builtin) {
		k |= builtin
	}
	if len(a.methods[name]) > 0 {
		k |= function
	}
	return k | base&handle
}

// accessed gives a receiver to the getters and setters of that name, and to those
// whose name is computed.
func (a *analysis) accessed(name string, base kinds) {
	for _, list := range [...][]*callable{a.accessors[name], a.accessors[""]} {
		a.steps += len(list)
		for _, f := range list {
			a.grow(&f.this, base)
		}
	}
}

// plainProperties are properties of streams and files that hold plain data.
var plainProperties = set{
	"columns": {}, "rows": {}, "isTTY": {}, "length": {}, "size": {}, "bytesWritten": {}, "bytesRead": {}, "destroyed": {}, "writable": {}, "readable": {}, "fd": {},
	"line": {}, "cursor": {}, "terminal": {}, "mtime": {}, "mtimeMs": {}, "ctime": {}, "atime": {}, "birthtime": {}, "mode": {}, "path": {}, "name": {}, "closed": {}, "writableLength": {}, "url": {}, "dirname": {}, "filename": {}, "main": {},
}

// index evaluates x[key].
func (a *analysis) index(n *syntax.Node, s *scope) value {
	v, _ := a.indexOf(n, s)
	return v
}

// indexOf evaluates x[key] and gives the kinds of x, too.
func (a *analysis) indexOf(n *syntax.Node, s *scope) (value, kinds) {
	k := a.key(n.Right, s)
	if k.name != "" {
		return a.named(n, n.Left, k.name, s), data
	}
	v := a.look(n.Left, s)
	base := v.kinds
	var direct kinds
	for _, name := range v.names {
		if name == "console" {
			direct = unknownData | builtin | handle // console[level]; it holds streams, too
			a.report(n, report.Operation{Kind: report.Compute, Form: report.FormReference, Name: name, Core: true})
			continue
		}
		base |= a.computedName(n, name, k)
	}
	if direct != 0 && base == 0 {
		return of(direct), data
	}
	if !base.has(callers&^builtin) && a.isOwnKey(n, s) {
		return of(a.any()), base
	}
	return of(a.computed(n, base, k) | direct), base
}

// computedName gives the kinds of something known by name that is read by an unknown key.
func (a *analysis) computedName(n *syntax.Node, name string, k key) kinds {
	base := n
	if n.Kind == syntax.Index {
		base = n.Left
	}
	switch name {
	case "process.env":
		a.use(use{name: name, node: n, form: report.FormReference})
		return data
	case "process.argv", "Math", "JSON":
		a.report(n, report.Operation{Kind: report.Compute, Form: report.FormReference, Name: name, Core: true})
		return data
	}
	if k.kinds&^primitive == 0 && a.known.pure[name].form == "value" {
		return a.use(use{name: name, node: base, form: report.FormReference})
	}
	a.use(use{name: name, node: base, form: report.FormReference})
	a.report(n, report.Operation{Kind: report.Dynamic, Form: report.FormReference, Name: name, Reason: "which of its properties is used is only known at run time"})
	return hot
}

// computed gives what an unknown key may reach.
func (a *analysis) computed(n *syntax.Node, base kinds, k key) kinds {
	out := a.any() | base&(hot|handle)
	if k.kinds&^primitive == 0 {
		return out &^ (base & handle)
	}
	if len(a.methods) > 0 && base.has(instance|callers) {
		a.escapeMethods()
		out |= function
	}
	a.grow(&a.receivers, base)
	if base.has(handle) {
		a.unknown(n, "[]", report.FormAttribute, "which property of a stream or another object that reaches files is used is only known at run time")
	}
	if !k.dangerous() {
		return out | builtin
	}
	if base.has(callers) {
		return out | builtin | hot
	}
	if a.inherits {
		out |= keyed
	}
	return out | builtin
}

// isOwnKey reports whether x[k] reads a property by a key that was listed from x itself.
func (a *analysis) isOwnKey(n *syntax.Node, s *scope) bool {
	if n.Left.Kind != syntax.Ident || n.Right.Kind != syntax.Ident || a.deletes || a.usesArguments {
		return false
	}
	k, x := s.lookup(n.Right.Text), s.lookup(n.Left.Text)
	return k != nil && x != nil && k.keyOf == x && k.bindings == 1 && x.bindings == 1
}
