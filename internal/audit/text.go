// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"unicode/utf8"
)

// Budgets of texts in a record, in bytes of their JSON. Together they stay
// below MaxBytes for every request that the schema accepts.
const (
	maxCode    = 8192
	maxTask    = 4096
	maxArgs    = 4096
	maxGroups  = 4096
	maxMessage = 2048
	maxClaim   = 512
	maxName    = 2048
)

// text bounds a string to n bytes of canonical JSON, at the end of a character.
// What is cut is marked by an ellipsis.
func text(s string, n int) string {
	if whole, _ := fits(s, n); whole {
		return s
	}
	_, at := fits(s, n-len("…"))
	return s[:at] + "…"
}

// fits says whether a string takes at most n bytes in canonical JSON, and where
// it has to be cut if not.
func fits(s string, n int) (bool, int) {
	used := 0
	for i, r := range s {
		used += encodedLen(r)
		if used > n {
			return false, i
		}
	}
	return true, len(s)
}

// encodedLen is the length of a character in canonical JSON (RFC 8785, 3.2.2.2).
func encodedLen(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\b', r == '\f', r == '\n', r == '\r', r == '\t':
		return 2
	case r < 0x20:
		return len(`\u0000`)
	default:
		return utf8.RuneLen(r)
	}
}

// texts returns as many strings as fit into n bytes together.
func texts(list []string, n int) []string {
	var out []string
	for _, s := range list {
		whole, _ := fits(s, n)
		if !whole {
			break
		}
		out = append(out, s)
		for _, r := range s {
			n -= encodedLen(r)
		}
		n -= len(`"",`)
	}
	return out
}
