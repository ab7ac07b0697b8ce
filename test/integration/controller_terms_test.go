// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// patches sends what an approver types about the Approval, and returns the answer.
func (w *world) patches(who user, appr *v1alpha1.Approval, decision object) answer {
	w.Helper()
	return who.merge(fmt.Sprintf("/apis/airlock.dev/v1alpha1/namespaces/%s/approvals/%s", appr.Namespace, appr.Name), decision)
}

func TestDestructiveOperationsNeedTwoPeople(t *testing.T) {
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.RequireApproval[0].Approvals = 2 })
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	if appr.Spec.Required != 2 {
		t.Errorf("%d people are required, want 2", appr.Spec.Required)
	}
	w.decides(approver, appr, v1alpha1.Approved)
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "Waits for 1 person until")
	w.neverRan(req)
	w.decides(second, appr, v1alpha1.Approved)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonApproved, "alice, bob agreed")
}

// checker makes a service account that the policy names as checker, and that may approve.
func (w *world) checker() user {
	w.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "scanner"}}
	w.must(w.admin.Create(w.ctx, account))
	who := serviceAccount(w.namespace, account.Name, string(account.UID))
	who.groups = append(who.groups, "ctl-approvers")
	w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) {
		p.Approval.Checkers = []v1alpha1.ServiceAccountRef{{Namespace: w.namespace, Name: account.Name}}
	})
	return who
}

func TestACheckerIsRequiredInAdditionToPeople(t *testing.T) {
	for name, first := range map[string]string{"the checker decides first": "checker", "a person decides first": "person"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.operate()
			checker := w.checker()
			req := w.request(approvalSource)
			appr := w.approval(req)
			order := []user{checker, approver}
			waits := "0/1 approvals on " + appr.Name + ": Waits for 1 person until"
			if first == "person" {
				order = []user{approver, checker}
				waits = "1/1 approvals on " + appr.Name + ": Waits for checker " + w.namespace + "/scanner until"
			}
			w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "Waits for 1 person and checker "+w.namespace+"/scanner until")
			w.decides(order[0], appr, v1alpha1.Approved)
			w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, waits)
			w.neverRan(req)
			w.decides(order[1], appr, v1alpha1.Approved)
			w.succeeds(req)
			w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
		})
	}
	t.Run("its denial ends the request", func(t *testing.T) {
		w := newWorld(t)
		w.operate()
		checker := w.checker()
		req := w.request(approvalSource)
		appr := w.approval(req)
		w.decides(approver, appr, v1alpha1.Approved)
		w.decides(checker, appr, v1alpha1.Denied)
		w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionApproved, v1alpha1.ReasonDenied, "scanner")
		w.neverRan(req)
	})
	t.Run("it cannot check its own request", func(t *testing.T) {
		w := newWorld(t)
		w.operate()
		checker := w.checker()
		checker.groups = append(checker.groups, "ctl-requesters")
		req := w.requestAs(checker, approvalSource)
		w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionApproved, v1alpha1.ReasonDenied, "nobody checks their own")
		w.neverRan(req)
	})
}

