// SPDX-License-Identifier: Apache-2.0

package syntax

// statement reads one statement, or several that share a line, and appends them to out.
func (p *parser) statement(out []Stmt) []Stmt {
	p.links = 0
	if s := p.compound(); s != nil {
		return append(out, s)
	}
	for {
		out = append(out, p.small())
		semicolon := p.takeOp(Semicolon)
		switch t := p.peekToken(); {
		case t.kind == tokenNewline:
			p.i++
			return out
		case t.kind == tokenEOF:
			return out
		case !semicolon:
			p.fail("invalid syntax")
		}
	}
}

// small reads a statement that fits on a line.
//

func (p *parser) small() Stmt {
	p.links = 0
	from := p.from()
	switch p.peekToken().keyword {
	case kwPass, kwBreak, kwContinue:
		p.i++
		return mark(p, from, &Pass{})
	case kwReturn:
		p.i++
		return mark(p, from, &Return{X: p.optional()})
	case kwImport:
		return p.importNames()
	case kwFrom:
		return p.importFrom()
	case kwRaise:
		return p.raise()
	case kwGlobal, kwNonlocal:
		return p.declaration()
	case kwDel:
		p.i++
		x := p.starExpressions()
		p.checkTarget(x)
		return mark(p, from, &Delete{X: x})
	case kwAssert:
		p.i++
		s := &Assert{Test: p.test()}
		if p.takeOp(Comma) {
			s.Message = p.test()
		}
		return mark(p, from, s)
	default:
	}
	if p.isSoftKeyword("type") && p.tokens[p.i+1].kind == tokenName {
		return p.typeAlias()
	}
	return p.assignmentOrExpression()
}

// optional reads the expressions of a return, or nil at the end of the statement.
func (p *parser) optional() Expr {
	if p.startsExpression() {
		return p.starExpressions()
	}
	return nil
}

func (p *parser) raise() Stmt {
	from := p.from()
	p.i++
	s := &Raise{}
	if p.startsExpression() {
		s.X = p.test()
		if p.takeKeyword(kwFrom) {
			s.Cause = p.test()
		}
	}
	return mark(p, from, s)
}

func (p *parser) declaration() Stmt {
	from := p.from()
	s := &Declaration{Global: p.isKeyword(kwGlobal)}
	p.i++
	s.Names = append(s.Names, p.name())
	for p.takeOp(Comma) {
		s.Names = append(s.Names, p.name())
	}
	return mark(p, from, s)
}

func (p *parser) typeAlias() Stmt {
	from := p.from()
	p.i++
	s := &TypeAlias{Name: p.name()}
	s.TypeParams = p.typeParams()
	p.expectOp(Equal, "=")
	s.Value = p.test()
	return mark(p, from, s)
}

func (p *parser) assignmentOrExpression() Stmt {
	from := p.from()
	x := p.yieldOrExpressions()
	switch {
	case p.isOp(Equal):
		s := &Assign{Value: x}
		for p.takeOp(Equal) {
			p.checkTarget(s.Value)
			s.Targets = append(s.Targets, s.Value)
			s.Value = p.yieldOrExpressions()
		}
		return mark(p, from, s)
	case p.takeOp(Augmented):
		p.checkTarget(x)
		return mark(p, from, &AugAssign{Target: x, Value: p.yieldOrExpressions()})
	case p.takeOp(Colon):
		p.checkTarget(x)
		s := &AnnAssign{Target: x, Annotation: p.test()}
		if p.takeOp(Equal) {
			s.Value = p.yieldOrExpressions()
		}
		return mark(p, from, s)
	}
	return mark(p, from, &ExprStmt{X: x})
}

// checkTarget refuses what cannot be assigned to.
func (p *parser) checkTarget(x Expr) {
	switch x := x.(type) {
	case *Name, *Attribute, *Subscript:
	case *Starred:
		p.checkTarget(x.X)
	case *Tuple:
		for _, e := range x.Elts {
			p.checkTarget(e)
		}
	case *List:
		for _, e := range x.Elts {
			p.checkTarget(e)
		}
	default:
		fail(x.Pos(), "cannot assign to this expression")
	}
}

func (p *parser) importNames() Stmt {
	from := p.from()
	p.i++
	s := &Import{}
	for {
		at := p.from()
		a := &Alias{Name: p.dottedName()}
		a.As = p.nameAfter(kwAs)
		s.Names = append(s.Names, mark(p, at, a))
		if !p.takeOp(Comma) {
			return mark(p, from, s)
		}
	}
}

func (p *parser) importFrom() Stmt {
	from := p.from()
	p.i++
	s := &ImportFrom{Level: p.importLevel()}
	if s.Level == 0 || !p.isKeyword(kwImport) {
		s.Module = p.dottedName()
	}
	p.expectKeyword(kwImport, "import")
	if at := p.from(); p.takeOp(Star1) {
		s.Names = append(s.Names, mark(p, at, &Alias{Name: "*"}))
		return mark(p, from, s)
	}
	parenthesised := p.takeOp(LeftParen)
	for {
		at := p.from()
		a := &Alias{Name: p.identifier()}
		a.As = p.nameAfter(kwAs)
		s.Names = append(s.Names, mark(p, at, a))
		if !p.takeOp(Comma) || parenthesised && p.isOp(RightParen) {
			break
		}
	}
	if parenthesised {
		p.expectOp(RightParen, ")")
	}
	return mark(p, from, s)
}

// importLevel counts the dots of a relative import, of which three are one token.
func (p *parser) importLevel() int {
	level := 0
	for {
		switch {
		case p.takeOp(Dot):
			level++
		case p.takeOp(Ellipsis):
			level += 3
		default:
			return level
		}
	}
}
