// SPDX-License-Identifier: Apache-2.0

package syntax

import "slices"

func (p *parser) expression() *Node {
	from := p.tok.from
	first := p.assignment()
	if !p.is(",") {
		return first
	}
	n := &Node{Kind: Sequence, From: from, List: []*Node{first}}
	for p.accept(",") {
		n.List = append(n.List, p.assignment())
	}
	return p.node(n)
}

var assignOperators = []string{"=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??="}

func (p *parser) assignment() *Node {
	p.enter()
	defer p.leave()
	if p.isWord("yield") && p.gen {
		return p.yield()
	}
	if n := p.arrow(); n != nil {
		return n
	}
	from := p.tok.from
	left := p.conditional()
	if p.tok.kind != tPunct || !slices.Contains(assignOperators, p.tok.text) {
		return left
	}
	n := &Node{Kind: Assign, From: from, Text: p.tok.text, Left: left}
	if n.Text == "=" {
		n.Left = p.pattern(left)
	} else if left.Kind != Ident && left.Kind != Member && left.Kind != Index {
		p.unexpected("nothing that can be assigned to")
	}
	p.next()
	n.Right = p.assignment()
	return p.node(n)
}

func (p *parser) yield() *Node {
	n := &Node{Kind: Yield, From: p.tok.from}
	p.next()
	if p.tok.newline {
		return p.node(n)
	}
	if p.accept("*") {
		n.Flags |= Star
		n.Left = p.assignment()
	} else if !p.is(")") && !p.is("]") && !p.is("}") && !p.is(",") && !p.is(";") && !p.is(":") && p.tok.kind != tEOF && !p.isWord("in") && !p.isWord("of") && !(p.tok.kind == tTemplate && p.src[p.tok.from] == '}') {
		n.Left = p.assignment()
	}
	return p.node(n)
}

func (p *parser) conditional() *Node {
	from := p.tok.from
	test := p.binary(0)
	if !p.is("?") {
		return test
	}
	n := &Node{Kind: Conditional, From: from, Left: test}
	p.next()
	noIn, ternary := p.noIn, p.ternary
	p.noIn, p.ternary = false, true
	n.Right = p.assignment()
	p.noIn, p.ternary = noIn, ternary
	p.expect(":")
	n.Third = p.assignment()
	return p.node(n)
}

var precedence = map[string]int{
	"??": 1, "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "===": 6, "!==": 6,
	"<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8, ">>>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 11,
}

// operator gives the precedence of the current token as a binary operator, 0 for none.
func (p *parser) operator() int {
	switch p.tok.kind {
	case tPunct:
		return precedence[p.tok.text]
	case tName:
		if p.isWord("instanceof") || p.isWord("in") && !p.noIn {
			return 7
		}
	default:
	}
	return 0
}

func (p *parser) binary(least int) *Node {
	p.enter()
	defer p.leave()
	from := p.tok.from
	left := p.privateIn()
	if left == nil {
		left = p.unary()
	}
	for {
		if p.ts && !p.tok.newline && (p.isWord("as") || p.isWord("satisfies")) && least < 7 {
			p.next()
			if !p.acceptWord("const") {
				p.typ()
			}
			continue
		}
		level := p.operator()
		if level == 0 || level <= least {
			return left
		}
		n := &Node{Kind: Binary, From: from, Text: p.tok.text, Left: left}
		p.next()
		if n.Text == "**" {
			level-- // it associates to the right
		}
		n.Right = p.binary(level)
		left = p.node(n)
	}
}

// privateIn parses the #x of "#x in y".
func (p *parser) privateIn() *Node {
	if p.tok.kind != tPrivate {
		return nil
	}
	n := &Node{Kind: PrivateName, From: p.tok.from, Text: p.tok.text}
	p.next()
	if !p.isWord("in") {
		p.unexpected("expected in")
	}
	return p.node(n)
}

