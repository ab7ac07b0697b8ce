// SPDX-License-Identifier: Apache-2.0

package runner

import "testing"

func TestSanitizeLeavesNothingThatMovesACursor(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain text":             {"a\tb\nc", "a\tb\nc"},
		"clear screen":           {"\x1b[2Jx", "[2Jx"},
		"set window title":       {"\x1b]0;t\ax", "]0;tx"},
		"8-bit CSI":              {"\u009b2Jx", "2Jx"},
		"carriage return":        {"Denied\rAllowed", "DeniedAllowed"},
		"backspace":              {"no\b\byes", "noyes"},
		"NUL and DEL":            {"a\x00b\x7fc", "abc"},
		"bidirectional override": {"a\u202eb", "ab"},
		"line separator":         {"a\u2028b", "ab"},
		"zero width":             {"a\u200bb", "ab"},
		"invalid UTF-8":          {"a\xff\xfeb", "a\ufffdb"},
		"other scripts":          {"naïve 漢字 🙂", "naïve 漢字 🙂"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Sanitize(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzSanitize(f *testing.F) {
	f.Add("\x1b[0m\xff")
	f.Fuzz(func(t *testing.T, s string) {
		once := Sanitize(s)
		if twice := Sanitize(once); twice != once {
			t.Errorf("%q became %q, then %q", s, once, twice)
		}
	})
}
