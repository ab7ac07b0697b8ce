// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

func TestOnlyAnApprovalThatCountsPermitsALaunch(t *testing.T) {
	for name, test := range map[string]struct {
		outcome approval.Outcome
		err     error
		want    string // the reason of the refusal, empty for none
	}{
		"approved":                            {approval.Outcome{State: v1alpha1.ApprovalApproved}, nil, ""},
		"used by an earlier attempt":          {approval.Outcome{State: v1alpha1.ApprovalConsumed}, nil, ""},
		"open":                                {approval.Outcome{State: v1alpha1.ApprovalPending}, nil, v1alpha1.ReasonAwaitingApproval},
		"denied":                              {approval.Outcome{State: v1alpha1.ApprovalDenied}, nil, v1alpha1.ReasonDenied},
		"expired":                             {approval.Outcome{State: v1alpha1.ApprovalExpired}, nil, v1alpha1.ReasonExpired},
		"no state at all":                     {approval.Outcome{}, nil, v1alpha1.ReasonDenied},
		"a state of a later version":          {approval.Outcome{State: "Delegated"}, nil, v1alpha1.ReasonDenied},
		"about another request, and approved": {approval.Outcome{State: v1alpha1.ApprovalApproved}, approval.ErrBinding, v1alpha1.ReasonApprovalLost},
	} {
		t.Run(name, func(t *testing.T) {
			no := unusable(&v1alpha1.Approval{}, test.outcome, test.err)
			if (no == nil) != (test.want == "") || no != nil && no.reason != test.want {
				t.Errorf("refusal %v, want %q", no, test.want)
			}
		})
	}
}

func TestAnUnknownVerdictIsRefused(t *testing.T) {
	for _, decision := range []v1alpha1.Decision{"", "Deny", "Maybe", "allow"} {
		s := newSnapshot()
		s.req.Status.Verdict = &v1alpha1.Verdict{Decision: decision}
		r := &Reconciler{}
		if done, err := r.approve(t.Context(), s); done || err != nil || !finished(s.req) {
			t.Errorf("verdict %q: approve gives %t, %v with %+v; want the end", decision, done, err, s.req.Status.Conditions)
		}
		no := new(refusal)
		if _, err := r.permitted(t.Context(), s, s.req, &assessment{verdict: v1alpha1.Verdict{Decision: decision}}); !errors.As(err, &no) {
			t.Errorf("verdict %q: permitted gives %v, want a refusal", decision, err)
		}
	}
}

func TestApproversSeeTheDigestsOfWhatIsMounted(t *testing.T) {
	inputs := []v1alpha1.Input{{Name: "prompt"}, {Name: "data.csv", ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "d", Key: "k"}}}
	digest := digestOf([]byte("a,b\n"))
	got := withDigests(inputs, map[string]string{"data.csv": digest})
	if got[0].Digest != "" || got[1].Digest != digest || inputs[1].Digest != "" {
		t.Errorf("digests %q and %q, want none and %q, and the request untouched", got[0].Digest, got[1].Digest, digest)
	}
}

// A launch that the API server refuses costs writes each time, so it is tried less and less often.
func TestARefusedLaunchWaitsLongerEachTime(t *testing.T) {
	for since, want := range map[time.Duration]time.Duration{
		0: minRefusedWait, 8 * time.Second: minRefusedWait, 40 * time.Second: 20 * time.Second, time.Hour: maxRefusedWait, -time.Hour: minRefusedWait,
	} {
		s := newSnapshot()
		holdBack(s, &delay{v1alpha1.ReasonPodRefused, "exceeded quota"})
		s.requeue, s.now = 0, noon.Add(since)
		holdBack(s, &delay{v1alpha1.ReasonPodRefused, "exceeded quota"})
		c := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionLaunched)
		if s.requeue != want || !strings.Contains(c.Message, "quota") || finished(s.req) {
			t.Errorf("after %s it waits %s with %+v, want %s", since, s.requeue, c, want)
		}
	}
}