func (p *parser) unary() *Node {
	p.enter()
	defer p.leave()
	n := &Node{Kind: Unary, From: p.tok.from, Text: p.tok.text}
	switch {
	case p.is("+"), p.is("-"), p.is("!"), p.is("~"), p.isWord("typeof"), p.isWord("void"), p.isWord("delete"):
		p.next()
		n.Left = p.unary()
		return p.node(n)
	case p.is("++"), p.is("--"):
		n.Kind, n.Flags = Update, Prefix
		p.next()
		n.Left = p.unary()
		return p.node(n)
	case p.isWord("await"):
		return p.await()
	case p.ts && p.is("<"):
		p.next()
		if !p.acceptWord("const") {
			p.typ()
		}
		p.closeAngle()
		return p.unary()
	}
	x := p.postfix()
	if (p.is("++") || p.is("--")) && !p.tok.newline {
		n = &Node{Kind: Update, From: n.From, Text: p.tok.text, Left: x}
		p.next()
		return p.node(n)
	}
	return x
}

// await parses an await expression. At the top level scripts read await as a name.
func (p *parser) await() *Node {
	n := &Node{Kind: Await, From: p.tok.from}
	if p.function && !p.async {
		p.unexpected("await outside of an async function")
	}
	p.next()
	if !p.function && (p.is("/") || p.is("/=")) {
		p.fail(n.From, "await before a slash is an expression in modules and a name in scripts")
	}
	n.Left = p.unary()
	return p.node(n)
}

// postfix parses a primary expression with all members and calls behind it.
func (p *parser) postfix() *Node {
	from := p.tok.from
	var x *Node
	if p.isWord("new") {
		x = p.newExpression()
	} else {
		x = p.primary()
	}
	return p.chain(x, from, true)
}

func (p *parser) chain(x *Node, from int, calls bool) *Node {
	for {
		n := p.link(x, from, calls)
		if n == nil {
			return x
		}
		x = n
	}
}

// link parses one member access or call; nil when the chain ends.
//

func (p *parser) link(x *Node, from int, calls bool) *Node {
	n := &Node{From: from, Left: x}
	if calls && p.accept("?.") {
		n.Flags = Optional
		if p.ts && p.is("<") {
			p.typeArguments()
		}
		if !p.is("[") && !p.is("(") {
			return p.member(n)
		}
	}
	switch {
	case p.accept("."):
		return p.member(n)
	case p.accept("["):
		n.Kind = Index
		n.Right = p.inside(p.expression)
		p.expect("]")
		return p.node(n)
	case p.is("(") && calls:
		n.Kind = Call
		n.List = p.arguments()
		return p.node(n)
	case p.tok.kind == tTemplate && p.src[p.tok.from] == '`':
		n.Kind = Tagged
		n.Right = p.templateLiteral()
		return p.node(n)
	case p.ts && p.is("!") && !p.tok.newline:
		p.next()
		return x
	case p.ts && (p.is("<") || p.is("<<")) && p.callTypeArguments():
		return x
	}
	return nil
}

// inside parses with the in operator allowed, as between brackets.
func (p *parser) inside(f func() *Node) *Node {
	noIn, ternary := p.noIn, p.ternary
	p.noIn, p.ternary = false, false
	n := f()
	p.noIn, p.ternary = noIn, ternary
	return n
}

func (p *parser) member(n *Node) *Node {
	n.Kind = Member
	if p.tok.kind == tPrivate {
		n.Text = p.tok.text
		p.next()
	} else {
		n.Text = p.propertyName()
	}
	return p.node(n)
}

// propertyName parses any name behind a dot; there escapes are harmless.
func (p *parser) propertyName() string {
	if p.tok.kind != tName {
		p.unexpected("expected a name")
	}
	name := p.tok.text
	p.next()
	return name
}

func (p *parser) arguments() []*Node {
	out := []*Node{}
	p.expect("(")
	p.inside(func() *Node {
		for !p.is(")") {
			out = append(out, p.spreadOr(p.assignment))
			if !p.is(")") {
				p.expect(",")
			}
		}
		return nil
	})
	p.expect(")")
	return out
}

func (p *parser) spreadOr(f func() *Node) *Node {
	if !p.is("...") {
		return f()
	}
	n := &Node{Kind: Spread, From: p.tok.from}
	p.next()
	n.Left = f()
	return p.node(n)
}

