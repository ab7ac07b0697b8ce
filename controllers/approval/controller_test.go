// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func TestALaunchGoesBeforeTheCount(t *testing.T) {
	noon := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	decided := func(state v1alpha1.ApprovalState, at ...time.Time) *v1alpha1.Approval {
		a := &v1alpha1.Approval{Status: v1alpha1.ApprovalStatus{State: state}}
		for _, t := range at {
			a.Spec.Decisions = append(a.Spec.Decisions, v1alpha1.ApproverDecision{Verdict: v1alpha1.Approved, DecidedAt: new(metav1.NewTime(t))})
		}
		return a
	}
	for name, test := range map[string]struct {
		appr  *v1alpha1.Approval
		state v1alpha1.ApprovalState
		want  bool
	}{
		"a decision of this moment is left to the launch":  {decided(v1alpha1.ApprovalPending, noon), v1alpha1.ApprovalApproved, true},
		"the last of several counts":                       {decided(v1alpha1.ApprovalPending, noon.Add(-time.Hour), noon), v1alpha1.ApprovalApproved, true},
		"an API server whose clock is ahead delays little": {decided(v1alpha1.ApprovalPending, noon.Add(time.Hour)), v1alpha1.ApprovalApproved, true},
		"one that nobody used is shown":                    {decided(v1alpha1.ApprovalPending, noon.Add(-launchGrace)), v1alpha1.ApprovalApproved, false},
		"one that is shown stays shown":                    {decided(v1alpha1.ApprovalApproved, noon), v1alpha1.ApprovalApproved, false},
		"a denial is shown at once":                        {decided(v1alpha1.ApprovalPending, noon), v1alpha1.ApprovalDenied, false},
		"and so is an approval that still lacks somebody":  {decided(v1alpha1.ApprovalPending, noon), v1alpha1.ApprovalPending, false},
		"and one without times":                            {decided(v1alpha1.ApprovalPending), v1alpha1.ApprovalApproved, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := launchFirst(test.appr, test.state, noon)
			if (got > 0) != test.want || got > launchGrace {
				t.Errorf("waits %s, want a wait: %t", got, test.want)
			}
		})
	}
}

func TestFinalStatesAreFinalAndNothingElseIs(t *testing.T) {
	for state, want := range map[v1alpha1.ApprovalState]bool{
		"": false, v1alpha1.ApprovalPending: false, v1alpha1.ApprovalApproved: false, "Delegated": false,
		v1alpha1.ApprovalDenied: true, v1alpha1.ApprovalExpired: true, v1alpha1.ApprovalConsumed: true, v1alpha1.ApprovalWithdrawn: true,
	} {
		if got := final(state); got != want {
			t.Errorf("%q is final: %t, want %t", state, got, want)
		}
	}
}
