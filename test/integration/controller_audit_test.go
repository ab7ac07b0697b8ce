// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditlog"
	"github.com/airlock-dev/airlock/internal/auditverify"
)

// Every test of the controllers ends here: its log is whole, and every pod that was ever created has its launch in it. The
// operators of the fault tests die between any two writes, so this is where a run without a record would show.
func (w *world) auditHolds() {
	w.Helper()
	if _, err := os.Stat(filepath.Join(w.audit.Dir, "checkpoint")); errors.Is(err, os.ErrNotExist) {
		return // no operator led
	}
	launched := map[string]bool{}
	for _, e := range w.records() {
		if e.Event.Type == audit.Launch {
			launched[e.Event.Data.Unmapped.Launch.Pod.Name] = true
		}
	}
	for _, made := range w.log.accepted(http.MethodPost, "pods", "") {
		var pod struct {
			Metadata struct{ Name string }
		}
		w.must(json.Unmarshal([]byte(made.body), &pod))
		if !launched[pod.Metadata.Name] {
			w.Errorf("pod %s was created without a record of its launch", pod.Metadata.Name)
		}
	}
}

// records verifies the log and returns what is in it.
func (w *world) records() []auditverify.Entry {
	w.Helper()
	read := func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(w.audit.Dir, path)) }
	r, err := auditverify.Verify(read, auditverify.Options{Key: w.audit.Key.Public})
	w.must(err)
	found := false
	for _, f := range r.Findings {
		if w.unrecorded != "" && f.Kind == auditverify.Story {
			found = found || strings.Contains(f.Message, w.unrecorded)
			continue
		}
		w.Errorf("audit log: %s: %s", f.Kind, f.Message)
	}
	if w.unrecorded != "" && !found {
		w.Errorf("verify does not say that %s", w.unrecorded)
	}
	var entries []auditverify.Entry
	for e, err := range auditverify.Backwards(read, r.Size) {
		w.must(err)
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries
}

// closedLog is a log that was never opened: nothing can be recorded in it.
func (w *world) closedLog() *auditlog.Log {
	w.Helper()
	log, err := auditlog.New(w.audit)
	w.must(err)
	return log
}

// story is what the log tells of a request, once it has the index that the request names.
func (w *world) story(req *v1alpha1.ExecutionRequest) []string {
	w.Helper()
	w.stop()
	var types []string
	for _, e := range w.records() {
		if e.Event.Data.Metadata.CorrelationUID == string(req.UID) {
			types = append(types, strings.TrimSuffix(strings.TrimPrefix(string(e.Event.Type), "dev.airlock."), ".v1"))
		}
	}
	return slices.Compact(types) // what waited may be told twice, by the queue and by the reconcile that follows
}

