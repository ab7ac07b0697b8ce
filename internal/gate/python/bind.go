// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// binder walks a source once and records every binding of every scope.
type binder struct {
	scopes map[syntax.Node]*scope
	// defined are the attribute names that the code itself gives to its classes and objects.
	defined set
	// imported are the modules that the code names in imports, and their parents.
	imported set
	// classes are the names of classes, without underscores in front.
	classes set
	// loads are the reads of names.
	loads []load
	// order lists the variables as they are first bound.
	order []*variable
	// statement is the last call whose result is not used.
	statement *syntax.Call
	// hasClassMethods is set when the code may have methods that are given their class.
	hasClassMethods bool
	// plots is set when the code names a method of pandas that plots.
	plots bool
	// fields are the values that are assigned to attributes, by name.
	fields map[string]*field
	// bodies are the function and class bodies that are still to be walked.
	bodies []body
}

// body is the body of a function or class and its scope.
type body struct {
	stmts []syntax.Stmt
	scope *scope
}

// file binds a whole source. The body of a function or class is walked after
// the scope around it: a nonlocal statement may come before the binding it names.
func (b *binder) file(stmts []syntax.Stmt, module *scope) {
	b.bodies = []body{{stmts, module}}
	for len(b.bodies) > 0 {
		next := b.bodies[0]
		b.bodies = b.bodies[1:]
		b.block(next.stmts, next.scope)
	}
}

func (b *binder) bind(s *scope, name string) *variable {
	v := s.bind(name)
	if s.kind == classScope {
		b.defined.add(name)
	}
	v.bindings++
	if v.bindings == 1 {
		b.order = append(b.order, v)
	}
	return v
}

func (b *binder) bindOther(s *scope, name string) {
	if name != "" {
		b.bind(s, name).other = true
	}
}

// define binds the name of a def or class.
func (b *binder) define(s *scope, name string, decorators []syntax.Expr) *variable {
	v := b.bind(s, name)
	v.other, v.definition = true, true
	for _, d := range decorators {
		v.decorators = append(v.decorators, bound{d, s})
	}
	return v
}

// block binds the statements of one scope. Its global and nonlocal statements
// come first, as they hold for the whole scope.
func (b *binder) block(body []syntax.Stmt, s *scope) {
	for _, stmt := range body {
		declare(stmt, s)
	}
	for _, stmt := range body {
		b.node(stmt, s)
	}
}

func declare(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.FunctionDef, *syntax.ClassDef, syntax.Expr, syntax.Pattern:
		return
	case *syntax.Declaration:
		names := &s.nonlocals
		if n.Global {
			names = &s.globals
		}
		if *names == nil {
			*names = set{}
		}
		for _, name := range n.Names {
			names.add(name.ID)
		}
	}
	syntax.Children(n, func(child syntax.Node) { declare(child, s) })
}

// node binds whatever n binds, and everything below it.
//

func (b *binder) node(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.FunctionDef:
		v := b.define(s, n.Name.ID, n.Decorators)
		if s.kind != classScope && len(n.Decorators) == 0 {
			v.function = n
		}
		b.each(n.Decorators, s)
		inner := b.function(n, n.Params, s)
		nameParameters(v, n.Params, inner, s)
		if len(n.Params) > 0 {
			inner.method = n
		}
		b.expression(n.Returns, s)
		b.typeParams(n.TypeParams, inner)
		b.bodies = append(b.bodies, body{n.Body, inner})
	case *syntax.ClassDef:
		v := b.define(s, n.Name.ID, n.Decorators)
		b.each(n.Decorators, s)
		for _, a := range n.Args {
			v.bases = append(v.bases, bound{a.Value, s})
			b.node(a.Value, s)
		}
		b.classes.add(strings.TrimLeft(n.Name.ID, "_"))
		inner := newScope(classScope, s)
		inner.class, v.statement = v, n
		b.scopes[n] = inner
		b.typeParams(n.TypeParams, inner)
		b.bodies = append(b.bodies, body{n.Body, inner})
	case *syntax.Lambda:
		b.node(n.Body, b.function(n, n.Params, s))
	case *syntax.Comprehension:
		b.comprehension(n, s)
	case *syntax.Name:
		b.mention(n.ID)
		b.loads = append(b.loads, load{name: n, scope: s})
	case *syntax.Call:
		b.call(n, s)
	case *syntax.Attribute:
		b.mention(n.Name)
		if isParser(n.Name) || n.Name == optionMaker {
			b.fields = nil
		}
		b.node(n.X, s)
	case *syntax.Str:
		b.mention(n.Value)
		if isParser(n.Value) || n.Value == optionMaker {
			b.fields = nil // getattr(parser, "parse_args")
		}
	case *syntax.ExprStmt:
		if call, ok := n.X.(*syntax.Call); ok {
			b.statement = call
		}
		b.node(n.X, s)
	case *syntax.Subscript:
		b.look(n.X, s)
		b.node(n.Index, s)
	case *syntax.Formatted:
		b.look(n.X, s)
		b.each(n.Spec, s)
	case *syntax.UnaryOp:
		b.look(n.X, s)
	case *syntax.Branch:
		b.look(n.Cond, s)
		for _, stmt := range n.Body {
			b.node(stmt, s)
		}
	default:
		b.binding(n, s)
	}
}

