// SPDX-License-Identifier: Apache-2.0

package syntax

// decorated parses decorators and the class behind them (TypeScript).
func (p *parser) decorated() *Node {
	from := p.tok.from
	list := p.decorators()
	p.acceptWord("export")
	p.acceptWord("default")
	p.acceptWord("abstract")
	return p.declaration(p.class(from, list))
}

func (p *parser) decorators() []*Node {
	var out []*Node
	for p.is("@") {
		if !p.ts {
			p.unexpected("decorators are not part of the language")
		}
		p.next()
		out = append(out, p.postfix())
	}
	return out
}

func (p *parser) class(from int, decorators []*Node) *Node {
	n := &Node{Kind: Class, From: from, Params: decorators}
	p.expectWord("class")
	strict := p.strict
	p.strict = true
	if p.tok.kind == tName && !p.isWord("extends") && !(p.ts && p.isWord("implements")) {
		n.Left = p.identifier()
	}
	if p.ts {
		p.typeParameters()
	}
	if p.acceptWord("extends") {
		n.Right = p.inside(p.postfix)
		if p.ts && p.is("<") {
			p.typeArguments()
		}
	}
	if p.ts && p.acceptWord("implements") {
		p.typ()
		for p.accept(",") {
			p.typ()
		}
	}
	p.expect("{")
	for !p.accept("}") {
		if m := p.classMember(); m != nil {
			n.List = append(n.List, m)
		}
	}
	p.strict = strict
	return p.node(n)
}

// classMember parses a method, a field or a static block; nil for what has only types.
func (p *parser) classMember() *Node {
	if p.accept(";") {
		return nil
	}
	n := &Node{Kind: Field, From: p.tok.from, Params: p.decorators()}
	drop := p.memberModifiers(n)
	if n.Has(Static) && p.is("{") {
		return p.staticInit(n)
	}
	if p.ts && p.is("[") && p.indexSignature() {
		return nil
	}
	var flags Flags
	if p.isWord("async") && !p.peek().newline && p.modifier("async") {
		flags |= Async
	}
	if p.accept("*") {
		flags |= Generator
	}
	if flags == 0 {
		for _, word := range []string{"get", "set"} {
			if p.modifier(word) {
				n.Text = word
				break
			}
		}
	}
	p.key(n)
	if p.ts && !p.accept("?") {
		p.accept("!")
	}
	if p.is("(") || p.ts && p.is("<") {
		n.Flags |= Method
		if n.Right = p.method(flags); n.Right == nil || drop {
			return p.keyOnly(n)
		}
		return p.node(n)
	}
	if flags != 0 || n.Text != "" {
		p.unexpected("expected (")
	}
	p.field(n)
	if drop {
		return p.keyOnly(n)
	}
	return p.node(n)
}

// keyOnly is what remains of a member that has only types: compilers may keep a
// computed key, and decorators.
func (p *parser) keyOnly(n *Node) *Node {
	if !n.Has(Computed) && len(n.Params) == 0 {
		return nil
	}
	n.Right, n.Text, n.Flags = nil, "", n.Flags&^Method
	return p.node(n)
}

// memberModifiers reports whether the member exists for the type checker alone.
func (p *parser) memberModifiers(n *Node) (drop bool) {
	words := []string{"static"}
	if p.ts {
		words = []string{"declare", "public", "private", "protected", "static", "abstract", "override", "readonly", "static"}
	}
	for again := true; again; {
		again = false
		for _, word := range words {
			if word != "static" && p.peek().newline || !p.modifier(word) {
				continue
			}
			again = true
			drop = drop || word == "declare" || word == "abstract"
			if word == "static" {
				n.Flags |= Static
			}
		}
	}
	return drop
}

// field parses type, value and end of a field.
func (p *parser) field(n *Node) {
	if p.ts {
		p.annotation()
	}
	if p.is("=") {
		s := p.save()
		p.function, p.async, p.gen = true, false, false
		p.next()
		n.Right = p.inside(p.assignment)
		p.leaveFunction(s)
	}
	p.semicolon()
}

func (p *parser) staticInit(n *Node) *Node {
	s := p.save()
	p.function, p.async, p.gen, p.noIn = true, false, false, false
	n.Kind, n.Body = StaticInit, p.block()
	p.leaveFunction(s)
	return p.node(n)
}
