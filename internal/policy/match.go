// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
)

// match says whether the segments of pattern stand for the segments of value,
// both split at sep. In a segment "*" stands for any characters, none included;
// a segment "**" stands for any number of segments, none included. Everything
// else stands for itself, case included: there are no escapes and no classes.
//
// The time is bounded by len(pattern) x len(value): a pattern with many stars
// cannot stall the gate (CWE-1333).
func match(pattern, value, sep string) bool {
	return matchSequence(strings.Split(pattern, sep), strings.Split(value, sep), "**", matchSegment, anything)
}

// matchSegment matches one segment, character by character.
func matchSegment(pattern, segment string) bool {
	return matchSequence(strings.Split(pattern, ""), strings.Split(segment, ""), "*",
		func(p, s string) bool { return p == s }, anything)
}

// matchSequence matches greedily and remembers only the last star: what an
// earlier star stands for never has to be tried again. A star stands for values
// that are free. Where a pattern matches both free values and others ("a*/b*" and
// the word "a=/b"), an earlier star might have to be tried again: such a match may
// be missed, and none is invented.
func matchSequence(pattern, value []string, star string, equal func(p, v string) bool, free func(v string) bool) bool {
	p, v := 0, 0
	afterStar, retry := -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == star:
			p++
			afterStar, retry = p, v
		case p < len(pattern) && equal(pattern[p], value[v]):
			p++
			v++
		case afterStar >= 0 && free(value[retry]):
			retry++
			p, v = afterStar, retry
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == star {
		p++
	}
	return p == len(pattern)
}

func anything(string) bool { return true }
