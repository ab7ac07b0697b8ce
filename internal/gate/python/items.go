// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Steps in a path of pick that are not an index.
const (
	each       = -1 // any element, as a loop takes them: of a dictionary, a key
	subscripts = -2 // any element, as x[i] takes them: of a dictionary, a value
)

// maxPicks bounds the steps of pick in one source.
const maxPicks = 20_000

// item is a binding to a part of a value, as loops and unpacking make them.
type item struct {
	bound
	path []int
}

// pick gives the values of a part of b: what is left after each step of path
// took an element. Lists and dictionaries in variables count only if the source
// does nothing that could change them.
//

func (a *analysis) pick(b bound, path []int, depth int) facts {
	if len(path) == 0 {
		return a.values(b.expr, b.scope)
	}
	a.picks++
	if depth == 0 || a.picks > maxPicks {
		return nothing
	}
	depth--
	at := func(x syntax.Expr) bound { return bound{x, b.scope} }
	switch x := b.expr.(type) {
	case *syntax.Name:
		return a.pickName(x, b.scope, path, depth)
	case *syntax.NamedExpr:
		return a.pick(at(x.Value), path, depth)
	case *syntax.IfExp:
		return union(a.pick(at(x.Then), path, depth), a.pick(at(x.Else), path, depth))
	case *syntax.Tuple:
		return a.pickElement(x.Elts, path, b.scope, depth)
	case *syntax.List:
		return a.pickElement(x.Elts, path, b.scope, depth)
	case *syntax.Set:
		return a.pickElement(x.Elts, path, b.scope, depth)
	case *syntax.Dict:
		return a.pickItem(x, path, b.scope, depth, func(i syntax.DictItem) syntax.Expr {
			if path[0] == subscripts {
				return i.Value
			}
			return i.Key
		})
	case *syntax.Comprehension:
		if x.Value != nil {
			return nothing
		}
		return a.pick(bound{x.Elt, a.scopes[x]}, path[1:], depth)
	case *syntax.Subscript:
		if _, slice := x.Index.(*syntax.Slice); slice {
			return a.pick(at(x.X), append([]int{each}, path[1:]...), depth)
		}
	case *syntax.Call:
		return a.pickCall(x, b.scope, path, depth)
	}
	return nothing
}

func (a *analysis) pickElement(elements []syntax.Expr, path []int, s *scope, depth int) facts {
	var out facts
	for i, x := range elements {
		if _, starred := x.(*syntax.Starred); starred {
			return nothing
		}
		if path[0] < 0 || path[0] == i {
			out = union(out, a.pick(bound{x, s}, path[1:], depth))
		}
	}
	return out
}

func (a *analysis) pickItem(d *syntax.Dict, path []int, s *scope, depth int, part func(syntax.DictItem) syntax.Expr) facts {
	var out facts
	for _, i := range d.Items {
		if i.Key == nil {
			return nothing
		}
		out = union(out, a.pick(bound{part(i), s}, path[1:], depth))
	}
	return out
}

// pickName follows a name to what it is bound to. A list or dictionary inside
// of another could be changed where it is taken out, so that only one step counts.
func (a *analysis) pickName(x *syntax.Name, s *scope, path []int, depth int) facts {
	v := s.sole(x.ID)
	if v == nil || !v.isAccounted() || len(v.steps)+len(v.contexts) > 0 || v.foldState == folding {
		return nothing
	}
	if !v.isConstant(len(path)) {
		return nothing
	}
	state := v.foldState
	v.foldState = folding
	defer func() { v.foldState = state }()
	var out facts
	for _, b := range v.values {
		out = union(out, a.pick(b, anyOrder(b.expr, path), depth))
	}
	if v.param != nil {
		out = union(out, a.passed(v.param, func(b bound) facts { return a.pick(b, path, depth) }))
	}
	for _, i := range v.items {
		out = union(out, a.pick(i.bound, slices.Concat(i.path, path), depth))
	}
	for _, b := range v.appended {
		out = union(out, a.values(b.expr, b.scope))
	}
	return out
}

