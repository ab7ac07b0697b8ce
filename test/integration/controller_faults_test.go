// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// maxSteps bounds the search for the last write of a story.
const maxSteps = 30

// The operator is killed at every single write, once before it leaves and once after it took effect and before the answer
// came. Another operator with empty caches carries on. Whatever the moment: it ends, once, and nothing ran twice.
func TestOperatorDiesBetweenAnyTwoSteps(t *testing.T) {
	for name, story := range map[string]struct {
		prepare []func(*v1alpha1.ExecutionPolicySpec)
		// tell plays everybody but the operator, who may be another one at every line.
		tell func(w *world)
	}{
		"an allowed request with an input and egress": {
			prepare: []func(*v1alpha1.ExecutionPolicySpec){withEgress},
			tell: func(w *world) {
				req := w.request(allowedSource, w.input("a,b\n"), func(r *v1alpha1.ExecutionRequest) { r.Spec.Egress = w.policy.Spec.Egress })
				w.runsToItsEnd(req)
			},
		},
		"a request with approval and credentials": {
			prepare: []func(*v1alpha1.ExecutionPolicySpec){withCredential},
			tell: func(w *world) {
				w.credential()
				req := w.request(approvalSource, needs)
				w.decides(approver, w.approval(req), v1alpha1.Approved)
				w.runsToItsEnd(req)
				if n := w.consumed(req); n != 1 {
					w.Errorf("the approval was used up %d times, want 1", n)
				}
			},
		},
		"an approval that is remembered, and the request that it covers": {
			prepare: []func(*v1alpha1.ExecutionPolicySpec){withGrants},
			tell: func(w *world) {
				g := w.remembered(w.request(approvalSource), 1, approver)
				covered := w.request(approvalSource)
				w.succeeds(covered)
				w.ends(covered, v1alpha1.StateSucceeded, v1alpha1.ConditionApproved, v1alpha1.ReasonGranted, g.Name)
				w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(g), g))
				if g.Status.Used != "1/1" || g.Status.State != v1alpha1.GrantUsedUp {
					w.Errorf("the grant is %+v, want it used once and up", g.Status)
				}
				w.approval(w.request(approvalSource))
				if n := w.launches(covered); n != 1 {
					w.Errorf("%d pods were created for the covered request, want 1", n)
				}
			},
		},
		"a deletion while it runs": {
			prepare: []func(*v1alpha1.ExecutionPolicySpec){withCredential},
			tell: func(w *world) {
				w.credential()
				req := w.request(allowedSource, needs, w.input("a,b\n"))
				pod := w.starts(req)
				w.must(w.admin.Delete(w.ctx, req))
				w.kubeletEnds(pod)
				w.nothingLeft()
				w.launchedOnce(req)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for step := 1; step <= maxSteps; step++ {
				diedBefore := dies(t, fmt.Sprintf("before write %d", step), &wire{dieAt: step}, story.tell, story.prepare...)
				diedAfter := dies(t, fmt.Sprintf("after write %d", step), &wire{dieAt: step, applied: true}, story.tell, story.prepare...)
				if !diedBefore && !diedAfter {
					t.Logf("%d writes", step-1)
					return
				}
			}
			t.Errorf("the story did not end within %d writes", maxSteps)
		})
	}
}

// dies tells a story to an operator that dies on its line, and to the one that follows it. It returns whether it died.
func dies(t *testing.T, when string, line *wire, tell func(*world), prepare ...func(*v1alpha1.ExecutionPolicySpec)) bool {
	t.Run(when, func(t *testing.T) {
		w := newWorld(t, prepare...)
		line.log = w.log
		w.start(line)
		w.policyChecked()
		told := make(chan struct{})
		replaced := make(chan struct{})
		go func() {
			defer close(replaced)
			select {
			case <-line.died:
				w.start(&wire{log: w.log})
			case <-told:
			}
		}()
		defer func() { close(told); <-replaced }()
		tell(w)
	})
	return line.dead()
}

// withEgress lists a destination that no other test names, so that the policy of its profile has to be made.
func withEgress(p *v1alpha1.ExecutionPolicySpec) {
	p.Egress = []v1alpha1.EgressTarget{{Host: fmt.Sprintf("host-%d.example", time.Now().UnixNano()), Port: 443}}
}

// runsToItsEnd lets the code succeed, and waits until everything is cleaned up.
func (w *world) runsToItsEnd(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	pod := w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "exited with 0")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention + time.Second))
	w.nudge(req)
	w.gone(pod)
	w.nothingLeft()
	w.launchedOnce(req)
	req = w.until(req, "it stands", func(r *v1alpha1.ExecutionRequest) bool {
		return meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.ConditionFinished)
	})
	ends := w.log.accepted(http.MethodPatch, "executionrequests/status", `"type":"Finished"`)
	if len(ends) != 1 || req.Status.State != v1alpha1.StateSucceeded {
		w.Errorf("the end was written %d times, want once; the request is %s", len(ends), req.Status.State)
	}
}

// launchedOnce counts the attempts that reached the API server, accepted or not.
func (w *world) launchedOnce(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	attempts := 0
	for _, made := range w.log.all() {
		if made.String() == "POST pods" {
			attempts++
		}
	}
	if attempts != 1 || w.launches(req) != 1 {
		w.Errorf("%d pod creations reached the API server and %d were accepted, want 1 and 1", attempts, w.launches(req))
	}
}

// An operator that dies between creating the pod and saying so leaves no word of the launch. Where the policy has changed
// before the next one looks, "Denied: nothing ran" would be a lie.
func TestAnInterruptedLaunchIsNotCalledADenial(t *testing.T) {
	w := newWorld(t)
	line := &wire{log: w.log, dieAt: 1, applied: true}
	w.start(line)
	w.policyChecked()
	req := w.request(allowedSource)
	<-line.died
	w.stop()
	pod := w.starts(req)
	w.policy.Spec.Allow = nil // what runs is not allowed any more
	w.must(w.admin.Update(w.ctx, w.policy))
	w.operate()
	w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonEnvelopeChanged, "its code may have run")
	w.kubeletEnds(pod)
	w.nothingLeft()
	w.launchedOnce(req)
}

// An approval that was used up before a crash permits the launch no longer than it would have unused.
func TestAnApprovalThatWasUsedBeforeACrashExpires(t *testing.T) {
	w := newWorld(t)
	line := &wire{log: w.log, dieAt: 4, applied: true} // Approval, two statuses, Consumed
	w.start(line)
	w.policyChecked()
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.eventually("the approval is Pending", func() error { return w.stateIs(appr, v1alpha1.ApprovalPending) })
	w.decides(approver, appr, v1alpha1.Approved)
	<-line.died
	w.must(w.stateIs(appr, v1alpha1.ApprovalConsumed))
	w.clock.SetTime(w.clock.Now().Add(time.Hour + time.Second))
	w.operate()
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonExpired, "expired before the pod could be created")
	w.neverRan(req)
}
