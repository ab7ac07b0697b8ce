// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// strings reads adjacent string literals, which Python joins.
func (p *parser) strings() Expr {
	from := p.from()
	var parts []Expr
	isBytes, formatted := false, false
	for {
		switch t := p.peekToken(); t.kind {
		case tokenString:
			p.i++
			s, b := p.literal(t)
			isBytes = isBytes || b
			parts = append(parts, mark(p, t.from, s))
			continue
		case tokenFStart:
			formatted = true
			parts = p.fstring(parts)
			continue
		default:
		}
		break
	}
	if formatted {
		return mark(p, from, &JoinedStr{Parts: parts})
	}
	joined := joinLiterals(parts)
	if isBytes {
		return mark(p, from, &Bytes{Value: joined.Value})
	}
	return mark(p, from, joined)
}

func joinLiterals(parts []Expr) *Str {
	if len(parts) == 1 {
		return parts[0].(*Str)
	}
	joined := &Str{}
	var text []byte
	for _, part := range parts {
		s := part.(*Str)
		text = append(text, s.Value...)
		joined.Opaque = joined.Opaque || s.Opaque
	}
	joined.Value = string(text)
	return joined
}

// literal gives the value of a string token, and whether it is bytes.
func (p *parser) literal(t token) (*Str, bool) {
	text := p.src[t.from:t.to]
	open := bytes.IndexAny(text, `"'`)
	prefix, _ := parsePrefix(text[:open])
	quote := 1
	if len(text)-open >= 6 && text[open+1] == text[open] && text[open+2] == text[open] {
		quote = 3
	}
	return newStr(text[open+quote:len(text)-quote], prefix), prefix.bytes
}

// fstring appends the parts of one f-string.
func (p *parser) fstring(parts []Expr) []Expr {
	t := p.peekToken()
	text := p.src[t.from:t.to]
	prefix, _ := parsePrefix(text[:bytes.IndexAny(text, `"'`)])
	p.i++
	parts = p.fstringParts(parts, prefix)
	if p.peekToken().kind != tokenFEnd {
		p.fail("invalid f-string")
	}
	p.i++
	return parts
}

// fstringParts appends text and replacement fields up to whatever else comes.
func (p *parser) fstringParts(parts []Expr, prefix stringPrefix) []Expr {
	for {
		switch t := p.peekToken(); {
		case t.kind == tokenFMiddle:
			p.i++
			text := bytes.ReplaceAll(p.src[t.from:t.to], []byte("{{"), []byte("{"))
			text = bytes.ReplaceAll(text, []byte("}}"), []byte("}"))
			parts = append(parts, mark(p, t.from, newStr(text, prefix)))
		case t.op == LeftBrace:
			parts = append(parts, p.field(prefix))
		default:
			return parts
		}
	}
}

// field reads {X=!r:Spec}.
func (p *parser) field(prefix stringPrefix) Expr {
	from := p.from()
	p.i++
	p.enter()
	defer p.leave()
	f := &Formatted{X: p.yieldOrExpressions()}
	f.Conversion = p.takeOp(Equal)
	if p.takeOp(Bang) {
		f.Conversion = true
		p.identifier()
	}
	if p.takeOp(Colon) {
		f.Spec = p.fstringParts(nil, prefix)
	}
	p.expectOp(RightBrace, "}")
	return mark(p, from, f)
}

func newStr(text []byte, prefix stringPrefix) *Str {
	if prefix.raw || bytes.IndexByte(text, '\\') < 0 {
		return &Str{Value: string(text)}
	}
	value, ok := unescape(text, prefix.bytes)
	return &Str{Value: value, Opaque: !ok}
}

var simpleEscapes = map[byte]string{
	'\n': "", 'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v",
	'\\': `\`, '\'': "'", '"': `"`,
}

// unescape resolves backslash escapes; false when one has no value that is known here.
func unescape(text []byte, isBytes bool) (string, bool) {
	out := make([]byte, 0, len(text))
	known := true
	for i := 0; i < len(text); {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			i++
			continue
		}
		value, length, ok := escape(text[i+1:], isBytes)
		out = append(out, value...)
		known = known && ok
		i += 1 + length
	}
	return string(out), known
}

// escape resolves the escape behind a backslash: its value, how many bytes it
// takes, and whether the value is right. An unknown escape stands for itself.
func escape(text []byte, isBytes bool) (value string, length int, known bool) {
	if s, ok := simpleEscapes[text[0]]; ok {
		return s, 1, true
	}
	switch c := text[0]; {
	case c >= '0' && c <= '7':
		n := octalDigits(text)
		value, known = character(text[:n], 8, isBytes)
		return value, n, known
	case c == 'x':
		return hexadecimal(text, 2, isBytes)
	case c == 'u' && !isBytes:
		return hexadecimal(text, 4, isBytes)
	case c == 'U' && !isBytes:
		return hexadecimal(text, 8, isBytes)
	case c == 'N' && !isBytes:
		return `\`, 0, false
	}
	return `\`, 0, true
}

func hexadecimal(text []byte, digits int, isBytes bool) (string, int, bool) {
	end := min(1+digits, len(text))
	value, known := character(text[1:end], 16, isBytes)
	return value, end, known && end == 1+digits
}

// character gives the character, or the byte, with a code; false when there is none.
func character(digits []byte, base int, isBytes bool) (string, bool) {
	code, err := strconv.ParseInt(string(digits), base, 32)
	switch {
	case err != nil:
		return "", false
	case isBytes:
		return string([]byte{byte(code & 0xff)}), true
	}
	return string(rune(code)), utf8.ValidRune(rune(code))
}

func octalDigits(s []byte) int {
	n := 0
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	return n
}
