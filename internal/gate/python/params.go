// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// load is a read of a name; call is the call that it is the function of, if any.
type load struct {
	name  *syntax.Name
	scope *scope
	call  *syntax.Call
	// look is set when the read leaves a list or dictionary as it is, and
	// appended holds what is appended to it.
	look     bool
	appended syntax.Expr
	// through is the builtin that the read is an argument of, if that only looks,
	// and if nothing else has its name.
	through string
	// passed is the call that the read is an argument of, argument its index.
	passed   *syntax.Call
	argument int
}

// parameter says which parameter of which function a variable is.
type parameter struct {
	function *variable
	argument argument
	fallback bound // the default; its expr is nil when there is none
}

// nameParameters notes which variables of a function's scope are its parameters.
// Defaults are evaluated in around, which a global statement can make another
// scope than that of the function's name.
func nameParameters(function *variable, params []*syntax.Param, inner, around *scope) {
	position := 0
	slash := slices.IndexFunc(params, func(p *syntax.Param) bool { return p.Name == "" && p.Star == syntax.NoStar })
	for i, p := range params {
		if p.Star != syntax.NoStar {
			position = -1
			if v := inner.variables[p.Name]; v != nil {
				v.keywords = p.Star == syntax.DoubleStar
			}
			continue
		}
		v := inner.variables[p.Name]
		if v == nil {
			continue // a bare slash
		}
		keyword := p.Name
		if i < slash {
			keyword = "" // f(path="x") is for the **parameter
		}
		if !isPrivate(p.Name) { // keywords for the others are written in another way
			v.param = &parameter{
				function: function, argument: argument{position: position, keyword: keyword}, fallback: bound{p.Default, around},
			}
		}
		if position >= 0 {
			position++
		}
	}
}

// countLoads notes on each variable how the source reads it.
func countLoads(loads []load, scopes map[syntax.Node]*scope) {
	for _, l := range loads {
		to := l.parameter(scopes)
		for _, v := range l.scope.readable(l.name.ID) {
			v.loads++
			if to != nil && l.through == "" {
				v.passedTo = append(v.passedTo, to)
			}
			if l.look || l.through != "" && l.scope.lookup(l.through) == nil {
				v.looks++
			}
			if l.call != nil {
				v.calls = append(v.calls, boundCall{l.call, l.scope})
			}
			if l.appended != nil {
				v.appended = append(v.appended, bound{l.appended, l.scope})
			}
		}
	}
}

// parameter gives the parameter of a function of the source that the read is
// passed for, if there is one.
func (l load) parameter(scopes map[syntax.Node]*scope) *variable {
	if l.passed == nil {
		return nil
	}
	name, ok := l.passed.Func.(*syntax.Name)
	if !ok {
		return nil
	}
	f := l.scope.sole(name.ID)
	if f == nil || f.function == nil || f.bindings != 1 {
		return nil
	}
	for _, v := range scopes[f.function].variables {
		if v.param != nil && v.bindings == 1 {
			if x, presence := v.param.argument.find(l.passed); presence == given && x == l.passed.Args[l.argument].Value {
				return v
			}
		}
	}
	return nil
}

// isLookedAt reports whether the source only looks at a list or dictionary in
// v, here and in the functions that it is passed to; in a circle, it may not.
func (v *variable) isLookedAt() bool {
	if v.lookState == notFolded {
		v.lookState = folding
		v.onlyLooks = v.loads == v.looks+len(v.passedTo) &&
			!slices.ContainsFunc(v.passedTo, func(to *variable) bool { return len(to.appended) > 0 || !to.isLookedAt() })
		v.lookState = folded
	}
	return v.lookState == folded && v.onlyLooks
}

// parameterValues gives what the calls of a function pass for a parameter.
func (a *analysis) parameterValues(v *variable) facts {
	return a.passed(v.param, func(b bound) facts { return a.values(b.expr, b.scope) })
}

// passed gives what of each value passed for a parameter counts. All calls are
// known when the function has one def without decorators, and its name is only
// ever called. A function whose name is never used does not run, so that any
// value would do for it: its default says what it is meant for.
func (a *analysis) passed(p *parameter, what func(bound) facts) facts {
	f := p.function
	if isConstructor(f) {
		made := *p
		made.argument.position--
		made.function = f.scope.class
		return made.given(what)
	}
	if f.function == nil {
		return nothing
	}
	return p.given(what)
}

// isConstructor reports whether a method is the __init__ of a class that nothing
// but its calls refers to, so that each of them gives its parameters.
func isConstructor(method *variable) bool {
	class := method.scope.class
	return method.name == "__init__" && method.scope.kind == classScope && method.isOnlyMethod() &&
		class.isOnlyCalled() && len(class.decorators)+len(class.bases) == 0
}

// given gives what of each value counts that the calls of p's function pass.
func (p *parameter) given(what func(bound) facts) facts {
	f := p.function
	if f.bindings != 1 || f.loads != len(f.calls) {
		return nothing
	}
	if len(f.calls) == 0 && p.fallback.expr != nil {
		return what(p.fallback)
	}
	out := facts{}
	for _, c := range f.calls {
		if out.all(report.UnknownValue) {
			break
		}
		x, presence := p.argument.find(c.call)
		switch {
		case presence == given:
			out = union(out, what(bound{x, c.scope}))
		case presence == absent && p.fallback.expr != nil:
			out = union(out, what(p.fallback))
		default:
			return nothing
		}
	}
	if len(out) == 0 {
		return nothing
	}
	return out
}
