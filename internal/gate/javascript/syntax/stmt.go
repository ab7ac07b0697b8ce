// SPDX-License-Identifier: Apache-2.0

package syntax

// statement parses a statement or declaration; nil for one that only has types.
func (p *parser) statement() *Node {
	p.enter()
	defer p.leave()
	from := p.tok.from
	switch {
	case p.is("{"):
		return p.block()
	case p.accept(";"):
		return p.node(&Node{Kind: Empty, From: from})
	case p.is("@"):
		return p.decorated()
	case p.tok.kind == tName && !p.tok.escaped:
		if n, ok := p.keywordStatement(); ok {
			return n
		}
	}
	if p.tok.kind == tName && p.peek().text == ":" && p.peek().kind == tPunct {
		p.identifier()
		p.next()
		return p.node(&Node{Kind: Labeled, From: from, Body: p.nested()})
	}
	x := p.expression()
	p.semicolon()
	return p.node(&Node{Kind: Expression, From: from, Left: x})
}

// nested parses the statement under an if, a loop or a label.
func (p *parser) nested() *Node {
	if n := p.statement(); n != nil {
		return n
	}
	return p.node(&Node{Kind: Empty, From: p.prevEnd})
}

func (p *parser) block() *Node {
	n := &Node{Kind: Block, From: p.tok.from}
	p.expect("{")
	for !p.is("}") {
		if s := p.statement(); s != nil {
			n.List = append(n.List, s)
		}
	}
	p.next()
	return p.node(n)
}

// keywordStatement parses a statement that a keyword begins, if one does.
//

func (p *parser) keywordStatement() (*Node, bool) {
	from := p.tok.from
	switch p.tok.text {
	case "var", "const":
		if p.ts && p.tok.text == "const" && p.peek().text == "enum" {
			p.next()
			return p.enum(from), true
		}
		n := p.variables()
		p.semicolon()
		return n, true
	case "let":
		n := p.variables()
		p.semicolon()
		return n, true
	case "using":
		if t := p.peek(); t.kind == tName && !t.newline {
			p.fail(from, "using declarations are not read")
		}
	case "function":
		return p.declaration(p.functionNode(from, 0)), true
	case "async":
		if t := p.peek(); t.kind == tName && t.text == "function" && !t.newline && !t.escaped {
			p.next()
			return p.declaration(p.functionNode(from, Async)), true
		}
	case "class":
		return p.declaration(p.class(from, nil)), true
	case "if":
		return p.ifStatement(), true
	case "for":
		return p.forStatement(), true
	case "while":
		p.next()
		test := p.parenthesized()
		return p.node(&Node{Kind: While, From: from, Left: test, Body: p.nested()}), true
	case "do":
		return p.doWhile(), true
	case "return", "throw":
		return p.returnOrThrow(), true
	case "break", "continue":
		return p.jump(), true
	case "switch":
		return p.switchStatement(), true
	case "try":
		return p.tryStatement(), true
	case "with":
		p.fail(from, "a with statement makes every name one that is only known at run time")
	case "debugger":
		p.next()
		p.semicolon()
		return p.node(&Node{Kind: Empty, From: from}), true
	case "import":
		if t := p.peek(); t.kind != tPunct || t.text != "(" && t.text != "." {
			return p.importStatement(), true
		}
	case "export":
		return p.exportStatement(), true
	default:
		if p.ts {
			return p.typeStatement()
		}
	}
	return nil, false
}

func (p *parser) declaration(n *Node) *Node {
	if n != nil {
		n.Flags |= Declaration
	}
	return n
}

// variables parses var, let or const without the end of the statement.
func (p *parser) variables() *Node {
	n := &Node{Kind: Var, From: p.tok.from, Text: p.tok.text}
	p.next()
	for {
		d := &Node{Kind: Declarator, From: p.tok.from, Left: p.binding()}
		if p.ts {
			p.accept("!")
			p.annotation()
		}
		if p.accept("=") {
			d.Right = p.assignment()
		}
		n.List = append(n.List, p.node(d))
		if !p.accept(",") {
			return p.node(n)
		}
	}
}

func (p *parser) parenthesized() *Node {
	p.expect("(")
	noIn := p.noIn
	p.noIn = false
	x := p.expression()
	p.noIn = noIn
	p.expect(")")
	return x
}

