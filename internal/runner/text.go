// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize returns s as plain text that can be shown in a terminal: invalid
// UTF-8 becomes U+FFFD, and every control or format character but newline and
// tab is dropped. Escape sequences could rewrite what an approver has on the
// screen (CWE-150), bidirectional controls could reorder it (CVE-2021-42574).
func Sanitize(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// dropFront cuts at least n bytes from the front of s, or all of it, and leaves
// whole characters.
func dropFront(s string, n int) string {
	if n >= len(s) {
		return ""
	}
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n++
	}
	return s[n:]
}

// clip cuts s to at most n bytes of whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
