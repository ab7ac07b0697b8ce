// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

func (a *analysis) body(stmts []syntax.Stmt, s *scope) {
	for _, stmt := range stmts {
		a.visit(stmt, s)
	}
}

func (a *analysis) exprs(exprs []syntax.Expr, s *scope) {
	for _, x := range exprs {
		a.expr(x, s)
	}
}

func (a *analysis) expr(x syntax.Expr, s *scope) {
	if x != nil {
		a.visit(x, s)
	}
}

// visit reports the operations of n and of everything below it, each in the
// scope in which Python evaluates it.
//

func (a *analysis) visit(n syntax.Node, s *scope) {
	switch n := n.(type) {
	case *syntax.FunctionDef:
		a.noteInnermost(n, n.Decorators)
		a.exprs(n.Decorators, s)
		a.bindName(n.Name, s)
		a.params(n.Params, s)
		a.annotation(n.Returns, s)
		a.typeParams(n.TypeParams, a.scopes[n])
		a.body(n.Body, a.scopes[n])
	case *syntax.ClassDef:
		a.noteInnermost(n, n.Decorators)
		a.exprs(n.Decorators, s)
		a.bindName(n.Name, s)
		for _, arg := range n.Args {
			a.metaclass[arg.Value] = arg.Name == "metaclass"
			a.visit(arg.Value, s)
		}
		a.typeParams(n.TypeParams, a.scopes[n])
		a.body(n.Body, a.scopes[n])
	case *syntax.Lambda:
		a.params(n.Params, s)
		a.visit(n.Body, a.scopes[n])
	case *syntax.Comprehension:
		a.comprehension(n, s)
	case *syntax.NamedExpr:
		a.bindName(n.Target, s)
		a.children(n, s)
	case *syntax.Call:
		a.call(n, s)
	case *syntax.Name, *syntax.Attribute:
		a.reference(n.(syntax.Expr), nil, s)
	case *syntax.Compare:
		if !slices.ContainsFunc(comparisons, a.defined.has) || !slices.ContainsFunc(n.Operands, func(x syntax.Expr) bool { return !a.isClass(x, s) }) {
			a.nameTypes(n.Operands...)
			for _, x := range n.Operands {
				a.look(x)
			}
		}
		a.children(n, s)
	case *syntax.Formatted:
		a.nameTypes(n.X)
		a.children(n, s)
	case *syntax.Str:
		a.zoneText(n)
	case *syntax.Dict:
		a.settingKeys(n, s)
		a.children(n, s)
	case *syntax.Subscript:
		a.index[n.X] = n.Index
		a.visit(n.X, s)
		a.visit(n.Index, s)
	case syntax.Stmt:
		a.statement(n, s)
	case syntax.Pattern:
		a.pattern(n, s)
	default:
		a.children(n, s)
	}
}

func (a *analysis) children(n syntax.Node, s *scope) {
	syntax.Children(n, func(child syntax.Node) { a.visit(child, s) })
}

func (a *analysis) params(params []*syntax.Param, s *scope) {
	for _, p := range params {
		a.spelledOut(p.Name, p)
		a.annotation(p.Annotation, s)
		a.expr(p.Default, s)
	}
}

// annotation reads an annotation of a function, whose value nothing can get.
func (a *analysis) annotation(x syntax.Expr, s *scope) {
	outer := a.annotating
	a.annotating = x != nil && a.isAnnotation(x, s) // in anything else it can be called
	a.expr(x, s)
	a.annotating = outer
}

func (a *analysis) typeParams(params []*syntax.TypeParam, s *scope) {
	for _, t := range params {
		a.expr(t.Bound, s)
		a.expr(t.Default, s)
	}
}

