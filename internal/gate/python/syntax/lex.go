// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lexer turns source into tokens, after CPython's Parser/tokenizer.c.
type lexer struct {
	src    []byte
	pos    int
	tokens []token
	// brackets are the open ones, innermost last.
	brackets []byte
	// indents are the columns of open blocks with tabs at 8, alternates the
	// same with tabs at 1; they must agree (CPython's TabError).
	indents, alternates []int
	fstrings            []*fstring
	lineStart           bool
	// normalised holds the NFKC form of names that are not ASCII, by offset.
	normalised map[int32]string
}

// fail ends lexing or parsing; parse recovers it.
func fail(offset int, message string) { panic(&Error{Offset: offset, Message: message}) }

func failLimit(offset int, limit, message string) {
	panic(&Error{Offset: offset, Message: message, Limit: limit})
}

func tokenize(src []byte) *lexer {
	l := &lexer{
		src: src, tokens: make([]token, 0, len(src)/4+16),
		indents: []int{0}, alternates: []int{0}, lineStart: true,
	}
	for l.next() {
	}
	end := len(src)
	if len(l.brackets) > 0 {
		fail(end, "a bracket is not closed")
	}
	if len(l.fstrings) > 0 {
		fail(end, "an f-string is not closed")
	}
	if n := len(l.tokens); n > 0 {
		switch l.tokens[n-1].kind {
		case tokenNewline, tokenIndent, tokenDedent:
		default:
			l.emit(tokenNewline, end, end)
		}
	}
	for range l.indents[1:] {
		l.emit(tokenDedent, end, end)
	}
	l.emit(tokenEOF, end, end)
	return l
}

// next lexes one token or piece of an f-string; false at the end of the source.
func (l *lexer) next() bool {
	if n := len(l.fstrings); n > 0 && !l.fstrings[n-1].inField {
		l.fstringText(l.fstrings[n-1])
		return true
	}
	if l.lineStart && len(l.brackets) == 0 && len(l.fstrings) == 0 {
		l.lineStart = false
		if !l.indentation() {
			return false
		}
	}
	if !l.skipBlanks() {
		return false
	}
	l.token()
	return true
}

// token lexes the token at l.pos, which is no blank.
func (l *lexer) token() {
	c := l.src[l.pos]
	switch {
	case c == '\n':
		l.newline()
	case isNameStart(c):
		l.nameOrPrefix()
	case isDigit(c) || c == '.' && isDigit(l.peek(1)):
		l.number()
	case c == '"' || c == '\'':
		l.quoted(l.pos, stringPrefix{})
	case len(l.fstrings) > 0 && l.fieldDelimiter(l.fstrings[len(l.fstrings)-1]):
	default:
		l.operator()
	}
}

// newline ends the logical line, unless a bracket or an f-string is open.
func (l *lexer) newline() {
	l.pos++
	if len(l.brackets) == 0 && len(l.fstrings) == 0 {
		l.emit(tokenNewline, l.pos-1, l.pos)
		l.lineStart = true
	}
}

func (l *lexer) emit(kind tokenKind, from, to int) {
	l.tokens = append(l.tokens, token{kind: kind, from: offset(from), to: offset(to)})
}

func (l *lexer) emitOperator(op Operator, from, to int) {
	l.tokens = append(l.tokens, token{kind: tokenOperator, op: op, from: offset(from), to: offset(to)})
}

// offset narrows an offset, which prepare has bounded.
func offset(n int) int32 { return int32(n) } //nolint:gosec // sources are at most MaxBytes long

// indentation measures the next line that is not blank and emits indents and
// dedents; false at the end of the source.
func (l *lexer) indentation() bool {
	for {
		column, alternate, p := l.measure()
		if p < len(l.src) && l.src[p] == '#' {
			p = l.lineEnd(p)
		}
		if p >= len(l.src) {
			l.pos = p
			return false
		}
		if l.src[p] == '\n' {
			l.pos = p + 1
			continue
		}
		l.pos = p
		l.indentTo(column, alternate)
		return true
	}
}

// measure gives the column after the white space at the start of a line, with
// tabs at 8 and at 1, and the offset there.
func (l *lexer) measure() (column, alternate, p int) {
	for p = l.pos; p < len(l.src); p++ {
		switch l.src[p] {
		case ' ':
			column++
			alternate++
		case '\t':
			column = (column/8 + 1) * 8
			alternate++
		case '\f':
			column, alternate = 0, 0
		case '\\':
			if p+1 < len(l.src) && l.src[p+1] == '\n' { // the indentation counted so far stands
				p += 2
				for p < len(l.src) && isBlank(l.src[p]) {
					p++
				}
			}
			return column, alternate, p
		default:
			return column, alternate, p
		}
	}
	return column, alternate, p
}

