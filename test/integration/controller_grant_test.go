// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// withGrants lets approvers have something remembered.
func withGrants(p *v1alpha1.ExecutionPolicySpec) {
	p.Approval.Grants = &v1alpha1.GrantTerms{MaxUses: 10, TTLSeconds: 3600}
}

// withUnresolved asks people about files whose names are computed.
func withUnresolved(p *v1alpha1.ExecutionPolicySpec) {
	p.RequireApproval = append(p.RequireApproval, v1alpha1.ApprovalRule{OperationRule: v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"FileDelete"}}})
}

func remembering(uses int) object {
	return deciding("Approved", object{"remember": object{"uses": uses, "ttlSeconds": 1800}})
}

// remembered has approvers approve the request and remember it, and returns the grant that comes of it.
func (w *world) remembered(req *v1alpha1.ExecutionRequest, uses int, approvers ...user) *v1alpha1.ExecutionGrant {
	w.Helper()
	appr := w.approval(req)
	for _, who := range approvers {
		accepted(w.T, w.patches(who, appr, remembering(uses)))
	}
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonApproved, "")
	g := &v1alpha1.ExecutionGrant{}
	w.eventually("the grant is active", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(appr), g); err != nil {
			return err
		}
		if g.Status.State != v1alpha1.GrantActive {
			return fmt.Errorf("it is %q", g.Status.State)
		}
		return nil
	})
	return g
}

// asks waits until people are asked about the request, whether or not there are grants.
func (w *world) asks(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	if g := w.until(req, "an approval is asked for", func(now *v1alpha1.ExecutionRequest) bool {
		return now.Status.ApprovalName != "" || meta.IsStatusConditionTrue(now.Status.Conditions, v1alpha1.ConditionFinished)
	}); g.Status.ApprovalName == "" || g.Status.GrantName != "" {
		w.Errorf("approval %q, grant %q; want people asked", g.Status.ApprovalName, g.Status.GrantName)
	}
}

func TestARememberedApprovalCoversWhatItNames(t *testing.T) {
	w := newWorld(t, withGrants)
	w.operate()
	g := w.remembered(w.request(approvalSource), 2, approver)
	if g.Spec.Requester.Username != agent.name || g.Spec.MaxUses != 2 || len(g.Spec.Operations) != 1 || !strings.Contains(g.Spec.Operations[0], "/data/old.csv") || g.Spec.Approvers[0] != approver.name {
		t.Errorf("the grant is %+v", g.Spec)
	}
	// Other code, the same sensitive operation.
	req := w.request("import os\n\nprint(1)\nos.remove('/data/old.csv')\n")
	w.succeeds(req)
	req = w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonGranted, "covered by grant "+g.Name+" of alice, use 1/2")
	if req.Status.GrantName != g.Name || req.Status.ApprovalName != "" {
		t.Errorf("grant %q, approval %q", req.Status.GrantName, req.Status.ApprovalName)
	}
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(g), g))
	if len(g.Status.Uses) != 1 || g.Status.Uses[0].RequestUID != string(req.UID) || g.Status.Used != "1/2" {
		t.Errorf("uses %+v", g.Status)
	}
}

