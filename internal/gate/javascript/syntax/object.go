// SPDX-License-Identifier: Apache-2.0

package syntax

func (p *parser) object() *Node {
	n := &Node{Kind: Object, From: p.tok.from}
	p.expect("{")
	p.inside(func() *Node {
		for !p.is("}") {
			if p.is("...") {
				n.List = append(n.List, p.spreadOr(p.assignment))
			} else {
				n.List = append(n.List, p.property())
			}
			if !p.is("}") {
				p.expect(",")
			}
		}
		return nil
	})
	p.expect("}")
	return p.node(n)
}

// modifier accepts a word that comes before a key, and is not the key itself.
func (p *parser) modifier(word string) bool {
	if !p.isWord(word) {
		return false
	}
	t := p.peek()
	if t.kind == tEOF || t.kind == tPunct && t.text != "[" && t.text != "{" && t.text != "*" && t.text != "#" && t.text != "..." {
		return false
	}
	if t.kind == tPunct && (t.text == "*" && word != "async" && word != "static" || t.text == "{" && word != "static") {
		return false
	}
	p.next()
	return true
}

// property parses one property of an object literal.
func (p *parser) property() *Node {
	n := &Node{Kind: Property, From: p.tok.from}
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
	name := p.tok
	p.key(n)
	switch {
	case p.is("(") || p.ts && p.is("<"):
		n.Flags |= Method
		n.Right = p.withBody(p.method(flags))
	case flags != 0 || n.Text != "":
		p.unexpected("expected (")
	case p.accept(":"):
		n.Right = p.assignment()
	default:
		p.shorthand(n, name)
	}
	return p.node(n)
}

// shorthand completes { a } and the { a = 1 } of patterns.
func (p *parser) shorthand(n *Node, name token) {
	if name.kind != tName || n.Has(Computed) {
		p.unexpected("expected :")
	}
	s := p.save()
	p.pos, p.tok = name.to, name
	n.Right = p.identifier()
	if p.tok.from != s.tok.from {
		p.restore(s)
	}
	n.Flags |= Shorthand
	if p.is("=") {
		d := &Node{Kind: Default, From: n.From, Left: n.Right}
		p.next()
		d.Right = p.assignment()
		n.Right = p.node(d)
	}
}

// key parses the key of a property or class member.
func (p *parser) key(n *Node) {
	k := &Node{Kind: String, From: p.tok.from, Text: p.tok.text}
	switch p.tok.kind {
	case tName, tString:
	case tNumber:
		k.Kind = Number
	case tPrivate:
		k.Kind = PrivateName
	default:
		p.expect("[")
		n.Flags |= Computed
		n.Left = p.inside(p.assignment)
		p.expect("]")
		return
	}
	p.next()
	n.Left = p.node(k)
}

// pattern turns an expression that stands before = into what it assigns to.
func (p *parser) pattern(n *Node) *Node {
	switch n.Kind {
	case Ident, Member, Index, ArrayPattern, ObjectPattern:
	case Array:
		n.Kind = ArrayPattern
		for i, x := range n.List {
			if x != nil {
				n.List[i] = p.element(x)
			}
		}
	case Object:
		n.Kind = ObjectPattern
		for _, x := range n.List {
			switch {
			case x.Kind == Spread:
				x.Left = p.pattern(x.Left)
			case x.Has(Method) || x.Text != "":
				p.fail(x.From, "a method cannot be assigned to")
			default:
				x.Right = p.element(x.Right)
			}
		}
	default:
		p.fail(n.From, "this cannot be assigned to")
	}
	return n
}

// element is a pattern with an optional default.
func (p *parser) element(n *Node) *Node {
	switch {
	case n.Kind == Spread:
		n.Left = p.pattern(n.Left)
	case n.Kind == Assign && n.Text == "=":
		n.Kind = Default
	case n.Kind == Default:
	default:
		return p.pattern(n)
	}
	return n
}

// binding parses the target of a declaration or parameter.
func (p *parser) binding() *Node {
	p.enter()
	defer p.leave()
	n := &Node{From: p.tok.from}
	switch {
	case p.accept("["):
		n.Kind = ArrayPattern
		for !p.accept("]") {
			if p.accept(",") {
				n.List = append(n.List, nil)
				continue
			}
			n.List = append(n.List, p.spreadOr(p.bindingElement))
			if !p.is("]") {
				p.expect(",")
			}
		}
	case p.accept("{"):
		n.Kind = ObjectPattern
		for !p.accept("}") {
			n.List = append(n.List, p.bindingProperty())
			if !p.is("}") {
				p.expect(",")
			}
		}
	default:
		return p.identifier()
	}
	return p.node(n)
}

func (p *parser) bindingElement() *Node {
	left := p.binding()
	if !p.is("=") {
		return left
	}
	n := &Node{Kind: Default, From: left.From, Left: left}
	p.next()
	n.Right = p.inside(p.assignment)
	return p.node(n)
}

func (p *parser) bindingProperty() *Node {
	if p.is("...") {
		return p.spreadOr(p.binding)
	}
	n := &Node{Kind: Property, From: p.tok.from}
	name := p.tok
	p.key(n)
	if p.accept(":") {
		n.Right = p.bindingElement()
	} else {
		p.shorthand(n, name)
	}
	return p.node(n)
}