func (l *lexer) indentTo(column, alternate int) {
	p, top := l.pos, len(l.indents)-1
	switch {
	case column > l.indents[top]:
		if alternate <= l.alternates[top] {
			fail(p, "tabs and spaces are mixed inconsistently")
		}
		if len(l.indents) >= MaxIndents {
			failLimit(p, "indents", "too many levels of indentation")
		}
		l.indents = append(l.indents, column)
		l.alternates = append(l.alternates, alternate)
		l.emit(tokenIndent, p, p)
		return
	case column < l.indents[top]:
		for top > 0 && column < l.indents[top] {
			top--
			l.emit(tokenDedent, p, p)
		}
		l.indents, l.alternates = l.indents[:top+1], l.alternates[:top+1]
		if column != l.indents[top] {
			fail(p, "the indentation matches no outer level")
		}
	}
	if alternate != l.alternates[top] {
		fail(p, "tabs and spaces are mixed inconsistently")
	}
}

func (l *lexer) lineEnd(p int) int {
	if i := bytes.IndexByte(l.src[p:], '\n'); i >= 0 {
		return p + i
	}
	return len(l.src)
}

// skipBlanks moves past blanks, comments and joined lines; false at the end of the source.
func (l *lexer) skipBlanks() bool {
	p := l.pos
	for p < len(l.src) {
		switch c := l.src[p]; {
		case isBlank(c):
			p++
		case c == '#':
			p = l.lineEnd(p)
		case c == '\\':
			if p+1 >= len(l.src) || l.src[p+1] != '\n' {
				fail(p, "unexpected character after the line continuation")
			}
			if p += 2; p >= len(l.src) {
				fail(p, "the source ends in a line continuation")
			}
		default:
			l.pos = p
			return true
		}
	}
	l.pos = p
	return false
}

func (l *lexer) operator() {
	p := l.pos
	op, n := operatorAt(l.src[p:])
	switch op {
	case NoOperator:
		fail(p, "invalid character")
	case LeftParen, LeftBracket, LeftBrace:
		l.open(l.src[p])
	case RightParen:
		l.close('(')
	case RightBracket:
		l.close('[')
	case RightBrace:
		l.close('{')
	default:
	}
	l.emitOperator(op, p, p+n)
	l.pos = p + n
}

func (l *lexer) open(bracket byte) {
	if len(l.brackets) >= MaxBrackets {
		failLimit(l.pos, "brackets", "too many nested brackets")
	}
	l.brackets = append(l.brackets, bracket)
}

func (l *lexer) close(bracket byte) {
	top := len(l.brackets) - 1
	if top < 0 || l.brackets[top] != bracket {
		fail(l.pos, "a closing bracket does not match")
	}
	l.brackets = l.brackets[:top]
}

// nameOrPrefix lexes a name, a keyword, or a string that starts with a prefix.
func (l *lexer) nameOrPrefix() {
	p, q := l.pos, l.pos
	ascii := true
	for q < len(l.src) && (isNameStart(l.src[q]) || isDigit(l.src[q])) {
		ascii = ascii && l.src[q] < utf8.RuneSelf
		q++
	}
	l.pos = q
	if c := l.peek(0); c == '"' || c == '\'' {
		if prefix, ok := parsePrefix(l.src[p:q]); ok {
			l.quoted(p, prefix)
			return
		}
	}
	if ascii {
		l.asciiName(p, q)
	} else {
		l.unicodeName(p, q)
	}
}

func (l *lexer) asciiName(p, q int) {
	l.emit(tokenName, p, q)
	if q-p < len("as") || q-p > len("continue") {
		return
	}
	if k := keywords[string(l.src[p:q])]; k != notKeyword {
		t := &l.tokens[len(l.tokens)-1]
		t.kind, t.keyword = tokenKeyword, k
	}
}

// unicodeName emits a name that is not ASCII in its NFKC form. CPython looks
// keywords up before it normalises, so this is never one.
func (l *lexer) unicodeName(p, q int) {
	name := norm.NFKC.String(string(l.src[p:q]))
	for i, r := range name {
		if !isIdentifierRune(r, i == 0) {
			fail(p, "invalid character in a name")
		}
	}
	if l.normalised == nil {
		l.normalised = map[int32]string{}
	}
	l.normalised[offset(p)] = name
	l.emit(tokenName, p, q)
}

// isIdentifierRune follows XID_Start and XID_Continue closely enough: Go's
// Unicode version is newer than CPython 3.11's, so it accepts what CPython may refuse.
func isIdentifierRune(r rune, first bool) bool {
	if r == '_' || unicode.IsLetter(r) || unicode.In(r, unicode.Nl, unicode.Other_ID_Start) {
		return true
	}
	return !first && (unicode.IsDigit(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Pc, unicode.Other_ID_Continue))
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isNameStart(c byte) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf
}