// What approvers took away is not there when the code runs, and everybody can see so.
func TestWhatApproversTookAwayIsNotGiven(t *testing.T) {
	w := newWorld(t, withCredential, func(p *v1alpha1.ExecutionPolicySpec) {
		p.Credentials = append(p.Credentials, v1alpha1.Credential{Name: "mail", SecretKeyRef: p.Credentials[0].SecretKeyRef, Approvals: new(int32)})
		p.Egress = []v1alpha1.EgressTarget{{Host: "a.example", Port: 443}, {Host: "b.example", Port: 443}}
		p.Approval.Required = 2
	})
	w.credential()
	w.operate()
	req := w.request(approvalSource, func(r *v1alpha1.ExecutionRequest) {
		r.Spec.Egress, r.Spec.Credentials = w.policy.Spec.Egress, []string{"database", "mail"}
	})
	appr := w.approval(req)
	accepted(t, w.patches(approver, appr, deciding("Approved", object{"without": egressOf("b.example", 443)})))
	accepted(t, w.patches(second, appr, deciding("Approved", object{"without": object{"credentials": []any{"mail"}}})))
	pod := w.starts(req)
	left := w.policy.Spec.Egress[:1]
	if got, want := pod.Labels[sandbox.LabelEgressProfile], network.Profile(left); got != want {
		t.Errorf("egress profile %q, want %q of %v", got, want, left)
	}
	if got := pod.Annotations[sandbox.AnnotationEnvelope]; got != appr.Spec.Subject.EnvelopeDigest {
		t.Errorf("the pod has envelope %s, approved was %s", got, appr.Spec.Subject.EnvelopeDigest)
	}
	secret := &corev1.Secret{}
	w.must(w.admin.Get(w.ctx, client.ObjectKey{Namespace: config.SandboxNamespace, Name: sandbox.CredentialsName(req.UID)}, secret))
	if _, mail := secret.Data["mail"]; mail || len(secret.Data) != 1 {
		t.Errorf("the sandbox got %d credentials, mail among them: %t", len(secret.Data), mail)
	}
	w.succeeds(req)
	req = w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonApproved, "alice, bob agreed, without egress to b.example:443, credential mail")
	want := &v1alpha1.Narrowing{Egress: w.policy.Spec.Egress[1:], Credentials: []string{"mail"}}
	if diff := cmp.Diff(want, req.Status.Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// Between the quorum and the launch somebody else may still take something away.
func TestANarrowingAfterTheQuorumCountsUntilTheLaunch(t *testing.T) {
	w := newWorld(t, withEgress)
	w.operate()
	req := w.request(approvalSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.Egress = w.policy.Spec.Egress })
	appr := w.approval(req)
	w.approvedButHeld(req, appr)
	accepted(t, w.patches(second, appr, deciding("Approved", object{"without": egressOf(w.policy.Spec.Egress[0].Host, 443)})))
	w.holdLaunches()
	w.nudge(req)
	pod := w.succeeds(req)
	if got := pod.Labels[sandbox.LabelEgressProfile]; got != sandbox.ProfileNone {
		t.Errorf("egress profile %q, want none", got)
	}
	req = w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonApproved, "without egress to")
	if req.Status.Dropped == nil || len(req.Status.Dropped.Egress) != 1 {
		t.Errorf("dropped %+v", req.Status.Dropped)
	}
}

func TestAnApprovalWhoseRequestEndedDoesNotLookOpen(t *testing.T) {
	for name, ends := range map[string]struct {
		happens func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval)
		words   string
	}{
		"because the policy changed before the launch": {func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
			w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Limits.TimeoutSeconds = 59 })
			w.decides(approver, appr, v1alpha1.Approved)
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonEnvelopeChanged, "")
		}, "The request has ended: the policy or an input changed"},
		"because it was deleted": {func(w *world, req *v1alpha1.ExecutionRequest, _ *v1alpha1.Approval) {
			w.must(w.admin.Delete(w.ctx, req))
		}, "The request was deleted."},
		"because it was revoked before the launch": {func(w *world, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) {
			w.approvedButHeld(req, appr)
			w.decides(approver, appr, v1alpha1.Revoked)
			w.holdLaunches()
			w.nudge(req)
		}, "withdrawn before the launch"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.operate()
			req := w.request(approvalSource)
			appr := w.approval(req)
			ends.happens(w, req, appr)
			w.eventually("the approval is withdrawn", func() error { return w.stateIs(appr, v1alpha1.ApprovalWithdrawn) })
			if got := appr.Status.Message; !strings.Contains(got, ends.words) {
				t.Errorf("it says %q, want %q", got, ends.words)
			}
			refused(t, w.patches(second, appr, decide("Approved", "")), http.StatusForbidden, "this Approval is Withdrawn and cannot be decided any more")
			w.neverRan(req)
		})
	}
}

