// SPDX-License-Identifier: Apache-2.0

package syntax

// compound reads a compound statement, or gives nil when there is none.
func (p *parser) compound() Stmt {
	if p.isOp(At) {
		return p.decorated()
	}
	switch p.peekToken().keyword {
	case kwIf:
		return p.ifStatement()
	case kwDef, kwClass:
		return p.definition(p.from(), nil)
	case kwFor:
		return p.forStatement(p.from())
	case kwWhile:
		return p.while()
	case kwTry:
		return p.try()
	case kwWith:
		return p.with(p.from())
	case kwAsync:
		return p.async()
	default:
	}
	if p.isSoftKeyword("match") && p.startsMatch() {
		return p.match()
	}
	return nil
}

func (p *parser) async() Stmt {
	from := p.from()
	p.i++
	switch p.peekToken().keyword {
	case kwDef:
		return p.definition(from, nil)
	case kwFor:
		return p.forStatement(from)
	case kwWith:
		return p.with(from)
	default:
		p.fail("expected 'def', 'for' or 'with'")
		return nil
	}
}

// block reads the suite of a compound statement, its colon included.
func (p *parser) block() []Stmt {
	p.expectOp(Colon, ":")
	var body []Stmt
	if p.peekToken().kind != tokenNewline {
		if s := p.compound(); s != nil {
			fail(s.Pos(), "a compound statement must start on its own line")
		}
		return p.statement(body)
	}
	p.i++
	if p.peekToken().kind != tokenIndent {
		p.fail("expected an indented block")
	}
	p.i++
	p.enter()
	defer p.leave()
	for p.peekToken().kind != tokenDedent {
		body = p.statement(body)
	}
	p.i++
	return body
}

func (p *parser) elseBlock() []Stmt {
	if p.takeKeyword(kwElse) {
		return p.block()
	}
	return nil
}

func (p *parser) decorated() Stmt {
	from := p.from()
	var decorators []Expr
	for p.takeOp(At) {
		decorators = append(decorators, p.namedExpression())
		if p.peekToken().kind != tokenNewline {
			p.fail("expected the end of the line after a decorator")
		}
		p.i++
	}
	p.takeKeyword(kwAsync)
	return p.definition(from, decorators)
}

func (p *parser) definition(from int32, decorators []Expr) Stmt {
	if p.takeKeyword(kwClass) {
		s := &ClassDef{Decorators: decorators, Name: p.name()}
		s.TypeParams = p.typeParams()
		if p.takeOp(LeftParen) {
			s.Args = p.arguments()
		}
		s.Body = p.block()
		return mark(p, from, s)
	}
	p.expectKeyword(kwDef, "def")
	s := &FunctionDef{Decorators: decorators, Name: p.name()}
	s.TypeParams = p.typeParams()
	p.expectOp(LeftParen, "(")
	s.Params = p.params(RightParen)
	p.expectOp(RightParen, ")")
	if p.takeOp(Arrow) {
		s.Returns = p.starExpressions()
	}
	s.Body = p.block()
	return mark(p, from, s)
}

// typeParams reads [T: bound = default, *Ts, **P] if it is there.
func (p *parser) typeParams() []*TypeParam {
	if !p.takeOp(LeftBracket) {
		return nil
	}
	var out []*TypeParam
	for !p.isOp(RightBracket) {
		from := p.from()
		if !p.takeOp(Star1) {
			p.takeOp(Star2)
		}
		t := &TypeParam{Name: p.identifier()}
		if p.takeOp(Colon) {
			t.Bound = p.test()
		}
		if p.takeOp(Equal) {
			t.Default = p.starOrNamed()
		}
		out = append(out, mark(p, from, t))
		if !p.takeOp(Comma) {
			break
		}
	}
	p.expectOp(RightBracket, "]")
	return out
}

// params reads parameters up to end, which is a colon for a lambda; only a def
// has annotations.
func (p *parser) params(end Operator) []*Param {
	var out []*Param
	for !p.isOp(end) {
		out = append(out, p.param(end == RightParen))
		if !p.takeOp(Comma) {
			break
		}
	}
	return out
}

func (p *parser) param(annotated bool) *Param {
	from := p.from()
	a := &Param{}
	switch {
	case p.takeOp(Slash):
	case p.takeOp(Star2):
		a.Star = DoubleStar
		a.Name = p.identifier()
	case p.takeOp(Star1):
		a.Star = SingleStar
		if p.isName() {
			a.Name = p.identifier()
		}
	default:
		a.Name = p.identifier()
	}
	if annotated && a.Name != "" && p.takeOp(Colon) {
		a.Annotation = p.starOrTest()
	}
	if a.Name != "" && p.takeOp(Equal) {
		a.Default = p.test()
	}
	return mark(p, from, a)
}

