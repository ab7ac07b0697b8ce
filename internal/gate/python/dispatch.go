// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// dispatchers are methods that call methods by a name given as a string (rule 6).
var dispatchers = set{"agg": {}, "aggregate": {}, "apply": {}, "transform": {}, "pipe": {}, "pivot_table": {}, "crosstab": {}, "applymap": {}}

// frameMakers are the modules that can make a data frame.
var frameMakers = []string{"pandas", "seaborn", "sklearn", "statsmodels"}

// isDispatcher reports whether a method of this name may be one of pandas.
func (a *analysis) isDispatcher(name string) bool {
	return dispatchers.has(name) && slices.ContainsFunc(frameMakers, a.imported.has)
}

// dispatch judges the strings that pandas takes for method names.
func (a *analysis) dispatch(method string, n *syntax.Call, s *scope) {
	if !a.isDispatcher(method) {
		return
	}
	for i, arg := range n.Args {
		if x := dispatchedValue(method, i, arg); x != nil {
			a.dispatched(bound{x, s}, maxParts)
		}
	}
}

// dispatchFunction judges pandas.pivot_table and pandas.crosstab under any name.
func (a *analysis) dispatchFunction(u nameUse, s *scope) {
	if u.call == nil {
		a.reportUse(u, report.Dynamic, "it calls methods by names that are only known at run time")
		return
	}
	a.reportUse(u, report.Compute, "")
	a.dispatch("pivot_table", u.call, s)
}

// dispatchedValue gives the part of the i-th argument that names methods, nil if
// none does. The receiver may be a class, so that any position may be the function.
func dispatchedValue(method string, i int, arg *syntax.Argument) syntax.Expr {
	table := method == "pivot_table" || method == "crosstab"
	switch {
	case arg.Name == "func", arg.Name == "aggfunc":
		return arg.Value
	case arg.Name == "":
		if table && i < 3 && arg.Star == syntax.NoStar {
			return nil
		}
		return arg.Value
	case method == "agg" || method == "aggregate": // named aggregation: total=("amount", "sum")
		return aggregatedValue(arg.Value)
	}
	return nil
}

// aggregatedValue gives the function of a named aggregation. A string is an
// argument of the function, such as engine="python".
func aggregatedValue(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.Tuple:
		if len(x.Elts) == 2 {
			return x.Elts[1]
		}
	case *syntax.Str:
		return nil
	}
	return x
}

// only follows names like single does, but not to a list or dictionary that is
// read elsewhere, too, and may be changed there.
func (a *analysis) only(b bound) bound {
	end := a.single(b)
	switch end.expr.(type) {
	case *syntax.List, *syntax.Dict:
		for at := b; at.expr != end.expr; {
			v := at.scope.sole(at.expr.(*syntax.Name).ID)
			if v.loads != 1 {
				return b
			}
			at = v.values[0]
		}
	}
	return end
}

// dispatched judges one function argument: strings are method names, functions
// are judged where they are mentioned, and what is neither is dynamic.
func (a *analysis) dispatched(b bound, depth int) {
	b = a.only(b)
	if elements, ok := elementsOf(b.expr); ok && depth > 0 {
		for _, e := range elements {
			a.dispatched(bound{e, b.scope}, depth-1)
		}
		return
	}
	switch x := b.expr.(type) {
	case *syntax.Str:
		a.attribute(attributeUse{name: x.Value, from: x.Pos(), to: x.End()}, b.scope)
		return
	case *syntax.Lambda, *syntax.Number, *syntax.Constant:
		return
	case *syntax.Call:
		if a.resolve(x.Func, b.scope).all(set{"pandas.NamedAgg": {}}) && depth > 0 {
			for _, arg := range x.Args {
				a.dispatched(bound{arg.Value, b.scope}, depth-1)
			}
			return
		}
	}
	if !a.isCallable(b) {
		a.reportDispatch(b.expr)
	}
}

// functionMakers are functions whose result is a function.
var functionMakers = set{"functools.partial": {}, "operator.itemgetter": {}, "operator.attrgetter": {}, "operator.methodcaller": {}}

// isCallable reports whether an expression is a known function, one of the
// source, or made by one of functionMakers. Of anything else the value could
// be a string, which names a method.
func (a *analysis) isCallable(b bound) bool {
	if call, ok := b.expr.(*syntax.Call); ok {
		return a.resolve(call.Func, b.scope).all(functionMakers)
	}
	if name, ok := b.expr.(*syntax.Name); ok && a.isFunction(name, b.scope) {
		return true
	}
	v := a.resolve(b.expr, b.scope)
	return len(v.targets) > 0 && !v.other
}

// elementsOf gives the elements of a display, and the values of a dictionary.
func elementsOf(x syntax.Expr) ([]syntax.Expr, bool) {
	switch x := x.(type) {
	case *syntax.List:
		return x.Elts, true
	case *syntax.Tuple:
		return x.Elts, true
	case *syntax.Dict:
		var values []syntax.Expr
		for _, item := range x.Items {
			values = append(values, item.Value)
		}
		return values, true
	}
	return nil, false
}

func (a *analysis) reportDispatch(x syntax.Expr) {
	a.report(x, report.Operation{
		Kind: report.Dynamic, Form: report.FormReference, Name: "pandas method by name",
		Reason: "pandas calls the method that this value names, which is only known at run time",
	})
}
