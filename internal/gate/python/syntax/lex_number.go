// SPDX-License-Identifier: Apache-2.0

package syntax

import "bytes"

// number lexes a numeric literal at l.pos.
func (l *lexer) number() {
	from := l.pos
	if digits := radixDigits(l.src[from:]); digits != nil {
		l.pos += 2
		l.digits(digits)
	} else {
		l.decimal()
	}
	if l.pos < len(l.src) && isNameStart(l.src[l.pos]) && !l.atNumberKeyword() {
		fail(l.pos, "invalid number")
	}
	l.emit(tokenNumber, from, l.pos)
}

// radixDigits gives the digit test of a 0x, 0o or 0b literal, nil for other numbers.
func radixDigits(s []byte) func(byte) bool {
	if len(s) < 2 || s[0] != '0' {
		return nil
	}
	switch s[1] | 0x20 {
	case 'x':
		return func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
	case 'o':
		return func(c byte) bool { return c >= '0' && c <= '7' }
	case 'b':
		return func(c byte) bool { return c == '0' || c == '1' }
	}
	return nil
}

func (l *lexer) decimal() {
	l.digits(isDigit)
	if l.peek(0) == '.' {
		l.pos++
		l.digits(isDigit)
	}
	if l.peek(0)|0x20 == 'e' {
		n := 1
		if c := l.peek(1); c == '+' || c == '-' {
			n = 2
		}
		if isDigit(l.peek(n)) {
			l.pos += n
			l.digits(isDigit)
		}
	}
	if l.peek(0)|0x20 == 'j' {
		l.pos++
	}
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// digits moves past digits and the single underscores between them.
func (l *lexer) digits(ok func(byte) bool) {
	for ok(l.peek(0)) || l.peek(0) == '_' && ok(l.peek(1)) {
		l.pos++
	}
}

// atNumberKeyword reports whether a keyword follows that CPython tolerates
// directly after a number, as in "1if x else 2".
func (l *lexer) atNumberKeyword() bool {
	for _, k := range []string{"and", "else", "for", "if", "in", "is", "not", "or"} {
		if bytes.HasPrefix(l.src[l.pos:], []byte(k)) {
			return true
		}
	}
	return false
}
