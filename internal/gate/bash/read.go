// SPDX-License-Identifier: Apache-2.0

// Package bash lists the operations of Bash and POSIX shell source.
//
// It assumes a closed world: a command that the tables do not know is a
// Process, an option that they do not know is Unknown, and a string that the
// shell would evaluate must be provably harmless or is Dynamic. docs/gate-bash.md
// describes the rules, docs/spec/report.md what is reported.
package bash

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Parser names this reader in reports. Its version changes whenever the same
// source may give another report.
const Parser = "airlock-bash/1"

// Tables names the version of the tables in use.
func Tables() string { return world().version }

// Read lists the operations of source.
func Read(source []byte) *report.Report {
	known := world()
	out := report.NewBuilder(report.Bash, Parser, known.version, source)
	if refused := scan(source); refused != nil {
		refuse(out, refused)
		return out.Report()
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true)).Parse(bytes.NewReader(source), "")
	if err != nil {
		fail(out, err)
		return out.Report()
	}
	if refused := inspect(file, source); refused != nil {
		refuse(out, refused)
		return out.Report()
	}
	return readFile(known, file, source)
}

// maxReadings bounds how often a script is read. Each time shows more variables
// that are read where they may have no value yet, and so are empty. Ordinary
// scripts are read once, a few twice; the worst case costs what all readings do.
const maxReadings = 3

func readFile(known *knowledge, file *syntax.File, source []byte) *report.Report {
	early := map[string]bool{}
	for range maxReadings {
		out := report.NewBuilder(report.Bash, Parser, known.version, source)
		s := &script{known: known, out: out, source: source, early: early}
		n := len(early)
		s.oddities()
		s.collect(file)
		s.walk(file)
		if len(early) == n {
			return out.Report()
		}
	}
	out := report.NewBuilder(report.Bash, Parser, known.version, source)
	out.Fail(0, "too many variables are read where they may have no value yet")
	return out.Report()
}

func refuse(out *report.Builder, why *refusal) {
	out.Fail(why.offset, why.message)
	if why.limit != "" {
		out.Limit(why.limit)
	}
}

func fail(out *report.Builder, err error) {
	if parse, ok := errors.AsType[syntax.ParseError](err); ok {
		out.Fail(int(parse.Pos.Offset()), parse.Text)
		return
	}
	if lang, ok := errors.AsType[syntax.LangError](err); ok {
		out.Fail(int(lang.Pos.Offset()), lang.Error())
		return
	}
	out.Fail(0, err.Error())
}

// oddities reports characters that Bash, the parser and people read differently.
func (s *script) oddities() {
	for i, r := range string(s.source) {
		if reason := oddity(r); reason != "" {
			s.out.Add(i, i+utf8.RuneLen(r), report.Operation{
				Kind: report.Unknown, Form: report.FormReference, Name: "source", Reason: reason,
			})
		}
	}
}
