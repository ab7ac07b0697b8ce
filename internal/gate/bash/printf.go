// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"
)

// setsByFormat tells whether the words of printf, without its options, may set
// a variable: printf '12%n' PATH sets PATH to 2 (bash(1), printf).
func setsByFormat(words []arg) bool {
	if len(words) > 0 {
		if text, ok := words[0].literal(); ok && text == "--" {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return false
	}
	format, rest := words[0], words[1:]
	if format.split || format.list || format.isPattern() {
		rest = words
	} else if !slices.ContainsFunc(format.texts, mayCount) && len(format.texts) > 0 {
		return false
	}
	return slices.ContainsFunc(rest, arg.mayBeName)
}

// counts matches the conversion %n with what may stand within it.
var counts = regexp.MustCompile(`%[^%a-mo-zA-Z]*[hlLjzt]*n`)

// mayCount tells whether a format may have the conversion %n. A backslash does
// not hide a percent sign, nor make one.
func mayCount(t text) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.kind == anything || p.kind == glob }) ||
		counts.MatchString(strings.ReplaceAll(t.shape(), "%%", ""))
}

// mayBeName tells whether a word may be, or hold, the name of a variable.
func (a arg) mayBeName() bool {
	return len(a.texts) == 0 || slices.ContainsFunc(a.texts, func(t text) bool {
		if s, ok := t.literal(); ok {
			return identifier.MatchString(s) || a.split && !t.isNumber()
		}
		return !t.isNumber()
	})
}
