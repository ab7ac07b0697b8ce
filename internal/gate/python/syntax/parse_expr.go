// SPDX-License-Identifier: Apache-2.0

package syntax

// startsExpression reports whether the next token can start an expression.
func (p *parser) startsExpression() bool {
	switch t := p.peekToken(); t.kind {
	case tokenNumber, tokenString, tokenFStart, tokenName:
		return true
	case tokenKeyword:
		switch t.keyword {
		case kwFalse, kwTrue, kwNone, kwAwait, kwLambda, kwNot:
			return true
		default:
		}
	case tokenOperator:
		switch t.op {
		case LeftParen, LeftBracket, LeftBrace, Minus, Plus, Tilde, Ellipsis, Star1:
			return true
		default:
		}
	default:
	}
	return false
}

func (p *parser) yieldOrExpressions() Expr {
	if p.isKeyword(kwYield) {
		return p.yield()
	}
	return p.starExpressions()
}

func (p *parser) yield() Expr {
	from := p.from()
	p.i++
	if p.takeKeyword(kwFrom) {
		return mark(p, from, &Yield{X: p.test()})
	}
	return mark(p, from, &Yield{X: p.optional()})
}

// starExpressions reads one expression or an unparenthesised tuple.
func (p *parser) starExpressions() Expr {
	from := p.from()
	first := p.starOrTest()
	if !p.isOp(Comma) {
		return first
	}
	t := &Tuple{Elts: []Expr{first}}
	for p.takeOp(Comma) && p.startsExpression() {
		t.Elts = append(t.Elts, p.starOrTest())
	}
	return mark(p, from, t)
}

func (p *parser) starOrTest() Expr {
	if from := p.from(); p.takeOp(Star1) {
		return mark(p, from, &Starred{X: p.binary(lowestPrecedence)})
	}
	return p.test()
}

func (p *parser) starOrNamed() Expr {
	if p.isOp(Star1) {
		return p.starOrTest()
	}
	return p.namedExpression()
}

func (p *parser) namedExpression() Expr {
	if p.isName() && p.nextIsOp(Walrus) {
		from := p.from()
		x := &NamedExpr{Target: p.name()}
		p.i++
		x.Value = p.test()
		return mark(p, from, x)
	}
	return p.test()
}

// test reads a lambda, a conditional expression or anything that binds tighter.
func (p *parser) test() Expr {
	p.enter()
	defer p.leave()
	from := p.from()
	if p.takeKeyword(kwLambda) {
		x := &Lambda{Params: p.params(Colon)}
		p.expectOp(Colon, ":")
		x.Body = p.test()
		return mark(p, from, x)
	}
	x := p.or()
	if !p.takeKeyword(kwIf) {
		return x
	}
	cond := p.or()
	p.expectKeyword(kwElse, "else")
	return mark(p, from, &IfExp{Cond: cond, Then: x, Else: p.test()})
}

func (p *parser) or() Expr  { return p.boolean(kwOr, p.and) }
func (p *parser) and() Expr { return p.boolean(kwAnd, p.not) }

func (p *parser) boolean(k keyword, operand func() Expr) Expr {
	from := p.from()
	x := operand()
	if !p.isKeyword(k) {
		return x
	}
	b := &BoolOp{Values: []Expr{x}}
	for p.takeKeyword(k) {
		b.Values = append(b.Values, operand())
	}
	return mark(p, from, b)
}

func (p *parser) not() Expr {
	from := p.from()
	if !p.takeKeyword(kwNot) {
		return p.comparison()
	}
	p.enter()
	defer p.leave()
	return mark(p, from, &UnaryOp{X: p.not()})
}

func (p *parser) comparison() Expr {
	from := p.from()
	x := p.binary(lowestPrecedence)
	if !p.takeComparison() {
		return x
	}
	c := &Compare{Operands: []Expr{x, p.binary(lowestPrecedence)}}
	for p.takeComparison() {
		c.Operands = append(c.Operands, p.binary(lowestPrecedence))
	}
	return mark(p, from, c)
}

func (p *parser) takeComparison() bool {
	switch {
	case p.takeOp(Comparison), p.takeKeyword(kwIn):
		return true
	case p.takeKeyword(kwIs):
		p.takeKeyword(kwNot)
		return true
	case p.isKeyword(kwNot) && p.tokens[p.i+1].keyword == kwIn:
		p.i += 2
		return true
	}
	return false
}

