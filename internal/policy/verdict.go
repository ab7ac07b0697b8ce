// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// MaxFindings is how many findings a verdict lists; findingsTotal counts all.
const MaxFindings = 32

// MaxApprovals is the schema's bound on the people that a verdict asks for.
const MaxApprovals = 10

// verdict is what the findings alone lead to. No finding is the only way to Allow.
func verdict(trust v1alpha1.Trust, digest string, findings ...v1alpha1.Finding) v1alpha1.Verdict {
	var total int32
	v := v1alpha1.Verdict{Decision: v1alpha1.Allow, Trust: trust, PolicyDigest: digest, FindingsTotal: &total}
	return Tighten(v, 0, findings...)
}

// Tighten adds findings to a verdict, which can only become stricter by them.
// approvals is how many different people the findings ask for where the outcome
// is RequireApproval; what the verdict asked for already is kept where it is
// more. A finding whose decision is Allow adds nothing.
func Tighten(v v1alpha1.Verdict, approvals int32, findings ...v1alpha1.Finding) v1alpha1.Verdict {
	findings = slices.DeleteFunc(slices.Clone(findings), func(f v1alpha1.Finding) bool { return f.Decision == v1alpha1.Allow })
	var before int32
	if v.FindingsTotal != nil {
		before = *v.FindingsTotal
	}
	total := int32(min(max(int(before), len(v.Findings))+len(findings), 1_000_000))
	all := slices.Concat(v.Findings, findings)
	slices.SortStableFunc(all, func(a, b v1alpha1.Finding) int {
		return cmp.Or(
			cmp.Compare(strictness(b.Decision), strictness(a.Decision)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	if len(all) > 0 && strictness(all[0].Decision) > strictness(v.Decision) {
		v.Decision = all[0].Decision
	}
	v.Approvals = people(v, approvals, len(findings) > 0)
	v.Findings, v.FindingsTotal = all[:min(len(all), MaxFindings)], &total
	return v
}

// people is the number for a verdict: at least one with RequireApproval, none otherwise.
func people(v v1alpha1.Verdict, approvals int32, added bool) int32 {
	if v.Decision != v1alpha1.RequireApproval {
		return 0
	}
	if !added {
		approvals = 0
	}
	return min(max(v.Approvals, approvals, 1), MaxApprovals)
}

// withCredentials tightens a verdict by the credentials that a request names: a
// secret is handed to people's discretion, whatever the code does with it, unless
// the policy says that nobody has to agree to it.
func withCredentials(v v1alpha1.Verdict, spec *v1alpha1.ExecutionPolicySpec, names []string) v1alpha1.Verdict {
	for _, name := range names {
		i := slices.IndexFunc(spec.Credentials, func(c v1alpha1.Credential) bool { return c.Name == name })
		if i < 0 {
			v = Tighten(v, 0, whole("credential", fmt.Sprintf("The policy does not list the credential %s.", quoted(name))))
			continue
		}
		approvals := int32(1)
		if n := spec.Credentials[i].Approvals; n != nil {
			approvals = *n
		}
		if approvals != 0 {
			v = Tighten(v, max(approvals, spec.Approval.Required), credentialAsked(name, i))
		}
	}
	return v
}

// credentialAsked is the finding about a credential that people have to agree to.
func credentialAsked(name string, at int) v1alpha1.Finding {
	return v1alpha1.Finding{
		Decision: v1alpha1.RequireApproval, Operation: "credential",
		Reason: fmt.Sprintf("It gets the credential %s; spec.credentials[%d].approvals asks an approver to agree.", quoted(name), at),
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
