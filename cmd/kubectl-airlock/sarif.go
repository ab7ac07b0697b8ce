// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/url"
	"path/filepath"

	"github.com/owenrumney/go-sarif/v3/pkg/report"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// writeSARIF prints the findings in the Static Analysis Results Interchange
// Format 2.1.0 (OASIS), which editors and code hosts read.
func writeSARIF(w io.Writer, out checked) error {
	run := sarif.NewRunWithInformationURI("airlock", "https://github.com/airlock-dev/airlock")
	for _, f := range out.Verdict.Findings {
		rule := ruleOf(out, f)
		run.AddRule(rule).WithName(rule)
		location := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uriOf(out.File)))
		if f.Line > 0 {
			location = location.WithRegion(sarif.NewRegion().WithStartLine(int(f.Line)).WithStartColumn(int(f.Column)))
		}
		run.CreateResultForRule(rule).
			WithLevel(levelOf(f.Decision)).
			WithMessage(sarif.NewTextMessage(f.Reason)).
			AddLocation(sarif.NewLocationWithPhysicalLocation(location))
	}
	r := report.NewV210Report()
	r.AddRun(run)
	return r.PrettyWrite(w)
}

// uriOf gives the relative or absolute reference (RFC 3986) of a file.
func uriOf(file string) string {
	return (&url.URL{Path: filepath.ToSlash(file)}).String()
}

// ruleOf names a finding by the kind of its operation.
func ruleOf(out checked, f v1alpha1.Finding) string {
	for _, op := range out.Report.Operations {
		if op.Position.Line == int(f.Line) && op.Position.Column == int(f.Column) && op.Name == f.Operation {
			return string(op.Kind)
		}
	}
	return "Source"
}

func levelOf(d v1alpha1.Decision) string {
	if d == v1alpha1.RequireApproval {
		return "warning"
	}
	return "error"
}
