// SPDX-License-Identifier: Apache-2.0

package syntax

// importStatement parses import declarations; nil for one that only has types.
func (p *parser) importStatement() *Node {
	n := &Node{Kind: Import, From: p.tok.from}
	if p.function || p.depth > 1 {
		p.unexpected("import inside of a statement")
	}
	p.next()
	if p.tok.kind == tString {
		p.module = true
		n.Text = p.tok.text
		p.next()
		p.attributes()
		p.semicolon()
		return p.node(n)
	}
	types := p.ts && p.isWord("type") && p.startsTypeImport()
	if types {
		p.next()
	}
	if p.tok.kind == tName {
		local := p.identifier()
		if p.ts && p.accept("=") {
			return p.importEquals(n, local, types)
		}
		n.List = append(n.List, p.node(&Node{Kind: ImportName, From: local.From, Text: "default", Left: local}))
		if !p.isWord("from") {
			p.expect(",")
		}
	}
	p.module = true
	switch {
	case p.accept("*"):
		p.expectWord("as")
		local := p.identifier()
		n.List = append(n.List, p.node(&Node{Kind: ImportName, From: local.From, Text: "*", Left: local}))
	case p.is("{"):
		n.List = append(n.List, p.names(true)...)
	}
	p.expectWord("from")
	p.source(n)
	if types {
		return nil
	}
	return n
}

// startsTypeImport tells "import type A from" from "import type from".
func (p *parser) startsTypeImport() bool {
	t := p.peek()
	if t.kind == tName && t.text == "from" {
		s := p.save()
		p.next()
		u := p.peek()
		p.restore(s)
		return u.kind == tName && u.text == "from" || u.kind == tPunct && u.text == "="
	}
	return t.kind == tName || t.kind == tPunct && (t.text == "{" || t.text == "*")
}

func (p *parser) importEquals(n, local *Node, types bool) *Node {
	n.Kind, n.Left = ImportEquals, local
	n.Right = p.expression()
	p.semicolon()
	if types {
		return nil
	}
	return p.node(n)
}

// source parses the module that a statement names, and its end.
func (p *parser) source(n *Node) {
	if p.tok.kind != tString {
		p.unexpected("expected the name of a module")
	}
	n.Text = p.tok.text
	p.next()
	p.attributes()
	p.semicolon()
	p.node(n)
}

// attributes skips with { type: "json" }.
func (p *parser) attributes() {
	if p.isWord("with") || p.isWord("assert") && !p.tok.newline {
		p.next()
		for _, x := range p.object().List {
			if x.Kind != Property || x.Has(Computed) || x.Right.Kind != String {
				p.fail(x.From, "an attribute of an import must be text")
			}
		}
	}
}

// names parses { a, b as c }. In imports the second name is local, in exports the first.
func (p *parser) names(imports bool) []*Node {
	var out []*Node
	p.expect("{")
	for !p.accept("}") {
		types := false
		if p.ts && p.isWord("type") {
			if t := p.peek(); t.kind == tString || t.kind == tName && t.text != "as" {
				p.next()
				types = true
			}
		}
		n := &Node{Kind: ImportName, From: p.tok.from}
		first := p.moduleName()
		n.Text, n.Left = first.Text, first
		if p.acceptWord("as") {
			second := p.moduleName()
			if imports {
				n.Left = second
			}
		}
		if !types {
			out = append(out, p.node(n))
		}
		if !p.is("}") {
			p.expect(",")
		}
	}
	return out
}

func (p *parser) moduleName() *Node {
	if p.tok.kind == tString {
		n := &Node{Kind: Ident, From: p.tok.from, Text: p.tok.text}
		p.next()
		return p.node(n)
	}
	return p.identifierName()
}

// exportStatement parses export declarations.
func (p *parser) exportStatement() *Node {
	n := &Node{Kind: Export, From: p.tok.from}
	p.next()
	switch {
	case p.ts && p.accept("="): // export = x
		n.Left = p.expression()
		p.semicolon()
		return p.node(n)
	case p.ts && p.isWord("as"): // export as namespace X
		p.next()
		p.next()
		p.identifier()
		p.semicolon()
		return nil
	case p.ts && p.isWord("import"):
		n.Left = p.importStatement()
		return n.Left
	case p.ts && p.isWord("type"):
		if t := p.peek(); t.kind == tPunct && (t.text == "{" || t.text == "*") {
			p.next()
			p.exportFrom(n)
			return nil
		}
	}
	if p.depth <= 1 {
		p.module = true
	} else if !p.ts {
		p.unexpected("export inside of a statement")
	}
	if p.is("{") || p.is("*") {
		p.exportFrom(n)
		return n
	}
	if p.acceptWord("default") {
		return p.exportDefault(n)
	}
	n.Left = p.statement()
	if n.Left == nil {
		return nil
	}
	return p.node(n)
}

func (p *parser) exportDefault(n *Node) *Node {
	from := p.tok.from
	switch t := p.peek(); {
	case p.isWord("function"):
		n.Left = p.declaration(p.functionNode(from, 0))
	case p.isWord("async") && t.kind == tName && t.text == "function" && !t.newline:
		p.next()
		n.Left = p.declaration(p.functionNode(from, Async))
	case p.isWord("class"):
		n.Left = p.declaration(p.class(from, nil))
	case p.is("@"), p.ts && p.isWord("abstract") && t.text == "class", p.ts && p.isWord("interface") && t.kind == tName && !t.newline:
		n.Left = p.statement()
	default:
		n.Left = p.assignment()
		p.semicolon()
	}
	if n.Left == nil {
		return nil
	}
	return p.node(n)
}

func (p *parser) exportFrom(n *Node) {
	if p.accept("*") {
		n.Flags |= Star
		if p.acceptWord("as") {
			p.moduleName()
		}
		p.expectWord("from")
		p.source(n)
		return
	}
	n.List = p.names(false)
	if p.acceptWord("from") {
		n.Flags |= Star
		p.source(n)
		return
	}
	p.semicolon()
	p.node(n)
}
