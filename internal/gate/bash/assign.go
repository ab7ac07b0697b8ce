// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// assign reports an assignment; prefix is set for one that lasts for one command.
func (s *script) assign(a *syntax.Assign, prefix bool) {
	name := a.Name.Value
	at := spanOf(a)
	if a.Append && a.Array == nil {
		s.readVariable(name, at)
	}
	s.subscript(name, a.Index)
	s.word(a.Value)
	if a.Array != nil {
		for _, elem := range a.Array.Elems {
			s.subscript(name, elem.Index)
			s.word(elem.Value)
		}
	}
	s.checkNumber(name, a)
	e := s.evaluator()
	if !isZone(name, a.Value, e.assigned(a.Value)) {
		s.checkName(name, at)
	}
	if !prefix {
		s.define(name)
	}
}

// isZone tells whether TZ is given the plain name of a time zone. A path is a file that is read.
func isZone(name string, w *syntax.Word, values texts) bool {
	return name == "TZ" && w != nil && len(values) > 0 && !slices.ContainsFunc(values, func(t text) bool {
		zone, ok := t.literal()
		return !ok || !zonePattern.MatchString(zone)
	})
}

var zonePattern = regexp.MustCompile(`^[A-Za-z0-9+-]+(/[A-Za-z0-9_+-]+)*$`)

// checkNumber holds variables that evaluate what they are given to numbers:
// those with the attribute -i, and RANDOM and its kind.
func (s *script) checkNumber(name string, a *syntax.Assign) {
	if !s.integers[name] && s.known.variables[name] != variableNumber {
		return
	}
	ok := a.Array == nil
	if a.Value != nil {
		e := s.evaluator()
		ok = ok && e.assigned(a.Value).areNumbers()
	}
	if !ok {
		s.dynamic(a, name, notANumber)
	}
}

// holdsNumbers reports a variable that evaluates what a loop or ${x:=word} gives it.
func (s *script) holdsNumbers(name string, at syntax.Node) {
	if (s.integers[name] || s.known.variables[name] == variableNumber) && !s.values[name].areNumbers() {
		s.dynamic(at, name, notANumber)
	}
}

// assigns reports that a name which is no word is given a value.
func (s *script) assigns(name *syntax.Lit, at span) { s.assignsName(name.Value, at) }

func (s *script) assignsName(name string, at span) {
	s.checkName(name, at)
	s.define(name)
}

// checkName reports a variable that changes what the shell or its commands do.
func (s *script) checkName(name string, at span) {
	if s.known.isSetting(name) {
		env := report.Fact{Known: report.Literal, Value: name}
		s.op(at, report.Operation{Kind: report.Environment, Form: report.FormStore, Name: name, Args: report.Args{Env: &env}})
	}
}

// declare reports declare, local, export, readonly and typeset.
func (s *script) declare(d *syntax.DeclClause) {
	flags := declareFlags(d)
	name := d.Variant.Value
	if strings.ContainsFunc(flags, func(r rune) bool { return !strings.ContainsRune("aAgirtx", r) }) {
		s.dynamic(d, name, "the declaration has options beyond -aAgirtx")
	}
	named := false
	for _, a := range d.Args {
		named = named || a.Name != nil
		s.declareOne(d, a, flags)
	}
	if !named {
		s.environment(spanOf(d), name, report.Fact{Known: report.UnknownValue})
	}
}

func (s *script) declareOne(d *syntax.DeclClause, a *syntax.Assign, flags string) {
	if a.Name == nil {
		s.word(a.Value)
		if text := a.Value.Lit(); !strings.HasPrefix(text, "-") || strings.ContainsAny(text, `\`) {
			s.dynamic(a, d.Variant.Value, "what is declared is computed")
		}
		return
	}
	name := a.Name.Value
	if a.Value != nil && hasBraces(a.Value) {
		// declare x={a,/etc/passwd} is declare x=a x=/etc/passwd; other assignments expand no braces.
		s.dynamic(a, d.Variant.Value, "braces make several assignments of one")
	}
	if s.fn != "" && d.Variant.Value != "export" && d.Variant.Value != "readonly" && !strings.Contains(flags, "g") {
		s.local[name] = true
	}
	if a.Value != nil && (s.arrays[name] || strings.ContainsAny(flags, "aA")) && !s.isPlainValue(a.Value) {
		// declare -a x='($(id))' expands the text of the value as a list.
		s.dynamic(a, d.Variant.Value, "the value of an array may be expanded again")
	}
	if s.integers[name] && s.known.variables[name] == variableShell {
		s.dynamic(a, name, "the shell itself gives the variable text, which is evaluated")
	}
	s.assign(a, a.Naked && s.keeps(name, flags))
	if strings.Contains(flags, "A") {
		s.define("[]" + name)
	} else if s.isDefined("[]"+name) && d.Variant.Value != "export" {
		s.unsets[name] = true
	}
}

// hasBraces tells whether a word has a brace expansion.
func hasBraces(w *syntax.Word) bool {
	apart := &syntax.Word{Parts: slices.Clone(w.Parts)}
	return countBraces(w) > maxBraces || syntax.SplitBraces(apart) && slices.ContainsFunc(apart.Parts, func(p syntax.WordPart) bool {
		_, is := p.(*syntax.BraceExp)
		return is
	})
}

// keeps tells whether a declaration without a value leaves the variable what the
// environment made it: declare SECRET; echo "$SECRET". Lists hardly come from there.
func (s *script) keeps(name, flags string) bool {
	if s.local[name] || strings.ContainsAny(flags, "aA") && strings.ToUpper(name) != name {
		return false
	}
	return true
}

// isPlainValue tells whether a value certainly is not the text of a list.
func (s *script) isPlainValue(w *syntax.Word) bool {
	e := s.evaluator()
	for _, t := range e.assigned(w) {
		if strings.HasPrefix(t.prefix(), "(") || !t.isNumber() && t.prefix() == "" && len(t) > 0 {
			return false
		}
	}
	return true
}
