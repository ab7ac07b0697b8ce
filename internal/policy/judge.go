// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// Given is what a verdict depends on besides the code and the policy.
type Given struct {
	// Trust of the inputs; outside the closed set it is Untrusted.
	Trust v1alpha1.Trust
	// Egress and Credentials are what the request names.
	Egress      []v1alpha1.EgressTarget
	Credentials []string
}

// isolated says whether the sandbox holds no secret and reaches nobody.
func (g Given) isolated() bool { return len(g.Egress) == 0 && len(g.Credentials) == 0 }

// Judge decides about a report under a policy. The verdict is the strictest
// over all operations, and Deny for everything that could not be read or is not
// known. A credential that people have to agree to makes RequireApproval of Allow.
// The verdict has trust, policyDigest and, with RequireApproval, approvals.
//
// Code that untrusted content drove is judged by spec.untrusted as well, and the
// stricter decides; without spec.untrusted, such code is denied whatever it does.
func Judge(report *gate.Report, spec *v1alpha1.ExecutionPolicySpec, given Given) v1alpha1.Verdict {
	trust := knownTrust(given.Trust)
	if spec == nil {
		return verdict(trust, "", noPolicy)
	}
	digest, err := Digest(spec)
	if err != nil {
		return verdict(trust, "", noPolicy)
	}
	if refusals := refuse(report, spec, trust); len(refusals) > 0 {
		return verdict(trust, digest, refusals...)
	}
	j := judgesFor(spec, given)
	var findings []v1alpha1.Finding
	var approvals int32
	for i := range report.Operations {
		f, people := j.decide(&report.Operations[i])
		if f.Decision != v1alpha1.Allow {
			findings = append(findings, f)
			approvals = max(approvals, people)
		}
	}
	v := Tighten(verdict(trust, digest), max(approvals, spec.Approval.Required), findings...)
	return withCredentials(v, spec, given.Credentials)
}

// AskedFor returns the operations that a verdict of RequireApproval asks people
// about, in the order of the report: what a remembered decision has to cover. It
// is nil where the verdict on the report is not RequireApproval.
func AskedFor(report *gate.Report, spec *v1alpha1.ExecutionPolicySpec, given Given) []gate.Operation {
	if Judge(report, spec, given).Decision != v1alpha1.RequireApproval {
		return nil
	}
	j := judgesFor(spec, given)
	var asked []gate.Operation
	for i := range report.Operations {
		if f, _ := j.decide(&report.Operations[i]); f.Decision == v1alpha1.RequireApproval {
			asked = append(asked, report.Operations[i])
		}
	}
	return asked
}

// judges decide together: each has a say, and the strictest one decides.
type judges []judge

// judgesFor selects the rules for a trust. What is said of untrusted content
// comes on top: nothing runs because somebody calls an input untrusted.
func judgesFor(spec *v1alpha1.ExecutionPolicySpec, given Given) judges {
	all := judges{{rules: &spec.OperationRules, path: "spec", isolated: given.isolated()}}
	if knownTrust(given.Trust) == v1alpha1.Untrusted {
		all = append(all, judge{rules: spec.Untrusted, path: "spec.untrusted", isolated: given.isolated()})
	}
	return all
}

// decide judges one operation, and says how many people have to agree to it. Of
// two that are equally strict, the later one gives the reason.
func (all judges) decide(op *gate.Operation) (strictest v1alpha1.Finding, people int32) {
	for i, j := range all {
		f, n := j.decide(op)
		if i == 0 || strictness(f.Decision) >= strictness(strictest.Decision) {
			strictest = f
		}
		people = max(people, n)
	}
	return strictest, people
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

// judge holds the rules for one request.
type judge struct {
	rules    *v1alpha1.OperationRules
	path     string // of the rules within the policy
	isolated bool
}

// permits says whether a rule under allow matches. One for a kind of sandbox that
// is not known permits nothing.
func (j judge) permits(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	applies := rule.Sandbox == "" || rule.Sandbox == v1alpha1.AnySandbox || rule.Sandbox == v1alpha1.IsolatedSandbox && j.isolated
	return applies && matches(rule, op)
}

// decide judges one operation, and says how many people have to agree to it.
func (j judge) decide(op *gate.Operation) (v1alpha1.Finding, int32) {
	switch op.Kind {
	case gate.KindDynamic:
		return found(op, v1alpha1.Deny, reasonDynamic(op)), 0
	case gate.KindUnknown:
		return j.decideUnknown(op)
	case gate.KindImport, gate.KindCompute, gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete,
		gate.KindNetwork, gate.KindProcess, gate.KindSQL, gate.KindEnvironment:
		return j.decideKnown(op)
	default:
		return found(op, v1alpha1.Deny, reasonKind(op)), 0
	}
}

// decideKnown: a rule under requireApproval outweighs allow unless it applies to
// what is not allowed only, and what neither lists is denied. What people are
// asked about may turn out to be what other rules ask more of them for: an
// unresolved path may be the one that two people guard.
func (j judge) decideKnown(op *gate.Operation) (v1alpha1.Finding, int32) {
	allowed := isLanguageCore(op) || slices.ContainsFunc(j.rules.Allow, func(rule v1alpha1.OperationRule) bool { return j.permits(&rule, op) })
	asks := func(certain bool) (int, int32) {
		return j.asks(func(rule *v1alpha1.ApprovalRule) bool {
			if allowed && rule.Applies == v1alpha1.AppliesUnlessAllowed {
				return false
			}
			return matches(&rule.OperationRule, op) || mayMatchPath(&rule.OperationRule, op) || !certain && mayMatch(&rule.OperationRule, op)
		})
	}
	i, people := asks(true)
	if i >= 0 || allowed {
		i, people = asks(false)
	}
	switch {
	case i >= 0:
		return found(op, v1alpha1.RequireApproval, j.reasonApproval(op, i)), people
	case allowed:
		return found(op, v1alpha1.Allow, ""), 0
	default:
		return found(op, v1alpha1.Deny, j.reasonUnlisted(op)), 0
	}
}

// decideUnknown: what could not be proven never runs without a person, whatever
// spec.allow says. A person is asked only where the policy names the operation
// in requireApproval.calls and the gate knows its full name.
func (j judge) decideUnknown(op *gate.Operation) (v1alpha1.Finding, int32) {
	i, people := j.asks(func(rule *v1alpha1.ApprovalRule) bool { return matchesCall(rule.Calls, op) })
	if i >= 0 {
		return found(op, v1alpha1.RequireApproval, j.reasonApproval(op, i)), people
	}
	return found(op, v1alpha1.Deny, j.reasonUnknown(op)), 0
}

// asks returns the matching rule under requireApproval that needs the most
// people, the first of several, and their number; -1 where none matches.
func (j judge) asks(match func(*v1alpha1.ApprovalRule) bool) (rule int, people int32) {
	rule = -1
	for i := range j.rules.RequireApproval {
		r := &j.rules.RequireApproval[i]
		applies := r.Sandbox != v1alpha1.IsolatedSandbox || j.isolated
		if applies && match(r) && max(r.Approvals, 1) > people {
			rule, people = i, max(r.Approvals, 1)
		}
	}
	return rule, people
}

// isLanguageCore finds the effect-free builtins of a language ("print", "Math.max")
// and the effect-free methods of values (".strip"). A policy that has a runtime for a
// language permits its core; a rule in requireApproval can still ask for it.
// Names of modules ("pandas.concat") need an entry under imports.
func isLanguageCore(op *gate.Operation) bool {
	return op.Kind == gate.KindCompute && op.Core
}
