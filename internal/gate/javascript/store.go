// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// assign evaluates an assignment.
func (a *analysis) assign(n *syntax.Node, s *scope) value {
	v := a.look(n.Right, s)
	before := value{}
	switch n.Text {
	case "=":
	case "||=", "&&=", "??=":
		before = a.look(n.Left, s)
	case "+=":
		v.kinds |= a.consume(n.Right, v) | a.eval(n.Left, s)
		if v.kinds&^primitive != 0 {
			v.kinds = text | primitive
		}
		v.names = nil
	default:
		a.consume(n.Right, v)
		v = of(primitive)
	}
	a.assignTo(n.Left, s, v, n.Right)
	if n.Left.Kind != syntax.Ident {
		v.names = nil
	}
	return a.union(v, before)
}

// assignTo stores v, which from evaluates to, in a target or pattern.
func (a *analysis) assignTo(t *syntax.Node, s *scope, v value, from *syntax.Node) {
	switch t.Kind {
	case syntax.Ident:
		a.assignName(t, s, v)
	case syntax.Member:
		a.assignMember(t, s, v.kinds|a.consume(at(from, t), v))
	case syntax.Index:
		a.assignIndex(t, s, v.kinds|a.consume(at(from, t), v))
	case syntax.Default:
		v = a.union(v, a.look(t.Right, s))
		a.assignTo(t.Left, s, v, t.Right)
	case syntax.ArrayPattern:
		k := a.iterated(v.kinds | a.consume(at(from, t), v))
		for _, x := range t.List {
			if x != nil && x.Kind == syntax.Spread {
				a.assignTo(x.Left, s, of(data), nil)
			} else if x != nil {
				a.assignTo(x, s, of(k), nil)
			}
		}
	case syntax.ObjectPattern:
		a.destructure(t, s, v, at(from, t))
	}
}

func at(n, otherwise *syntax.Node) *syntax.Node {
	if n != nil {
		return n
	}
	return otherwise
}

// destructure reads the properties that an object pattern names.
func (a *analysis) destructure(t *syntax.Node, s *scope, v value, from *syntax.Node) {
	for _, p := range t.List {
		if p.Kind == syntax.Spread {
			k := v.kinds | a.consume(from, v)
			a.assignTo(p.Left, s, of(data|k&(hot|global|handle)), nil)
			continue
		}
		k := a.keyOf(p, s)
		var got value
		switch {
		case k.name != "":
			for _, full := range v.names {
				got = a.union(got, a.nameMember(p, from, full, k.name))
			}
			if len(v.names) == 0 || v.kinds != 0 {
				got.kinds |= a.propertyRead(p, v.kinds, k.name)
			}
		default:
			base := v.kinds
			for _, full := range v.names {
				base |= a.computedName(from, full, k)
			}
			got = of(a.computed(p, base, k))
		}
		a.assignTo(p.Right, s, got, nil)
	}
}

// assignName adds to what a variable may hold.
func (a *analysis) assignName(t *syntax.Node, s *scope, v value) {
	x := s.lookup(t.Text)
	if x == nil || x.hoisted && a.known.isGlobal(t.Text) && a.known.onGlobal.has(t.Text) && a.known.effects[t.Text] == nil {
		if x == nil {
			v.kinds |= a.consume(t, v)
			a.unknown(t, t.Text, report.FormStore, "it replaces a global that other code relies on")
			return
		}
	}
	merged := a.union(x.value, v)
	if merged.kinds != x.value.kinds || len(merged.names) != len(x.value.names) {
		x.value = merged
		a.changed = true
	}
}

// assignMember stores under a name: x.name = v.
func (a *analysis) assignMember(t *syntax.Node, s *scope, v kinds) {
	if a.isOwnPrototype(t, s) {
		a.storeName(t.Text, v)
		return
	}
	base := a.look(t.Left, s)
	for _, full := range base.names {
		a.storeIn(t, a.known.canonical(full+"."+t.Text))
	}
	a.storeBase(t, base.kinds, t.Text)
	if hooks.has(t.Text) {
		a.grow(&a.this, base.kinds)
	}
	a.checkName(t, t.Text, report.FormStore)
	a.storeName(t.Text, v)
}

