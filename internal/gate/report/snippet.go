// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSnippetRunes bounds the text shown for one operation.
const MaxSnippetRunes = 160

// Snippet gives the first line of text for people to read. Characters that do
// not show as themselves (controls, bidirectional and zero-width formatting)
// are written as escapes, so that what an approver reads is what will run.
func Snippet(text []byte) string {
	line, more := firstLine(text)
	var out strings.Builder
	runes := 0
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		shown := visible(r)
		if runes += utf8.RuneCountInString(shown); runes > MaxSnippetRunes-1 {
			more = true
			break
		}
		out.WriteString(shown)
		line = line[n:]
	}
	if more {
		out.WriteString("…")
	}
	return out.String()
}

func visible(r rune) string {
	switch {
	case r >= 0x20 && r < 0x7f:
		return string(r)
	case r == '\t':
		return " "
	case r < 0x20 || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == utf8.RuneError:
		return fmt.Sprintf(`\u{%x}`, r)
	}
	return string(r)
}
