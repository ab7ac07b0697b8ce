// SPDX-License-Identifier: Apache-2.0

package python

import (
	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// look binds an expression of which a list or dictionary stays as it is.
func (b *binder) look(x syntax.Expr, s *scope) {
	if name, ok := x.(*syntax.Name); ok {
		b.loads = append(b.loads, load{name: name, scope: s, look: true})
		return
	}
	b.node(x, s)
}

// lookingFunctions are builtins, and lookingMethods methods of lists and
// dictionaries, that leave these as they are, but for their order and what they take out.
var (
	lookingFunctions = set{"len": {}, "print": {}, "enumerate": {}, "zip": {}, "sorted": {}, "list": {}, "tuple": {}, "set": {}, "range": {}, "iter": {}, "reversed": {}}
	lookingMethods   = set{"items": {}, "keys": {}, "values": {}, "get": {}, "index": {}, "count": {}, "copy": {}, "sort": {}, "reverse": {}, "remove": {}, "clear": {}, "pop": {}}
)

// call binds a call, and notes what its function does with lists.
func (b *binder) call(n *syntax.Call, s *scope) {
	b.names(n)
	through := ""
	switch f := n.Func.(type) {
	case *syntax.Name:
		b.loads = append(b.loads, load{name: f, scope: s, call: n})
		if lookingFunctions.has(f.ID) {
			through = f.ID
		}
	case *syntax.Attribute:
		b.method(f, n, s)
	default:
		b.node(f, s)
	}
	for i, arg := range n.Args {
		if name, ok := arg.Value.(*syntax.Name); ok {
			b.loads = append(b.loads, load{name: name, scope: s, through: through, passed: n, argument: i})
		} else {
			b.node(arg.Value, s)
		}
	}
}

func (b *binder) method(f *syntax.Attribute, n *syntax.Call, s *scope) {
	b.mention(f.Name)
	if isParser(f.Name) {
		if len(n.Args) > 1 || len(n.Args) == 1 && n.Args[0].Star != syntax.NoStar {
			b.fields = nil // the second argument is the namespace
		}
		b.node(f.X, s)
		return
	}
	name, ok := f.X.(*syntax.Name)
	if f.Name == optionMaker && b.statement != n {
		b.fields = nil
	}
	switch {
	case ok && lookingMethods.has(f.Name):
		b.look(name, s)
	case f.Name == optionMaker:
		b.node(f.X, s)
	case ok && f.Name == "append" && len(n.Args) == 1 && n.Args[0].Star == syntax.NoStar:
		b.loads = append(b.loads, load{name: name, scope: s, look: true, appended: n.Args[0].Value})
	default:
		b.node(f, s)
	}
}

// plotters are methods of pandas whose result is a part of a figure.
var plotters = set{"plot": {}, "hist": {}, "boxplot": {}, "plotting": {}}

// mention notes a name that may be that of an attribute or a builtin: pandas
// imports matplotlib to plot, and class methods can call their class.
func (b *binder) mention(name string) {
	b.plots = b.plots || plotters.has(name)
	b.hasClassMethods = b.hasClassMethods || name == "classmethod" || name == "abstractclassmethod"
}