func (p *parser) ifStatement() *Node {
	n := &Node{Kind: If, From: p.tok.from}
	p.next()
	n.Left = p.parenthesized()
	n.Right = p.nested()
	if p.acceptWord("else") {
		n.Third = p.nested()
	}
	return p.node(n)
}

func (p *parser) doWhile() *Node {
	n := &Node{Kind: DoWhile, From: p.tok.from}
	p.next()
	n.Body = p.nested()
	p.expectWord("while")
	n.Left = p.parenthesized()
	p.accept(";")
	return p.node(n)
}

func (p *parser) returnOrThrow() *Node {
	n := &Node{Kind: Return, From: p.tok.from}
	if p.tok.text == "throw" {
		n.Kind = Throw
	}
	p.next()
	if n.Kind == Throw && p.tok.newline {
		p.unexpected("expected an expression")
	}
	if !p.is(";") && !p.is("}") && p.tok.kind != tEOF && !p.tok.newline {
		n.Left = p.expression()
	}
	p.semicolon()
	return p.node(n)
}

func (p *parser) jump() *Node {
	n := &Node{Kind: Jump, From: p.tok.from}
	p.next()
	if p.tok.kind == tName && !p.tok.newline {
		p.identifier()
	}
	p.semicolon()
	return p.node(n)
}

func (p *parser) switchStatement() *Node {
	n := &Node{Kind: Switch, From: p.tok.from}
	p.next()
	n.Left = p.parenthesized()
	p.expect("{")
	for !p.accept("}") {
		c := &Node{Kind: Case, From: p.tok.from}
		if p.acceptWord("case") {
			c.Left = p.expression()
		} else {
			p.expectWord("default")
		}
		p.expect(":")
		for !p.isWord("case") && !p.isWord("default") && !p.is("}") {
			if s := p.statement(); s != nil {
				c.List = append(c.List, s)
			}
		}
		n.List = append(n.List, p.node(c))
	}
	return p.node(n)
}

func (p *parser) tryStatement() *Node {
	n := &Node{Kind: Try, From: p.tok.from}
	p.next()
	n.Body = p.block()
	if p.acceptWord("catch") {
		if p.accept("(") {
			n.Left = p.binding()
			if p.ts {
				p.annotation()
			}
			p.expect(")")
		}
		n.Right = p.block()
	}
	if p.acceptWord("finally") {
		n.Third = p.block()
	}
	if n.Right == nil && n.Third == nil {
		p.unexpected("expected catch or finally")
	}
	return p.node(n)
}

// forStatement parses all loops that begin with for.
func (p *parser) forStatement() *Node {
	n := &Node{Kind: For, From: p.tok.from}
	p.next()
	if p.acceptWord("await") {
		if p.function && !p.async {
			p.unexpected("for await outside of an async function")
		}
		n.Flags |= Async
	}
	p.expect("(")
	switch {
	case p.is(";"):
	case p.isWord("var"), p.isWord("let"), p.isWord("const"):
		p.noIn = true
		n.Left = p.variables()
		p.noIn = false
	default:
		p.noIn = true
		n.Left = p.expression()
		p.noIn = false
		if p.isWord("of") || p.isWord("in") {
			n.Left = p.pattern(n.Left)
		}
	}
	if n.Left != nil && n.Left.Kind == Var && (p.isWord("of") || p.isWord("in")) && (len(n.Left.List) != 1 || n.Left.List[0].Right != nil) {
		p.fail(n.From, "the variable of a loop over something has no value of its own")
	}
	switch {
	case n.Left != nil && p.acceptWord("of"):
		n.Kind, n.Right = ForOf, p.assignment()
	case n.Left != nil && p.acceptWord("in"):
		n.Kind, n.Right = ForIn, p.expression()
	default:
		p.forClauses(n)
	}
	p.expect(")")
	n.Body = p.nested()
	return p.node(n)
}

func (p *parser) forClauses(n *Node) {
	p.expect(";")
	if !p.is(";") {
		n.Right = p.expression()
	}
	p.expect(";")
	if !p.is(")") {
		n.Third = p.expression()
	}
}
