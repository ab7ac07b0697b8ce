// SPDX-License-Identifier: Apache-2.0

package python

import (
	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// load is a read of a name; call is the call that it is the function of, if any.
type load struct {
	name  *syntax.Name
	scope *scope
	call  *syntax.Call
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
			if l.call != nil {
				v.calls = append(v.calls, boundCall{l.call, l.scope})
			}
		}
	}
}

// foldParameter folds a parameter that is the same constant in every call. All
// calls are known when the function has one def without decorators, and its
// name is only ever called.
func (a *analysis) foldParameter(v *variable) report.Fact {
	f := v.param.function
	if v.bindings != 1 || f.bindings != 1 || f.function == nil || f.loads != len(f.calls) || len(f.calls) == 0 {
		return unknownFact
	}
	var all report.Fact
	for i, c := range f.calls {
		one := a.foldPassed(v.param, c)
		if one.Known != report.Literal || i > 0 && one != all {
			return unknownFact
		}
		all = one
	}
	return all
}

// foldPassed folds what one call passes for a parameter.
func (a *analysis) foldPassed(p *parameter, c boundCall) report.Fact {
	x, presence := p.argument.find(c.call)
	switch {
	case presence == given:
		return a.fold(x, c.scope)
	case presence == absent && p.fallback.expr != nil:
		return a.fold(p.fallback.expr, p.fallback.scope)
	}
	return unknownFact
}