func (p *parser) ifStatement() Stmt {
	from := p.from()
	s := &If{}
	for p.isKeyword(kwIf) && len(s.Branches) == 0 || p.isKeyword(kwElif) {
		at := p.from()
		p.i++
		b := &Branch{Cond: p.namedExpression()}
		b.Body = p.block()
		s.Branches = append(s.Branches, mark(p, at, b))
	}
	s.Else = p.elseBlock()
	return mark(p, from, s)
}

func (p *parser) while() Stmt {
	from := p.from()
	p.i++
	s := &While{Cond: p.namedExpression()}
	s.Body = p.block()
	s.Else = p.elseBlock()
	return mark(p, from, s)
}

func (p *parser) forStatement(from int32) Stmt {
	p.expectKeyword(kwFor, "for")
	s := &For{Target: p.targetList()}
	p.expectKeyword(kwIn, "in")
	s.Iter = p.starExpressions()
	s.Body = p.block()
	s.Else = p.elseBlock()
	return mark(p, from, s)
}

// targetList reads the targets of a for, up to its "in".
func (p *parser) targetList() Expr {
	from := p.from()
	first := p.target()
	if !p.isOp(Comma) {
		return first
	}
	t := &Tuple{Elts: []Expr{first}}
	for p.takeOp(Comma) && !p.isKeyword(kwIn) {
		t.Elts = append(t.Elts, p.target())
	}
	return mark(p, from, t)
}

func (p *parser) target() Expr {
	from := p.from()
	var x Expr
	if p.takeOp(Star1) {
		x = mark(p, from, &Starred{X: p.binary(lowestPrecedence)})
	} else {
		x = p.binary(lowestPrecedence)
	}
	p.checkTarget(x)
	return x
}

func (p *parser) try() Stmt {
	from := p.from()
	p.i++
	s := &Try{Body: p.block()}
	for p.isKeyword(kwExcept) {
		s.Handlers = append(s.Handlers, p.handler())
	}
	if len(s.Handlers) > 0 {
		s.Else = p.elseBlock()
	}
	if p.takeKeyword(kwFinally) {
		s.Finally = p.block()
	} else if len(s.Handlers) == 0 {
		p.fail("expected 'except' or 'finally'")
	}
	return mark(p, from, s)
}

// handler reads an except clause; PEP 758 allows several types without parentheses.
func (p *parser) handler() *Handler {
	from := p.from()
	p.i++
	p.takeOp(Star1)
	h := &Handler{}
	if !p.isOp(Colon) {
		h.Type = p.testList(Colon)
		h.Name = p.nameAfter(kwAs)
	}
	h.Body = p.block()
	return mark(p, from, h)
}

// testList reads one expression, or a tuple of them, that ends before end.
func (p *parser) testList(end Operator) Expr {
	from := p.from()
	first := p.starOrNamed()
	if !p.isOp(Comma) {
		return first
	}
	t := &Tuple{Elts: []Expr{first}}
	for p.takeOp(Comma) && !p.isOp(end) {
		t.Elts = append(t.Elts, p.starOrNamed())
	}
	return mark(p, from, t)
}

func (p *parser) with(from int32) Stmt {
	p.expectKeyword(kwWith, "with")
	s := &With{}
	if p.isOp(LeftParen) && p.parenthesesEndHeader() {
		p.i++
		s.Items = p.withItems(RightParen)
		p.expectOp(RightParen, ")")
	} else {
		s.Items = p.withItems(Colon)
	}
	s.Body = p.block()
	return mark(p, from, s)
}

// parenthesesEndHeader reports whether the bracket that opens at the next token
// closes right before a colon: then it surrounds the items of a with statement.
func (p *parser) parenthesesEndHeader() bool {
	depth := 0
	for i := p.i; i < len(p.tokens); i++ {
		switch p.tokens[i].op {
		case LeftParen, LeftBracket, LeftBrace:
			depth++
		case RightParen, RightBracket, RightBrace:
			if depth--; depth == 0 {
				return p.tokens[i+1].op == Colon
			}
		default:
		}
	}
	return false
}

// withItems reads items up to end. Inside parentheses a tuple, a generator or a
// yield can stand where an item does; as items they hold the same expressions.
func (p *parser) withItems(end Operator) []*WithItem {
	var items []*WithItem
	for !p.isOp(end) {
		from := p.from()
		w := &WithItem{}
		switch {
		case end == Colon:
			w.X = p.test()
		case p.isKeyword(kwYield):
			w.X = p.yield()
		default:
			w.X = p.elementOrGenerator()
		}
		if p.takeKeyword(kwAs) {
			w.Target = p.target()
		}
		items = append(items, mark(p, from, w))
		if !p.takeOp(Comma) {
			break
		}
	}
	return items
}
