// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text collects a decoded string; surrogates are joined where they pair.
type text struct {
	out   strings.Builder
	high  rune
	lossy bool
}

func (t *text) rune(r rune) {
	if t.high != 0 {
		high := t.high
		t.high = 0
		if full := utf16.DecodeRune(high, r); full != utf8.RuneError {
			t.out.WriteRune(full)
			return
		}
		t.lossy = true
		t.out.WriteRune(utf8.RuneError)
	}
	switch {
	case r >= 0xd800 && r < 0xdc00:
		t.high = r
	case utf16.IsSurrogate(r):
		t.lossy = true
		t.out.WriteRune(utf8.RuneError)
	default:
		t.out.WriteRune(r)
	}
}

func (t *text) done() (string, bool) {
	if t.high != 0 {
		t.lossy, t.high = true, 0
		t.out.WriteRune(utf8.RuneError)
	}
	return t.out.String(), t.lossy
}

func (l *lexer) stringLiteral(quote byte) {
	from := l.pos
	l.pos++
	var t text
	for {
		if l.pos >= len(l.src) {
			l.fail(from, "a string that does not end")
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		switch {
		case r == rune(quote):
			l.pos++
			l.tok.kind = tString
			l.tok.text, l.tok.lossy = t.done()
			return
		case r == '\\':
			l.escape(&t, false)
		case r == '\n' || r == '\r':
			l.fail(from, "a string that does not end")
		default:
			t.rune(r)
			l.pos += n
		}
	}
}

var simpleEscapes = map[rune]rune{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v'}

// escape reads an escape sequence of a string or template.
func (l *lexer) escape(t *text, template bool) {
	l.pos++
	r, n := utf8.DecodeRuneInString(l.src[l.pos:])
	if l.pos >= len(l.src) {
		l.fail(l.pos, "a string that does not end")
	}
	l.pos += n
	switch {
	case isLineEnd(r):
		if r == '\r' && l.peekByte(0) == '\n' {
			l.pos++
		}
	case r == 'x':
		t.rune(rune(l.hex(2))) //nolint:gosec // two digits
	case r == 'u':
		t.rune(rune(l.unicodeEscape())) //nolint:gosec // at most 0x10ffff
	case r >= '0' && r <= '7':
		t.rune(l.octal(r, template))
	case simpleEscapes[r] != 0:
		t.rune(simpleEscapes[r])
	default:
		t.rune(r)
	}
}

func (l *lexer) octal(first rune, template bool) rune {
	if template && (first != '0' || l.peekByte(0) >= '0' && l.peekByte(0) <= '9') {
		l.fail(l.pos, "an octal escape in a template")
	}
	value, most := first-'0', 2
	if first > '3' {
		most = 1
	}
	for range most {
		c := l.peekByte(0)
		if c < '0' || c > '7' {
			break
		}
		value = value*8 + rune(c-'0')
		l.pos++
	}
	return value
}

func (l *lexer) hex(digits int) int {
	value := 0
	for range digits {
		d := hexDigit(l.peekByte(0))
		if d < 0 {
			l.fail(l.pos, "an escape without its digits")
		}
		value = value*16 + d
		l.pos++
	}
	return value
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// unicodeEscape reads what follows \u.
func (l *lexer) unicodeEscape() int {
	if l.peekByte(0) != '{' {
		return l.hex(4)
	}
	l.pos++
	value := l.hex(1)
	for l.peekByte(0) != '}' {
		if value = value*16 + l.hex(1); value > 0x10ffff {
			l.fail(l.pos, "an escape beyond Unicode")
		}
	}
	l.pos++
	return value
}

// template reads a part of a template, from ` or } to ${ or `.
func (l *lexer) template() {
	from := l.pos
	l.pos++
	var t text
	for {
		if l.pos >= len(l.src) {
			l.fail(from, "a template that does not end")
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		switch {
		case r == '`', r == '$' && l.peekByte(1) == '{':
			l.tok.kind, l.tok.tail = tTemplate, r == '`'
			l.tok.text, l.tok.lossy = t.done()
			l.pos++
			if r == '$' {
				l.pos++
			}
			l.tok.to = l.pos
			return
		case r == '\\':
			l.escape(&t, true)
		case r == '\r':
			t.rune('\n')
			l.pos++
			if l.peekByte(0) == '\n' {
				l.pos++
			}
		default:
			t.rune(r)
			l.pos += n
		}
	}
}

// number reads a number; what it means does not matter, only where it ends.
func (l *lexer) number() {
	from := l.pos
	digits := func(ok func(byte) bool) {
		for ok(l.peekByte(0)) || l.peekByte(0) == '_' {
			l.pos++
		}
	}
	decimal := func(c byte) bool { return c >= '0' && c <= '9' }
	legacy := l.src[l.pos] == '0' && decimal(l.peekByte(1))
	switch {
	case l.src[l.pos] == '0' && strings.IndexByte("xXoObB", l.peekByte(1)) >= 0 && l.peekByte(1) != 0:
		l.pos += 2
		digits(func(c byte) bool { return hexDigit(c) >= 0 })
	default:
		digits(decimal)
		octal := legacy && !strings.ContainsAny(l.src[from:l.pos], "89")
		if l.peekByte(0) == '.' && !octal {
			l.pos++
			digits(decimal)
		}
		if l.peekByte(0)|0x20 == 'e' && !octal {
			l.pos++
			if c := l.peekByte(0); c == '+' || c == '-' {
				l.pos++
			}
			digits(decimal)
		}
	}
	if l.peekByte(0) == 'n' {
		l.pos++
	}
	if r, _ := utf8.DecodeRuneInString(l.src[l.pos:]); l.pos < len(l.src) && (isIDStart(r) || r == '\\') {
		l.fail(l.pos, "a name directly behind a number")
	}
	l.tok.kind, l.tok.text = tNumber, l.src[from:l.pos]
}

// regexp reads a regular expression where the current token is / or /=.
func (l *lexer) regexp() {
	l.pos = l.tok.from + 1
	inClass := false
	for {
		if l.pos >= len(l.src) {
			l.fail(l.tok.from, "a regular expression that does not end")
		}
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if isLineEnd(r) {
			l.fail(l.tok.from, "a regular expression that does not end")
		}
		l.pos += n
		switch {
		case r == '\\':
			r, n = utf8.DecodeRuneInString(l.src[l.pos:])
			if isLineEnd(r) {
				l.fail(l.tok.from, "a regular expression that does not end")
			}
			l.pos += n
		case r == '[':
			inClass = true
		case r == ']':
			inClass = false
		case r == '/' && !inClass:
			for l.pos < len(l.src) && isIDPart(rune(l.src[l.pos])) {
				l.pos++
			}
			l.tok.text, l.tok.to = l.src[l.tok.from:l.pos], l.pos
			return
		}
	}
}
