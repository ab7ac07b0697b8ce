// SPDX-License-Identifier: Apache-2.0

package syntax

// Walk visits n and, where visit returns true, everything below it in source order.
func Walk(n Node, visit func(Node) bool) {
	if visit(n) {
		Children(n, func(child Node) { Walk(child, visit) })
	}
}

// Children calls visit for each node directly below n.
func Children(n Node, visit func(Node)) {
	w := walker(visit)
	switch n := n.(type) {
	case Stmt:
		w.statement(n)
	case Expr:
		w.expression(n)
	case Pattern:
		w.pattern(n)
	default:
		w.part(n)
	}
}

type walker func(Node)

func (w walker) expr(exprs ...Expr) {
	for _, x := range exprs {
		if x != nil {
			w(x)
		}
	}
}

func (w walker) name(n *Name) {
	if n != nil {
		w(n)
	}
}

func (w walker) body(blocks ...[]Stmt) {
	for _, b := range blocks {
		for _, s := range b {
			w(s)
		}
	}
}

func each[N Node](w walker, nodes []N) {
	for _, n := range nodes {
		w(n)
	}
}

func (w walker) statement(s Stmt) {
	switch s := s.(type) {
	case *FunctionDef:
		w.expr(s.Decorators...)
		w.name(s.Name)
		each(w, s.TypeParams)
		each(w, s.Params)
		w.expr(s.Returns)
		w.body(s.Body)
	case *ClassDef:
		w.expr(s.Decorators...)
		w.name(s.Name)
		each(w, s.TypeParams)
		each(w, s.Args)
		w.body(s.Body)
	case *For:
		w.expr(s.Target, s.Iter)
		w.body(s.Body, s.Else)
	case *While:
		w.expr(s.Cond)
		w.body(s.Body, s.Else)
	case *If:
		each(w, s.Branches)
		w.body(s.Else)
	case *With:
		each(w, s.Items)
		w.body(s.Body)
	case *Match:
		w.expr(s.Subject)
		each(w, s.Cases)
	case *Try:
		w.body(s.Body)
		each(w, s.Handlers)
		w.body(s.Else, s.Finally)
	default:
		w.simple(s)
	}
}

func (w walker) simple(s Stmt) {
	switch s := s.(type) {
	case *Return:
		w.expr(s.X)
	case *Delete:
		w.expr(s.X)
	case *Assign:
		w.expr(s.Targets...)
		w.expr(s.Value)
	case *AugAssign:
		w.expr(s.Target, s.Value)
	case *AnnAssign:
		w.expr(s.Target, s.Annotation, s.Value)
	case *TypeAlias:
		w.name(s.Name)
		each(w, s.TypeParams)
		w.expr(s.Value)
	case *Raise:
		w.expr(s.X, s.Cause)
	case *Assert:
		w.expr(s.Test, s.Message)
	case *Import:
		each(w, s.Names)
	case *ImportFrom:
		each(w, s.Names)
	case *Declaration:
		each(w, s.Names)
	case *ExprStmt:
		w.expr(s.X)
	}
}

func (w walker) expression(x Expr) {
	switch x := x.(type) {
	case *JoinedStr:
		w.expr(x.Parts...)
	case *Formatted:
		w.expr(x.X)
		w.expr(x.Spec...)
	case *Tuple:
		w.expr(x.Elts...)
	case *List:
		w.expr(x.Elts...)
	case *Set:
		w.expr(x.Elts...)
	case *Dict:
		for _, i := range x.Items {
			w.expr(i.Key, i.Value)
		}
	case *Comprehension:
		w.expr(x.Elt, x.Value)
		each(w, x.Clauses)
	case *Call:
		w.expr(x.Func)
		each(w, x.Args)
	case *Attribute:
		w.expr(x.X)
	case *Subscript:
		w.expr(x.X, x.Index)
	case *Slice:
		w.expr(x.Parts...)
	case *Starred:
		w.expr(x.X)
	default:
		w.operation(x)
	}
}

func (w walker) operation(x Expr) {
	switch x := x.(type) {
	case *BoolOp:
		w.expr(x.Values...)
	case *Compare:
		w.expr(x.Operands...)
	case *BinOp:
		w.expr(x.Operands...)
	case *UnaryOp:
		w.expr(x.X)
	case *NamedExpr:
		w.name(x.Target)
		w.expr(x.Value)
	case *IfExp:
		w.expr(x.Then, x.Cond, x.Else)
	case *Lambda:
		each(w, x.Params)
		w.expr(x.Body)
	case *Await:
		w.expr(x.X)
	case *Yield:
		w.expr(x.X)
	}
}

func (w walker) pattern(x Pattern) {
	switch x := x.(type) {
	case *ValuePattern:
		w.expr(x.X)
	case *SequencePattern:
		each(w, x.Elts)
	case *MappingPattern:
		w.expr(x.Keys...)
		each(w, x.Values)
	case *ClassPattern:
		w.expr(x.Class)
		for i, v := range x.Values {
			w.name(x.Names[i])
			w(v)
		}
	case *OrPattern:
		each(w, x.Alternatives)
	case *AsPattern:
		w(x.X)
	}
}

func (w walker) part(n Node) {
	switch n := n.(type) {
	case *Param:
		w.expr(n.Annotation, n.Default)
	case *Argument:
		w.expr(n.Value)
	case *TypeParam:
		w.expr(n.Bound, n.Default)
	case *Alias:
		w.name(n.As)
	case *Branch:
		w.expr(n.Cond)
		w.body(n.Body)
	case *WithItem:
		w.expr(n.X, n.Target)
	case *Case:
		w(n.Pattern)
		w.expr(n.Guard)
		w.body(n.Body)
	case *Handler:
		w.expr(n.Type)
		w.name(n.Name)
		w.body(n.Body)
	case *Clause:
		w.expr(n.Target, n.Iter)
		w.expr(n.Ifs...)
	}
}