// A request of the same name, with the same code, is another request: its approval is asked for anew.
func TestARequestThatWasDeletedAndMadeAgainIsNotApproved(t *testing.T) {
	w := newWorld(t)
	w.operate()
	named := func(r *v1alpha1.ExecutionRequest) { r.GenerateName, r.Name = "", "again" }
	first := w.request(approvalSource, named)
	old := w.approval(first)
	w.approvedButHeld(first, old)
	w.must(w.admin.Delete(w.ctx, first))
	w.eventually("it is gone", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(first), first.DeepCopy()); !apierrors.IsNotFound(err) {
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	w.holdLaunches()
	again := w.request(approvalSource, named)
	fresh := w.approval(again)
	if fresh.Name == old.Name || fresh.Spec.Subject.EnvelopeDigest == old.Spec.Subject.EnvelopeDigest {
		t.Errorf("approval %s of envelope %s is used again", fresh.Name, fresh.Spec.Subject.EnvelopeDigest)
	}
	w.waits(again, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "0/1 approvals")
	w.neverRan(again)
	w.neverRan(first)
}

// Approvers see what is new since the code that was approved last.
func TestApproversSeeWhatChangedSinceTheLastApproval(t *testing.T) {
	w := newWorld(t)
	w.operate()
	byAgent := func(name string) func(*v1alpha1.ExecutionRequest) {
		return func(r *v1alpha1.ExecutionRequest) { r.Spec.Agent = &v1alpha1.Agent{Name: name} }
	}
	first := w.request(approvalSource, byAgent("analyst"))
	appr := w.approval(first)
	if s := appr.Spec.Subject; s.Changes != "" || s.ChangesFrom != "" {
		t.Errorf("the first code has changes from %q: %s", s.ChangesFrom, s.Changes)
	}
	w.decides(approver, appr, v1alpha1.Approved)
	w.succeeds(first)
	w.ends(first, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.eventually("the operator's cache has the end", func() error { return w.stateIs(appr, v1alpha1.ApprovalConsumed) })
	later := w.approval(w.request("import os\n\nos.remove('/data/new.csv')\n", byAgent("analyst")))
	want := fmt.Sprintf("--- %s\n+++ %s\n@@ -1,3 +1,3 @@\n import os\n \n-os.remove('/data/old.csv')\n+os.remove('/data/new.csv')\n", first.Name, later.Spec.Subject.RequestRef.Name)
	if s := later.Spec.Subject; s.Changes != want || s.ChangesFrom != first.Name {
		t.Errorf("changes from %q:\n%s\nwant\n%s", s.ChangesFrom, s.Changes, want)
	}
	if s := w.approval(w.request(approvalSource, byAgent("another"))).Spec.Subject; s.Changes != "" {
		t.Errorf("another agent's code is compared:\n%s", s.Changes)
	}
}

// An Approval on weaker terms than the policy's: the operator never makes one, a backup that somebody edited has it.
func TestAnApprovalOnWeakerTermsIsNotUsed(t *testing.T) {
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.RequireApproval[0].Approvals = 2 })
	w.operate()
	w.holdLaunches("the test holds launches")
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.stop()
	w.must(removeApproval(w, appr))
	weak := appr.DeepCopy()
	weak.ResourceVersion, weak.UID, weak.Spec.Required = "", "", 1
	weak.ManagedFields = nil
	c, err := newClient(operator)
	w.must(err)
	w.must(c.Create(w.ctx, weak))
	w.holdLaunches()
	w.operate()
	w.decides(approver, weak, v1alpha1.Approved)
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonApprovalLost, "does not ask for as much as the policy does")
	w.neverRan(req)
}

func removeApproval(w *world, appr *v1alpha1.Approval) error {
	c, err := newClient(controller("generic-garbage-collector"))
	if err != nil {
		return err
	}
	return c.Delete(w.ctx, appr.DeepCopy())
}
