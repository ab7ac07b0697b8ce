// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// reference reports a use of a name or an attribute chain; call is the call
// that it is the function of, if any.
func (a *analysis) reference(x syntax.Expr, call *syntax.Call, s *scope) {
	v := a.resolve(x, s)
	for _, t := range v.targets {
		a.use(nameUse{target: t, expr: x, call: call}, s)
	}
	a.rest(x, v, call, s)
}

// alias is a reference that only gives a tracked name to x.
func (a *analysis) alias(x syntax.Expr, s *scope) { a.rest(x, a.resolve(x, s), nil, s) }

// rest reports what is not known by its dotted name: the attribute of an
// unresolved value, and the expression it is read from.
func (a *analysis) rest(x syntax.Expr, v value, call *syntax.Call, s *scope) {
	switch x := x.(type) {
	case *syntax.Name:
		a.unbound(x, s)
	case *syntax.Attribute:
		if x.Name == "__name__" || x.Name == "__qualname__" {
			a.nameTypes(x.X)
		}
		if inner := classOfName(x); inner != nil && len(v.targets) == 0 {
			a.base(inner, false, s)
			return
		}
		if v.other {
			end := x.End()
			if call != nil {
				end = call.End()
			}
			a.attribute(attributeUse{name: x.Name, from: x.NamePos, to: end, receiver: x.X, call: call}, s)
		}
		a.base(x.X, !v.other, s)
	}
}

// classOfName gives y of y.__class__.__name__, the one reflective idiom that
// ordinary code needs; the class itself does not get out of it.
func classOfName(x *syntax.Attribute) syntax.Expr {
	if class, ok := x.X.(*syntax.Attribute); ok && class.Name == "__class__" && (x.Name == "__name__" || x.Name == "__qualname__") {
		return class.X
	}
	return nil
}

// base visits the expression before a dot. Where the whole chain was judged by
// its dotted name, its parts were, too.
func (a *analysis) base(x syntax.Expr, judged bool, s *scope) {
	switch x := x.(type) {
	case *syntax.Name:
		a.unbound(x, s)
	case *syntax.Attribute:
		v := a.resolve(x, s)
		if v.other {
			a.attribute(attributeUse{name: x.Name, from: x.NamePos, to: x.End(), receiver: x.X}, s)
		} else if !judged {
			a.reference(x, nil, s)
			return
		}
		a.base(x.X, judged, s)
	default:
		a.visit(x, s)
	}
}

// unbound reports a name that nothing in the source binds and no builtin has.
// Running it fails, unless the environment provides more than is known.
func (a *analysis) unbound(n *syntax.Name, s *scope) {
	a.privateName(n, s)
	if s.lookup(n.ID) == nil && !a.isBuiltin(n.ID) {
		a.report(n, report.Operation{
			Kind: report.Unknown, Form: report.FormReference, Name: n.ID,
			Reason: "the name is neither bound in the code nor a builtin",
		})
	}
}

// nameUse is a use of something known by its dotted name.
type nameUse struct {
	target
	expr syntax.Expr
	call *syntax.Call
}

// node is the range to report: the call with its arguments, or the reference.
func (u nameUse) node() syntax.Node {
	if u.call != nil {
		return u.call
	}
	return u.expr
}

func (u nameUse) form() report.Form {
	if u.call != nil {
		return report.FormCall
	}
	return report.FormReference
}

// knownDunders are special names that hold plain data.
var knownDunders = set{"__name__": {}, "__file__": {}, "__doc__": {}, "__debug__": {}, "__version__": {}}

// use judges a dotted name: a function with special arguments, a name with
// effects, a module, a name without effects, or nothing known.
func (a *analysis) use(u nameUse, s *scope) {
	if special := specialFor(u.name); special != nil {
		special(a, u, s)
		return
	}
	if a.effectful(u, s) {
		return
	}
	module, rest := a.known.split(u.name)
	switch {
	case len(rest) == 0:
		a.reportUse(u, report.Unknown, "the module itself is used as a value, which hides what is reached through it")
	case knownDunders.has(rest[0]):
		a.reportUse(u, report.Compute, "")
		a.attributes(u, rest[1:], s)
	case isDunder(rest[0]):
		a.reportUse(u, report.Unknown, "special names reach the interpreter's own state")
	case a.namesOf(module).has(rest[0]):
		a.reportUse(u, report.Compute, "")
		a.attributes(u, rest[1:], s)
	default:
		a.reportUse(u, report.Unknown, fmt.Sprintf("%s is not in the tables of known names", u.name))
	}
}

// namesOf gives the names without effect of a module; "" is the builtins.
func (a *analysis) namesOf(module string) set {
	if module == "" {
		module = builtinsModule
	}
	return a.known.modules[module]
}

// effectful reports the effects of the longest part of the name that has any.
func (a *analysis) effectful(u nameUse, s *scope) bool {
	for end := len(u.name); end > 0; end = strings.LastIndexByte(u.name[:end], '.') {
		effects := a.effectsOf(u.name[:end])
		if effects == nil {
			continue
		}
		e := emission{name: u.name, node: u.node(), form: u.form(), via: u.via, call: u.call, scope: s}
		if end < len(u.name) {
			e.call, e.through = nil, true
			rest := strings.Split(u.name[end+1:], ".")
			e.env = a.environmentKey(u, rest, s)
			a.attributes(u, rest, s)
		} else {
			e.env = a.subscriptKey(u, s)
		}
		a.emitAll(effects, e)
		return true
	}
	return false
}

// effectsOf gives the effects of exactly this name, by itself or as any other name of its module.
func (a *analysis) effectsOf(name string) []effect {
	if effects := a.known.effects[name]; effects != nil {
		return effects
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i+1 == len(name) || name[i+1] == '_' || !a.known.isModule(name[:i]) || a.known.isModule(name) || a.known.modules[name[:i]].has(name[i+1:]) {
		return nil
	}
	return a.known.effects[name[:i]+".*"]
}

// subscriptKey gives the variable name in os.environ["NAME"].
func (a *analysis) subscriptKey(u nameUse, s *scope) *report.Fact {
	if index, ok := a.index[u.expr]; ok {
		f := a.fold(index, s)
		return &f
	}
	return nil
}

// environmentKey gives the variable name in os.environ.get("NAME").
func (a *analysis) environmentKey(u nameUse, rest []string, s *scope) *report.Fact {
	if u.call == nil || len(rest) != 1 || len(u.call.Args) == 0 || u.call.Args[0].Star != syntax.NoStar {
		return nil
	}
	switch rest[0] {
	case "get", "pop", "setdefault":
		f := a.fold(u.call.Args[0].Value, s)
		return &f
	}
	return nil
}

// attributes judges the attributes behind a known name, as in datetime.datetime.now.
func (a *analysis) attributes(u nameUse, names []string, s *scope) {
	for _, n := range names {
		a.attribute(attributeUse{name: n, from: u.node().Pos(), to: u.node().End()}, s)
	}
}

func (a *analysis) reportUse(u nameUse, kind report.Kind, reason string) {
	a.report(u.node(), report.Operation{Kind: kind, Form: u.form(), Name: u.name, Via: u.via, Reason: reason})
}
