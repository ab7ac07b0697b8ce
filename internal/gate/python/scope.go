// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

type scopeKind uint8

const (
	moduleScope scopeKind = iota
	classScope
	functionScope // functions, lambdas and comprehensions
)

// scope is a namespace of the source.
type scope struct {
	kind          scopeKind
	comprehension bool
	parent        *scope
	variables     map[string]*variable
	globals       set // names declared global; nil when there are none
	nonlocals     set // names declared nonlocal; nil when there are none
	// method is the def with parameters whose scope it is, and class the variable
	// that its class statement binds.
	method *syntax.FunctionDef
	class  *variable
}

// variable is a name bound in a scope, with everything it is ever bound to. The
// order of bindings does not matter: a name is all that it could be.
type variable struct {
	scope *scope
	name  string
	// values are expressions that were assigned to the bare name.
	values []bound
	// contexts are expressions whose __enter__ result a with statement bound.
	contexts []bound
	// other is set when it is bound in any further way: parameter, loop, def, class.
	other bool
	// keywords is set when it is the **parameter of a function.
	keywords bool
	// definition is set when it is bound by a def or class, which sets other, too.
	definition bool
	// decorators and bases are those of the defs and classes that bind it.
	decorators, bases []bound
	// items are the parts of values that loops and unpacking bind to it, and
	// steps what augmented assignments add; both set other, too.
	items []item
	steps []bound
	// bindings and loads count how often the source binds and reads it; looks are
	// the reads that leave a list or dictionary as it is, and calls those that call it.
	bindings, loads, looks int
	calls                  []boundCall
	// onlyLooks keeps the answer of isLookedAt, lookState whether it was found out.
	onlyLooks bool
	lookState foldState
	// passedTo are the parameters that it is passed for.
	passedTo []*variable
	// appended are the values that its append method is given.
	appended []bound
	// statement is the class statement that binds it; isGiven is set when methods
	// may be given the class.
	statement *syntax.ClassDef
	isGiven   bool
	// function is the def that binds it, param the parameter that it is.
	function *syntax.FunctionDef
	param    *parameter
	// targets are the dotted names it may stand for; resolve fills them in.
	targets []target
	// folded keeps the constant it holds, foldState whether that was found out.
	folded    facts
	foldState foldState
}

// isAccounted reports whether everything that the variable can hold is known to
// be the value of some expression of the source.
func (v *variable) isAccounted() bool {
	known := len(v.values) + len(v.items) + len(v.steps) + len(v.contexts)
	if v.param != nil {
		known++
	}
	return v.bindings == known && len(v.targets) == 0
}

// bound is an expression and the scope in which it is evaluated.
type bound struct {
	expr  syntax.Expr
	scope *scope
}

// boundCall is a call and the scope in which its arguments are evaluated.
type boundCall struct {
	call  *syntax.Call
	scope *scope
}

type foldState uint8

const (
	notFolded foldState = iota
	folding             // guards against cycles
	folded
)

func newScope(kind scopeKind, parent *scope) *scope {
	return &scope{kind: kind, parent: parent, variables: map[string]*variable{}}
}

func (s *scope) module() *scope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// bind gives the variable that an assignment to name in this scope sets.
func (s *scope) bind(name string) *variable {
	owner := s
	switch {
	case s.globals.has(name):
		owner = s.module()
	case s.nonlocals.has(name):
		for owner = s.parent; owner.parent != nil; owner = owner.parent {
			if owner.kind == functionScope && owner.variables[name] != nil {
				break
			}
		}
	}
	v := owner.variables[name]
	if v == nil {
		v = &variable{scope: owner, name: name}
		owner.variables[name] = v
	}
	return v
}

// lookup finds the nearest variable that name may read in this scope; nil when
// only a builtin can have that name. Class scopes are not visible from inside them.
func (s *scope) lookup(name string) *variable {
	for t := s; t != nil; t = t.parent {
		if t.kind == classScope && t != s {
			continue
		}
		if t.globals.has(name) {
			return t.module().variables[name]
		}
		if v := t.variables[name]; v != nil {
			return v
		}
	}
	return nil
}

// readable gives every variable that name may read in this scope. A class body
// that has not bound a name yet reads the enclosing or the global one instead.
func (s *scope) readable(name string) []*variable {
	v := s.lookup(name)
	if v == nil {
		return nil
	}
	out := []*variable{v}
	if v.scope != s || s.kind != classScope {
		return out
	}
	for _, outer := range []*variable{s.parent.lookup(name), s.module().variables[name]} {
		if outer != nil && !slices.Contains(out, outer) {
			out = append(out, outer)
		}
	}
	return out
}

// sole gives the one variable that name reads in this scope; nil when there is
// none, or when it may be another one while a class body runs.
func (s *scope) sole(name string) *variable {
	v := s.lookup(name)
	if v == nil || v.scope.kind == classScope {
		return nil
	}
	return v
}

// shields reports whether reading name can never fall through to the builtins.
// Only function scopes do that: a module or class variable may be unset.
func (v *variable) shields() bool { return v.scope.kind == functionScope }
