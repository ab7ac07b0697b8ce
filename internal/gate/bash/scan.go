// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Caps on the source. The parser is recursive and Go cannot recover from a
// stack overflow ("$(" a million times), so what could make it recurse is
// counted before it runs, and quotes are not trusted to hide closing brackets.
const (
	// maxSource is the largest source in bytes.
	maxSource = 256 << 10
	// maxOpeners bounds the tokens that can nest at all.
	maxOpeners = 12000
	// maxDepth bounds the nesting of the tree, maxNodes its size. A command in a
	// command substitution is five levels below it.
	maxDepth = 1200
	maxNodes = 60000
)

// The names of the caps in a report.
const (
	limitSize     = "size"
	limitBrackets = "brackets"
	limitDepth    = "depth"
)

// refusal says why source is not parsed at all.
type refusal struct {
	offset         int
	message, limit string
}

// scan refuses, in one pass, what the parser must not see.
func scan(source []byte) *refusal {
	switch {
	case len(source) > maxSource:
		return &refusal{0, "the source is too large", limitSize}
	case bytes.IndexByte(source, 0) >= 0:
		return &refusal{bytes.IndexByte(source, 0), "NUL bytes, which Bash drops", ""}
	case !utf8.Valid(source):
		return &refusal{0, "the source is not UTF-8", ""}
	case joinedLine(source) >= 0:
		return &refusal{joinedLine(source), "a backslash at the end of a line, without a blank beside it, may join what other readers keep apart", ""}
	}
	openers := 0
	for i, c := range source {
		if opens(source, i, c) {
			if openers++; openers > maxOpeners {
				return &refusal{i, "too many brackets, quotes, operators and keywords", limitBrackets}
			}
		}
	}
	return nil
}

// joinedLine finds a continued line that may join two halves of a token, such
// as "$" and "(id)": Bash runs what the parser takes for text. -1 when there is none.
func joinedLine(source []byte) int {
	for i := 0; i+1 < len(source); i++ {
		if source[i] != '\\' {
			continue
		}
		if source[i+1] == '\n' && (joins(source, i) || commentEnds(source[:i])) {
			return i
		}
		i++
	}
	return -1
}

// joins tells whether the continued line at i has no blank beside it.
func joins(source []byte, i int) bool {
	return i > 0 && !isBlank(source[i-1]) && i+2 < len(source) && !isBlank(source[i+2])
}

// commentEnds tells whether the last line may end in a comment. To Bash, a
// backslash does not continue it; to the parser, the next line has more words.
func commentEnds(source []byte) bool {
	line := source[bytes.LastIndexByte(source, '\n')+1:]
	for i, c := range line {
		if c == '#' && (i == 0 || bytes.IndexByte([]byte(" \t;&|()<>`"), line[i-1]) >= 0) {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// nestingWords are the words that begin a command within a command.
var nestingWords = [][]byte{
	[]byte("if"), []byte("elif"), []byte("while"), []byte("until"), []byte("for"), []byte("case"), []byte("select"),
	[]byte("time"), []byte("coproc"), []byte("function"),
}

// opens tells whether the parser may recurse at the i-th byte. Keywords count
// wherever they stand: to know better would take the parser.
func opens(source []byte, i int, c byte) bool {
	switch c {
	case '(', '{', '`', '|', '&', '!', '[', '~', '?', '^':
		return true
	case '-', '+', '*', ',', '=':
		// "- - - 1" nests in arithmetic, but a ruler of dashes is only text.
		return i+1 < len(source) && source[i+1] != c && (i == 0 || source[i-1] != c) && !isLetter(source[i+1])
	}
	if !isLetter(c) || i > 0 && isLetter(source[i-1]) {
		return false
	}
	for _, w := range nestingWords {
		if bytes.HasPrefix(source[i:], w) && (i+len(w) == len(source) || !isLetter(source[i+len(w)])) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// inspect refuses trees that must not be walked recursively, or not in short
// time, and functions without a name, which are syntax of another shell.
func inspect(file *syntax.File, source []byte) *refusal {
	var refused *refusal
	depth, nodes := 0, 0
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return true
		}
		depth++
		nodes++
		if message := disputed(n, source); message != "" {
			refused = &refusal{int(n.Pos().Offset()), message, ""}
		}
		if depth > maxDepth || nodes > maxNodes {
			refused = &refusal{int(n.Pos().Offset()), "the code is too long, or nested too deeply", limitDepth}
		}
		return refused == nil
	})
	return refused
}

// disputed says what a node has that Bash reads differently, or not at all.
func disputed(n syntax.Node, source []byte) string {
	switch n := n.(type) {
	case *syntax.FuncDecl:
		if n.Name == nil {
			return "a function without a name"
		}
	case *syntax.Comment:
		// x=(a)#$(id) is one word to Bash.
		if i := int(n.Hash.Offset()); i > 0 && i <= len(source) && !isBlank(source[i-1]) {
			return comment
		}
	case *syntax.ParenTest:
		return hashed(n.X)
	case *syntax.UnaryTest:
		return hashed(n.X)
	case *syntax.BinaryTest:
		return hashed(n.X, n.Y)
	case *syntax.TestClause:
		return hashed(n.X)
	}
	return ""
}

// comment is the message about a "#" that is one to some shells only.
const comment = "shells disagree whether a comment begins here"

// hashed gives the message when a word of a test begins with "#": [[ a || (#b.
func hashed(tests ...syntax.TestExpr) string {
	for _, x := range tests {
		if w, ok := x.(*syntax.Word); ok && len(w.Parts) > 0 {
			if l, ok := w.Parts[0].(*syntax.Lit); ok && strings.HasPrefix(l.Value, "#") {
				return comment
			}
		}
	}
	return ""
}

// oddity says why a character is not accepted, "" when it is.
func oddity(r rune) string {
	switch {
	case r == '\r':
		return "a carriage return is a letter to Bash and a blank to other readers"
	case r < 0x20 && r != '\n' && r != '\t' || r == 0x7f:
		return "a control character"
	case r == 0xfeff:
		return "a byte order mark, which Bash takes for a part of the command"
	case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c:
		return "a bidirectional control shows the code in another order than it runs"
	}
	return ""
}
