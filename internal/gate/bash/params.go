// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// param gives the alternatives of a parameter expansion.
func (e *evaluator) param(p *syntax.ParamExp) texts {
	switch {
	case p.Length:
		return texts{aNumber}
	case p.Excl && isAll(p) && p.Exp == nil && p.Names == 0 && !e.s.maps[p.Param.Value]:
		// The subscripts of an array that is no map.
		return texts{aNumber}
	case p.Param == nil || p.Excl || p.Names != 0 || p.Repl != nil || p.Slice != nil:
		return texts{unknown}
	}
	ts := e.parameter(p.Param.Value)
	if p.Exp == nil {
		return ts
	}
	return e.expansion(ts, p.Exp)
}

// expansion applies ${x:-word} and its kind.
func (e *evaluator) expansion(ts texts, x *syntax.Expansion) texts {
	switch x.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return texts(nil).join(ts).join(e.nested(x.Word))
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		return texts{nil}.join(e.nested(x.Word))
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		return ts
	case syntax.RemSmallSuffix:
		return removeExtension(ts, e.nested(x.Word))
	}
	return texts{unknown}
}

func (e *evaluator) nested(w *syntax.Word) texts {
	if w == nil {
		return texts{nil}
	}
	inner := *e
	inner.value = true
	return inner.word(w).texts
}

// removeExtension is ${f%.txt} of file names: what a pattern such as dir/*.txt
// stands for does not begin with a point, so no "." or ".." is left over.
func removeExtension(ts, suffixes texts) texts {
	if len(suffixes) != 1 {
		return texts{unknown}
	}
	suffix, ok := suffixes[0].literal()
	if !ok || len(suffix) < 2 || suffix[0] != '.' || strings.ContainsAny(suffix[1:], "*?[/\\.") && suffix != ".*" {
		return texts{unknown}
	}
	out := texts{}
	for _, t := range ts {
		n := len(t)
		if n < 2 || t[n-2].kind != glob || t[n-1].kind != literal || strings.LastIndexByte(t[n-1].text, '.') != 0 || strings.Contains(t[n-1].text, "/") {
			return texts{unknown}
		}
		if suffix == ".*" || suffix == t[n-1].text {
			t = t[:n-1]
		}
		out = out.join(texts{t})
	}
	return out
}

// parameter gives the alternatives of a variable or a positional parameter.
func (e *evaluator) parameter(name string) texts {
	switch name {
	case "#", "?", "$":
		return texts{aNumber}
	case "!":
		return texts{aNumber, nil} // there may be no command in the background
	case "0", "-", "_":
		return texts{unknown}
	case "@", "*":
		return e.positional("@")
	}
	if name[0] >= '0' && name[0] <= '9' {
		return e.positional(name)
	}
	if e.s.known.variables[name] == variableNumber {
		if e.s.unsets[name] || name == "COLUMNS" || name == "LINES" || name == "HISTCMD" {
			return texts{aNumber, nil}
		}
		return texts{aNumber}
	}
	assigned, ok := e.s.values[name]
	if name == "PWD" && !ok && !e.s.moves {
		return texts{lit(report.WorkingDirectory)}
	}
	if !ok || e.read != nil && !e.read(name) {
		return texts{unknown}
	}
	return assigned
}

// positional gives what the calls of the function pass as its n-th argument, or "@" for all.
func (e *evaluator) positional(n string) texts {
	f := e.s.functions[e.fn]
	if f == nil || f.open || e.s.open {
		return texts{unknown}
	}
	if f.shifts || len(n) > 1 {
		n = "@"
	}
	passed := e.s.values[e.fn+"\x00"+n]
	if n == "@" || int(n[0]-'0') > f.least {
		return texts{nil}.join(passed).join(e.s.values[e.fn+"\x00+"])
	}
	return passed
}
