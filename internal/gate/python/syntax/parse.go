// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"strings"
)

// parser is a recursive descent parser over the tokens of a file.
type parser struct {
	*lexer
	i     int // index of the next token
	depth int // nesting of expressions and blocks
	links int // attributes, calls and subscripts in the current statement
}

// Parse reads a whole module. Every failure is an *Error; the File then has
// Source set, so that the offset can be shown as a position, but no Body.
func Parse(source []byte) (file *File, err error) {
	src, odd, bad := prepare(source)
	file = &File{Source: src, Oddities: odd}
	if bad != nil {
		return file, bad
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			file.Body, err = nil, r
		default:
			panic(r)
		}
	}()
	p := &parser{lexer: tokenize(src)}
	for p.peekToken().kind != tokenEOF {
		if p.peekToken().kind == tokenNewline {
			p.i++
			continue
		}
		file.Body = p.statement(file.Body)
	}
	return file, nil
}

// mark sets the range of a node that starts at from and ends with the last token read.
func mark[N interface{ span() *Span }](p *parser, from int32, n N) N {
	s := n.span()
	s.from, s.to = from, p.tokens[max(p.i-1, 0)].to
	return n
}

func (p *parser) peekToken() token         { return p.tokens[p.i] }
func (p *parser) from() int32              { return p.tokens[p.i].from }
func (p *parser) fail(message string)      { fail(int(p.from()), message) }
func (p *parser) isOp(op Operator) bool    { return p.tokens[p.i].op == op }
func (p *parser) isKeyword(k keyword) bool { return p.tokens[p.i].keyword == k }
func (p *parser) isName() bool             { return p.tokens[p.i].kind == tokenName }

// nextIsOp looks one token further than isOp.
func (p *parser) nextIsOp(op Operator) bool {
	return p.i+1 < len(p.tokens) && p.tokens[p.i+1].op == op
}

func (p *parser) takeOp(op Operator) bool {
	if p.isOp(op) {
		p.i++
		return true
	}
	return false
}

func (p *parser) takeKeyword(k keyword) bool {
	if p.isKeyword(k) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expectOp(op Operator, text string) {
	if !p.takeOp(op) {
		p.fail("expected '" + text + "'")
	}
}

func (p *parser) expectKeyword(k keyword, text string) {
	if !p.takeKeyword(k) {
		p.fail("expected '" + text + "'")
	}
}

func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		failLimit(int(p.from()), "depth", "the code is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// isSoftKeyword reports whether the next token is a name spelled word.
func (p *parser) isSoftKeyword(word string) bool {
	t := p.peekToken()
	return t.kind == tokenName && bytes.Equal(p.src[t.from:t.to], []byte(word))
}

// identifier reads a name in its normalised form.
func (p *parser) identifier() string {
	t := p.peekToken()
	if t.kind != tokenName {
		p.fail("expected a name")
	}
	p.i++
	if s, ok := p.normalised[t.from]; ok {
		return s
	}
	return string(p.src[t.from:t.to])
}

func (p *parser) name() *Name {
	from := p.from()
	id := p.identifier()
	return mark(p, from, &Name{ID: id})
}

func (p *parser) dottedName() string {
	parts := []string{p.identifier()}
	for p.takeOp(Dot) {
		parts = append(parts, p.identifier())
	}
	return strings.Join(parts, ".")
}

// nameAfter reads a name if the keyword k comes first, else gives nil.
func (p *parser) nameAfter(k keyword) *Name {
	if p.takeKeyword(k) {
		return p.name()
	}
	return nil
}
