// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tName
	tPrivate
	tPunct
	tNumber
	tString
	tTemplate // a template from ` or } to ${ or `
)

// token is one token; text is the name, the punctuator, or the decoded string.
type token struct {
	kind     tokenKind
	from, to int
	text     string
	newline  bool // a line terminator comes before it
	escaped  bool // a name written with \u
	lossy    bool
	tail     bool // a template part that ends the template
}

type lexer struct {
	src      string
	pos      int
	tok      token
	prevEnd  int
	fuel     int
	trying   int // how many alternatives are being tried
	oddities []Oddity
	odd      int // offset up to which oddities were noted
}

// errTried stands for an error that sends the parser back, whose text nobody reads.
var errTried = &Error{}

func (l *lexer) fail(offset int, format string, args ...any) {
	if l.trying > 0 {
		panic(errTried)
	}
	panic(&Error{Offset: offset, Message: fmt.Sprintf(format, args...)})
}

func limit(offset int, name, message string) {
	panic(&Error{Offset: offset, Message: message, Limit: name})
}

// note records an oddity once, though the parser may read a place twice.
func (l *lexer) note(offset int, message string) {
	if offset >= l.odd {
		l.oddities = append(l.oddities, Oddity{offset, message})
		l.odd = offset + 1
	}
}

func (l *lexer) peekByte(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029 }

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\v' || r == '\f' || r == 0xa0 || r == 0xfeff || r > 0x7f && unicode.Is(unicode.Zs, r)
}

func isIDStart(r rune) bool {
	if r < 0x80 {
		return r == '$' || r == '_' || r|0x20 >= 'a' && r|0x20 <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start) && !unicode.In(r, unicode.Pattern_Syntax, unicode.Pattern_White_Space)
}

func isIDPart(r rune) bool {
	if r < 0x80 {
		return isIDStart(r) || r >= '0' && r <= '9'
	}
	return isIDStart(r) || r == 0x200c || r == 0x200d ||
		unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue) && !unicode.In(r, unicode.Pattern_Syntax, unicode.Pattern_White_Space)
}

// blanks skips white space and comments and reports whether a line ended.
func (l *lexer) blanks() bool {
	newline := l.pos == 0
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		switch {
		case isLineEnd(r):
			newline = true
			l.pos += n
		case isSpace(r):
			if r == 0xfeff {
				l.note(l.pos, "an invisible character between tokens")
			}
			l.pos += n
		case r == '/' && l.peekByte(1) == '/':
			l.lineComment()
		case r == '/' && l.peekByte(1) == '*':
			end := strings.Index(l.src[l.pos+2:], "*/")
			if end < 0 {
				l.fail(l.pos, "a comment that does not end")
			}
			newline = newline || strings.ContainsFunc(l.src[l.pos:l.pos+2+end], isLineEnd)
			l.pos += end + 4
		default:
			return newline
		}
	}
	return newline
}

func (l *lexer) lineComment() {
	end := strings.IndexFunc(l.src[l.pos:], isLineEnd)
	if end < 0 {
		l.pos = len(l.src)
		return
	}
	l.pos += end
}

// next reads the next token. A slash is always read as a division: the parser
// asks for a regular expression where the grammar wants an expression.
func (l *lexer) next() {
	if l.fuel--; l.fuel < 0 {
		limit(l.pos, "depth", "the source is too ambiguous to read")
	}
	l.prevEnd = l.tok.to
	newline := l.blanks()
	l.tok = token{from: l.pos, newline: newline}
	if l.pos >= len(l.src) {
		l.tok.to = l.pos
		return
	}
	l.token()
	l.tok.to = l.pos
}

func (l *lexer) token() {
	c := l.src[l.pos]
	switch {
	case c == '"' || c == '\'':
		l.stringLiteral(c)
	case c >= '0' && c <= '9' || c == '.' && l.peekByte(1) >= '0' && l.peekByte(1) <= '9':
		l.number()
	case c == '`':
		l.template()
	case c == '#':
		l.pos++
		l.name()
		l.tok.kind, l.tok.text = tPrivate, "#"+l.tok.text
	default:
		if l.punctuator() {
			return
		}
		l.name()
	}
}

// name reads an identifier or keyword, decoding \u escapes.
func (l *lexer) name() {
	from := l.pos
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r == '\\' || !isIDPart(r) || l.pos == from && !isIDStart(r) {
			break
		}
		if r == 0x200c || r == 0x200d {
			l.note(l.pos, "an invisible character in a name")
		}
		l.pos += n
	}
	l.tok.kind, l.tok.text = tName, l.src[from:l.pos]
	if l.peekByte(0) == '\\' {
		l.escapedName(from)
	}
	if l.pos == from {
		r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
		l.fail(l.pos, "an unexpected character %q", r)
	}
}

func (l *lexer) escapedName(from int) {
	var out strings.Builder
	out.WriteString(l.src[from:l.pos])
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r == '\\' {
			if l.peekByte(1) != 'u' {
				l.fail(l.pos, "an unexpected backslash")
			}
			l.pos += 2
			r, n = rune(l.unicodeEscape()), 0 //nolint:gosec // at most 0x10ffff
			if !isIDPart(r) || out.Len() == 0 && !isIDStart(r) {
				l.fail(l.pos, "an escape that no name may hold")
			}
		} else if !isIDPart(r) {
			break
		}
		out.WriteRune(r)
		l.pos += n
	}
	l.tok.text, l.tok.escaped = out.String(), true
}

// punctuators by their first byte, longest first.
var punctuators = func() (byFirst [128][]string) {
	for p := range strings.FieldsSeq(`>>>= ... === !== **= <<= >>= >>> &&= ||= ??=
=> == != <= >= && || ?? ?. ++ -- += -= *= /= %= &= |= ^= << >> **
{ } ( ) [ ] ; , < > + - * / % & | ^ ! ~ ? : = . @`) {
		byFirst[p[0]] = append(byFirst[p[0]], p)
	}
	return byFirst
}()

func (l *lexer) punctuator() bool {
	rest := l.src[l.pos:]
	if rest[0] == '<' && strings.HasPrefix(rest, "<!--") {
		l.fail(l.pos, "<!-- is a comment in scripts and an expression in modules")
	}
	if l.tok.newline && strings.HasPrefix(rest, "-->") {
		l.fail(l.pos, "--> at the start of a line is a comment in scripts and an expression in modules")
	}
	if rest[0] >= 128 {
		return false
	}
	for _, p := range punctuators[rest[0]] {
		if strings.HasPrefix(rest, p) {
			if p == "?." && len(rest) > 2 && rest[2] >= '0' && rest[2] <= '9' {
				p = "?" // a ?.5 : b
			}
			l.tok.kind, l.tok.text = tPunct, p
			l.pos += len(p)
			return true
		}
	}
	return false
}

// splitGreater makes the first > of a longer token a token of its own, as type
// arguments need it.
func (l *lexer) splitGreater() {
	l.pos = l.tok.from + 1
	l.tok.text, l.tok.to = ">", l.pos
}