// anyOrder makes any element of the first step of a path, unless the elements of
// x have an order that reverse and sort cannot change.
func anyOrder(x syntax.Expr, path []int) []int {
	switch x.(type) {
	case *syntax.Tuple, *syntax.Call:
		return path
	}
	if path[0] < 0 {
		return path
	}
	return append([]int{each}, path[1:]...)
}

// isConstant reports whether nothing can change what so many steps take out of v.
func (v *variable) isConstant(steps int) bool {
	isLookedAt := v.isLookedAt()
	if (v.param != nil || len(v.items)+len(v.appended) > 0) && (!isLookedAt || steps > 1) {
		return false
	}
	return !slices.ContainsFunc(v.values, func(b bound) bool {
		return !isFixed(b.expr) && (!isLookedAt || steps > 1 && holdsDisplay(b.expr))
	})
}

// isFixed reports whether x is a tuple that nothing can change.
func isFixed(x syntax.Expr) bool {
	_, ok := x.(*syntax.Tuple)
	return ok && !holdsDisplay(x)
}

// holdsDisplay reports whether an element of x may be one that can change.
func holdsDisplay(x syntax.Expr) bool {
	elements, ok := elementsOf(x)
	if !ok {
		return true
	}
	for _, e := range elements {
		switch e.(type) {
		case *syntax.Str, *syntax.Number, *syntax.Constant, *syntax.JoinedStr, *syntax.BinOp:
		case *syntax.Tuple:
			if holdsDisplay(e) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// passesOn are functions whose result has the elements of their first argument.
var passesOn = set{"sorted": {}, "list": {}, "tuple": {}, "set": {}, "frozenset": {}, "reversed": {}, "iter": {}}

// pickCall gives elements of what a call returns.
//

func (a *analysis) pickCall(x *syntax.Call, s *scope, path []int, depth int) facts {
	if len(x.Args) > 0 && x.Args[0].Star != syntax.NoStar {
		return nothing
	}
	v := a.resolve(x.Func, s)
	if v.other || len(v.targets) != 1 {
		return a.pickMethod(x, s, path, depth)
	}
	name, elements := v.targets[0].name, []syntax.Expr{}
	for _, arg := range x.Args {
		if arg.Name == "" && arg.Star == syntax.NoStar {
			elements = append(elements, arg.Value)
		}
	}
	inner := path[1:]
	first := bound{scope: s}
	if len(elements) > 0 {
		first.expr = elements[0]
	}
	switch {
	case name == "range" && len(inner) == 0 && a.hasPlainNumbers():
		return facts{scalarFact}
	case name == "os.listdir" && len(inner) == 0:
		return facts{literal(someName)}
	case first.expr == nil:
		return nothing
	case passesOn.has(name):
		return a.pick(first, append([]int{each}, inner...), depth)
	case name == "enumerate" && len(inner) == 1 && inner[0] == 0 && len(x.Args) == 1:
		return facts{scalarFact}
	case name == "enumerate" && len(inner) > 0 && inner[0] == 1:
		return a.pick(first, append([]int{each}, inner[1:]...), depth)
	case name == "zip" && len(inner) > 0 && inner[0] >= 0 && inner[0] < len(elements) && len(elements) == len(x.Args):
		return a.pick(bound{elements[inner[0]], s}, append([]int{each}, inner[1:]...), depth)
	case (name == "glob.glob" || name == "glob.iglob") && len(inner) == 0 && !hasKeyword(x, "root_dir", "dir_fd"):
		return a.values(first.expr, s).mapText(globbed)
	case name == "os.walk":
		return a.walked(first, inner)
	case name == "os.path.splitext" && len(inner) == 0:
		return a.values(first.expr, s).mapText(partOf)
	case name == "tempfile.mkstemp" && len(inner) == 0 && path[0] == 1:
		return a.temporaryValues(x, s)
	}
	return nothing
}

// hasKeyword reports whether a call may have one of these keywords.
func hasKeyword(call *syntax.Call, names ...string) bool {
	return slices.ContainsFunc(call.Args, func(arg *syntax.Argument) bool {
		return arg.Star != syntax.NoStar || slices.Contains(names, arg.Name)
	})
}

// hasPlainNumbers reports whether no class of the source can be a number that
// calculates in its own way.
func (a *analysis) hasPlainNumbers() bool {
	return !slices.ContainsFunc([]string{"__add__", "__radd__", "__mul__", "__rmul__", "__sub__", "__rsub__"}, a.defined.has)
}

// globbed gives what a pattern finds: as many directories deep as it is, as
// only "**" and recursive=True go deeper.
func globbed(pattern string) (string, bool) {
	if hasParent(pattern) {
		return "", false
	}
	elements := strings.Split(pattern, "/")
	for i, e := range elements {
		if magic := strings.IndexAny(e, "*?["); magic >= 0 {
			elements[i] = e[:magic] + someName + literalSuffix(e[magic:])
		}
	}
	return strings.Join(elements, "/"), true
}

// literalSuffix gives what is behind the last magic character of a pattern.
func literalSuffix(pattern string) string { return pattern[strings.LastIndexAny(pattern, "*?]")+1:] }

// walked gives what os.walk yields: the directory and those below it, and names in them.
func (a *analysis) walked(root bound, inner []int) facts {
	switch {
	case len(inner) == 2 && inner[0] > 0:
		return facts{literal(someName)}
	case len(inner) == 1 && inner[0] == 0:
		roots := a.values(root.expr, root.scope).withoutNone()
		return union(roots, roots.mapText(func(dir string) (string, bool) { return joinPath(dir, someName), dir != "" }))
	}
	return nothing
}

// pickMethod gives elements of what a method of a known value returns.
//

func (a *analysis) pickMethod(x *syntax.Call, s *scope, steps []int, depth int) facts {
	f, ok := x.Func.(*syntax.Attribute)
	if !ok {
		return nothing
	}
	inner, receiver := steps[1:], bound{f.X, s}
	switch f.Name {
	case "keys":
		return a.pickDict(receiver, steps, depth, func(i syntax.DictItem) syntax.Expr { return i.Key })
	case "values":
		return a.pickDict(receiver, steps, depth, func(i syntax.DictItem) syntax.Expr { return i.Value })
	case "items":
		if len(inner) == 0 || inner[0] < 0 || inner[0] > 1 {
			return nothing
		}
		return a.pickDict(receiver, inner, depth, func(i syntax.DictItem) syntax.Expr { return []syntax.Expr{i.Key, i.Value}[inner[0]] })
	case "iterdir":
		if len(inner) == 0 {
			return a.values(f.X, s).mapText(func(dir string) (string, bool) { return joinPath(dir, someName), true })
		}
	case "glob", "rglob":
		if len(inner) == 0 {
			return a.globbedPaths(f.X, x, s)
		}
	case "split", "rsplit", "partition", "rpartition", "splitlines":
		if len(inner) == 0 {
			return a.values(f.X, s).mapText(partOf)
		}
	}
	return nothing
}

// globbedPaths gives what Path.glob finds: it takes no absolute patterns.
func (a *analysis) globbedPaths(dir syntax.Expr, call *syntax.Call, s *scope) facts {
	elements, plain := positional(call)
	if !plain || len(elements) != 1 {
		return nothing
	}
	pattern := a.fold(elements[0], s)
	found, ok := globbed(pattern.Value)
	if !ok || pattern.Known != report.Literal || path.IsAbs(pattern.Value) {
		return nothing
	}
	return a.values(dir, s).mapText(func(dir string) (string, bool) { return joinPath(dir, found), true })
}