func TestAGrantDoesNotCoverWhatItDoesNotName(t *testing.T) {
	w := newWorld(t, withGrants, withCredential, withUnresolved, func(p *v1alpha1.ExecutionPolicySpec) { p.Credentials[0].Approvals = nil }, withEgress)
	w.credential()
	w.operate()
	named := func(name string) func(*v1alpha1.ExecutionRequest) {
		return func(r *v1alpha1.ExecutionRequest) { r.Spec.Agent = &v1alpha1.Agent{Name: name} }
	}
	w.remembered(w.request(approvalSource, named("analyst")), 10, approver)
	for name, other := range map[string]*v1alpha1.ExecutionRequest{
		"another operation":             w.request("import os\n\nos.remove('/data/other.csv')\n", named("analyst")),
		"one more operation":            w.request(approvalSource+"os.remove('/data/other.csv')\n", named("analyst")),
		"an argument that is computed":  w.request("import os\n\nos.remove('/data/' + input())\n", named("analyst")),
		"a function that is passed on":  w.request("import os\n\nlist(map(os.remove, ['/data/old.csv']))\n", named("analyst")),
		"another agent":                 w.request(approvalSource, named("coder")),
		"no agent":                      w.request(approvalSource),
		"another requester":             w.requestAs(user{name: "agent-two", groups: agent.groups}, approvalSource, named("analyst")),
		"the requester, made anew":      w.requestAs(user{name: agent.name, uid: "77", groups: agent.groups}, approvalSource, named("analyst")),
		"a credential":                  w.request(approvalSource, named("analyst"), needs),
		"a destination":                 w.request(approvalSource, named("analyst"), func(r *v1alpha1.ExecutionRequest) { r.Spec.Egress = w.policy.Spec.Egress }),
		"an agent that differs in case": w.request(approvalSource, named("Analyst")),
	} {
		t.Run(name, func(t *testing.T) {
			now := w.until(other, "it is judged", func(now *v1alpha1.ExecutionRequest) bool {
				return now.Status.State != "" && now.Status.State != v1alpha1.StatePending
			})
			if now.Status.GrantName != "" || now.Status.ApprovalName == "" {
				t.Errorf("state %s, grant %q, approval %q; want people asked", now.Status.State, now.Status.GrantName, now.Status.ApprovalName)
			}
			w.neverRan(other)
		})
	}
}

func TestAGrantThatIsOverCoversNothing(t *testing.T) {
	for name, ends := range map[string]func(w *world, g *v1alpha1.ExecutionGrant){
		"withdrawn": func(w *world, g *v1alpha1.ExecutionGrant) {
			c, err := newClient(approver)
			w.must(err)
			w.must(c.Delete(w.ctx, g))
		},
		"expired": func(w *world, _ *v1alpha1.ExecutionGrant) { w.clock.SetTime(w.clock.Now().Add(31 * time.Minute)) },
		"under a changed policy": func(w *world, _ *v1alpha1.ExecutionGrant) {
			w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Limits.TimeoutSeconds = 59 })
		},
		"used up": func(w *world, g *v1alpha1.ExecutionGrant) {
			for range g.Spec.MaxUses {
				req := w.request(approvalSource)
				w.succeeds(req)
				w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonGranted, "")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withGrants)
			w.operate()
			ends(w, w.remembered(w.request(approvalSource), 2, approver))
			req := w.request(approvalSource)
			w.asks(req)
			w.neverRan(req)
		})
	}
}

// Requests at the same moment race for the last use.
func TestConcurrentRequestsNeverUseAGrantMoreOftenThanItAllows(t *testing.T) {
	w := newWorld(t, withGrants)
	w.operate()
	g := w.remembered(w.request(approvalSource), 3, approver)
	var all []*v1alpha1.ExecutionRequest
	for range 8 {
		all = append(all, w.request(approvalSource))
	}
	covered := 0
	for _, req := range all {
		now := w.until(req, "it is launched or asked for", func(now *v1alpha1.ExecutionRequest) bool {
			return now.Status.PodName != "" || now.Status.ApprovalName != ""
		})
		if now.Status.PodName != "" {
			covered++
		}
	}
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(g), g))
	if covered != 3 || len(g.Status.Uses) != 3 || g.Status.State != v1alpha1.GrantUsedUp {
		t.Errorf("%d requests were launched, %d uses are recorded, the grant is %s; want 3, 3 and used up", covered, len(g.Status.Uses), g.Status.State)
	}
}

// A grant that counts a request can still be withdrawn before the launch.
func TestAGrantWithdrawnBeforeTheLaunchStopsIt(t *testing.T) {
	w := newWorld(t, withGrants)
	w.operate()
	g := w.remembered(w.request(approvalSource), 2, approver)
	w.holdLaunches("the test holds launches")
	req := w.request(approvalSource)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "")
	c, err := newClient(approver)
	w.must(err)
	w.must(c.Delete(w.ctx, g))
	w.holdLaunches()
	w.nudge(req)
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonDenied, "was withdrawn before the launch")
	w.neverRan(req)
}

