// SPDX-License-Identifier: Apache-2.0

package syntax

import "slices"

// typeStatement parses the statements that only TypeScript has; the first result
// is nil for those that leave nothing behind.
//

func (p *parser) typeStatement() (*Node, bool) {
	from, t := p.tok.from, p.peek()
	named := t.kind == tName && !t.newline
	switch p.tok.text {
	case "enum":
		if named {
			return p.enum(from), true
		}
	case "type":
		if named {
			p.next()
			p.identifier()
			p.typeParameters()
			p.expect("=")
			p.typ()
			p.semicolon()
			return nil, true
		}
	case "interface":
		if named {
			p.next()
			p.identifier()
			p.typeParameters()
			if p.acceptWord("extends") {
				p.typ()
				for p.accept(",") {
					p.typ()
				}
			}
			p.objectType()
			return nil, true
		}
	case "abstract":
		if named && t.text == "class" {
			p.next()
			return p.declaration(p.class(from, nil)), true
		}
	case "declare":
		if named {
			p.next()
			p.declared()
			return nil, true
		}
	case "namespace", "module":
		if named || t.kind == tString && !t.newline {
			return p.namespace(from)
		}
	case "global":
		if t.kind == tPunct && t.text == "{" {
			p.fail(from, "a global declaration without declare is a block to some compilers")
		}
	}
	return nil, false
}

// declared skips what follows declare: it says what exists elsewhere.
func (p *parser) declared() {
	module := p.module
	defer func() { p.module = module }()
	switch {
	case p.isWord("module"), p.isWord("namespace"), p.isWord("global"):
		p.next()
		for !p.is("{") && !p.is(";") && p.tok.kind != tEOF && !p.tok.newline {
			p.next()
		}
		if p.is("{") {
			p.block()
		} else {
			p.semicolon()
		}
	case slices.ContainsFunc(declarations, p.isWord):
		p.statement()
	default:
		p.unexpected("expected a declaration")
	}
}

// declarations are the words that may follow declare.
var declarations = []string{"var", "let", "const", "function", "async", "class", "abstract", "enum", "interface", "type"}

func (p *parser) enum(from int) *Node {
	n := &Node{Kind: Enum, From: from}
	p.expectWord("enum")
	n.Left = p.identifier()
	p.expect("{")
	for !p.accept("}") {
		m := &Node{Kind: Property, From: p.tok.from}
		p.key(m)
		if p.accept("=") {
			m.Right = p.inside(p.assignment)
		}
		n.List = append(n.List, p.node(m))
		if !p.is("}") {
			p.expect(",")
		}
	}
	return p.node(n)
}

func (p *parser) namespace(from int) (*Node, bool) {
	p.next()
	n := &Node{Kind: Namespace, From: from, Left: p.identifier()}
	if p.is(".") {
		p.fail(p.tok.from, "nested namespaces are not read")
	}
	n.Body = p.block()
	return p.node(n), true
}
