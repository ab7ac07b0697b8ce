// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// enumCall allows enum classes as bases, and calls that look up a member. With
// more arguments they make a class, as type does: the members are its names.
func (a *analysis) enumCall(u nameUse, s *scope) {
	if u.call != nil && !a.isPlainEnum(u.call, s) {
		a.reportUse(u, report.Dynamic, "it makes a class with names that are special, or only known at run time")
		return
	}
	a.reportUse(u, report.Compute, "")
}

// sourceEnum judges calls of the enum classes of the source, which do the same.
func (a *analysis) sourceEnum(f *syntax.Name, call *syntax.Call, s *scope) {
	if v := s.sole(f.ID); v != nil && a.isEnum(v, maxParts) && !a.isPlainEnum(call, s) {
		a.report(call, report.Operation{
			Kind: report.Dynamic, Form: report.FormCall, Name: f.ID,
			Reason: "it makes a class with names that are special, or only known at run time",
		})
	}
}

// isEnum reports whether a class statement that binds v may make an enum.
func (a *analysis) isEnum(v *variable, depth int) bool {
	return a.imported.has("enum") && depth > 0 && slices.ContainsFunc(v.bases, func(b bound) bool {
		if slices.ContainsFunc(a.resolve(b.expr, b.scope).targets, func(t target) bool { return strings.HasPrefix(t.name, "enum.") }) {
			return true
		}
		name, ok := b.expr.(*syntax.Name)
		if !ok {
			return false
		}
		base := b.scope.sole(name.ID)
		return base != nil && a.isEnum(base, depth-1)
	})
}

// isPlainEnum reports whether a call of an enum class only looks up a member, or
// makes one whose members have plain names.
func (a *analysis) isPlainEnum(call *syntax.Call, s *scope) bool {
	members, keywords := []syntax.Expr{}, []string{"", "names", "start"}
	for i, arg := range call.Args {
		if arg.Star != syntax.NoStar || !slices.Contains(keywords, arg.Name) || arg.Name == "" && i > 1 {
			return false
		}
		if arg.Name == "names" || arg.Name == "" && i == 1 {
			members = append(members, arg.Value)
		}
	}
	return !slices.ContainsFunc(members, func(x syntax.Expr) bool { return !a.arePlainMembers(bound{x, s}) })
}

// arePlainMembers reports whether members are named by literals: "A B", ["A", "B"],
// [("A", 1)] or {"A": 1}.
func (a *analysis) arePlainMembers(b bound) bool {
	b = a.only(b)
	isPlain := func(x syntax.Expr) bool {
		name, ok := x.(*syntax.Str)
		return ok && !name.Opaque && !strings.Contains(name.Value, "__")
	}
	switch x := b.expr.(type) {
	case *syntax.Str:
		return isPlain(x)
	case *syntax.Dict:
		return !slices.ContainsFunc(x.Items, func(i syntax.DictItem) bool { return i.Key == nil || !isPlain(i.Key) })
	}
	elements, ok := elementsOf(b.expr)
	return ok && !slices.ContainsFunc(elements, func(e syntax.Expr) bool {
		if pair, ok := e.(*syntax.Tuple); ok && len(pair.Elts) == 2 {
			e = pair.Elts[0]
		}
		return !isPlain(e)
	})
}
