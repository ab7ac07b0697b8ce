// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"bytes"
	"strings"
)

// mysqlToken is a token of MySQL: a word, a literal or quoted name, or one
// other character. Comments are no tokens.
type mysqlToken struct {
	span
	// quote is the character that a literal or quoted name starts with.
	quote byte
	word  bool
}

// mysqlScanner splits source as MySQL's lexer does, only to refuse what
// versions, settings, and the command line client split in another way.
type mysqlScanner struct {
	source []byte
	tokens []mysqlToken
	client set
	// offset and message say what is refused.
	offset  int
	message string
}

func (s *mysqlScanner) refuse(at int, message string) {
	if s.message == "" {
		s.offset, s.message = at, message
	}
}

// scan finds the tokens; it stops at what is refused.
func (s *mysqlScanner) scan() {
	for i := 0; i < len(s.source) && s.message == ""; {
		rest := s.source[i:]
		switch c := rest[0]; {
		case c <= ' ':
			i++
		case startsComment(rest):
			i = s.lineComment(i)
		case bytes.HasPrefix(rest, []byte("/*")):
			i = s.blockComment(i)
		case strings.IndexByte("'\"`", c) >= 0:
			i = s.quoted(i)
		case c == '\\':
			s.refuse(i, "a backslash outside a literal is a command of the mysql client")
		case isWord(c) || c == '$':
			i = s.word(i)
		default:
			s.tokens = append(s.tokens, mysqlToken{span: span{i, i + 1}})
			i++
		}
	}
}

// startsComment reports whether text starts a comment that ends with its line.
func startsComment(text []byte) bool {
	return text[0] == '#' || bytes.HasPrefix(text, []byte("--"))
}

func (s *mysqlScanner) lineComment(i int) int {
	if s.source[i] == '-' && i+2 < len(s.source) && s.source[i+2] > ' ' {
		s.refuse(i, "two hyphens without a blank are a comment for some readers and an expression for others")
	}
	if end := bytes.IndexByte(s.source[i:], '\n'); end >= 0 {
		return i + end
	}
	return len(s.source)
}

func (s *mysqlScanner) blockComment(i int) int {
	body := s.source[i+2:]
	end := bytes.Index(body, []byte("*/"))
	switch {
	case end < 0:
		s.refuse(i, "the comment does not end")
		return len(s.source)
	case bytes.HasPrefix(body, []byte("!")) || bytes.HasPrefix(body, []byte("M!")) || bytes.HasPrefix(body, []byte("T!")):
		s.refuse(i, "the comment is code for some versions")
	case bytes.HasPrefix(body, []byte("+")):
		s.refuse(i, "hints may change settings")
	case bytes.Contains(body[:end], []byte("/*")):
		s.refuse(i, "comments within comments end where some versions do not expect it")
	}
	return i + 2 + end + 2
}

func (s *mysqlScanner) quoted(i int) int {
	quote := s.source[i]
	for j := i + 1; j < len(s.source); j++ {
		switch {
		case s.source[j] == '\\' && quote != '`':
			j++
		case s.source[j] != quote:
		case j+1 < len(s.source) && s.source[j+1] == quote:
			j++
		default:
			s.tokens = append(s.tokens, mysqlToken{span: span{i, j + 1}, quote: quote})
			return j + 1
		}
	}
	s.refuse(i, "the literal does not end")
	return len(s.source)
}

func (s *mysqlScanner) word(i int) int {
	end := i
	for end < len(s.source) && (isWord(s.source[end]) || s.source[end] == '$') {
		end++
	}
	word := strings.ToLower(string(s.source[i:end]))
	// The client takes DELIMITER in the middle of a line too.
	if word == "delimiter" || s.client.has(word) && s.startsStatement() {
		s.refuse(i, "the mysql client takes "+word+" for a command of its own")
	}
	if digitsAt(s.source[i:]) > maxDigits {
		s.refuse(i, "a number with more digits than MySQL has")
	}
	if word[0] == '$' {
		s.refuse(i, "a dollar sign starts a name for some versions and a literal for others")
	}
	s.tokens = append(s.tokens, mysqlToken{span: span{i, end}, word: true})
	return end
}

// maxDigits is what a number of MySQL has at most, on both sides of its point
// (section 13.1.3 of the manual). The grammar crashes at 82 digits.
const maxDigits = 65

// digitsAt counts the digits that text starts with, across points.
func digitsAt(text []byte) int {
	n := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			n++
		case c != '.' || n == 0:
			return n
		}
	}
	return n
}

func (s *mysqlScanner) startsStatement() bool {
	last := len(s.tokens) - 1
	return last < 0 || s.source[s.tokens[last].from] == ';'
}

// limit names the bound that the tokens break, or "".
func (s *mysqlScanner) limit() string {
	if len(s.tokens) > maxTokens {
		return "tokens"
	}
	open := 0
	for _, t := range s.tokens {
		switch s.source[t.from] {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open--
		}
		if open > maxBrackets {
			return "brackets"
		}
	}
	return ""
}
