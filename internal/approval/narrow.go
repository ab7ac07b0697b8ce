// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Narrow returns the request as it runs: what was asked for, without what was
// dropped. The envelope that was approved stays that of the whole request.
func Narrow(req *v1alpha1.ExecutionRequest, without *v1alpha1.Narrowing) *v1alpha1.ExecutionRequest {
	if without == nil {
		return req
	}
	req = req.DeepCopy()
	req.Spec.Egress = slices.DeleteFunc(req.Spec.Egress, func(t v1alpha1.EgressTarget) bool { return slices.Contains(without.Egress, t) })
	req.Spec.Credentials = slices.DeleteFunc(req.Spec.Credentials, func(c string) bool { return slices.Contains(without.Credentials, c) })
	return req
}

// Dropped says in words what was taken away, "" for nothing.
func Dropped(n *v1alpha1.Narrowing) string {
	if n == nil {
		return ""
	}
	var parts []string
	for _, t := range n.Egress {
		parts = append(parts, fmt.Sprintf("egress to %s:%d", t.Host, t.Port))
	}
	for _, c := range n.Credentials {
		parts = append(parts, "credential "+c)
	}
	return strings.Join(parts, ", ")
}

func withoutWords(n *v1alpha1.Narrowing) string {
	if words := Dropped(n); words != "" {
		return ", without " + words
	}
	return ""
}

// within says whether a narrowing takes away only what was asked for. One that
// names something else was made for another request, or by a mistake: what its
// author wanted is not known, so the approval cannot count.
func within(n *v1alpha1.Narrowing, subject *v1alpha1.Subject) bool {
	if n == nil {
		return true
	}
	return subset(n.Egress, subject.Egress) && subset(n.Credentials, subject.Credentials)
}

func subset[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(t T) bool { return !slices.Contains(all, t) })
}

// dropped is the union of what approvers took away: each agreed to no more than
// to what their own approval leaves.
func dropped(decisions []v1alpha1.ApproverDecision) *v1alpha1.Narrowing {
	var union v1alpha1.Narrowing
	for _, d := range decisions {
		if d.Without != nil {
			union.Egress = append(union.Egress, d.Without.Egress...)
			union.Credentials = append(union.Credentials, d.Without.Credentials...)
		}
	}
	slices.SortFunc(union.Egress, func(a, b v1alpha1.EgressTarget) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	slices.Sort(union.Credentials)
	union.Egress, union.Credentials = slices.Compact(union.Egress), slices.Compact(union.Credentials)
	if len(union.Egress) == 0 && len(union.Credentials) == 0 {
		return nil
	}
	return &union
}

// permitted says whether the terms let an approver remember this.
func permitted(r *v1alpha1.Remembrance, terms *v1alpha1.GrantTerms) bool {
	switch {
	case r == nil:
		return true
	case terms == nil:
		return false
	default:
		return r.Uses >= 1 && r.Uses <= terms.MaxUses && r.TTLSeconds >= 1 && r.TTLSeconds <= terms.TTLSeconds
	}
}

// remembered is the least of what approvers want remembered, nil where one of
// them does not: nobody is left out of a decision that was theirs to take.
func remembered(decisions []v1alpha1.ApproverDecision) *v1alpha1.Remembrance {
	var least *v1alpha1.Remembrance
	for _, d := range decisions {
		switch r := d.Remember; {
		case r == nil:
			return nil
		case least == nil:
			least = new(*r)
		default:
			least.Uses, least.TTLSeconds = min(least.Uses, r.Uses), min(least.TTLSeconds, r.TTLSeconds)
		}
	}
	return least
}