func TestTheLogTellsTheStoryOfEachRequest(t *testing.T) {
	w := newWorld(t)
	w.operate()
	allowed := w.request(allowedSource)
	w.succeeds(allowed)
	w.ends(allowed, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	denied := w.ends(w.request(deniedSource), v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
	agreed := w.request(approvalSource)
	w.decides(approver, w.approval(agreed), v1alpha1.Approved)
	w.succeeds(agreed)
	agreed = w.ends(agreed, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	for _, c := range []struct {
		req  *v1alpha1.ExecutionRequest
		want []string
	}{
		{allowed, []string{"request.submitted", "request.judged", "request.launch", "request.observed", "request.finished"}},
		{denied, []string{"request.submitted", "request.judged", "request.refused"}},
		{agreed, []string{
			"request.submitted", "request.judged", "approval.requested", "approval.decided", "request.launch", "request.observed", "request.finished",
		}},
	} {
		if diff := cmp.Diff(c.want, w.story(c.req)); diff != "" {
			t.Errorf("story of %s (-want +got):\n%s", c.req.Spec.Code.Source, diff)
		}
	}
	a := agreed.Status.Audit
	if a == nil || a.State != v1alpha1.AuditRecorded || a.Log != w.audit.Key.Origin() || a.Index == nil {
		t.Fatalf("status.audit is %+v", a)
	}
	entries := w.records()
	if last := entries[*a.Index]; last.Event.Type != audit.Finished || last.Event.Data.Metadata.CorrelationUID != string(agreed.UID) {
		t.Errorf("record %d is %s of %s", *a.Index, last.Event.Type, last.Event.Subject)
	}
	for _, e := range entries {
		if e.Event.Type == audit.Decided && (e.Event.Data.Actor.User.Name != approver.name || e.Event.Data.Unmapped.Decided.Decision.Verdict != v1alpha1.Approved) {
			t.Errorf("the decision is recorded as %+v", e.Event.Data.Unmapped.Decided)
		}
	}
}

// While nothing can be recorded, nothing starts; what ends, ends, and is recorded when the log is back.
func TestWithoutTheAuditLogNothingRunsAndNothingIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.operate()
	running := w.request(allowedSource)
	w.starts(running)
	w.breakLog()
	waiting := w.request(allowedSource)
	w.waits(waiting, v1alpha1.ConditionLaunched, v1alpha1.ReasonAuditUnavailable, "nothing runs without a record")
	w.neverRan(waiting)
	denied := w.ends(w.request(deniedSource), v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
	w.succeeds(running)
	running = w.ends(running, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	if s := running.Status.Audit.State; s != v1alpha1.AuditPending {
		t.Errorf("status.audit.state of what ended meanwhile is %s", s)
	}

	w.mendLog()
	for _, req := range []*v1alpha1.ExecutionRequest{running, denied} {
		w.eventually("what ended meanwhile is recorded", func() error {
			w.nudge(req)
			if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(req), req); err != nil {
				return err
			}
			if s := req.Status.Audit.State; s != v1alpha1.AuditRecorded {
				return fmt.Errorf("it is %s", s)
			}
			return nil
		})
	}
	w.nudge(waiting) // once: each nudge makes what the operator has read stale
	w.until(waiting, "what waited is launched", func(now *v1alpha1.ExecutionRequest) bool {
		return meta.IsStatusConditionTrue(now.Status.Conditions, v1alpha1.ConditionLaunched)
	})
	if diff := cmp.Diff([]string{"request.submitted", "request.judged", "request.launch", "request.observed", "request.finished"}, w.story(running)); diff != "" {
		t.Errorf("story of what ran meanwhile (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"request.submitted", "request.judged", "request.refused"}, w.story(denied)); diff != "" {
		t.Errorf("story of what was denied meanwhile (-want +got):\n%s", diff)
	}
}

// breakLog takes the volume away below the operator, and mendLog brings it back.
func (w *world) breakLog() {
	w.Helper()
	w.must(os.Rename(w.audit.Dir, w.audit.Dir+".away"))
}

func (w *world) mendLog() {
	w.Helper()
	w.must(os.RemoveAll(w.audit.Dir))
	w.must(os.Rename(w.audit.Dir+".away", w.audit.Dir))
}

// A request that is deleted takes its objects with it. The log keeps what it was, and that it was deleted.
func TestADeletedRequestStaysOnRecord(t *testing.T) {
	w := newWorld(t)
	w.operate()
	waiting := w.request(approvalSource)
	w.approval(waiting)
	running := w.request(allowedSource)
	pod := w.starts(running)
	for _, req := range []*v1alpha1.ExecutionRequest{waiting, running} {
		w.must(w.admin.Delete(w.ctx, req))
	}
	w.kubeletEnds(pod)
	w.nothingLeft()
	for req, want := range map[*v1alpha1.ExecutionRequest][]string{
		waiting: {"request.submitted", "request.judged", "approval.requested", "request.refused"},
		running: {"request.submitted", "request.judged", "request.launch", "request.observed", "request.finished"},
	} {
		var got []string
		w.eventually("the deletion is recorded", func() error {
			got = nil
			for _, e := range w.tail() {
				if e.Event.Data.Metadata.CorrelationUID == string(req.UID) {
					got = append(got, strings.TrimSuffix(strings.TrimPrefix(string(e.Event.Type), "dev.airlock."), ".v1"))
				}
			}
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
				return errors.New(diff)
			}
			return nil
		})
	}
}

// tail reads the log while it is written, without proof.
func (w *world) tail() []auditverify.Entry {
	w.Helper()
	read := func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(w.audit.Dir, path)) }
	raw, err := read("checkpoint")
	w.must(err)
	size, err := auditverify.SizeOf(raw)
	w.must(err)
	var entries []auditverify.Entry
	for e, err := range auditverify.Backwards(read, size) {
		w.must(err)
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries
}
