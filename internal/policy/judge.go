// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// MaxFindings is how many findings a verdict lists; findingsTotal counts all.
const MaxFindings = 32

// Judge decides about a report under a policy. The verdict is the strictest
// over all operations, and Deny for everything that could not be read or is not
// known. It sets trust (a value outside the closed set is Untrusted) and
// policyDigest; decidedBy is the caller's, who has the inputs.
//
// Code that untrusted content drove is judged by spec.untrusted alone; without
// it, such code is denied whatever it does.
func Judge(report *gate.Report, spec *v1alpha1.ExecutionPolicySpec, trust v1alpha1.Trust) v1alpha1.Verdict {
	trust = knownTrust(trust)
	if spec == nil {
		return verdict(trust, "", []v1alpha1.Finding{noPolicy})
	}
	digest, err := Digest(spec)
	if err != nil {
		return verdict(trust, "", []v1alpha1.Finding{noPolicy})
	}
	if refusals := refuse(report, spec, trust); len(refusals) > 0 {
		return verdict(trust, digest, refusals)
	}
	j := judge{rules: &spec.OperationRules, path: "spec"}
	if trust == v1alpha1.Untrusted {
		j = judge{rules: spec.Untrusted, path: "spec.untrusted"}
	}
	var findings []v1alpha1.Finding
	for i := range report.Operations {
		if f := j.decide(&report.Operations[i]); f.Decision != v1alpha1.Allow {
			findings = append(findings, f)
		}
	}
	return verdict(trust, digest, findings)
}

// refuse finds what denies a report as a whole.
func refuse(report *gate.Report, spec *v1alpha1.ExecutionPolicySpec, trust v1alpha1.Trust) []v1alpha1.Finding {
	if report == nil {
		return []v1alpha1.Finding{notRead}
	}
	var findings []v1alpha1.Finding
	if !report.Complete() {
		findings = append(findings, incomplete(report))
	}
	switch r, ok := runtimeFor(spec, v1alpha1.Language(report.Language)); {
	case !ok:
		findings = append(findings, noRuntime(report.Language))
	case report.Inventory != "" && report.Inventory != r.Inventory:
		findings = append(findings, otherLibraries(report, r))
	}
	if report.Language == gate.SQL && len(report.Operations) == 0 {
		// Another dialect may see statements where this one sees a comment: /*!50000 DROP TABLE users */.
		findings = append(findings, noStatement)
	}
	if trust == v1alpha1.Untrusted && spec.Untrusted == nil {
		findings = append(findings, untrustedDenied)
	}
	return findings
}

// runtimeFor finds what runs a language under a policy.
func runtimeFor(spec *v1alpha1.ExecutionPolicySpec, lang v1alpha1.Language) (v1alpha1.Runtime, bool) {
	i := slices.IndexFunc(spec.Runtimes, func(r v1alpha1.Runtime) bool { return r.Language == lang && lang != "" })
	if i < 0 {
		return v1alpha1.Runtime{}, false
	}
	return spec.Runtimes[i], true
}

// verdict sums the findings up. No finding is the only way to Allow.
func verdict(trust v1alpha1.Trust, digest string, findings []v1alpha1.Finding) v1alpha1.Verdict {
	slices.SortStableFunc(findings, func(a, b v1alpha1.Finding) int {
		return cmp.Or(
			cmp.Compare(strictness(b.Decision), strictness(a.Decision)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	decision := v1alpha1.Allow
	if len(findings) > 0 {
		decision = findings[0].Decision
	}
	total := int32(min(len(findings), 1_000_000))
	return v1alpha1.Verdict{
		Decision:      decision,
		Trust:         trust,
		PolicyDigest:  digest,
		Findings:      findings[:min(len(findings), MaxFindings)],
		FindingsTotal: &total,
	}
}

// strictness orders Allow < RequireApproval < everything else.
func strictness(d v1alpha1.Decision) int {
	switch d {
	case v1alpha1.Allow:
		return 0
	case v1alpha1.RequireApproval:
		return 1
	case v1alpha1.Deny:
		return 2
	default:
		return 2
	}
}

// judge holds the rules for one trust.
type judge struct {
	rules *v1alpha1.OperationRules
	path  string // of the rules within the policy
}

// decide judges one operation.
func (j judge) decide(op *gate.Operation) v1alpha1.Finding {
	switch op.Kind {
	case gate.KindDynamic:
		return found(op, v1alpha1.Deny, reasonDynamic(op))
	case gate.KindUnknown:
		return j.decideUnknown(op)
	case gate.KindImport, gate.KindCompute, gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete,
		gate.KindNetwork, gate.KindProcess, gate.KindSQL, gate.KindEnvironment:
		return j.decideKnown(op)
	default:
		return found(op, v1alpha1.Deny, reasonKind(op))
	}
}

// decideKnown: requireApproval outweighs allow, and what neither lists is denied.
func (j judge) decideKnown(op *gate.Operation) v1alpha1.Finding {
	asks := func(rule v1alpha1.OperationRule) bool { return matches(&rule, op) || mayMatchPath(&rule, op) }
	permits := func(rule v1alpha1.OperationRule) bool { return matches(&rule, op) }
	if i := slices.IndexFunc(j.rules.RequireApproval, asks); i >= 0 {
		return found(op, v1alpha1.RequireApproval, j.reasonApproval(op, i))
	}
	if isLanguageCore(op) || slices.ContainsFunc(j.rules.Allow, permits) {
		return found(op, v1alpha1.Allow, "")
	}
	return found(op, v1alpha1.Deny, j.reasonUnlisted(op))
}

// decideUnknown: what could not be proven never runs without a person, whatever
// spec.allow says. A person is asked only where the policy names the operation
// in requireApproval.calls and the gate knows its full name.
func (j judge) decideUnknown(op *gate.Operation) v1alpha1.Finding {
	i := slices.IndexFunc(j.rules.RequireApproval, func(rule v1alpha1.OperationRule) bool {
		return matchesCall(rule.Calls, op)
	})
	if i >= 0 {
		return found(op, v1alpha1.RequireApproval, j.reasonApproval(op, i))
	}
	return found(op, v1alpha1.Deny, j.reasonUnknown(op))
}

// isLanguageCore finds the effect-free builtins of a language ("print", "Math.max")
// and the effect-free methods of values (".strip"). A policy that has a runtime for a
// language permits its core; a rule in requireApproval can still ask for it.
// Names of modules ("pandas.concat") need an entry under imports.
func isLanguageCore(op *gate.Operation) bool {
	return op.Kind == gate.KindCompute && op.Core
}
