// SPDX-License-Identifier: Apache-2.0

package syntax

// The types of TypeScript hold no expression that runs, so only their end
// matters. Between brackets the tokens balance, as no type holds a regular
// expression.

// annotation skips ": type".
func (p *parser) annotation() {
	if p.accept(":") {
		p.typ()
	}
}

// returnType skips ": type", ": x is type" and ": asserts x is type".
func (p *parser) returnType() {
	if !p.accept(":") {
		return
	}
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
	for _, word := range []string{"keyof", "unique", "readonly", "infer", "abstract"} {
		if !p.isWord(word) {
			continue
		}
		if t := p.peek(); t.kind != tPunct || t.text == "(" || t.text == "{" || t.text == "[" {
			p.next()
			p.operatorType()
			return
		}
	}
	p.primaryType()
	for !p.tok.newline && p.is("[") {
		p.balanced()
	}
}

func (p *parser) primaryType() {
	switch {
	case p.is("(") || p.is("<") || p.isWord("new"):
		p.functionType()
	case p.is("{"), p.is("["):
		p.balanced()
	case p.is("-"):
		p.next()
		p.next()
	case p.tok.kind == tTemplate:
		p.templateType()
	case p.tok.kind == tString, p.tok.kind == tNumber:
		p.next()
	case p.acceptWord("typeof"), p.isWord("import"):
		if p.acceptWord("import") {
			p.balanced()
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
	if !p.is("(") {
		p.unexpected("expected (")
	}
	p.balanced()
	if p.accept("=>") {
		if p.isWord("asserts") && p.peek().kind == tName {
			p.next()
		}
		p.typ()
		if p.acceptWord("is") {
			p.typ()
		}
	}
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

// balanced skips from a bracket to its partner.
func (p *parser) balanced() {
	p.enter()
	defer p.leave()
	closing := map[string]string{"(": ")", "[": "]", "{": "}"}[p.tok.text]
	if p.tok.kind != tPunct || closing == "" {
		p.unexpected("expected a bracket")
	}
	p.next()
	for !p.accept(closing) {
		switch {
		case p.is("("), p.is("["), p.is("{"):
			p.balanced()
		case p.tok.kind == tTemplate:
			p.templateType()
		case p.tok.kind == tEOF, p.is(")"), p.is("]"), p.is("}"):
			p.unexpected("expected " + closing)
		default:
			p.next()
		}
	}
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
