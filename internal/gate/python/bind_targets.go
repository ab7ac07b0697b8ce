// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// target binds an assignment target. value is nil when it is not a plain expression.
func (b *binder) target(t syntax.Expr, value syntax.Expr, s *scope) {
	switch t := t.(type) {
	case *syntax.Name:
		v := b.bind(s, t.ID)
		if value == nil {
			v.other = true
		} else {
			v.values = append(v.values, bound{value, s})
		}
	case *syntax.Starred:
		b.target(t.X, nil, s)
	case *syntax.Tuple:
		b.unpack(t.Elts, value, s)
	case *syntax.List:
		b.unpack(t.Elts, value, s)
	case *syntax.Attribute:
		b.defined.add(t.Name)
		b.field(t.Name, value, s)
		b.node(t.X, s)
	case *syntax.Subscript:
		if b.prune(t, value, s) {
			return
		}
		b.node(t.X, s)
		b.node(t.Index, s)
	default:
		b.node(t, s)
	}
}

// unpack binds a, b = x, y pairwise, and parts of any other value.
func (b *binder) unpack(targets []syntax.Expr, value syntax.Expr, s *scope) {
	var values []syntax.Expr
	switch v := value.(type) {
	case *syntax.Tuple:
		values = v.Elts
	case *syntax.List:
		values = v.Elts
	}
	if len(values) == len(targets) && !hasStarred(targets) && !hasStarred(values) {
		for i, t := range targets {
			b.target(t, values[i], s)
		}
		return
	}
	b.parts(targets, item{bound: bound{value, s}}, s)
}

func hasStarred(list []syntax.Expr) bool {
	return slices.ContainsFunc(list, func(x syntax.Expr) bool {
		_, starred := x.(*syntax.Starred)
		return starred
	})
}

// parts binds each target to an element of i.
func (b *binder) parts(targets []syntax.Expr, i item, s *scope) {
	for n, t := range targets {
		if i.expr == nil || hasStarred(targets) {
			b.target(t, nil, s)
		} else {
			b.part(t, item{i.bound, append(slices.Clone(i.path), n)}, s)
		}
	}
}

// part binds a target to a part of a value.
func (b *binder) part(t syntax.Expr, i item, s *scope) {
	switch t := t.(type) {
	case *syntax.Name:
		v := b.bind(s, t.ID)
		v.other = true
		v.items = append(v.items, i)
	case *syntax.Tuple:
		b.parts(t.Elts, i, s)
	case *syntax.List:
		b.parts(t.Elts, i, s)
	default:
		b.target(t, nil, s)
	}
}
