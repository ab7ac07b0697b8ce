// SPDX-License-Identifier: Apache-2.0

package python

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Inside of folded strings these stand for text that is not known. Neither has
// a slash, so that it cannot lead out of the directory that it is used in.
const (
	someName     = "\uE000" // at least one character, and neither "." nor ".."
	somePart     = "\uE001" // any characters, or none
	placeholders = someName + somePart
)

// madeUp is how reports write a name, or a part of one, that is made at run time.
const madeUp = report.MadeUp

// States of a fact that do not leave this package.
const (
	// none is the value None.
	none report.FactState = "None"
	// scalar is a number, a date or an identifier, whose text Value is.
	scalar report.FactState = "Scalar"
)

var (
	noneFact   = report.Fact{Known: none, Value: "None"}
	scalarFact = report.Fact{Known: scalar, Value: someName}
	nothing    = facts{unknownFact}
)

// maxChoices bounds how many strings an expression may be.
const maxChoices = 24

// facts are all the strings that an expression can be. One of them is unknown
// when it can be anything; none at all means that it has no value.
type facts []report.Fact

// union gives what can be either.
func union(x, y facts) facts {
	out := slices.Clip(x)
	for _, f := range y {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	if len(out) > maxChoices || slices.Contains(out, unknownFact) {
		return nothing
	}
	return out
}

// all reports whether there are facts, and all are in one of these states.
func (x facts) all(states ...report.FactState) bool {
	return len(x) > 0 && !slices.ContainsFunc(x, func(f report.Fact) bool { return !slices.Contains(states, f.Known) })
}

// text gives what str and f-strings make of values.
func (x facts) text() facts {
	out := slices.Clone(x)
	for i, f := range out {
		if f.Known == none || f.Known == scalar {
			out[i] = literal(f.Value)
		}
	}
	return out
}

// withoutNone leaves out None, for which the operation is a TypeError.
func (x facts) withoutNone() facts {
	return slices.DeleteFunc(slices.Clone(x), func(f report.Fact) bool { return f.Known == none })
}

// concat appends each of y to each of x.
func (x facts) concat(y facts) facts {
	return x.cross(y, func(a, b string) string { return a + b })
}

// cross combines each of x with each of y. What follows a prefix is lost.
func (x facts) cross(y facts, combine func(a, b string) string) facts {
	var out facts
	for _, f := range x {
		if f.Known != report.Literal {
			out = union(out, facts{f})
			continue
		}
		for _, g := range y {
			switch g.Known {
			case report.Literal:
				out = union(out, facts{literal(combine(f.Value, g.Value))})
			case report.Prefix:
				out = union(out, facts{prefix(combine(f.Value, g.Value))})
			default:
				out = union(out, facts{prefix(f.Value)})
			}
		}
	}
	return out
}

// onlyText leaves nothing known of what may not be a string.
func (x facts) onlyText() facts {
	if !x.all(report.Literal, report.Prefix) {
		return nothing
	}
	return x
}

// mapText applies a function to each literal; what it cannot handle is unknown.
func (x facts) mapText(f func(string) (string, bool)) facts {
	if !x.all(report.Literal) {
		return nothing
	}
	var out facts
	for _, one := range x {
		text, ok := f(one.Value)
		if !ok {
			return nothing
		}
		out = union(out, facts{literal(text)})
	}
	return out
}

// partOf gives what any part or variation of a text can be: without a slash
// in the text, it has none either.
func partOf(text string) (string, bool) { return somePart, !strings.Contains(text, "/") }

var plainInteger = regexp.MustCompile(`^[0-9]+$`)

func numberFact(text string) report.Fact {
	if plainInteger.MatchString(text) && (text[0] != '0' || text == "0") {
		return report.Fact{Known: scalar, Value: text}
	}
	return scalarFact
}

// showPath writes the placeholders of a path for the report. An element that
// could be "..", or empty in front of an absolute path, makes it unknown.
func showPath(f report.Fact) report.Fact {
	if !strings.ContainsAny(f.Value, placeholders) {
		return f
	}
	for element := range strings.SplitSeq(f.Value, "/") {
		if strings.Contains(element, somePart) && strings.Trim(element, "."+somePart) == "" {
			return unknownFact
		}
	}
	f.Value = strings.NewReplacer(someName, madeUp, somePart, madeUp).Replace(f.Value)
	return f
}