func (b *binder) each(exprs []syntax.Expr, s *scope) {
	for _, x := range exprs {
		b.expression(x, s)
	}
}

func (b *binder) expression(x syntax.Expr, s *scope) {
	if x != nil {
		b.node(x, s)
	}
}

func (b *binder) typeParams(params []*syntax.TypeParam, s *scope) {
	for _, t := range params {
		b.bindOther(s, t.Name)
		b.expression(t.Bound, s)
		b.expression(t.Default, s)
	}
}

// function opens the scope of a def or lambda. Defaults and annotations belong outside.
func (b *binder) function(n syntax.Node, params []*syntax.Param, s *scope) *scope {
	inner := newScope(functionScope, s)
	b.scopes[n] = inner
	for _, p := range params {
		b.bindOther(inner, p.Name)
		b.expression(p.Annotation, s)
		b.expression(p.Default, s)
	}
	return inner
}

// comprehension opens the scope of a comprehension; its first iterable is evaluated outside.
func (b *binder) comprehension(n *syntax.Comprehension, s *scope) {
	inner := newScope(functionScope, s)
	inner.comprehension = true
	b.scopes[n] = inner
	for i, c := range n.Clauses {
		around := inner
		if i == 0 {
			around = s
		}
		b.part(c.Target, item{bound{c.Iter, around}, []int{each}}, inner)
		b.look(c.Iter, around)
		b.each(c.Ifs, inner)
	}
	b.node(n.Elt, inner)
	b.expression(n.Value, inner)
}

// binding handles the statements and expressions that bind names in their own scope.
//

func (b *binder) binding(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.Assign:
		for _, t := range n.Targets {
			b.target(t, n.Value, s)
		}
		b.node(n.Value, s)
		return
	case *syntax.AugAssign:
		b.target(n.Target, nil, s)
		if name, ok := n.Target.(*syntax.Name); ok {
			v := s.bind(name.ID)
			v.steps = append(v.steps, bound{n.Value, s})
		}
		b.node(n.Value, s)
		return
	case *syntax.AnnAssign:
		b.target(n.Target, n.Value, s)
		b.node(n.Annotation, s)
		b.expression(n.Value, s)
		return
	case *syntax.For:
		b.part(n.Target, item{bound{n.Iter, s}, []int{each}}, s)
		b.look(n.Iter, s)
		for _, stmt := range slices.Concat(n.Body, n.Else) {
			b.node(stmt, s)
		}
		return
	case *syntax.Delete:
		if b.remove(n.X, s) {
			return
		}
		b.target(n.X, nil, s)
	case *syntax.WithItem:
		if name, ok := n.Target.(*syntax.Name); ok {
			v := b.bind(s, name.ID)
			v.contexts = append(v.contexts, bound{n.X, s})
		} else if n.Target != nil {
			b.target(n.Target, nil, s)
		}
	case *syntax.Handler:
		if n.Name != nil {
			b.bindOther(s, n.Name.ID)
		}
	case *syntax.NamedExpr:
		v := b.bind(enclosing(s), n.Target.ID)
		v.values = append(v.values, bound{n.Value, s})
	case *syntax.TypeAlias:
		b.bindOther(s, n.Name.ID)
		b.typeParams(n.TypeParams, s)
	case *syntax.Import, *syntax.ImportFrom:
		b.imports(n, s)
	case *syntax.CapturePattern:
		b.bindOther(s, n.Name)
	case *syntax.AsPattern:
		b.bindOther(s, n.Name)
	}
	syntax.Children(n, func(child syntax.Node) { b.node(child, s) })
}

// enclosing gives the scope that a walrus binds in: that around all comprehensions.
func enclosing(s *scope) *scope {
	for s.comprehension {
		s = s.parent
	}
	return s
}

func (b *binder) imports(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.Import:
		for _, a := range n.Names {
			b.addImported(a.Name)
			if a.As != nil {
				b.importTo(s, a.As.ID, a.Name)
			} else {
				top, _, _ := strings.Cut(a.Name, ".")
				b.importTo(s, top, top)
			}
		}
	case *syntax.ImportFrom:
		b.addImported(n.Module)
		for _, a := range n.Names {
			name := a.Name
			if a.As != nil {
				name = a.As.ID
			}
			switch {
			case a.Name == "*":
			case n.Level > 0:
				b.bindOther(s, name)
			default:
				b.mention(a.Name)
				b.addImported(n.Module + "." + a.Name)
				b.importTo(s, name, n.Module+"."+a.Name)
			}
		}
	}
}

func (b *binder) importTo(s *scope, name, dotted string) {
	v := b.bind(s, name)
	v.addTarget(target{name: world().canonical(dotted), via: importedVia(name, dotted)})
}

// importedVia gives the alias chain of an import: none when the name is its own.
func importedVia(name, dotted string) []string {
	if name == dotted {
		return nil
	}
	return []string{name}
}

func (b *binder) addImported(module string) {
	for ; module != ""; module = module[:max(strings.LastIndexByte(module, '.'), 0)] {
		b.imported.add(module)
	}
}
