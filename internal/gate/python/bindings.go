// SPDX-License-Identifier: Apache-2.0

package python

import (
	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// moduleDunders may be assigned anywhere: they are plain data.
var moduleDunders = set{"__all__": {}, "__version__": {}, "__author__": {}, "__doc__": {}, "__license__": {}, "__email__": {}}

// classDunders may be bound in class bodies. They are called with values that
// the code has anyway. Others make libraries hand over, or name, what it has not:
// __match_args__ and __annotations__ name attributes and become code,
// __setattr__ and __reduce_ex__ are given what is copied.
var classDunders = readSet(`
__init__ __post_init__ __del__ __repr__ __str__ __format__ __bytes__ __bool__ __hash__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __slots__
__len__ __length_hint__ __iter__ __next__ __reversed__ __contains__ __getitem__ __setitem__ __delitem__ __missing__ __call__
__enter__ __exit__ __aenter__ __aexit__ __aiter__ __anext__ __await__
__int__ __float__ __complex__ __index__ __round__ __trunc__ __floor__ __ceil__ __neg__ __pos__ __abs__ __invert__
__add__ __sub__ __mul__ __matmul__ __truediv__ __floordiv__ __mod__ __divmod__ __pow__ __lshift__ __rshift__ __and__ __xor__ __or__
__radd__ __rsub__ __rmul__ __rmatmul__ __rtruediv__ __rfloordiv__ __rmod__ __rdivmod__ __rpow__ __rlshift__ __rrshift__ __rand__ __rxor__ __ror__
__iadd__ __isub__ __imul__ __imatmul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ __ilshift__ __irshift__ __iand__ __ixor__ __ior__
`)

// bindName refuses to bind special names such as __builtins__ (rule 4).
func (a *analysis) bindName(n *syntax.Name, s *scope) { a.bindNameAt(n.ID, n, s) }

func (a *analysis) bindNameAt(name string, at syntax.Node, s *scope) {
	a.spelledOut(name, at)
	switch {
	case !isDunder(name) || moduleDunders.has(name):
	case s.kind != classScope || s.globals.has(name) || s.nonlocals.has(name):
		a.report(at, report.Operation{
			Kind: report.Unknown, Form: report.FormStore, Name: name,
			Reason: "binding a special name can change how the interpreter resolves others",
		})
	case !classDunders.has(name) || name == "__slots__" && !isPlainSlots(s.variables[name]):
		a.report(at, report.Operation{
			Kind: report.Dynamic, Form: report.FormStore, Name: name,
			Reason: "this special name of a class makes the interpreter or a library use names that are only known at run time",
		})
	}
}

// isPlainSlots reports whether __slots__ names only attributes that are not special.
func isPlainSlots(v *variable) bool {
	if v == nil || v.other || len(v.contexts) > 0 || len(v.targets) > 0 {
		return false
	}
	for _, b := range v.values {
		names, ok := elementsOf(b.expr)
		if !ok {
			names = []syntax.Expr{b.expr}
		}
		for _, x := range names {
			if name, ok := x.(*syntax.Str); !ok || name.Opaque || isDunder(name.Value) {
				return false
			}
		}
	}
	return true
}