func (a *analysis) comprehension(n *syntax.Comprehension, s *scope) {
	inner := a.scopes[n]
	for i, c := range n.Clauses {
		a.noteWalk(c.Target, c.Iter, inner)
		if i == 0 {
			a.visit(c.Iter, s)
		} else {
			a.visit(c.Iter, inner)
		}
		a.store(c.Target, inner)
		a.exprs(c.Ifs, inner)
	}
	a.visit(n.Elt, inner)
	a.expr(n.Value, inner)
}

// statement handles the statements that bind names; all others are their parts.
//

func (a *analysis) statement(n syntax.Stmt, s *scope) {
	switch n := n.(type) {
	case *syntax.Import:
		a.importNames(n, s)
	case *syntax.ImportFrom:
		a.importFrom(n, s)
	case *syntax.Assign:
		for _, t := range n.Targets {
			a.store(t, s)
		}
		if isAlias(n, s) {
			a.alias(n.Value, s)
		} else {
			a.visit(n.Value, s)
		}
	case *syntax.AugAssign:
		a.store(n.Target, s)
		a.visit(n.Target, s)
		a.visit(n.Value, s)
	case *syntax.AnnAssign:
		a.store(n.Target, s)
		a.declaring = a.isAnnotation(n.Annotation, s)
		a.visit(n.Annotation, s)
		a.declaring = false
		a.expr(n.Value, s)
	case *syntax.For:
		a.noteWalk(n.Target, n.Iter, s)
		a.store(n.Target, s)
		a.visit(n.Iter, s)
		a.body(n.Body, s)
		a.body(n.Else, s)
	case *syntax.With:
		for _, item := range n.Items {
			a.visit(item.X, s)
			if item.Target != nil {
				a.store(item.Target, s)
			}
		}
		a.body(n.Body, s)
	case *syntax.Delete:
		a.store(n.X, s)
	case *syntax.Declaration:
		for _, name := range n.Names {
			a.bindName(name, s)
		}
	case *syntax.TypeAlias:
		a.bindName(n.Name, s)
		a.children(n, s)
	case *syntax.Try:
		for _, h := range n.Handlers {
			if h.Name != nil {
				a.bindName(h.Name, s)
			}
		}
		a.try(n, s)
	default:
		a.children(n, s)
	}
}

func (a *analysis) try(n *syntax.Try, s *scope) {
	a.body(n.Body, s)
	for _, h := range n.Handlers {
		a.expr(h.Type, s)
		a.body(h.Body, s)
	}
	a.body(n.Else, s)
	a.body(n.Finally, s)
}

// isAlias reports whether an assignment only gives another bare name to
// something. Such names are tracked (resolve.go), so the use that counts is
// theirs. A class variable is also an attribute, which is not tracked.
func isAlias(n *syntax.Assign, s *scope) bool {
	if s.kind == classScope || !isNamePath(n.Value) {
		return false
	}
	for _, t := range n.Targets {
		if _, bare := t.(*syntax.Name); !bare {
			return false
		}
	}
	return true
}

// store handles an assignment target.
func (a *analysis) store(t syntax.Expr, s *scope) {
	switch t := t.(type) {
	case *syntax.Name:
		a.bindName(t, s)
	case *syntax.Starred:
		a.store(t.X, s)
	case *syntax.Tuple:
		for _, e := range t.Elts {
			a.store(e, s)
		}
	case *syntax.List:
		for _, e := range t.Elts {
			a.store(e, s)
		}
	case *syntax.Attribute:
		a.storeAttribute(t, s)
	default:
		a.visit(t, s)
	}
}

