// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// Bounds on alias resolution. Code that needs more is not read to its end.
const (
	maxTargets = 64  // dotted names that one variable may stand for
	maxParts   = 12  // parts of a dotted name
	maxRounds  = 100 // rounds until the aliases of aliases are settled
)

const builtinsModule = "builtins"

// target is a dotted name that an expression may stand for, with the names
// through which the source reached it.
type target struct {
	name string
	via  []string
}

func (v *variable) addTarget(t target) bool {
	for _, have := range v.targets {
		if have.name == t.name {
			return false
		}
	}
	v.targets = append(v.targets, t)
	return true
}

// value is what is known about an expression: the dotted names that it may
// stand for, and whether it may be anything else, too.
type value struct {
	targets []target
	other   bool
}

// settle finds out what each variable stands for, through any number of
// aliases, in whatever order they are assigned (rule 2: as a set).
func (a *analysis) settle(variables []*variable) {
	aliases := slices.DeleteFunc(slices.Clone(variables), func(v *variable) bool {
		return !slices.ContainsFunc(v.values, bound.isNamePath)
	})
	for range maxRounds {
		changed := false
		for _, v := range aliases {
			for _, x := range v.values {
				changed = a.flow(x, v) || changed
				if a.overflow {
					return
				}
			}
		}
		if !changed {
			return
		}
	}
	a.tooManyAliases()
}

func (a *analysis) tooManyAliases() {
	a.overflow = true
	a.out.Limit("aliases")
}

// flow adds what x stands for to v.
func (a *analysis) flow(x bound, v *variable) bool {
	if !x.isNamePath() {
		return false
	}
	changed := false
	for _, t := range a.resolve(x.expr, x.scope).targets {
		if len(v.targets) >= maxTargets || len(t.via) > maxParts {
			a.tooManyAliases()
			return false
		}
		changed = v.addTarget(target{t.name, append([]string{v.name}, t.via...)}) || changed
	}
	return changed
}

func (b bound) isNamePath() bool { return isNamePath(b.expr) }

// isNamePath reports whether x is a name or a chain of attributes of one.
func isNamePath(x syntax.Expr) bool {
	for {
		switch t := x.(type) {
		case *syntax.Name:
			return true
		case *syntax.Attribute:
			x = t.X
		default:
			return false
		}
	}
}

// resolve gives what an expression stands for. Only names and attribute chains
// stand for anything; every other use of a module is an escape and reported where it is.
func (a *analysis) resolve(x syntax.Expr, s *scope) value {
	switch x := x.(type) {
	case *syntax.Name:
		return a.resolveName(x.ID, s)
	case *syntax.Attribute:
		base := a.resolve(x.X, s)
		out := value{other: base.other}
		for _, t := range base.targets {
			if strings.Count(t.name, ".") >= maxParts {
				a.tooManyAliases()
				continue
			}
			out.targets = append(out.targets, target{a.known.canonical(t.name + "." + x.Name), t.via})
		}
		return out
	}
	return value{other: true}
}

// resolveName reads a name. One that may be unbound at that moment can also be
// the builtin of that name (rule 1).
func (a *analysis) resolveName(name string, s *scope) value {
	variables := s.readable(name)
	out := value{other: len(variables) == 0}
	for _, v := range variables {
		out.targets = append(slices.Clip(out.targets), v.targets...)
		out.other = out.other || v.mayBeOther()
	}
	if (len(variables) == 0 || !variables[0].shields()) && a.isBuiltin(name) {
		out.targets = append(slices.Clip(out.targets), target{name: name})
		out.other = out.other && len(variables) > 0
	}
	return out
}

// mayBeOther reports whether a variable may hold what has no dotted name.
func (v *variable) mayBeOther() bool {
	return v.other || len(v.contexts) > 0 || len(v.targets) == 0 ||
		slices.ContainsFunc(v.values, func(x bound) bool { return !x.isNamePath() })
}

// isBuiltin reports whether the interpreter may find name in the builtins.
func (a *analysis) isBuiltin(name string) bool {
	_, special := specials[name]
	return special || a.known.modules[builtinsModule].has(name) || a.known.effects[name] != nil || isDunder(name)
}