// Everybody whose approval counts has to remember, or nothing is.
func TestOneApproverAloneRemembersNothing(t *testing.T) {
	w := newWorld(t, withGrants, func(p *v1alpha1.ExecutionPolicySpec) { p.Approval.Required = 2 })
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	accepted(t, w.patches(approver, appr, remembering(5)))
	w.decides(second, appr, v1alpha1.Approved)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	if made := w.log.accepted(http.MethodPost, "executiongrants", ""); len(made) != 0 {
		t.Errorf("%d grants were made, want none", len(made))
	}
	w.asks(w.request(approvalSource))
}

// Code whose sensitive arguments are computed can be approved, never remembered, and approvers are told.
func TestWhatIsNotWrittenOutIsNotRemembered(t *testing.T) {
	w := newWorld(t, withGrants, withUnresolved)
	w.operate()
	const computed = "import os\n\nos.remove(input())\n"
	req := w.request(computed)
	appr := w.approval(req)
	accepted(t, w.patches(approver, appr, remembering(5)))
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.must(w.stateIs(appr, v1alpha1.ApprovalConsumed))
	if !strings.Contains(appr.Status.Message, "it is not remembered, because") {
		t.Errorf("the approvers are told %q", appr.Status.Message)
	}
	w.asks(w.request(computed))
}

// A grant that was made and not activated, because the Approval was not used after all, covers nothing.
func TestAGrantWhoseApprovalWasNotUsedCoversNothing(t *testing.T) {
	w := newWorld(t, withGrants)
	line := &wire{log: w.log, dieAt: 5} // Approval, its status, the request's, the grant; then Consumed does not leave
	w.start(line)
	w.policyChecked()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.eventually("the approval is Pending", func() error { return w.stateIs(appr, v1alpha1.ApprovalPending) })
	accepted(t, w.patches(approver, appr, remembering(5)))
	<-line.died
	g := &v1alpha1.ExecutionGrant{}
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(appr), g))
	accepted(t, w.patches(approver, appr, decide("Revoked", "on second thoughts")))
	w.operate()
	w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "0/1")
	w.asks(w.request(approvalSource))
	w.decides(second, appr, v1alpha1.Approved) // without remembering
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.asks(w.request(approvalSource))
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(g), g))
	if g.Status.State != "" {
		t.Errorf("the grant is %s, want it never active", g.Status.State)
	}
}

// An operator that died after it made a grant does not bring it back when it was withdrawn meanwhile.
func TestAWithdrawnGrantDoesNotComeBackAfterACrash(t *testing.T) {
	w := newWorld(t, withGrants)
	line := &wire{log: w.log, dieAt: 6, applied: true} // Approval, its status, the request's, the grant, Consumed, activated
	w.start(line)
	w.policyChecked()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.eventually("the approval is Pending", func() error { return w.stateIs(appr, v1alpha1.ApprovalPending) })
	accepted(t, w.patches(approver, appr, remembering(5)))
	<-line.died
	g := &v1alpha1.ExecutionGrant{}
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(appr), g))
	if g.Status.State != v1alpha1.GrantActive {
		t.Fatalf("the grant is %q when the operator dies", g.Status.State)
	}
	c, err := newClient(approver)
	w.must(err)
	w.must(c.Delete(w.ctx, g))
	w.operate()
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.gone(g)
	w.asks(w.request(approvalSource))
}

func TestGrantsThatAreOverAreMarkedAndRemoved(t *testing.T) {
	w := newWorld(t, withGrants)
	w.operate()
	g := w.remembered(w.request(approvalSource), 2, approver)
	w.clock.SetTime(w.clock.Now().Add(31 * time.Minute))
	w.start(&wire{log: w.log}) // a change of the clock wakes nobody
	w.eventually("it is marked", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return err
		}
		if g.Status.State != v1alpha1.GrantExpired {
			return errors.New("not yet")
		}
		return nil
	})
	w.clock.SetTime(w.clock.Now().Add(time.Hour))
	w.start(&wire{log: w.log})
	w.gone(g)
}
