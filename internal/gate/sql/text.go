// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// checkText refuses text that clients and servers take apart differently. The
// message is empty when there is nothing to refuse.
func checkText(source []byte) (offset int, message string) {
	for i := 0; i < len(source); {
		r, n := utf8.DecodeRune(source[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return i, "the source is not UTF-8"
		case r == '\r' && !bytes.HasPrefix(source[i:], []byte("\r\n")):
			// It ends a comment for PostgreSQL, and does not for MySQL.
			return i, "a carriage return without a line feed ends a line for some readers only"
		case r == '\t' || r == '\n' || r == '\r':
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return i, fmt.Sprintf("the character U+%04X is invisible or read as a blank by some readers only", r)
		}
		i += n
	}
	return 0, ""
}

// roughTokens is at least the number of tokens outside literals. It is counted
// before any lexer runs, as a lexer allocates for each token.
func roughTokens(source []byte) int {
	count, inWord := 0, false
	for _, c := range source {
		word := isWord(c)
		if !word && c > ' ' || word && !inWord {
			count++
		}
		inWord = word
	}
	return count
}

// isWord reports whether c is part of a name or a number. Bytes of characters
// beyond ASCII are.
func isWord(c byte) bool {
	return c >= 0x80 || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// hidesQuote reports whether a reader that takes backslashes for escapes ends
// the literal elsewhere than one that does not.
func hidesQuote(literal []byte, quote byte) bool {
	for i := 0; i+1 < len(literal); i++ {
		if literal[i] == '\\' {
			i++
			if literal[i] == quote {
				return true
			}
		}
	}
	return false
}