func (p *parser) newExpression() *Node {
	p.enter()
	defer p.leave()
	from := p.tok.from
	p.next()
	if p.accept(".") {
		if p.propertyName() != "target" {
			p.unexpected("expected target")
		}
		return p.node(&Node{Kind: Meta, From: from, Text: "new.target"})
	}
	inner := p.tok.from
	var callee *Node
	switch {
	case p.isWord("new"):
		callee = p.newExpression()
	case p.isWord("import"):
		p.unexpected("an import cannot be constructed")
	default:
		callee = p.primary()
	}
	n := &Node{Kind: New, From: from, Left: p.chain(callee, inner, false)}
	if p.is("?.") {
		p.unexpected("an optional chain cannot be constructed")
	}
	if p.is("(") {
		n.List = p.arguments()
	}
	return p.node(n)
}

func (p *parser) primary() *Node {
	p.enter()
	defer p.leave()
	n := &Node{From: p.tok.from, Text: p.tok.text}
	switch p.tok.kind {
	case tNumber:
		n.Kind = Number
	case tString:
		n.Kind = String
		if p.tok.lossy {
			n.Flags = Lossy
		}
	case tTemplate:
		if p.src[p.tok.from] != '`' {
			p.unexpected("expected an expression")
		}
		return p.templateLiteral()
	case tName:
		return p.primaryName(n)
	case tPunct:
		switch p.tok.text {
		case "(":
			x := p.parenthesized()
			return x
		case "[":
			return p.array()
		case "{":
			return p.object()
		case "/", "/=":
			p.regexp()
			n.Kind, n.Text = RegExp, p.tok.text
		case "@":
			return p.decorated()
		default:
			p.unexpected("expected an expression")
		}
	default:
		p.unexpected("expected an expression")
	}
	p.next()
	return p.node(n)
}

func (p *parser) primaryName(n *Node) *Node {
	if p.tok.escaped {
		return p.identifier()
	}
	switch p.tok.text {
	case "this":
		n.Kind = This
	case "super":
		n.Kind = Super
	case "null", "true", "false":
		n.Kind = Literal
	case "function":
		return p.withBody(p.functionNode(n.From, 0))
	case "class":
		return p.class(n.From, nil)
	case "async":
		if t := p.peek(); t.kind == tName && t.text == "function" && !t.newline && !t.escaped {
			p.next()
			return p.withBody(p.functionNode(n.From, Async))
		}
		return p.identifier()
	case "import":
		return p.importExpression()
	default:
		return p.identifier()
	}
	p.next()
	return p.node(n)
}

// importExpression parses import(…) and import.meta.
func (p *parser) importExpression() *Node {
	n := &Node{From: p.tok.from}
	p.next()
	if p.accept(".") {
		n.Kind, n.Text = Meta, "import."+p.propertyName()
		if n.Text != "import.meta" {
			p.unexpected("expected meta")
		}
		return p.node(n)
	}
	n.Kind, n.List = ImportCall, p.arguments()
	return p.node(n)
}

func (p *parser) templateLiteral() *Node {
	n := &Node{Kind: Template, From: p.tok.from}
	for {
		n.Strings = append(n.Strings, p.tok.text)
		if p.tok.lossy {
			n.Flags |= Lossy
		}
		if p.tok.tail {
			p.next()
			return p.node(n)
		}
		p.next()
		n.List = append(n.List, p.inside(p.expression))
		if !p.is("}") {
			p.unexpected("expected }")
		}
		p.pos = p.tok.from
		newline := p.tok.newline
		p.tok = token{from: p.pos, newline: newline, to: p.tok.from}
		p.template()
	}
}

func (p *parser) array() *Node {
	n := &Node{Kind: Array, From: p.tok.from}
	p.expect("[")
	p.inside(func() *Node {
		for !p.is("]") {
			if p.accept(",") {
				n.List = append(n.List, nil)
				continue
			}
			n.List = append(n.List, p.spreadOr(p.assignment))
			if !p.is("]") {
				p.expect(",")
			}
		}
		return nil
	})
	p.expect("]")
	return p.node(n)
}
