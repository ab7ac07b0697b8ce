// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// pickDict gives keys or values of a dictionary that does not change.
func (a *analysis) pickDict(b bound, path []int, depth int, part func(syntax.DictItem) syntax.Expr) facts {
	d, s := a.constantDict(b)
	if d == nil || len(path) > 1 && holdsDisplay(d) {
		return nothing
	}
	return a.pickItem(d, path, s, depth, part)
}

// constantDict gives the display that a name is bound to, if the source only looks at it.
func (a *analysis) constantDict(b bound) (*syntax.Dict, *scope) {
	name, ok := b.expr.(*syntax.Name)
	if !ok {
		d, _ := b.expr.(*syntax.Dict)
		return d, b.scope
	}
	v := b.scope.sole(name.ID)
	if v == nil || v.other || v.bindings != 1 || len(v.values) != 1 || !v.isLookedAt() {
		return nil, nil
	}
	d, ok := v.values[0].expr.(*syntax.Dict)
	if !ok {
		return nil, nil
	}
	return d, v.values[0].scope
}

// subscriptValues folds x[i] and slices of strings.
func (a *analysis) subscriptValues(x *syntax.Subscript, s *scope) facts {
	if _, slice := x.Index.(*syntax.Slice); slice {
		return a.values(x.X, s).mapText(partOf)
	}
	if key := a.fold(x.Index, s); key.Known == report.Literal {
		if known := a.keyed(bound{x.X, s}, key, maxParts); known != nil {
			return known
		}
	}
	return a.pick(bound{x.X, s}, []int{a.indexOf(x)}, maxParts)
}

// keyed gives the item of a key in a dictionary that does not change, nil when
// that is not known. A dictionary may be passed to functions.
func (a *analysis) keyed(b bound, key report.Fact, depth int) facts {
	if v := parameterOf(b); v != nil {
		if a.picks++; depth == 0 || a.picks > maxPicks {
			return nothing
		}
		return a.passed(v.param, func(given bound) facts {
			if known := a.keyed(given, key, depth-1); known != nil {
				return known
			}
			return nothing
		})
	}
	d, inner := a.constantDict(b)
	if d == nil {
		return nil
	}
	if a.picks += len(d.Items); a.picks > maxPicks {
		return nothing
	}
	if slices.ContainsFunc(d.Items, func(i syntax.DictItem) bool { return !isText(i.Key) }) {
		return nil // Path("a") is another key than "a"
	}
	out := nothing
	for _, i := range d.Items {
		if a.fold(i.Key, inner) == key {
			out = a.values(i.Value, inner) // a later item of the same key replaces it
		}
	}
	return out
}

func isText(x syntax.Expr) bool { _, ok := x.(*syntax.Str); return ok }

// parameterOf gives the parameter that b names, if the source only looks at it.
func parameterOf(b bound) *variable {
	name, ok := b.expr.(*syntax.Name)
	if !ok {
		return nil
	}
	v := b.scope.sole(name.ID)
	if v == nil || v.param == nil || v.bindings != 1 || !v.isLookedAt() {
		return nil
	}
	return v
}

// indexOf gives the step that a subscript takes: an index where it cannot be a key.
func (a *analysis) indexOf(x *syntax.Subscript) int {
	n, ok := x.Index.(*syntax.Number)
	if !ok || len(n.Text) != 1 || n.Text[0] < '0' || n.Text[0] > '9' {
		return subscripts
	}
	switch x.X.(type) {
	case *syntax.Call, *syntax.Tuple, *syntax.List:
		return int(n.Text[0] - '0')
	}
	return subscripts
}
