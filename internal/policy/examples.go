// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// Tightener adds to the verdict on an example what a policy alone does not know.
type Tightener func(v1alpha1.Example, *gate.Report, v1alpha1.Verdict) v1alpha1.Verdict

// WithoutRules is for judging examples where no organisation rule can be
// evaluated: those can only tighten, so an example that the policy alone judges
// too mildly may be right.
func WithoutRules(spec *v1alpha1.ExecutionPolicySpec) Tightener {
	return func(example v1alpha1.Example, _ *gate.Report, v v1alpha1.Verdict) v1alpha1.Verdict {
		if spec.Kyverno != nil && strictness(v.Decision) < strictness(example.Expect) {
			v.Decision = example.Expect
		}
		return v
	}
}

// FailingExample judges the examples of a policy in order, reading their code
// with read, and returns the first one whose decision is not the expected one.
// Organisation rules have their say through tighten, nil for none. The message
// says what was decided and why. ok means that there is none.
func FailingExample(spec *v1alpha1.ExecutionPolicySpec, read func(gate.Code) *gate.Report, tighten Tightener) (name, message string, ok bool) {
	for _, example := range spec.Examples {
		report := read(CodeOf(spec, example.Language, example.Code))
		got := Judge(report, spec, GivenBy(example))
		if tighten != nil {
			got = tighten(example, report, got)
		}
		if got.Decision == example.Expect {
			continue
		}
		message := fmt.Sprintf("expected %s, the verdict is %s", example.Expect, got.Decision)
		if len(got.Findings) > 0 {
			f := got.Findings[0]
			message += fmt.Sprintf(": %s at %d:%d: %s", f.Operation, f.Line, f.Column, f.Reason)
		}
		return example.Name, message, false
	}
	return "", "", true
}

// GivenBy is what an example gives besides its code.
func GivenBy(e v1alpha1.Example) Given {
	return Given{Trust: e.Trust, Egress: e.Egress, Credentials: e.Credentials}
}

// CodeOf is source as the gate reads it: SQL in the dialect that the policy's
// runtime declares, for the runtime and not the agent decides who executes it.
func CodeOf(spec *v1alpha1.ExecutionPolicySpec, lang v1alpha1.Language, source string) gate.Code {
	code := gate.Code{Language: gate.Language(lang), Source: []byte(source)}
	if r, ok := runtimeFor(spec, lang); ok {
		code.Dialect = gate.Dialect(r.Dialect)
	}
	return code
}