// isOwnPrototype recognises F.prototype.name = …, where F is a function of the source.
func (a *analysis) isOwnPrototype(t *syntax.Node, s *scope) bool {
	base := t.Left
	if base.Kind != syntax.Member || base.Text != "prototype" || base.Left.Kind != syntax.Ident || a.isSensitive(t.Text) {
		return false
	}
	v := s.lookup(base.Left.Text)
	return v != nil && v.callable != nil && v.bindings == 1 && !v.hoistedGlobal(a.known)
}

func (v *variable) hoistedGlobal(k *knowledge) bool { return v.hoisted && k.isGlobal(v.name) }

// storeIn reports a store into a module or global.
func (a *analysis) storeIn(t *syntax.Node, name string) {
	switch {
	case name == "module.exports", len(name) > 8 && name[:8] == "exports.", len(name) > 15 && name[:15] == "module.exports.":
		a.report(t, report.Operation{Kind: report.Compute, Form: report.FormStore, Name: "module.exports", Core: true})
	case name == "process.exitCode", name == "Error.stackTraceLimit", name == "process.title":
		a.report(t, report.Operation{Kind: report.Compute, Form: report.FormStore, Name: name, Core: true})
	case len(name) > 12 && name[:12] == "process.env.":
		a.report(t, report.Operation{
			Kind: report.Environment, Form: report.FormStore, Name: "process.env",
			Args: report.Args{Env: &report.Fact{Known: report.Literal, Value: name[12:]}},
		})
	default:
		a.unknown(t, name, report.FormStore, "it replaces a part of a module or global that other code relies on")
	}
}

// storeBase reports a store into something that is more than plain data.
func (a *analysis) storeBase(t *syntax.Node, base kinds, name string) {
	a.accessed(name, base)
	if base.has(global) && !a.module {
		a.changed = a.changed || !a.storesGlobal || name == "[]" && !a.keyedGlobal
		a.storesGlobal = true
		a.keyedGlobal = a.keyedGlobal || name == "[]"
	}
	switch {
	case base.has(handle):
		a.unknown(t, "."+name, report.FormStore, "it changes a stream or another object that reaches files")
	case base.has(global) && a.known.onGlobal.has(name):
		a.unknown(t, "."+name, report.FormStore, "in sloppy code this may be the global object, and the name is one of its")
	case base.has(builtin | hot):
		a.pollute()
	}
}

// assignIndex stores under a key: x[key] = v.
func (a *analysis) assignIndex(t *syntax.Node, s *scope, v kinds) {
	k := a.key(t.Right, s)
	base := a.look(t.Left, s)
	for _, full := range base.names {
		if k.name != "" {
			a.storeIn(t, a.known.canonical(full+"."+k.name))
		} else {
			a.storeUnknownIn(t, full)
		}
	}
	if k.name == "" {
		a.grow(&a.receivers, base.kinds) // of setters
		a.storeBase(t, base.kinds, "[]")
	} else {
		a.storeBase(t, base.kinds, k.name)
	}
	if k.name != "" {
		a.checkName(t, k.name, report.FormStore)
		a.storeName(k.name, v)
		return
	}
	if k.kinds.has(^primitive) && base.kinds.has(instance|callers) {
		a.keyInstances()
	}
	a.inherit(k.kinds.has(^(primitive | named)) && v.has(callers))
	a.storeUnknown(k, v)
}

// inherit notes that a key made at run time may be __proto__, for a function.
func (a *analysis) inherit(may bool) {
	if may && !a.inherits {
		a.inherits, a.changed = true, true
	}
}

func (a *analysis) storeUnknownIn(t *syntax.Node, name string) {
	switch name {
	case "exports", "module.exports":
		a.report(t, report.Operation{Kind: report.Compute, Form: report.FormStore, Name: "module.exports", Core: true})
	case "process.env":
		a.report(t, report.Operation{Kind: report.Environment, Form: report.FormStore, Name: name, Args: report.Args{Env: &report.Fact{Known: report.UnknownValue}}})
	default:
		a.unknown(t, name, report.FormStore, "it replaces a part of a module or global that other code relies on")
	}
}

// pollute notes that the code may change a prototype or constructor of the language.
func (a *analysis) pollute() {
	if !a.polluted {
		a.polluted, a.changed = true, true
	}
}

// keyInstances notes that an instance, or what it inherits from, may have been
// stored into by a key made at run time.
func (a *analysis) keyInstances() {
	if !a.keyedInstances {
		a.keyedInstances, a.changed = true, true
	}
}
