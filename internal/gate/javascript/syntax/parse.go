// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Caps on what is parsed. V8 itself gives up on deeper code with a stack of 1 MB.
const (
	// MaxBytes is the largest source.
	MaxBytes = 256 << 10
	// MaxDepth bounds how deep the parser recurses.
	MaxDepth = 400
	// MaxHeight bounds the height of the tree, to which chains of operators and calls add.
	MaxHeight = 2000
	// MaxNodes bounds the tree: 150 kB of ordinary code, or 50 kB without any white space.
	MaxNodes = 40_000
	// fuelPerByte bounds how often the parser may read the same text again.
	fuelPerByte = 16
)

type parser struct {
	lexer
	ts       bool
	depth    int
	nodes    int
	function bool // inside of a function
	async    bool
	gen      bool
	strict   bool
	noIn     bool
	ternary  bool // in the first branch of a conditional, where (a): b => c is not an arrow function
	module   bool
	fileStr  bool
	noArrow  map[int]bool // offsets where no arrow function starts
	noArgs   map[int]bool // offsets where no type arguments start
}

// Parse parses a whole source, as TypeScript if ts is set.
func Parse(source []byte, ts bool) (file *File, err error) {
	p := &parser{ts: ts, noArrow: map[int]bool{}, noArgs: map[int]bool{}}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			file, err = nil, e
		}
	}()
	p.check(source)
	p.src = string(source)
	p.fuel = fuelPerByte*len(source) + 1000
	if strings.HasPrefix(p.src, "#!") {
		p.lineComment()
	}
	p.next()
	body := p.body(tEOF, "")
	return &File{Body: body, Module: p.module, Strict: p.fileStr || p.module, Oddities: p.oddities}, nil
}

// check refuses what cannot be text, and notes characters that people do not see.
func (p *parser) check(source []byte) {
	if len(source) > MaxBytes {
		limit(0, "size", "the source is too large")
	}
	if !utf8.Valid(source) {
		p.fail(0, "the source is not UTF-8")
	}
	for i, r := range string(source) {
		switch {
		case r == 0:
			p.fail(i, "a NUL character")
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c:
			p.oddities = append(p.oddities, Oddity{i, "a character that changes the order in which text is shown"})
		case r == 0x2028 || r == 0x2029:
			p.oddities = append(p.oddities, Oddity{i, "a line separator that editors do not show as the end of a line"})
		case r == '\r' && (i+1 >= len(source) || source[i+1] != '\n'):
			p.oddities = append(p.oddities, Oddity{i, "a carriage return that editors do not show as the end of a line"})
		}
	}
}

// body parses statements up to the closing token, minding "use strict".
func (p *parser) body(end tokenKind, punct string) []*Node {
	var out []*Node
	prologue := true
	for !(p.tok.kind == end && (end == tEOF || p.tok.text == punct)) {
		first := p.tok
		raw := strings.Trim(p.src[first.from:first.to], `"'`)
		n := p.statement()
		if prologue = prologue && first.kind == tString && n != nil && n.Kind == Expression && n.Left.Kind == String; prologue && raw == "use strict" {
			p.strict = true
			p.fileStr = p.fileStr || !p.function
		}
		if n != nil {
			out = append(out, n)
		}
	}
	return out
}

type snapshot struct {
	pos, prevEnd, depth            int
	tok                            token
	function, async, gen           bool
	strict, noIn, ternary, fileStr bool
}

func (p *parser) save() snapshot {
	return snapshot{p.pos, p.prevEnd, p.depth, p.tok, p.function, p.async, p.gen, p.strict, p.noIn, p.ternary, p.fileStr}
}

func (p *parser) restore(s snapshot) {
	p.pos, p.prevEnd, p.depth, p.tok = s.pos, s.prevEnd, s.depth, s.tok
	p.function, p.async, p.gen, p.strict, p.noIn, p.ternary, p.fileStr = s.function, s.async, s.gen, s.strict, s.noIn, s.ternary, s.fileStr
}

// try runs f and goes back to where it began if f fails or gives false. A cap that
// was hit is final.
func (p *parser) try(f func() bool) (ok bool) {
	s := p.save()
	nodes := p.nodes
	p.trying++
	defer func() {
		p.trying--
		if r := recover(); r != nil {
			if e, isError := r.(*Error); !isError || e.Limit != "" {
				panic(r)
			}
			ok = false
		}
		if !ok {
			p.restore(s)
			p.nodes = nodes
		}
	}()
	return f()
}

// enter counts a level of recursion; the caller defers leave.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		limit(p.tok.from, "depth", "the source is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// node ends n at the last token and bounds the height of the tree.
func (p *parser) node(n *Node) *Node {
	if p.nodes++; p.nodes > MaxNodes {
		limit(n.From, "nodes", "the source is too long")
	}
	n.To = max(p.prevEnd, n.From)
	n.Children(func(c *Node) { n.height = max(n.height, c.height+1) })
	if n.height > MaxHeight {
		limit(n.From, "chain", "an expression is too long")
	}
	return n
}

func (p *parser) is(punct string) bool { return p.tok.kind == tPunct && p.tok.text == punct }

// isWord reports whether the token is a keyword; one with an escape never is.
func (p *parser) isWord(word string) bool {
	return p.tok.kind == tName && p.tok.text == word && !p.tok.escaped
}

func (p *parser) accept(punct string) bool {
	if p.is(punct) {
		p.next()
		return true
	}
	return false
}

func (p *parser) acceptWord(word string) bool {
	if p.isWord(word) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(punct string) {
	if !p.accept(punct) {
		p.unexpected("expected " + punct)
	}
}

func (p *parser) expectWord(word string) {
	if !p.acceptWord(word) {
		p.unexpected("expected " + word)
	}
}

func (p *parser) unexpected(why string) {
	p.fail(p.tok.from, "%s, found %.20q", why, p.src[p.tok.from:p.tok.to])
}

// semicolon ends a statement, with the rules of automatic insertion.
func (p *parser) semicolon() {
	if p.accept(";") || p.is("}") || p.tok.kind == tEOF || p.tok.newline {
		return
	}
	p.unexpected("expected ;")
}

// peek looks at the token after the current one.
func (p *parser) peek() token {
	s := p.save()
	p.next()
	t := p.tok
	p.restore(s)
	return t
}

// reserved words, and those that strict code or a function reserves. A name that only
// sloppy code may use is refused, as modules would read it in another way.
var reserved = strings.Fields(`break case catch class const continue debugger default delete do else enum export extends false finally for function if import in
instanceof new null return super switch this throw true try typeof var void while with let yield await`)

// contextual words could be keywords where they stand, so they are not to be written with escapes.
var contextual = strings.Fields(`async of get set static as from using accessor type interface namespace module declare abstract readonly is asserts satisfies implements private protected public override`)

// identifier parses a name that the code binds or reads.
func (p *parser) identifier() *Node {
	if p.tok.kind != tName || slices.Contains(reserved, p.tok.text) {
		p.unexpected("expected a name")
	}
	return p.identifierName()
}

// identifierName parses any name, also a reserved word.
func (p *parser) identifierName() *Node {
	if p.tok.kind != tName {
		p.unexpected("expected a name")
	}
	if p.tok.escaped && (slices.Contains(reserved, p.tok.text) || slices.Contains(contextual, p.tok.text)) {
		p.fail(p.tok.from, "a keyword that is written with escapes")
	}
	n := &Node{Kind: Ident, From: p.tok.from, Text: p.tok.text}
	p.next()
	return p.node(n)
}
