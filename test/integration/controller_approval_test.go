// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// consumed counts how often an approval of the request was used up.
func (w *world) consumed(req *v1alpha1.ExecutionRequest) int {
	return len(w.log.accepted(http.MethodPut, "approvals/status", `"requestRef":{"name":"`+req.Name+`"`))
}

func TestApprovedCodeIsLaunchedOnce(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(approvalSource)
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "0/1 approvals")
	appr := w.approval(req)
	if s := appr.Spec.Subject; s.Code.Source != approvalSource || s.Requester.Username != agent.name || len(s.Verdict.Findings) == 0 {
		t.Errorf("approvers are shown %+v", s)
	}
	w.neverRan(req)
	w.decides(approver, appr, v1alpha1.Approved)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonApproved, "")
	w.settled(req)
	if launches, consumed := w.launches(req), w.consumed(req); launches != 1 || consumed != 1 {
		t.Errorf("%d pods were created and the approval was used %d times, want 1 and 1", launches, consumed)
	}
	w.must(w.stateIs(appr, v1alpha1.ApprovalConsumed))
	if appr.Status.Tally != "1/1" {
		t.Errorf("the approval is %+v", appr.Status)
	}
}

// stateIs reads the Approval again, and gives an error where it is in another state.
func (w *world) stateIs(appr *v1alpha1.Approval, want v1alpha1.ApprovalState) error {
	if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(appr), appr); err != nil {
		return err
	}
	if got := appr.Status.State; got != want {
		return fmt.Errorf("the approval is %q, want %s", got, want)
	}
	return nil
}

// With an approval a request costs four writes more: the Approval, the status that says what it waits for, and the
// Approval's Pending and Consumed. An Event, which is not counted, tells that it waits.
func TestApprovedRequestCostsEightWrites(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.eventually("the approval is Pending", func() error { return w.stateIs(appr, v1alpha1.ApprovalPending) })
	w.decides(approver, appr, v1alpha1.Approved)
	pod := w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention))
	w.nudge(req)
	w.gone(pod)
	want := []string{
		"POST approvals", "PATCH executionrequests/status", "PATCH approvals/status", // asked
		"PUT approvals/status", "POST pods", "PATCH executionrequests/status", // used, launched
		"PATCH executionrequests/status", "DELETE pods", // ended
	}
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(want, w.log.texts(), sorted); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestTwoApproversAreTwoPeople(t *testing.T) {
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.Approval.Required = 2 })
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.decides(approver, appr, v1alpha1.Approved)
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "1/2 approvals")
	w.decides(approver, appr, v1alpha1.Revoked)
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "0/2 approvals")
	w.decides(second, appr, v1alpha1.Approved)
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "1/2 approvals")
	w.neverRan(req)
}

func TestWithoutAnApprovalNothingRuns(t *testing.T) {
	for name, test := range map[string]struct {
		happens       func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval)
		condition     string
		reason, words string
	}{
		"because alice denied it": {
			func(w *world, _ *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
				w.decides(approver, appr, v1alpha1.Denied)
			}, v1alpha1.ConditionApproved, v1alpha1.ReasonDenied, "alice",
		},
		"because nobody decided in time": {
			func(w *world, req *v1alpha1.ExecutionRequest, _ *v1alpha1.Approval) {
				w.clock.SetTime(w.clock.Now().Add(time.Hour + time.Second))
				w.nudge(req)
			}, v1alpha1.ConditionApproved, v1alpha1.ReasonExpired, "expired",
		},
		"because the approval was deleted": {
			func(w *world, _ *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
				c, err := newClient(controller("generic-garbage-collector"))
				w.must(err)
				w.must(c.Delete(w.ctx, appr))
			}, v1alpha1.ConditionApproved, v1alpha1.ReasonApprovalLost, "deleted",
		},
		"because alice revoked it before the launch": {
			func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
				w.approvedButHeld(req, appr)
				w.decides(approver, appr, v1alpha1.Revoked)
				w.holdLaunches()
				w.nudge(req)
			}, v1alpha1.ConditionLaunched, v1alpha1.ReasonDenied, "withdrawn before the launch",
		},
		"because it was launched too late": {
			func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
				w.approvedButHeld(req, appr)
				w.clock.SetTime(w.clock.Now().Add(time.Hour + time.Second))
				w.holdLaunches()
				w.nudge(req)
			}, v1alpha1.ConditionLaunched, v1alpha1.ReasonExpired, "expired",
		},
		"because the policy changed while alice read": {
			func(w *world, _ *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
				w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Limits.TimeoutSeconds = 59 })
				w.decides(approver, appr, v1alpha1.Approved)
			}, v1alpha1.ConditionLaunched, v1alpha1.ReasonEnvelopeChanged, "no longer apply",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.operate()
			req := w.request(approvalSource)
			test.happens(w, req, w.approval(req))
			w.ends(req, v1alpha1.StateDenied, test.condition, test.reason, test.words)
			w.settled(req)
			w.neverRan(req)
			if n := w.consumed(req); n != 0 {
				t.Errorf("the approval was used up %d times", n)
			}
		})
	}
}

// approvedButHeld has alice approve while the preflight holds the launch back.
func (w *world) approvedButHeld(req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
	w.Helper()
	w.holdLaunches("the test holds launches")
	w.decides(approver, appr, v1alpha1.Approved)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "")
}

// People see Approved where the launch does not use it at once.
func TestAnApprovalThatNobodyUsesYetIsShownAsApproved(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.approvedButHeld(req, appr)
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.eventually("the approval is Approved", func() error { return w.stateIs(appr, v1alpha1.ApprovalApproved) })
	w.holdLaunches()
	w.nudge(req)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.must(w.stateIs(appr, v1alpha1.ApprovalConsumed))
}
