// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate"
)

//go:embed standard-library.txt
var standardLibrary string

// selection keeps the samples that a measurement is about.
type selection struct {
	uses      map[string]bool // nil selects everything
	installed map[string]bool
}

// selecting reads two lists of top-level Python modules, separated by commas.
func selecting(uses, installed string) selection {
	if uses == "" {
		return selection{}
	}
	s := selection{uses: map[string]bool{}, installed: map[string]bool{}}
	for name := range strings.SplitSeq(uses, ",") {
		s.uses[name], s.installed[name] = true, true
	}
	for name := range strings.SplitSeq(installed, ",") {
		s.installed[name] = true
	}
	for line := range strings.Lines(standardLibrary) {
		s.installed[strings.TrimSpace(line)] = true
	}
	return s
}

// takes says whether a Python sample imports one of the modules that count, and
// nothing that is not installed: other code cannot run there.
func (s selection) takes(report *gate.Report) bool {
	if s.uses == nil {
		return true
	}
	uses := false
	for _, op := range report.Operations {
		if op.Form != gate.FormImport {
			continue
		}
		module, _, _ := strings.Cut(op.Name, ".")
		if !s.installed[module] {
			return false
		}
		uses = uses || s.uses[module]
	}
	return report.Language == gate.Python && uses
}
