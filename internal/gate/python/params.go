// SPDX-License-Identifier: Apache-2.0

package python

import (
	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
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
}

// parameter says which parameter of which function a variable is.
type parameter struct {
	function *variable
	argument argument
	fallback bound // the default; its expr is nil when there is none
}

// nameParameters notes which variables of a function's scope are its parameters.
func nameParameters(function *variable, params []*syntax.Param, inner *scope) {
	position := 0
	for _, p := range params {
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
		v.param = &parameter{
			function: function, argument: argument{position: position, keyword: p.Name}, fallback: bound{p.Default, function.scope},
		}
		if position >= 0 {
			position++
		}
	}
}

// countLoads notes on each variable how the source reads it.
func countLoads(loads []load) {
	for _, l := range loads {
		for _, v := range l.scope.readable(l.name.ID) {
			v.loads++
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
	if f.bindings != 1 || f.function == nil || f.loads != len(f.calls) {
		return nothing
	}
	if len(f.calls) == 0 && p.fallback.expr != nil {
		return what(p.fallback)
	}
	out := facts{}
	for _, c := range f.calls {
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
