// SPDX-License-Identifier: Apache-2.0

package syntax

// The types of TypeScript hold no expression that runs, so only their end
// matters. Their grammar is read exactly, all the same: where a type is not well
// formed, compilers go back and read a < [f()] > (b) as comparisons that run.

// annotation skips ": type".
func (p *parser) annotation() {
	if p.accept(":") {
		p.typ()
	}
}

// returnType skips ": type", ": x is type" and ": asserts x is type".
func (p *parser) returnType() {
	if p.is(":") {
		p.result()
	}
}

// result skips the type behind the current token, which may be a predicate.
func (p *parser) result() {
	p.next()
	if p.isWord("asserts") {
		if t := p.peek(); t.kind == tName && !t.newline {
			p.next()
		}
	}
	p.typ()
	if p.isWord("is") && !p.tok.newline {
		p.next()
		p.typ()
	}
}

// typ skips a type.
func (p *parser) typ() {
	p.enter()
	defer p.leave()
	p.unionType()
	if p.isWord("extends") && !p.tok.newline {
		p.next()
		p.unionType()
		if p.accept("?") {
			p.typ()
			p.expect(":")
			p.typ()
		}
	}
}

func (p *parser) unionType() {
	p.accept("|")
	p.accept("&")
	p.operatorType()
	for p.accept("|") || p.accept("&") {
		p.operatorType()
	}
}

func (p *parser) operatorType() {
	p.enter()
	defer p.leave()
	if t := p.peek(); p.tok.kind == tName && !p.tok.escaped && isTypeOperator(p.tok.text, t) {
		if t.newline {
			p.fail(p.tok.from, "an operator of types at the end of a line may be a type of its own")
		}
		p.next()
		p.operatorType()
		return
	}
	p.primaryType()
	for !p.tok.newline && p.accept("[") {
		if !p.is("]") {
			p.typ()
		}
		p.expect("]")
	}
}

// isTypeOperator reports whether word is an operator of types before the token t.
func isTypeOperator(word string, t token) bool {
	switch word {
	case "keyof", "readonly":
		return t.kind != tPunct || t.text == "(" || t.text == "{" || t.text == "["
	case "unique":
		return t.kind == tName && t.text == "symbol"
	case "infer":
		return t.kind == tName
	case "abstract":
		return t.kind == tName && t.text == "new"
	}
	return false
}

func (p *parser) primaryType() {
	switch {
	case p.is("("):
		if !p.try(func() bool { p.functionType(); return true }) {
			p.next()
			p.typ()
			p.expect(")")
		}
	case p.is("<"), p.isWord("new"):
		p.functionType()
	case p.is("{"):
		p.objectType()
	case p.accept("["):
		p.tupleType()
	case p.accept("-"):
		if p.tok.kind != tNumber {
			p.unexpected("expected a number")
		}
		p.next()
	case p.tok.kind == tTemplate:
		p.templateType()
	case p.tok.kind == tString, p.tok.kind == tNumber:
		p.next()
	case p.acceptWord("typeof"), p.isWord("import"):
		if p.acceptWord("import") {
			p.expect("(")
			if p.tok.kind != tString {
				p.unexpected("expected the name of a module")
			}
			p.next()
			p.expect(")")
		} else {
			p.identifierName()
		}
		p.typeName()
	case p.tok.kind == tName:
		p.next()
		p.typeName()
	default:
		p.unexpected("expected a type")
	}
}

// typeName skips what follows the first name of a type: .b.c<d>.
func (p *parser) typeName() {
	for p.accept(".") {
		p.propertyName()
	}
	if p.is("<") && !p.tok.newline {
		p.typeArguments()
	}
}

func (p *parser) functionType() {
	p.acceptWord("new")
	p.typeParameters()
	p.typedParameters()
	if !p.is("=>") {
		p.unexpected("expected =>")
	}
	p.result()
}

func (p *parser) templateType() {
	for !p.tok.tail {
		p.next()
		p.typ()
		if !p.is("}") {
			p.unexpected("expected }")
		}
		p.pos = p.tok.from
		p.tok = token{from: p.pos}
		p.template()
	}
	p.next()
}

// typeArguments skips <a, b>.
func (p *parser) typeArguments() {
	p.expect("<")
	p.typ()
	for p.accept(",") {
		p.typ()
	}
	p.closeAngle()
}

func (p *parser) closeAngle() {
	if p.tok.kind == tPunct && p.tok.text[0] == '>' && p.tok.text != ">" {
		p.splitGreater()
	}
	p.expect(">")
}

// typeParameters skips <const T extends a = b>, if there are any.
func (p *parser) typeParameters() {
	if !p.accept("<") {
		return
	}
	for !p.is(">") {
		for p.isWord("const") || p.isWord("in") || p.isWord("out") && p.peek().kind == tName {
			p.next()
		}
		p.identifier()
		if p.acceptWord("extends") {
			p.typ()
		}
		if p.accept("=") {
			p.typ()
		}
		if !p.accept(",") {
			break
		}
	}
	p.closeAngle()
}

// callTypeArguments skips the type arguments of f<a>(b), and reports whether that
// is what < means: the compiler decides by the token behind >.
func (p *parser) callTypeArguments() bool {
	from := p.tok.from
	if p.noArgs[from] {
		return false
	}
	ok := p.try(func() bool {
		if p.is("<<") {
			return false
		}
		p.next()
		p.typ()
		for p.accept(",") {
			p.typ()
		}
		if !p.is(">") {
			return false
		}
		p.next()
		return p.endsTypeArguments()
	})
	p.noArgs[from] = !ok
	return ok
}

func (p *parser) endsTypeArguments() bool {
	switch {
	case p.is("("), p.tok.kind == tTemplate:
		return true
	case p.is("<"), p.is(">"), p.is("+"), p.is("-"):
		return false
	case p.tok.newline, p.tok.kind == tEOF, p.operator() > 0:
		return true
	case p.tok.kind == tPunct:
		switch p.tok.text {
		case "[", "{", "!", "~", "++", "--", "/", "/=", "@", "<<", ">>", ">=", ">>>":
			return false
		}
		return true
	}
	return p.isWord("as") || p.isWord("satisfies")
}

// indexSignature skips [key: string]: type of a class, if one begins here.
func (p *parser) indexSignature() bool {
	return p.try(func() bool {
		p.next()
		if p.tok.kind != tName {
			return false
		}
		p.next()
		if !p.accept(":") {
			return false
		}
		p.typ()
		p.expect("]")
		p.annotation()
		p.semicolon()
		return true
	})
}