const (
	lowestPrecedence   = 1
	additivePrecedence = 5
)

// precedence of the binary operators; 0 for all others.
var precedence = [256]uint8{
	Pipe: lowestPrecedence, Caret: 2, Ampersand: 3, ShiftLeft: 4, ShiftRight: 4,
	Plus: additivePrecedence, Minus: additivePrecedence,
	Star1: 6, Slash: 6, DoubleSlash: 6, Percent: 6, At: 6,
}

// binary reads operators that bind at least as tightly as lowest. A run of one
// operator becomes one node, so that a long sum does not make a deep tree.
func (p *parser) binary(lowest uint8) Expr {
	from := p.from()
	x := p.factor()
	for {
		op := p.peekToken().op
		level := precedence[op]
		if level < lowest || level == 0 {
			return x
		}
		p.i++
		right := p.binary(level + 1)
		if b, ok := x.(*BinOp); ok && b.Op == op && !b.closed {
			b.Operands = append(b.Operands, right)
			mark(p, from, b)
			continue
		}
		x = mark(p, from, &BinOp{Op: op, Operands: []Expr{x, right}})
	}
}

func (p *parser) factor() Expr {
	from := p.from()
	if p.takeOp(Minus) || p.takeOp(Plus) || p.takeOp(Tilde) {
		p.enter()
		defer p.leave()
		return mark(p, from, &UnaryOp{X: p.factor()})
	}
	var x Expr
	if p.takeKeyword(kwAwait) {
		x = mark(p, from, &Await{X: p.primary()})
	} else {
		x = p.primary()
	}
	if p.takeOp(Star2) {
		p.enter()
		defer p.leave()
		x = mark(p, from, &BinOp{Op: Star2, Operands: []Expr{x, p.factor()}, closed: true})
	}
	return x
}

// primary reads an atom and the attributes, calls and subscripts behind it.
func (p *parser) primary() Expr {
	from := p.from()
	x := p.atom()
	for links := 1; ; links++ {
		switch p.peekToken().op {
		case Dot:
			p.i++
			at := p.from()
			x = mark(p, from, &Attribute{X: x, Name: p.identifier(), NamePos: int(at)})
		case LeftParen:
			p.i++
			x = mark(p, from, &Call{Func: x, Args: p.arguments()})
		case LeftBracket:
			p.i++
			index := p.subscript()
			p.expectOp(RightBracket, "]")
			x = mark(p, from, &Subscript{X: x, Index: index})
		default:
			return x
		}
		if p.links++; links > MaxChain || p.links > MaxChains {
			failLimit(int(from), "chain", "the chain of attributes and calls is too long")
		}
	}
}

// arguments reads the arguments of a call and its closing parenthesis.
func (p *parser) arguments() []*Argument {
	var out []*Argument
	for !p.isOp(RightParen) {
		from := p.from()
		a := &Argument{}
		switch {
		case p.takeOp(Star1):
			a.Star, a.Value = SingleStar, p.test()
		case p.takeOp(Star2):
			a.Star, a.Value = DoubleStar, p.test()
		case p.isName() && p.nextIsOp(Equal):
			a.Name = p.identifier()
			p.i++
			a.Value = p.test()
		default:
			a.Value = p.elementOrGenerator()
		}
		out = append(out, mark(p, from, a))
		if !p.takeOp(Comma) {
			break
		}
	}
	p.expectOp(RightParen, ")")
	return out
}

func (p *parser) subscript() Expr {
	from := p.from()
	first := p.slice()
	if !p.isOp(Comma) {
		return first
	}
	t := &Tuple{Elts: []Expr{first}}
	for p.takeOp(Comma) && !p.isOp(RightBracket) {
		t.Elts = append(t.Elts, p.slice())
	}
	return mark(p, from, t)
}

func (p *parser) slice() Expr {
	from := p.from()
	s := &Slice{}
	if !p.isOp(Colon) {
		x := p.starOrNamed()
		if !p.isOp(Colon) {
			return x
		}
		s.Parts = append(s.Parts, x)
	}
	for range 2 {
		if p.takeOp(Colon) && p.startsExpression() {
			s.Parts = append(s.Parts, p.test())
		}
	}
	return mark(p, from, s)
}
