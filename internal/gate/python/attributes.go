// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// attributeUse is the use of an attribute of a value that is not known by name.
type attributeUse struct {
	name     string
	from, to int
	receiver syntax.Expr // nil when it is not an expression of its own
	call     *syntax.Call
}

func (u attributeUse) form() report.Form {
	if u.call != nil {
		return report.FormCall
	}
	return report.FormAttribute
}

// safeDunders are special attributes that hand out nothing but plain data or
// the methods of the value itself (rule 4).
var safeDunders = set{
	"__name__": {}, "__qualname__": {}, "__post_init__": {}, "__doc__": {}, "__version__": {}, "__len__": {}, "__str__": {}, "__repr__": {},
	"__eq__": {}, "__ne__": {}, "__lt__": {}, "__le__": {}, "__gt__": {}, "__ge__": {}, "__hash__": {}, "__enter__": {}, "__exit__": {}, "__iter__": {},
	"__next__": {}, "__add__": {}, "__sub__": {}, "__mul__": {}, "__contains__": {}, "__getitem__": {}, "__setitem__": {}, "__delitem__": {}, "__call__": {},
	"__aenter__": {}, "__aexit__": {}, "__aiter__": {}, "__anext__": {}, "__bool__": {}, "__int__": {}, "__float__": {}, "__abs__": {}, "__format__": {},
}

// attribute judges an attribute of a value of unknown type (rule 3).
//

func (a *analysis) attribute(u attributeUse, s *scope) {
	reason := ""
	switch {
	case isDunder(u.name):
		if safeDunders.has(u.name) || a.isConstructor(u, s) {
			return
		}
		reason = "special attributes reach the interpreter's own state"
	case u.call == nil && a.isDispatcher(u.name):
		a.reportAt(u.from, u.to, report.Operation{
			Kind: report.Dynamic, Form: u.form(), Name: "." + u.name, Reason: "it calls methods by names that are only known at run time",
		})
		return
	case a.known.sensitive.has(u.name):
		reason = "the attribute can lead to a module, a frame or a function with effects"
	case slices.ContainsFunc(a.known.guarded[u.name], a.imported.has) && !a.isOwn(u.receiver, s):
		reason = "the attribute can be a method with effects of a library"
	case a.update(u, s), a.methodEffects(u, s):
		return
	case u.name == "format" || u.name == "format_map":
		a.formatTemplate(u, s)
		return
	case a.known.attributes.has(u.name), a.defined.has(u.name), a.known.methods[u.name] != nil:
		return
	case u.name != "" && u.name[0] != '_' && !a.known.others.has(u.name):
		return // nothing in the image has it: it is a column, a field or an error
	default:
		reason = fmt.Sprintf("the attribute %q of a value of unknown type is not in the tables", u.name)
	}
	a.reportAt(u.from, u.to, report.Operation{Kind: report.Unknown, Form: u.form(), Name: "." + u.name, Reason: reason})
}

// isOwn reports whether x is certainly an object of a class of the source.
func (a *analysis) isOwn(x syntax.Expr, s *scope) bool { return x != nil && a.classOf(x, s) != nil }

// isConstructor reports whether a constructor is called on super() or on a class
// of the source. On any other object it could open another file:
// open("a", "rb", 0).__init__("/etc/passwd").
func (a *analysis) isConstructor(u attributeUse, s *scope) bool {
	if u.name != "__init__" && u.name != "__new__" && u.name != "__init_subclass__" {
		return false
	}
	switch x := u.receiver.(type) {
	case *syntax.Call:
		return a.isCallOf(x, s, "super")
	case *syntax.Name:
		return a.isFunction(x, s)
	}
	return false
}

// methodEffects reports the effects that a method of this name has on values
// which the imported modules can create. That the code defines a method of the
// same name does not hide them.
func (a *analysis) methodEffects(u attributeUse, s *scope) bool {
	found := false
	for _, m := range a.known.methods[u.name] {
		if !a.mayExist(m.providers) || u.receiver != nil && (a.isHandle(u.receiver, s) || a.isOwnMethod(u, s)) {
			continue
		}
		effects := slices.DeleteFunc(slices.Clone(m.effects), func(e effect) bool { return !e.fits(u.call) })
		if len(effects) != len(m.effects) {
			continue // every effect of a method has the same shape
		}
		found = true
		a.emitAll(effects, emission{
			name: "." + u.name, from: u.from, to: u.to, form: u.form(), call: u.call, receiver: u.receiver, scope: s,
		})
	}
	return found
}

// mayExist reports whether the code can have a value of one of these modules.
func (a *analysis) mayExist(providers []string) bool {
	return slices.Contains(providers, "any") || slices.ContainsFunc(providers, a.imported.has)
}

// fits reports whether a call can be one of the method that has the effect: it
// has the right number of arguments, and the first can be a path.
func (e effect) fits(call *syntax.Call) bool {
	switch {
	case call == nil:
		return !e.called
	case e.arity < 0:
		return true
	}
	return e.fitsArguments(call)
}

func (e effect) fitsArguments(call *syntax.Call) bool {
	for _, arg := range call.Args {
		if arg.Star != syntax.NoStar {
			return true
		}
	}
	if len(call.Args) != e.arity {
		return false
	}
	if e.arity == 0 {
		return true
	}
	return slices.ContainsFunc(call.Args, e.mayName)
}

// mayName reports whether an argument can be a path of the effect.
func (e effect) mayName(x *syntax.Argument) bool {
	switch x.Value.(type) {
	case *syntax.Dict, *syntax.Lambda, *syntax.Number, *syntax.Comprehension:
		return false
	}
	for _, arg := range e.facts {
		if x.Name == "" || x.Name == arg.keyword {
			return true
		}
	}
	return false
}
