// SPDX-License-Identifier: Apache-2.0

package syntax

// startsMatch decides whether the name "match" starts a match statement: the
// line must go on with an expression and end in a colon, with an indented
// "case" below. No other statement that starts with a name can look like that.
func (p *parser) startsMatch() bool {
	p.i++
	starts := p.startsExpression()
	p.i--
	if !starts {
		return false
	}
	for i := p.i; ; i++ {
		switch p.tokens[i].kind {
		case tokenEOF:
			return false
		case tokenNewline:
			if p.tokens[i-1].op != Colon || p.tokens[i+1].kind != tokenIndent {
				return false
			}
			word := p.tokens[i+2]
			return word.kind == tokenName && string(p.src[word.from:word.to]) == "case"
		default:
		}
	}
}

func (p *parser) match() Stmt {
	from := p.from()
	p.i++
	s := &Match{Subject: p.testList(Colon)}
	p.expectOp(Colon, ":")
	p.i += 2 // newline and indent, which startsMatch has seen
	p.enter()
	defer p.leave()
	for p.isSoftKeyword("case") {
		s.Cases = append(s.Cases, p.matchCase())
	}
	if p.peekToken().kind != tokenDedent {
		p.fail("expected 'case'")
	}
	p.i++
	return mark(p, from, s)
}

func (p *parser) matchCase() *Case {
	from := p.from()
	p.i++
	c := &Case{Pattern: p.openSequence()}
	if p.takeKeyword(kwIf) {
		c.Guard = p.namedExpression()
	}
	c.Body = p.block()
	return mark(p, from, c)
}

// openSequence reads a pattern, or a sequence pattern without brackets.
func (p *parser) openSequence() Pattern {
	from := p.from()
	first := p.starPattern()
	if !p.isOp(Comma) {
		return first
	}
	s := &SequencePattern{Elts: []Pattern{first}}
	for p.takeOp(Comma) && !p.isOp(Colon) && !p.isKeyword(kwIf) {
		s.Elts = append(s.Elts, p.starPattern())
	}
	return mark(p, from, s)
}

func (p *parser) starPattern() Pattern {
	if from := p.from(); p.takeOp(Star1) {
		return mark(p, from, &CapturePattern{Name: p.identifier(), Star: true})
	}
	return p.asPattern()
}

func (p *parser) asPattern() Pattern {
	p.enter()
	defer p.leave()
	from := p.from()
	x := p.closedPattern()
	if p.isOp(Pipe) {
		o := &OrPattern{Alternatives: []Pattern{x}}
		for p.takeOp(Pipe) {
			o.Alternatives = append(o.Alternatives, p.closedPattern())
		}
		x = mark(p, from, o)
	}
	if p.takeKeyword(kwAs) {
		x = mark(p, from, &AsPattern{X: x, Name: p.identifier()})
	}
	return x
}

func (p *parser) closedPattern() Pattern {
	switch t := p.peekToken(); {
	case t.kind == tokenName:
		return p.namePattern()
	case t.op == LeftParen:
		return p.sequencePattern(RightParen)
	case t.op == LeftBracket:
		return p.sequencePattern(RightBracket)
	case t.op == LeftBrace:
		return p.mappingPattern()
	}
	return p.valuePattern()
}

// valuePattern reads a literal: a string, a constant, or a number with sign and imaginary part.
func (p *parser) valuePattern() Pattern {
	from := p.from()
	return mark(p, from, &ValuePattern{X: p.binary(additivePrecedence)})
}

// namePattern reads a capture, a dotted value or a class pattern.
func (p *parser) namePattern() Pattern {
	from := p.from()
	var x Expr = p.name()
	for links := 0; p.takeOp(Dot); links++ {
		if links > MaxChain {
			failLimit(int(from), "chain", "the chain of attributes is too long")
		}
		at := p.from()
		x = mark(p, from, &Attribute{X: x, Name: p.identifier(), NamePos: int(at)})
	}
	if p.takeOp(LeftParen) {
		return p.classPattern(from, x)
	}
	if name, ok := x.(*Name); ok {
		return mark(p, from, &CapturePattern{Name: name.ID})
	}
	return mark(p, from, &ValuePattern{X: x})
}

func (p *parser) classPattern(from int32, class Expr) Pattern {
	c := &ClassPattern{Class: class}
	for !p.isOp(RightParen) {
		var name *Name
		if p.isName() && p.nextIsOp(Equal) {
			name = p.name()
			p.i++
		}
		c.Names = append(c.Names, name)
		c.Values = append(c.Values, p.asPattern())
		if !p.takeOp(Comma) {
			break
		}
	}
	p.expectOp(RightParen, ")")
	return mark(p, from, c)
}

func (p *parser) sequencePattern(end Operator) Pattern {
	from := p.from()
	p.i++
	s := &SequencePattern{}
	comma := false
	for !p.isOp(end) {
		s.Elts = append(s.Elts, p.starPattern())
		if !p.takeOp(Comma) {
			break
		}
		comma = true
	}
	p.expectOp(end, "closing bracket")
	if end == RightParen && len(s.Elts) == 1 && !comma {
		return s.Elts[0]
	}
	return mark(p, from, s)
}

func (p *parser) mappingPattern() Pattern {
	from := p.from()
	p.i++
	m := &MappingPattern{}
	for !p.isOp(RightBrace) {
		at := p.from()
		if p.takeOp(Star2) {
			m.Keys = append(m.Keys, nil)
			m.Values = append(m.Values, mark(p, at, &CapturePattern{Name: p.identifier(), Star: true}))
		} else {
			m.Keys = append(m.Keys, p.binary(additivePrecedence))
			p.expectOp(Colon, ":")
			m.Values = append(m.Values, p.asPattern())
		}
		if !p.takeOp(Comma) {
			break
		}
	}
	p.expectOp(RightBrace, "}")
	return mark(p, from, m)
}
