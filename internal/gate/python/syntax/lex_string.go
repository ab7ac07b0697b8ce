// SPDX-License-Identifier: Apache-2.0

package syntax

import "bytes"

// stringPrefix is what the letters before a quote say.
type stringPrefix struct {
	raw, bytes, format bool
	length             int
}

// parsePrefix reads the letters before a quote; false when they are a name.
func parsePrefix(letters []byte) (stringPrefix, bool) {
	p := stringPrefix{length: len(letters)}
	if len(letters) > 2 {
		return p, false
	}
	unicode := false
	for _, c := range letters {
		var flag *bool
		switch c {
		case 'r', 'R':
			flag = &p.raw
		case 'b', 'B':
			flag = &p.bytes
		case 'f', 'F', 't', 'T': // a t-string (PEP 750) has the same shape
			flag = &p.format
		case 'u', 'U':
			flag = &unicode
		default:
			return p, false
		}
		if *flag {
			return p, false
		}
		*flag = true
	}
	return p, !(unicode && len(letters) > 1) && !(p.bytes && p.format)
}

// quoted lexes a string whose prefix starts at from.
func (l *lexer) quoted(from int, prefix stringPrefix) {
	open := from + prefix.length
	quote := l.src[open : open+1]
	if bytes.HasPrefix(l.src[open+1:], []byte{quote[0], quote[0]}) {
		quote = l.src[open : open+3]
	}
	start := open + len(quote)
	if prefix.format {
		l.emit(tokenFStart, from, start)
		l.fstrings = append(l.fstrings, &fstring{quote: quote, raw: prefix.raw})
		if len(l.fstrings) > MaxBrackets {
			failLimit(from, "brackets", "too many nested f-strings")
		}
		l.pos = start
		return
	}
	for i := start; i < len(l.src); i++ {
		switch {
		case l.src[i] == '\\':
			i++
		case bytes.HasPrefix(l.src[i:], quote):
			l.pos = i + len(quote)
			l.emit(tokenString, from, l.pos)
			return
		case l.src[i] == '\n' && len(quote) == 1:
			fail(from, "a string is not closed")
		}
	}
	fail(from, "a string is not closed")
}

// fstring is the state of one open f-string (PEP 701).
type fstring struct {
	quote []byte
	raw   bool
	// inField is set while an expression is lexed, not text.
	inField bool
	// fields holds, for each open replacement field, how many brackets are open
	// inside its own brace. A format specification can hold further fields.
	fields []int
}

// fieldDelimiter handles "}", ":" and "!" that belong to the replacement field
// itself, not to the expression in it.
func (l *lexer) fieldDelimiter(f *fstring) bool {
	if len(l.brackets) != f.fields[len(f.fields)-1] {
		return false
	}
	p := l.pos
	switch l.src[p] {
	case '}':
		l.closeField(f)
		f.inField = false
	case ':':
		l.emitOperator(Colon, p, p+1)
		l.pos++
		f.inField = false
	case '!':
		if l.peek(1) == '=' || l.peek(1) == 0 {
			return false
		}
		l.emitOperator(Bang, p, p+1)
		l.pos++
	default:
		return false
	}
	return true
}

func (l *lexer) closeField(f *fstring) {
	l.close('{')
	l.emitOperator(RightBrace, l.pos, l.pos+1)
	l.pos++
	f.fields = f.fields[:len(f.fields)-1]
}

// fstringText lexes literal text up to the next replacement field or the end of
// the f-string. In a format specification braces are never doubled, and a
// backslash of a raw f-string is text.
func (l *lexer) fstringText(f *fstring) {
	inSpec := len(f.fields) > 0
	from := l.pos
	for i := from; i < len(l.src); i++ {
		c := l.src[i]
		switch {
		case c == '\\':
			i += l.escapeLength(f, i)
		case bytes.HasPrefix(l.src[i:], f.quote):
			l.textTo(from, i)
			l.endFString(f)
			return
		case c == '\n' && len(f.quote) == 1:
			fail(i, "an f-string is not closed")
		case c != '{' && c != '}':
		case !inSpec && bytes.HasPrefix(l.src[i+1:], []byte{c}):
			i++ // doubled: the brace itself
		default:
			l.textTo(from, i)
			l.brace(f, c)
			return
		}
	}
	fail(from, "an f-string is not closed")
}

func (l *lexer) endFString(f *fstring) {
	if len(f.fields) > 0 {
		fail(l.pos, "a replacement field of an f-string is not closed")
	}
	l.emit(tokenFEnd, l.pos, l.pos+len(f.quote))
	l.pos += len(f.quote)
	l.fstrings = l.fstrings[:len(l.fstrings)-1]
}

// brace opens a replacement field, or closes the one whose specification ends here.
func (l *lexer) brace(f *fstring, c byte) {
	switch {
	case c == '{':
		l.open('{')
		l.emitOperator(LeftBrace, l.pos, l.pos+1)
		f.fields = append(f.fields, len(l.brackets))
		f.inField = true
		l.pos++
	case len(f.fields) == 0:
		fail(l.pos, "a single '}' in an f-string")
	default:
		l.closeField(f)
	}
}

// textTo emits the text before offset i, if any, and moves there.
func (l *lexer) textTo(from, i int) {
	if i > from {
		l.emit(tokenFMiddle, from, i)
	}
	l.pos = i
}

// escapeLength gives how many bytes after the backslash at i belong to it: none
// in a format specification of a raw f-string or before a brace, the whole name
// of \N{...}, else one.
func (l *lexer) escapeLength(f *fstring, i int) int {
	rest := l.src[i+1:]
	if len(rest) == 0 || f.raw && len(f.fields) > 0 || rest[0] == '{' || rest[0] == '}' {
		return 0
	}
	if !f.raw && bytes.HasPrefix(rest, []byte("N{")) {
		end := bytes.IndexByte(rest, '}')
		if end < 0 {
			fail(i, "a \\N escape is not closed")
		}
		return end + 1
	}
	return 1
}
