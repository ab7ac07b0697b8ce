// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The bounds of the schema.
const (
	maxRequired = 10
	maxMessage  = 1024 // characters
	maxEnd      = 512  // characters of why a request ended
)

// Outcome is the count of an Approval's decisions.
type Outcome struct {
	// State is never empty in an outcome without error.
	State v1alpha1.ApprovalState
	// Tally is the number of valid approvals and the number needed, "1/2".
	Tally string
	// Message says to a person what it waits for or why it ended.
	Message string
	// Approvers are the people whose approvals count, sorted.
	Approvers []string
	// Checkers are the checkers that approved, sorted.
	Checkers []string
	// Dropped is what any of them took away, nil for nothing.
	Dropped *v1alpha1.Narrowing
	// Remember is what all of them want remembered, nil unless every one of them does.
	Remember *v1alpha1.Remembrance
}

// Evaluate counts the decisions of an Approval at the time now. Only Approved
// permits a launch, and only of what envelopeDigest identifies.
//
// An approval counts once per person, never from the requester, from a system:
// user, or from a service account that the terms do not allow. Checkers all have
// to approve as well, and never count as people. One denial is enough, whoever
// it comes from: refusing is always safe. An Approval that is not about this
// request gives ErrBinding.
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
	counted := count(&a.Spec)
	o := Outcome{
		Tally:     fmt.Sprintf("%d/%d", len(counted.people), a.Spec.Required),
		Approvers: counted.people,
		Checkers:  counted.checkers,
		Dropped:   dropped(counted.decisions),
		Remember:  remembered(counted.decisions),
	}
	o.State, o.Message = sumUp(a, req, counted, now)
	if len(counted.ignored) > 0 {
		o.Message += " Not counted: " + strings.Join(counted.ignored, ", ") + "."
	}
	o.Message = clip(o.Message, maxMessage)
	return o, nil
}

// sumUp orders what can have happened: what is final stays, a denial outweighs
// approvals, an approval that was not used in time is none, and a request that
// has ended needs none.
func sumUp(a *v1alpha1.Approval, req *v1alpha1.ExecutionRequest, c tally, now time.Time) (v1alpha1.ApprovalState, string) {
	ended := endOf(req)
	switch state := a.Status.State; {
	case state == v1alpha1.ApprovalConsumed:
		return v1alpha1.ApprovalConsumed, "A launch used this approval; it cannot be used again."
	case denier(a) != "":
		return v1alpha1.ApprovalDenied, "Denied by " + denier(a) + "."
	case state == v1alpha1.ApprovalDenied:
		return v1alpha1.ApprovalDenied, "It was denied before."
	case state == v1alpha1.ApprovalExpired, state != v1alpha1.ApprovalWithdrawn && !now.Before(a.Spec.ExpiresAt.Time):
		return v1alpha1.ApprovalExpired, fmt.Sprintf("It expired at %s and was not used before.", a.Spec.ExpiresAt.UTC().Format(time.RFC3339))
	case state == v1alpha1.ApprovalWithdrawn, ended != "":
		return v1alpha1.ApprovalWithdrawn, cmp.Or(ended, "The request has ended.") + " There is nothing left to decide."
	case len(c.missing(&a.Spec)) > 0:
		return v1alpha1.ApprovalPending, fmt.Sprintf("Waits for %s until %s. To decide: kubectl patch approval %s -n %s --type=merge -p '{\"spec\":{\"decision\":{\"verdict\":\"Approved\",\"reason\":\"...\"}}}' (or Denied).",
			strings.Join(c.missing(&a.Spec), " and "), a.Spec.ExpiresAt.UTC().Format(time.RFC3339), a.Name, a.Namespace)
	default:
		return v1alpha1.ApprovalApproved, "Enough people agreed" + withoutWords(dropped(c.decisions)) + "."
	}
}

// endOf says in a sentence that a request needs no approval any more, or "".
func endOf(req *v1alpha1.ExecutionRequest) string {
	if !req.DeletionTimestamp.IsZero() {
		return "The request is being deleted."
	}
	if c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished); c != nil && c.Status == metav1.ConditionTrue {
		return fmt.Sprintf("The request has ended: %s", strings.TrimSuffix(clip(c.Message, maxEnd), ".")+".")
	}
	return ""
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

// tally is who approved, as far as it counts.
type tally struct {
	people, checkers []string
	ignored          []string // with the reason
	// decisions of people and checkers that count.
	decisions []v1alpha1.ApproverDecision
}

// missing lists whom an Approval still waits for, in words.
func (c tally) missing(spec *v1alpha1.ApprovalSpec) []string {
	var out []string
	switch n := int(spec.Required) - len(c.people); {
	case n == 1:
		out = append(out, "1 person")
	case n > 1:
		out = append(out, fmt.Sprintf("%d people", n))
	}
	for _, checker := range spec.Checkers {
		if !slices.Contains(c.checkers, checker) {
			out = append(out, "checker "+checkerName(checker))
		}
	}
	return out
}

// count sorts the approvals into those that count and those that do not.
func count(spec *v1alpha1.ApprovalSpec) tally {
	var c tally
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
			c.ignored = append(c.ignored, d.Approver+" ("+why+")")
			continue
		}
		seen["name "+d.Approver] = true
		if uid(d) != "" {
			seen["uid "+uid(d)] = true
		}
		if slices.Contains(spec.Checkers, d.Approver) {
			c.checkers = append(c.checkers, d.Approver)
		} else {
			c.people = append(c.people, d.Approver)
		}
		c.decisions = append(c.decisions, d)
	}
	slices.Sort(c.people)
	slices.Sort(c.checkers)
	return c
}

// disqualified says why an approval cannot count, or "".
func disqualified(d v1alpha1.ApproverDecision, spec *v1alpha1.ApprovalSpec) string {
	requester := spec.Subject.Requester
	switch {
	case d.Approver == "":
		return "has no name"
	case d.Approver == requester.Username, uid(d) != "" && uid(d) == requester.UID:
		return "is the requester"
	case isServiceAccount(d.Approver) && spec.ServiceAccounts != v1alpha1.ServiceAccountsAllowed && !slices.Contains(spec.Checkers, d.Approver):
		return "is a service account"
	case !isServiceAccount(d.Approver) && strings.HasPrefix(d.Approver, "system:"):
		return "is a system user"
	case withdrawn(d.Approver, spec.Decisions):
		return "has decided otherwise as well"
	default:
		return overreaches(d, spec)
	}
}

// overreaches says how an approval goes beyond what the subject and the policy
// leave to approvers, or "".
func overreaches(d v1alpha1.ApproverDecision, spec *v1alpha1.ApprovalSpec) string {
	switch {
	case !within(d.Without, &spec.Subject):
		return "takes away what is not asked for"
	case !permitted(d.Remember, spec.Grants):
		return "remembers more than the policy lets"
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

const serviceAccountPrefix = "system:serviceaccount:"

func isServiceAccount(username string) bool {
	return strings.HasPrefix(username, serviceAccountPrefix)
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
