// SPDX-License-Identifier: Apache-2.0

// Package syntax reads Python source exactly as CPython 3.8 to 3.14 does, up to
// the bounds below. It accepts the union of those grammars and a little more
// (some errors that CPython's compiler reports later are not errors here), but
// it never reads a source that CPython accepts in another way: a call or an
// import that the interpreter would see must be in the tree.
package syntax

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read. The first two are CPython's own.
const (
	MaxBrackets = 200
	MaxIndents  = 100
	// MaxBytes bounds the source, so that offsets fit 32 bits.
	MaxBytes = 1 << 30
	// MaxDepth bounds the nesting of expressions and statements, and with it the stack of every walk of the tree.
	MaxDepth = 400
	// MaxChain bounds one chain of attributes, calls and subscripts, which nests to the left.
	MaxChain = 1000
	// MaxChains bounds the links of all chains in one statement, as chains inside chains add up in depth.
	MaxChains = 20000
)

// Error says where and why a source could not be read. Limit is set when a
// bound was hit rather than the grammar broken.
type Error struct {
	Offset  int
	Message string
	Limit   string
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Message) }

// File is a parsed source file.
type File struct {
	// Source is what the offsets of nodes refer to: the input without a byte
	// order mark and with all line ends as "\n".
	Source []byte
	Body   []Stmt
	// Oddities are places that a reviewer's editor shows in another way than Python reads them.
	Oddities []Oddity
}

// Oddity is a suspicious byte sequence that is legal Python.
type Oddity struct {
	Offset  int
	Message string
}

// codingCookie is the pattern of PEP 263.
var codingCookie = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)

// prepare makes the source that is lexed: valid UTF-8 without byte order mark
// or NUL, in which "\n" ends every line.
func prepare(src []byte) ([]byte, []Oddity, *Error) {
	if len(src) > MaxBytes {
		return nil, nil, &Error{Message: "the source is too large", Limit: "size"}
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return src, nil, &Error{Offset: i, Message: "the source has a NUL byte"}
	}
	if !utf8.Valid(src) {
		return src, nil, &Error{Offset: invalidUTF8(src), Message: "the source is not UTF-8"}
	}
	if err := checkCookie(src); err != nil {
		return src, nil, err
	}
	src, odd := normaliseLineEnds(src)
	return src, append(odd, findOddities(src)...), nil
}

func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(src)
}

// checkCookie refuses source that declares another encoding: under UTF-7 or
// rot13 a comment can be code.
func checkCookie(src []byte) *Error {
	rest := src
	for range 4 { // two lines, and as many more when "\r\n" ends them
		line := rest
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			line, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		m := codingCookie.FindSubmatch(line)
		if m == nil {
			continue
		}
		switch strings.ToLower(strings.ReplaceAll(string(m[1]), "_", "-")) {
		case "utf-8", "utf8", "ascii", "us-ascii":
		default:
			return &Error{Message: fmt.Sprintf("the source declares the encoding %q; only UTF-8 is read", m[1])}
		}
	}
	return nil
}

// normaliseLineEnds ends lines as Python's universal newlines do. A bare
// carriage return is an oddity: `# note\rimport os` is one comment in most
// editors and two lines to Python.
func normaliseLineEnds(src []byte) ([]byte, []Oddity) {
	if bytes.IndexByte(src, '\r') < 0 {
		return src, nil
	}
	out := bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	var odd []Oddity
	for i, c := range out {
		if c == '\r' {
			out[i] = '\n'
			if i == len(out)-1 {
				continue // nothing comes after it
			}
			odd = append(odd, Oddity{i, "a carriage return without line feed ends a line for Python but not in every editor"})
		}
	}
	return out, odd
}

// findOddities finds bidirectional controls (CVE-2021-42574, "Trojan Source")
// and form feeds, which reset the indentation.
func findOddities(src []byte) []Oddity {
	var odd []Oddity
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\f':
			odd = append(odd, Oddity{i, "a form feed resets the indentation that is seen"})
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(src[i:])
			if IsBidiControl(r) {
				odd = append(odd, Oddity{i, fmt.Sprintf("the bidirectional control %U shows code in another order than it runs", r)})
			}
			i += n - 1
		}
	}
	return odd
}

// IsBidiControl reports whether r changes the direction in which text is shown.
func IsBidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}
