// SPDX-License-Identifier: Apache-2.0

package syntax

// functionNode parses a function from its keyword; nil for a TypeScript overload.
func (p *parser) functionNode(from int, flags Flags) *Node {
	n := &Node{Kind: Function, From: from, Flags: flags}
	p.expectWord("function")
	if p.accept("*") {
		n.Flags |= Generator
	}
	if p.tok.kind == tName {
		n.Left = p.identifier()
	}
	return p.functionRest(n)
}

// method parses parameters and body of a method.
func (p *parser) method(flags Flags) *Node {
	return p.functionRest(&Node{Kind: Function, From: p.tok.from, Flags: flags | Method})
}

func (p *parser) functionRest(n *Node) *Node {
	s := p.save()
	p.function, p.async, p.gen, p.noIn, p.ternary = true, n.Has(Async), n.Has(Generator), false, false
	if p.ts {
		p.typeParameters()
	}
	n.Params = p.parameters()
	if p.ts {
		p.returnType()
		if !p.is("{") {
			p.semicolon()
			p.leaveFunction(s)
			return nil
		}
	}
	p.functionBody(n)
	p.leaveFunction(s)
	return p.node(n)
}

// withBody refuses a function without a body, which TypeScript has among
// declarations only.
func (p *parser) withBody(n *Node) *Node {
	if n == nil {
		p.unexpected("a function needs a body here")
	}
	return n
}

func (p *parser) leaveFunction(s snapshot) {
	p.function, p.async, p.gen, p.strict, p.noIn, p.ternary = s.function, s.async, s.gen, s.strict, s.noIn, s.ternary
}

func (p *parser) functionBody(n *Node) {
	p.enter()
	defer p.leave()
	b := &Node{Kind: Block, From: p.tok.from}
	p.expect("{")
	b.List = p.body(tPunct, "}")
	p.next()
	if p.strict {
		n.Flags |= Strict
	}
	n.Body = p.node(b)
}

// parameters parses (a, b = 1, ...c).
func (p *parser) parameters() []*Node {
	var out []*Node
	p.expect("(")
	for !p.accept(")") {
		if x := p.parameter(); x != nil {
			out = append(out, x)
		}
		if !p.is(")") {
			p.expect(",")
		}
	}
	return out
}

// parameter parses one parameter; nil for the this of TypeScript.
func (p *parser) parameter() *Node {
	if !p.ts {
		return p.spreadOr(p.bindingElement)
	}
	if p.is("@") {
		p.fail(p.tok.from, "decorators of parameters are not read")
	}
	property := false
	for _, word := range []string{"public", "private", "protected", "override", "readonly"} {
		property = p.modifier(word) || property
	}
	if p.acceptWord("this") {
		p.annotation()
		return nil
	}
	n := p.spreadOr(p.typedElement)
	if property {
		n.Flags |= Parameter
	}
	return n
}

func (p *parser) typedElement() *Node {
	left := p.binding()
	p.accept("?")
	p.annotation()
	if !p.is("=") {
		return left
	}
	n := &Node{Kind: Default, From: left.From, Left: left}
	p.next()
	n.Right = p.inside(p.assignment)
	return p.node(n)
}

// arrow parses an arrow function if one begins here.
func (p *parser) arrow() *Node {
	from := p.tok.from
	switch {
	case p.tok.kind == tName && !p.tok.escaped:
		t := p.peek()
		if p.tok.text != "async" || t.newline {
			if t.kind != tPunct || t.text != "=>" {
				return nil
			}
		} else if t.kind == tPunct && t.text != "(" && t.text != "=>" && !(p.ts && t.text == "<") {
			return nil
		}
	case p.tok.kind == tName:
		if t := p.peek(); t.kind != tPunct || t.text != "=>" {
			return nil
		}
	case p.is("("), p.ts && p.is("<"):
	default:
		return nil
	}
	if p.noArrow[from] {
		return nil
	}
	var n *Node
	if p.try(func() bool { n = p.arrowHead(from); return n != nil }) {
		return p.arrowBody(n)
	}
	p.noArrow[from] = true
	return nil
}

// arrowHead parses parameters and arrow; nil when it is something else.
func (p *parser) arrowHead(from int) *Node {
	n := &Node{Kind: Function, From: from, Flags: Arrow}
	if p.isWord("async") {
		if t := p.peek(); !(t.kind == tPunct && t.text == "=>") {
			p.next()
			n.Flags |= Async
			if p.tok.newline {
				return nil
			}
		}
	}
	if p.tok.kind == tName {
		n.Params = []*Node{p.identifier()}
	} else {
		if p.ts {
			p.typeParameters()
		}
		noIn := p.noIn
		p.noIn = false
		n.Params = p.parameters()
		p.noIn = noIn
		if p.ts && p.is(":") {
			p.returnType()
			if p.ternary && p.is("=>") {
				return p.ternaryArrow(n)
			}
		}
	}
	if !p.is("=>") || p.tok.newline {
		return nil
	}
	p.next()
	return n
}

// ternaryArrow decides a ? (b): c => d: it is an arrow function with a return
// type only if the colon of the conditional follows its body.
func (p *parser) ternaryArrow(n *Node) *Node {
	s := p.save()
	p.next()
	probe := *n
	p.arrowBody(&probe)
	if !p.is(":") {
		return nil
	}
	p.restore(s)
	p.next()
	return n
}

func (p *parser) arrowBody(n *Node) *Node {
	s := p.save()
	p.function, p.async, p.gen = true, n.Has(Async), false
	if p.is("{") {
		p.noIn, p.ternary = false, false
		p.functionBody(n)
	} else {
		n.Body = p.assignment()
		if p.strict {
			n.Flags |= Strict
		}
	}
	p.leaveFunction(s)
	return p.node(n)
}
