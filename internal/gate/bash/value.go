// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"
)

// pieceKind says how much is known about a part of a string.
type pieceKind uint8

const (
	// anything is text that is not known.
	anything pieceKind = iota
	// literal is text.
	literal
	// number is the text of a number: digits with at most one sign and point.
	number
	// glob is a pattern; the text that it stands for has no slash that the pattern has not.
	glob
)

// piece is a part of a string, as far as it is known before the script runs.
type piece struct {
	kind pieceKind
	text string // of literal and glob
}

// text is what one string can be: its pieces one after the other.
type text []piece

// maxTexts is how many alternatives of a string are told apart.
const maxTexts = 16

// maxPieces bounds one text, maxLiteral its literal bytes.
const (
	maxPieces  = 32
	maxLiteral = 64 << 10
)

var (
	unknown = text{{kind: anything}}
	aNumber = text{{kind: number}}
)

// lit makes a text that is known as a whole.
func lit(s string) text { return text{{literal, s}} }

// literal gives the whole string when it is known.
func (t text) literal() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].kind == literal:
		return t[0].text, true
	}
	return "", false
}

// prefix gives the literal text that a string starts with.
func (t text) prefix() string {
	if len(t) > 0 && t[0].kind == literal {
		return t[0].text
	}
	return ""
}

// add appends a piece, merging literals.
func (t text) add(p piece) text {
	if p.kind == literal && p.text == "" {
		return t
	}
	if len(t) == 0 {
		return text{p}
	}
	if n := len(t); n > 0 && p.kind == literal && t[n-1].kind == literal {
		if len(t[n-1].text)+len(p.text) > maxLiteral {
			return append(slices.Clone(t), piece{kind: anything})
		}
		out := slices.Clone(t)
		out[n-1].text += p.text
		return out
	}
	if n := len(t); n >= maxPieces {
		return append(slices.Clone(t[:n-1]), piece{kind: anything})
	}
	return append(slices.Clone(t), p)
}

func (t text) concat(u text) text {
	if len(t) == 0 {
		return u
	}
	for _, p := range u {
		t = t.add(p)
	}
	return t
}

// withoutLineEnds is what a command substitution leaves of a text.
func (t text) withoutLineEnds() text {
	for n := len(t); n > 0 && t[n-1].kind == literal; n-- {
		if s := strings.TrimRight(t[n-1].text, "\n"); s != "" {
			return t[:n-1].add(piece{literal, s})
		}
		t = t[:n-1]
	}
	return t
}

func (t text) isUnknown() bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.kind == anything })
}

// numberPattern matches literals that arithmetic reads as constants. Anything
// else may be a name, whose value is evaluated in turn.
var numberPattern = regexp.MustCompile(`^[ \t\n]*[-+]?(?:[0-9]+(?:\.[0-9]+)?|0[xX][0-9a-fA-F]+|[0-9]+#[0-9a-zA-Z@_]+)?[ \t\n]*$`)

// startOfNumber matches what may stand before the digits: -$n, 10#$n.
var startOfNumber = regexp.MustCompile(`^([-+]|[0-9]+#)$`)

var digits = regexp.MustCompile(`^[0-9]+$`)

// isNumber tells whether arithmetic can take the string for nothing but a number.
func (t text) isNumber() bool {
	if s, ok := t.literal(); ok {
		return numberPattern.MatchString(s)
	}
	for i, p := range t {
		start := i == 0 && startOfNumber.MatchString(p.text)
		if p.kind != number && (p.kind != literal || !start && !digits.MatchString(p.text)) {
			return false
		}
	}
	return true
}

// mayStartWithDash tells whether the string can be taken for an option.
func (t text) mayStartWithDash() bool {
	if len(t) == 0 {
		return false
	}
	switch t[0].kind {
	case literal:
		return strings.HasPrefix(t[0].text, "-")
	case glob:
		return strings.ContainsAny(t[0].text[:1], "*?[-")
	case number:
		// A number may be empty; "-5" by itself is no option that has an effect.
		return len(t) > 1 && t[1:].mayStartWithDash()
	case anything:
		return true
	}
	return true
}

// texts are the alternatives of a string. None means that no value is known to reach it.
type texts []text

// join adds alternatives; too many become unknown.
func (ts texts) join(more texts) texts {
	for _, t := range more {
		if ts.isUnknown() {
			return ts
		}
		if t.isBare() {
			return texts{unknown}
		}
		if !slices.ContainsFunc(ts, func(u text) bool { return slices.Equal(t, u) }) {
			ts = append(slices.Clip(ts), t)
		}
		if len(ts) > maxTexts {
			return ts.widen()
		}
	}
	return ts
}

// widen gives up telling alternatives apart.
func (ts texts) widen() texts {
	if ts.areNumbers() {
		return texts{aNumber}
	}
	return texts{unknown}
}

// isBare tells whether nothing at all is known about a string.
func (t text) isBare() bool { return len(t) == 1 && t[0].kind == anything }

func (ts texts) isUnknown() bool { return len(ts) == 1 && ts[0].isBare() }

func (ts texts) areNumbers() bool {
	return !slices.ContainsFunc(ts, func(t text) bool { return !t.isNumber() })
}

// concat appends every alternative of more to every one of ts.
func (ts texts) concat(more texts) texts {
	if len(ts)*len(more) > maxTexts {
		if len(more) > 1 {
			return ts.concat(more.widen())
		}
		return texts{unknown}
	}
	out := make(texts, 0, len(ts)*len(more))
	for _, t := range ts {
		for _, u := range more {
			out = append(out, t.concat(u))
		}
	}
	return out
}

// equal tells whether two sets of alternatives are the same.
func (ts texts) equal(us texts) bool {
	return slices.EqualFunc(ts, us, func(t, u text) bool { return slices.Equal(t, u) })
}
