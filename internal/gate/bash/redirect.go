// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// delimiter matches the ends of here-documents that all shells find in the same way.
var delimiter = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// redirect reports what a redirection opens.
func (s *script) redirect(r *syntax.Redirect) {
	if r.N != nil && !digits.MatchString(r.N.Value) {
		name := strings.Trim(r.N.Value, "{}")
		if !identifier.MatchString(name) {
			s.dynamic(r, "{", "the subscript of the descriptor's name would be evaluated")
			return
		}
		s.assignsName(name, spanOf(r.N))
	}
	s.word(r.Word)
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		s.heredoc(r)
	case syntax.WordHdoc:
	case syntax.DplIn, syntax.DplOut:
		s.duplicate(r)
	case syntax.RdrIn:
		s.opens(r, readsFile)
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
		s.opens(r, writesFile)
	case syntax.RdrInOut:
		s.opens(r, readsFile)
		s.opens(r, writesFile)
	default:
		s.unknown(spanOf(r), r.Op.String(), "syntax of another shell")
	}
}

func (s *script) heredoc(r *syntax.Redirect) {
	end := s.evaluator()
	if text, ok := end.word(r.Word).literal(); !ok || !delimiter.MatchString(text) {
		s.unknown(spanOf(r), "<<", "shells may not agree where the here-document ends")
	}
	if r.Hdoc == nil {
		return
	}
	if r.Word.Lit() == "" || strings.Contains(r.Word.Lit(), `\`) {
		return // the quoted delimiter keeps the text as it is
	}
	for _, p := range r.Hdoc.Parts {
		s.part(p, true)
	}
}

// descriptor matches what <& and >& take for a file descriptor.
var descriptor = regexp.MustCompile(`^([0-9]+-?|-)$`)

func (s *script) duplicate(r *syntax.Redirect) {
	a := s.evaluator()
	a.value = true
	word := a.word(r.Word)
	if text, ok := word.literal(); ok && descriptor.MatchString(text) || word.texts.areNumbers() {
		return
	}
	if r.Op == syntax.DplOut {
		s.opens(r, writesFile)
		return
	}
	s.dynamic(r, "<&", "the descriptor is not known")
}

// opens reports the file, or the connection, that a redirection opens.
func (s *script) opens(r *syntax.Redirect, effect fileEffect) {
	at := spanOf(r)
	if r.Hdoc != nil {
		at = spanOf(r.Word)
	}
	e := s.evaluator()
	a := e.word(r.Word)
	for _, t := range a.texts {
		if proto, address, ok := device(t); ok {
			host := address
			s.op(at, report.Operation{Kind: report.Network, Name: proto, Args: report.Args{Host: &host}})
			return
		}
	}
	if len(r.Word.Parts) == 1 {
		if _, ok := r.Word.Parts[0].(*syntax.ProcSubst); ok {
			return
		}
	}
	s.files(effect, r.Op.String(), a, at)
}

// device finds /dev/tcp/HOST/PORT and /dev/udp/HOST/PORT, which Bash itself connects to.
func device(t text) (name string, host report.Fact, ok bool) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(t.prefix(), "/dev/"), "/")
	if !ok || !strings.HasPrefix(t.prefix(), "/dev/") || name != "tcp" && name != "udp" {
		return "", report.Fact{}, false
	}
	address, port, ok := strings.Cut(rest, "/")
	if _, known := t.literal(); !known || !ok {
		return "/dev/" + name, report.Fact{Known: report.UnknownValue}, true
	}
	return "/dev/" + name, report.HostPort(address, port), true
}
