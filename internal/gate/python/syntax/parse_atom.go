// SPDX-License-Identifier: Apache-2.0

package syntax

func (p *parser) atom() Expr {
	from := p.from()
	switch t := p.peekToken(); t.kind {
	case tokenName:
		return p.name()
	case tokenNumber:
		p.i++
		return mark(p, from, &Number{Text: string(p.src[t.from:t.to])})
	case tokenString, tokenFStart:
		return p.strings()
	case tokenKeyword:
		if t.keyword == kwTrue || t.keyword == kwFalse || t.keyword == kwNone {
			p.i++
			return mark(p, from, &Constant{Text: string(p.src[t.from:t.to])})
		}
	case tokenOperator:
		switch t.op {
		case Ellipsis:
			p.i++
			return mark(p, from, &Constant{Text: "..."})
		case LeftParen:
			return p.bracketed(p.parentheses)
		case LeftBracket:
			return p.bracketed(p.list)
		case LeftBrace:
			return p.bracketed(p.braces)
		default:
		}
	default:
	}
	p.fail("invalid syntax")
	return nil
}

// bracketed reads the opening bracket, then the rest, one level deeper.
func (p *parser) bracketed(rest func(from int32) Expr) Expr {
	from := p.from()
	p.i++
	p.enter()
	defer p.leave()
	return rest(from)
}

// elementOrGenerator reads an element, or a whole generator expression when "for" follows.
func (p *parser) elementOrGenerator() Expr {
	from := p.from()
	x := p.starOrNamed()
	if p.startsClause() {
		return mark(p, from, &Comprehension{Elt: x, Clauses: p.clauses()})
	}
	return x
}

func (p *parser) parentheses(from int32) Expr {
	if p.takeOp(RightParen) {
		return mark(p, from, &Tuple{})
	}
	if p.isKeyword(kwYield) {
		x := p.yield()
		p.expectOp(RightParen, ")")
		return x
	}
	x := p.starOrNamed()
	switch {
	case p.startsClause():
		c := &Comprehension{Elt: x, Clauses: p.clauses()}
		p.expectOp(RightParen, ")")
		return mark(p, from, c)
	case p.isOp(Comma):
		t := &Tuple{Elts: p.moreElements(x, RightParen)}
		p.expectOp(RightParen, ")")
		return mark(p, from, t)
	}
	p.expectOp(RightParen, ")")
	switch x := x.(type) {
	case *Starred:
		fail(x.Pos(), "a starred expression cannot stand alone")
	case *BinOp:
		x.closed = true
	}
	return x
}

// moreElements reads the elements behind first, up to end.
func (p *parser) moreElements(first Expr, end Operator) []Expr {
	elements := []Expr{first}
	for p.takeOp(Comma) && !p.isOp(end) {
		elements = append(elements, p.starOrNamed())
	}
	return elements
}

func (p *parser) list(from int32) Expr {
	if p.takeOp(RightBracket) {
		return mark(p, from, &List{})
	}
	x := p.starOrNamed()
	if p.startsClause() {
		c := &Comprehension{Elt: x, Clauses: p.clauses()}
		p.expectOp(RightBracket, "]")
		return mark(p, from, c)
	}
	l := &List{Elts: p.moreElements(x, RightBracket)}
	p.expectOp(RightBracket, "]")
	return mark(p, from, l)
}

// braces reads a dict or set display or comprehension.
func (p *parser) braces(from int32) Expr {
	if p.isOp(RightBrace) || p.isOp(Star2) {
		return p.dict(from, &Dict{})
	}
	x := p.starOrNamed()
	switch {
	case p.takeOp(Colon):
		value := p.test()
		if !p.startsClause() {
			return p.dict(from, &Dict{Items: []DictItem{{x, value}}})
		}
		c := &Comprehension{Elt: x, Value: value, Clauses: p.clauses()}
		p.expectOp(RightBrace, "}")
		return mark(p, from, c)
	case p.startsClause():
		c := &Comprehension{Elt: x, Clauses: p.clauses()}
		p.expectOp(RightBrace, "}")
		return mark(p, from, c)
	}
	s := &Set{Elts: p.moreElements(x, RightBrace)}
	p.expectOp(RightBrace, "}")
	return mark(p, from, s)
}

// dict reads the items behind those that d has.
func (p *parser) dict(from int32, d *Dict) Expr {
	for len(d.Items) == 0 || p.takeOp(Comma) {
		if p.isOp(RightBrace) {
			break
		}
		var item DictItem
		if p.takeOp(Star2) {
			item.Value = p.binary(lowestPrecedence)
		} else {
			item.Key = p.test()
			p.expectOp(Colon, ":")
			item.Value = p.test()
		}
		d.Items = append(d.Items, item)
	}
	p.expectOp(RightBrace, "}")
	return mark(p, from, d)
}

func (p *parser) startsClause() bool {
	return p.isKeyword(kwFor) || p.isKeyword(kwAsync) && p.tokens[p.i+1].keyword == kwFor
}

func (p *parser) clauses() []*Clause {
	var out []*Clause
	for p.startsClause() {
		from := p.from()
		p.takeKeyword(kwAsync)
		p.i++
		c := &Clause{Target: p.targetList()}
		p.expectKeyword(kwIn, "in")
		c.Iter = p.or()
		for p.takeKeyword(kwIf) {
			c.Ifs = append(c.Ifs, p.condition())
		}
		out = append(out, mark(p, from, c))
	}
	return out
}

// condition reads the condition of a comprehension, where a conditional
// expression needs parentheses.
func (p *parser) condition() Expr {
	if p.isName() && p.nextIsOp(Walrus) {
		return p.namedExpression()
	}
	return p.or()
}
