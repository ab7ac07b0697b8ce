// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// Functions such as pandas.Timestamp read a file only if an argument behind the
// first names one. Taken as values, they are called where their arguments
// cannot be judged: map(pd.Timestamp, dates, units, zones). These are the uses
// as a value in which that cannot happen.

// lookers are functions that only look at a class that is an argument.
var lookers = set{"isinstance": {}, "issubclass": {}, "print": {}, "str": {}, "repr": {}}

// appliers are methods that call their only argument with one value.
var appliers = set{"apply": {}, "map": {}, "applymap": {}, "agg": {}, "aggregate": {}, "transform": {}}

// noteLooked notes the references in the arguments of a call that are only
// looked at, or called with one value.
func (a *analysis) noteLooked(n *syntax.Call, s *scope) {
	method, isMethod := n.Func.(*syntax.Attribute)
	switch {
	case a.resolve(n.Func, s).all(lookers):
		for _, arg := range n.Args {
			a.look(arg.Value)
		}
	case len(n.Args) == 0 || n.Args[0].Star != syntax.NoStar || n.Args[0].Name != "":
	case len(n.Args) == 2 && n.Args[1].Star == syntax.NoStar && a.resolve(n.Func, s).all(set{"map": {}, "filter": {}}),
		len(n.Args) == 1 && a.resolve(n.Func, s).all(set{"collections.defaultdict": {}}),
		isMethod && appliers.has(method.Name) && !a.defined.has(method.Name) && passesOneValue(n):
		a.look(n.Args[0].Value)
	}
}

// passesOneValue reports whether a method of pandas that calls a function is
// given nothing to pass on but the values.
func passesOneValue(n *syntax.Call) bool {
	return !slices.ContainsFunc(n.Args[1:], func(arg *syntax.Argument) bool {
		return arg.Name != "axis" && arg.Name != "result_type" && arg.Name != "na_action"
	})
}

func (a *analysis) look(x syntax.Expr) {
	if elements, ok := elementsOf(x); ok {
		for _, e := range elements {
			a.look(e)
		}
		return
	}
	if isNamePath(x) {
		a.looked[x] = true
	}
}

// isAnnotation reports whether an annotation is a name, or a generic type of
// names; what else is in it can be called while it is evaluated.
func (a *analysis) isAnnotation(x syntax.Expr, s *scope) bool {
	switch x := x.(type) {
	case *syntax.Subscript:
		return isNamePath(x.X) && a.isGeneric(x.X, s) && a.isAnnotation(x.Index, s)
	case *syntax.Tuple:
		return !slices.ContainsFunc(x.Elts, func(e syntax.Expr) bool { return !a.isAnnotation(e, s) })
	case *syntax.List:
		return !slices.ContainsFunc(x.Elts, func(e syntax.Expr) bool { return !a.isAnnotation(e, s) })
	case *syntax.Constant, *syntax.Str:
		return true
	}
	return isNamePath(x)
}

// generics are classes whose subscription only makes a type.
var generics = set{
	"list": {}, "dict": {}, "tuple": {}, "set": {}, "frozenset": {}, "type": {}, "typing.Optional": {}, "typing.Union": {}, "typing.List": {}, "typing.Dict": {},
	"typing.Tuple": {}, "typing.Set": {}, "typing.Iterable": {}, "typing.Iterator": {}, "typing.Sequence": {}, "typing.Callable": {}, "typing.Generator": {},
	"typing.Mapping": {}, "collections.abc.Iterable": {}, "collections.abc.Iterator": {}, "collections.abc.Callable": {}, "collections.abc.Sequence": {},
}

func (a *analysis) isGeneric(x syntax.Expr, s *scope) bool { return a.resolve(x, s).all(generics) }

// firstBackend is the position from which on an argument of the methods of
// pandas that plot can be the backend, a module to import.
const firstBackend = 9

// isNoBackend reports whether a call of hist or boxplot passes no backend by position.
func (a *analysis) isNoBackend(_ argument, e emission) bool {
	if e.call == nil {
		return false
	}
	return !slices.ContainsFunc(e.call.Args, func(arg *syntax.Argument) bool { return arg.Star == syntax.SingleStar }) && !passesText(e.call.Args)
}

// passesText reports whether an argument from firstBackend on may be a text.
func passesText(args []*syntax.Argument) bool {
	at := 0
	for _, arg := range args {
		if arg.Name != "" {
			continue
		}
		switch arg.Value.(type) {
		case *syntax.Constant, *syntax.Number, *syntax.Tuple, *syntax.List:
		default:
			if at >= firstBackend {
				return true
			}
		}
		at++
	}
	return false
}
