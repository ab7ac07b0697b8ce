// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// noteInnermost notes what the innermost decorator of a definition decorates:
// no other decorator can have put something else in its place.
func (a *analysis) noteInnermost(n syntax.Stmt, decorators []syntax.Expr) {
	if len(decorators) > 0 {
		a.innermost[decorators[len(decorators)-1]] = n
	}
}

// wraps allows @wraps(f) on a def. Elsewhere, and with further arguments, it
// reads any attributes of one object and sets them on another.
func (a *analysis) wraps(u nameUse, _ *scope) {
	_, ok := a.innermost[u.node().(syntax.Expr)].(*syntax.FunctionDef)
	if ok && u.call != nil && len(u.call.Args) == 1 && u.call.Args[0].Name == "" && u.call.Args[0].Star == syntax.NoStar {
		a.reportUse(u, report.Compute, "")
		return
	}
	a.reportUse(u, report.Dynamic, "it copies attributes that are only known at run time")
}

// dataclass allows the decorator on a class statement. Of a class made by a
// call, or with such a base, the names of fields would become code.
func (a *analysis) dataclass(u nameUse, s *scope) {
	class, ok := a.innermost[u.node().(syntax.Expr)].(*syntax.ClassDef)
	if ok && !slices.ContainsFunc(class.Args, func(arg *syntax.Argument) bool { return !a.isStaticBase(arg, s) }) {
		a.reportUse(u, report.Compute, "")
		return
	}
	a.reportUse(u, report.Dynamic, "it makes code out of the names of fields, which are only known at run time")
}

// isStaticBase reports whether a base is a class statement of the source or a known class.
func (a *analysis) isStaticBase(arg *syntax.Argument, s *scope) bool {
	x := arg.Value
	if generic, ok := x.(*syntax.Subscript); ok {
		x = generic.X
	}
	if name, ok := x.(*syntax.Name); ok && a.isFunction(name, s) {
		return arg.Star == syntax.NoStar
	}
	return arg.Star == syntax.NoStar && !a.resolve(x, s).other
}

// metaclassUse allows metaclass=ABCMeta. Called, a metaclass makes a class
// with names that are only known at run time, as type does.
func (a *analysis) metaclassUse(u nameUse, _ *scope) {
	if u.call == nil && a.metaclass[u.expr] {
		a.reportUse(u, report.Compute, "")
		return
	}
	a.reportUse(u, report.Dynamic, "it makes a class with names that are only known at run time")
}
