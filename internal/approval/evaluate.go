// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The bounds of the schema.
const (
	maxRequired = 10
	maxMessage  = 1024 // characters
)

// Outcome is the count of an Approval's decisions.
type Outcome struct {
	// State is never empty in an outcome without error.
	State v1alpha1.ApprovalState
	// Tally is the number of valid approvals and the number needed, "1/2".
	Tally string
	// Message says to a person what it waits for or why it ended.
	Message string
	// Approvers are the usernames whose approvals count, sorted.
	Approvers []string
}

// Evaluate counts the decisions of an Approval at the time now. Only Approved
// permits a launch, and only of what envelopeDigest identifies.
//
// An approval counts once per person, never from the requester, from a system:
// user, or from a service account that the terms do not allow. One denial is
// enough, whoever it comes from: refusing is always safe. An Approval that is
// not about this request gives ErrBinding.
func Evaluate(a *v1alpha1.Approval, req *v1alpha1.ExecutionRequest, envelopeDigest string, now time.Time) (Outcome, error) {
	if a == nil || req == nil {
		return Outcome{}, fmt.Errorf("%w: there is no approval or no request", ErrBinding)
	}
	if err := checkBinding(a, req, envelopeDigest); err != nil {
		return Outcome{}, err
	}
	if a.Spec.Required < 1 || a.Spec.Required > maxRequired {
		return Outcome{}, errors.New("the approval needs an impossible number of approvers")
	}
	approvers, ignored := count(&a.Spec)
	o := Outcome{
		Tally:     fmt.Sprintf("%d/%d", len(approvers), a.Spec.Required),
		Approvers: approvers,
	}
	o.State, o.Message = sumUp(a, len(approvers), now)
	if len(ignored) > 0 {
		o.Message += " Not counted: " + strings.Join(ignored, ", ") + "."
	}
	o.Message = clip(o.Message, maxMessage)
	return o, nil
}

// sumUp orders what can have happened: what is final stays, a denial outweighs
// approvals, and an approval that was not used in time is none.
func sumUp(a *v1alpha1.Approval, approvals int, now time.Time) (v1alpha1.ApprovalState, string) {
	missing := int(a.Spec.Required) - approvals
	switch {
	case a.Status.State == v1alpha1.ApprovalConsumed:
		return v1alpha1.ApprovalConsumed, "A launch used this approval; it cannot be used again."
	case denier(a) != "":
		return v1alpha1.ApprovalDenied, "Denied by " + denier(a) + "."
	case a.Status.State == v1alpha1.ApprovalDenied:
		return v1alpha1.ApprovalDenied, "It was denied before."
	case a.Status.State == v1alpha1.ApprovalExpired, !now.Before(a.Spec.ExpiresAt.Time):
		return v1alpha1.ApprovalExpired, fmt.Sprintf("It expired at %s and was not used before.", a.Spec.ExpiresAt.UTC().Format(time.RFC3339))
	case missing > 0:
		return v1alpha1.ApprovalPending, fmt.Sprintf("Waits for %d more of %d until %s. To decide: kubectl patch approval %s -n %s --type=merge -p '{\"spec\":{\"decision\":{\"verdict\":\"Approved\",\"reason\":\"...\"}}}' (or Denied).",
			missing, a.Spec.Required, a.Spec.ExpiresAt.UTC().Format(time.RFC3339), a.Name, a.Namespace)
	default:
		return v1alpha1.ApprovalApproved, "Enough people agreed."
	}
}

// denier returns who denied first, in the order of the list.
func denier(a *v1alpha1.Approval) string {
	for _, d := range a.Spec.Decisions {
		if d.Verdict == v1alpha1.Denied {
			return d.Approver
		}
	}
	return ""
}

// count returns the approvers whose approvals count, and why the others' do not.
func count(spec *v1alpha1.ApprovalSpec) (approvers, ignored []string) {
	seen := map[string]bool{}
	for _, d := range spec.Decisions {
		if d.Verdict != v1alpha1.Approved {
			continue
		}
		why := disqualified(d, spec)
		if why == "" && (seen["name "+d.Approver] || seen["uid "+uid(d)]) {
			why = "has decided before"
		}
		if why != "" {
			ignored = append(ignored, d.Approver+" ("+why+")")
			continue
		}
		seen["name "+d.Approver] = true
		if uid(d) != "" {
			seen["uid "+uid(d)] = true
		}
		approvers = append(approvers, d.Approver)
	}
	slices.Sort(approvers)
	return approvers, ignored
}

// disqualified says why an approval cannot count, or "".
func disqualified(d v1alpha1.ApproverDecision, spec *v1alpha1.ApprovalSpec) string {
	requester := spec.Subject.Requester
	switch {
	case d.Approver == "":
		return "has no name"
	case d.Approver == requester.Username, uid(d) != "" && uid(d) == requester.UID:
		return "is the requester"
	case isServiceAccount(d.Approver) && spec.ServiceAccounts != v1alpha1.ServiceAccountsAllowed:
		return "is a service account"
	case !isServiceAccount(d.Approver) && strings.HasPrefix(d.Approver, "system:"):
		return "is a system user"
	case withdrawn(d.Approver, spec.Decisions):
		return "has decided otherwise as well"
	default:
		return ""
	}
}

// withdrawn says whether an approver has a decision that is not Approved, which
// admission does not let happen beside an Approved one.
func withdrawn(approver string, decisions []v1alpha1.ApproverDecision) bool {
	return slices.ContainsFunc(decisions, func(d v1alpha1.ApproverDecision) bool {
		return d.Approver == approver && d.Verdict != v1alpha1.Approved
	})
}

func isServiceAccount(username string) bool {
	return strings.HasPrefix(username, "system:serviceaccount:")
}

func uid(d v1alpha1.ApproverDecision) string {
	if d.UID == nil {
		return ""
	}
	return *d.UID
}

// clip bounds a text to n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
