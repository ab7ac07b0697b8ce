// SPDX-License-Identifier: Apache-2.0

package syntax

// tupleType skips what follows the [ of [a, b?, ...c: d].
func (p *parser) tupleType() {
	for !p.accept("]") {
		p.accept("...")
		if p.tok.kind == tName && p.isLabel() {
			p.next()
			p.accept("?")
			p.next()
		}
		p.typ()
		p.accept("?")
		if !p.is("]") {
			p.expect(",")
		}
	}
}

// isLabel reports whether the current name is followed by : or ?:.
func (p *parser) isLabel() bool {
	s := p.save()
	defer p.restore(s)
	p.next()
	p.accept("?")
	return p.is(":")
}

// objectType skips { a: b; c(d): e }, the body of an interface, too.
func (p *parser) objectType() {
	p.enter()
	defer p.leave()
	p.expect("{")
	for !p.accept("}") {
		p.memberType()
		if !p.accept(";") && !p.accept(",") && !p.is("}") && !p.tok.newline {
			p.unexpected("expected ;")
		}
	}
}

func (p *parser) memberType() {
	if p.accept("-") || p.accept("+") {
		p.expectWord("readonly")
	}
	for _, word := range []string{"readonly", "get", "set", "new"} {
		if t := p.peek(); p.isWord(word) && (t.kind != tPunct || t.text == "[" || word == "new" && (t.text == "(" || t.text == "<")) {
			p.next()
			break
		}
	}
	switch {
	case p.is("("), p.is("<"):
	case p.accept("["):
		p.bracketKey()
	case p.tok.kind == tName, p.tok.kind == tString, p.tok.kind == tNumber:
		p.next()
	default:
		p.unexpected("expected a member of a type")
	}
	if p.accept("-") || p.accept("+") {
		p.expect("?")
	} else {
		p.accept("?")
	}
	if p.is("(") || p.is("<") {
		p.typeParameters()
		p.typedParameters()
		p.returnType()
		return
	}
	p.annotation()
}

// bracketKey skips what follows the [ of [k: a], [K in a as b] and [a.b].
func (p *parser) bracketKey() {
	t := p.peek()
	switch {
	case p.tok.kind == tName && t.kind == tPunct && t.text == ":":
		p.next()
		p.annotation()
	case p.tok.kind == tName && t.kind == tName && t.text == "in":
		p.next()
		p.next()
		p.typ()
		if p.acceptWord("as") {
			p.typ()
		}
	case p.tok.kind == tString, p.tok.kind == tNumber:
		p.next()
	default:
		p.identifierName()
		for p.accept(".") {
			p.propertyName()
		}
	}
	p.expect("]")
}

// typedParameters skips the parameters of a type: (a, b?: c, ...d).
func (p *parser) typedParameters() {
	p.expect("(")
	for !p.accept(")") {
		p.accept("...")
		p.typedPattern()
		p.accept("?")
		p.annotation()
		if !p.is(")") {
			p.expect(",")
		}
	}
}

// typedPattern skips a name or a pattern without defaults.
func (p *parser) typedPattern() {
	p.enter()
	defer p.leave()
	switch {
	case p.accept("["):
		for !p.accept("]") {
			p.accept("...")
			if !p.is(",") {
				p.typedPattern()
			}
			if !p.is("]") {
				p.expect(",")
			}
		}
	case p.accept("{"):
		for !p.accept("}") {
			p.accept("...")
			p.identifierName()
			if p.accept(":") {
				p.typedPattern()
			}
			if !p.is("}") {
				p.expect(",")
			}
		}
	default:
		p.identifierName()
	}
}