// storeAttribute refuses to patch modules and library classes (rule 5): calls
// that were judged by their names would then run something else.
func (a *analysis) storeAttribute(t *syntax.Attribute, s *scope) {
	v := a.resolve(t, s)
	for _, patched := range v.targets {
		a.report(t, report.Operation{
			Kind: report.Unknown, Form: report.FormStore, Name: patched.name, Via: patched.via,
			Reason: "it changes a module or a library class, so that known names may do something else",
		})
	}
	reason := ""
	switch {
	case !v.other:
	case isDunder(t.Name):
		reason = "assigning to a special attribute can change what an object is"
	case slices.ContainsFunc(a.known.stores[t.Name], a.imported.has) && !a.isSelf(t.X, s):
		reason = "assigning to this attribute can change the file, host or command that an object acts on"
	}
	if reason != "" {
		a.reportAt(t.NamePos, t.End(), report.Operation{Kind: report.Unknown, Form: report.FormStore, Name: "." + t.Name, Reason: reason})
	}
	a.base(t.X, v.targets != nil && !v.other, s)
}

// isSelf reports whether x is certainly an object of a class of the source: the
// first parameter of a method that nothing can call with another.
func (a *analysis) isSelf(x syntax.Expr, s *scope) bool {
	name, ok := x.(*syntax.Name)
	if !ok || s.method == nil || s.parent.kind != classScope {
		return false
	}
	self, first := s.variables[name.ID], s.method.Params[0]
	method, class := s.parent.variables[s.method.Name.ID], s.parent.class
	return self != nil && self.bindings == 1 && first.Name == name.ID && first.Star == syntax.NoStar &&
		method != nil && method.isOnlyMethod() && class.isOnlyCalled() && !slices.ContainsFunc(class.bases, a.isForeignBase)
}

// isOnlyMethod reports whether nothing can call a method but through its objects.
func (v *variable) isOnlyMethod() bool {
	return v.bindings == 1 && v.loads == 0 && len(v.decorators) == 0
}

// isOnlyCalled reports whether the source only calls a class by its name. One in
// a class body can also be reached as an attribute.
func (v *variable) isOnlyCalled() bool {
	return v.scope.kind != classScope && v.bindings == 1 && v.loads == len(v.calls) && !v.isGiven
}

// isForeignBase reports whether a base may be a class of a library, whose
// objects have attributes of their own.
func (a *analysis) isForeignBase(b bound) bool { return !a.resolve(b.expr, b.scope).all(plainBases) }

// plainBases are classes whose objects act on nothing.
var plainBases = set{"object": {}, "abc.ABC": {}, "abc.ABCMeta": {}, "Exception": {}, "ValueError": {}, "RuntimeError": {}, "typing.Generic": {}, "typing.Protocol": {}, "threading.Thread": {}}

// pattern handles match patterns, which read attributes by keyword.
func (a *analysis) pattern(p syntax.Pattern, s *scope) {
	switch p := p.(type) {
	case *syntax.ClassPattern:
		a.visit(p.Class, s)
		for i, v := range p.Values {
			if name := p.Names[i]; name != nil {
				a.attribute(attributeUse{name: name.ID, from: name.Pos(), to: name.End()}, s)
			} else {
				a.positionalPattern(p.Class, s)
			}
			a.visit(v, s)
		}
		return
	case *syntax.CapturePattern:
		a.bindNameAt(p.Name, p, s)
	case *syntax.AsPattern:
		a.bindNameAt(p.Name, p, s)
	}
	a.children(p, s)
}

// positionalPattern refuses classes that no class statement made: their
// __match_args__ name the attributes that are read.
func (a *analysis) positionalPattern(class syntax.Expr, s *scope) {
	v := a.resolve(class, s)
	name, bare := class.(*syntax.Name)
	if !v.other || bare && a.isFunction(name, s) {
		return
	}
	a.report(class, report.Operation{
		Kind: report.Dynamic, Form: report.FormReference, Name: "__match_args__",
		Reason: "which attributes it reads is only known at run time",
	})
}

func isDunder(name string) bool {
	return len(name) > 4 && name[:2] == "__" && name[len(name)-2:] == "__"
}

// report records op at the range of n.
func (a *analysis) report(n syntax.Node, op report.Operation) { a.reportAt(n.Pos(), n.End(), op) }

func (a *analysis) reportAt(from, to int, op report.Operation) { a.out.Add(from, to, op) }
