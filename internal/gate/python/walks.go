// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// walkers are functions that go on in the directories of a list that they hand
// out: dirs[:] = ["/etc"] leads them there.
var walkers = set{"os.walk": {}, "os.fwalk": {}}

// noteWalk notes that a loop only takes names out of the list of directories.
func (a *analysis) noteWalk(target, iter syntax.Expr, s *scope) {
	call, ok := iter.(*syntax.Call)
	if !ok {
		return
	}
	var elements []syntax.Expr
	switch t := target.(type) {
	case *syntax.Tuple:
		elements = t.Elts
	case *syntax.List:
		elements = t.Elts
	}
	if len(elements) != 3 || hasStarred(elements) {
		return
	}
	name, ok := elements[1].(*syntax.Name)
	if !ok {
		return
	}
	v := s.sole(name.ID)
	if v != nil && v.isLookedAt() && len(v.appended)+len(v.steps) == 0 {
		a.walks[call] = true
	}
}

// exhausts are functions that are done with a walk before anything has its lists.
var exhausts = set{"list": {}, "sorted": {}, "tuple": {}, "next": {}}

// noteExhausted notes that a call leaves nothing of a walk that is its argument.
func (a *analysis) noteExhausted(n *syntax.Call, s *scope) {
	if len(n.Args) == 0 || !a.resolve(n.Func, s).all(exhausts) {
		return
	}
	if walk, ok := n.Args[0].Value.(*syntax.Call); ok && n.Args[0].Star == syntax.NoStar {
		a.walks[walk] = true
	}
}

// mayStray reports whether a use of a walker may be led to other directories.
func (a *analysis) mayStray(e emission) bool {
	if !walkers.has(e.name) || a.walks[e.call] {
		return false
	}
	x, presence := argument{position: 1, keyword: "topdown"}.find(e.call)
	return presence != given || !isConstant(x, "False")
}

// prune binds an assignment to a slice of a list that leaves only elements in it.
func (b *binder) prune(t *syntax.Subscript, value syntax.Expr, s *scope) bool {
	name, ok := t.X.(*syntax.Name)
	if _, slice := t.Index.(*syntax.Slice); !ok || !slice {
		return false
	}
	through := ""
	switch x := value.(type) {
	case *syntax.List:
		if len(x.Elts) > 0 {
			return false
		}
	case *syntax.Comprehension:
		if !isFilter(x, name.ID) {
			return false
		}
	case *syntax.Call:
		f, ok := x.Func.(*syntax.Name)
		if !ok || f.ID != "sorted" || len(x.Args) == 0 || !isNamed(x.Args[0].Value, name.ID) {
			return false
		}
		through = f.ID
	default:
		return false
	}
	b.loads = append(b.loads, load{name: name, scope: s, look: through == "", through: through})
	b.node(t.Index, s)
	return true
}

// isFilter reports whether a comprehension has only elements of a name: [x for x in name if …].
func isFilter(x *syntax.Comprehension, name string) bool {
	if x.Value != nil || len(x.Clauses) != 1 || !isNamed(x.Clauses[0].Iter, name) {
		return false
	}
	target, ok := x.Clauses[0].Target.(*syntax.Name)
	return ok && isNamed(x.Elt, target.ID)
}

func isNamed(x syntax.Expr, name string) bool {
	n, ok := x.(*syntax.Name)
	return ok && n.ID == name
}

// remove binds a del of elements.
func (b *binder) remove(x syntax.Expr, s *scope) bool {
	t, ok := x.(*syntax.Subscript)
	if ok {
		b.look(t.X, s)
		b.node(t.Index, s)
	}
	return ok
}

// isNoted reports whether the binder notes mentions of a name, which it does not
// see in one that is made at run time.
func isNoted(name string) bool {
	return plotters.has(name) || isParser(name) || slices.Contains([]string{optionMaker, "classmethod", "abstractclassmethod"}, name)
}
