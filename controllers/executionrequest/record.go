// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/audit"
)

// AuditLog is where everything that happens to a request is recorded.
type AuditLog interface {
	// Origin names the log.
	Origin() string
	// Append returns when the records would survive a crash, with the index of the last one.
	Append(ctx context.Context, records ...audit.Record) (uint64, error)
	// Record does too, and where it cannot, keeps the records for later.
	Record(ctx context.Context, records ...audit.Record) (uint64, error)
	// Later appends the records as soon as possible, without waiting.
	Later(records ...audit.Record)
}

// record appends what this reconcile decided, before the status says it, and notes the index in that status: the log costs
// no write of its own. Where the log cannot be written the status says so, and everything is appended again from the object
// when it can. Only a launch waits for its record; whatever ends or cleans up goes on.
func (r *Reconciler) record(ctx context.Context, s *snapshot, phaseErr error) {
	if phaseErr != nil && equality.Semantic.DeepEqual(s.before.Status, s.req.Status) {
		return // nothing is written, so nothing is decided yet
	}
	due, err := r.due(s)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "make audit records")
		return
	}
	if len(due) == 0 {
		return
	}
	index, err := r.Audit.Record(ctx, due...)
	if err != nil {
		s.req.Status.Audit = pending(s.req.Status.Audit)
		s.wakeAfter(preflightRetry)
		return
	}
	r.recorded(s, index)
}

// pending says that records are missing.
func pending(was *v1alpha1.Audit) *v1alpha1.Audit {
	if was == nil {
		was = &v1alpha1.Audit{}
	}
	was.State = v1alpha1.AuditPending
	return was
}

// unrecorded says whether the log lacks something of the request.
func unrecorded(req *v1alpha1.ExecutionRequest) bool {
	return req.Status.Audit == nil || req.Status.Audit.State != v1alpha1.AuditRecorded
}

func (r *Reconciler) recorded(s *snapshot, index uint64) {
	now := &v1alpha1.Audit{State: v1alpha1.AuditRecorded, Log: r.Audit.Origin(), Index: new(int64(index))} //nolint:gosec // G115: a log does not have 2^63 records
	if was := s.req.Status.Audit; was != nil {
		now.ApprovalGeneration = was.ApprovalGeneration
	}
	if s.approval != nil {
		now.ApprovalGeneration = s.approval.Generation
	}
	s.req.Status.Audit = now
}

// recordLaunch appends what led to a launch, and the launch, before the pod exists. Without an index there is no pod.
func (r *Reconciler) recordLaunch(ctx context.Context, s *snapshot, live *v1alpha1.ExecutionRequest, pod *corev1.Pod) error {
	if s.req.Status.ApprovalName != "" { // with the decisions that count now
		appr, err := r.liveApproval(ctx, live)
		if err != nil {
			return err
		}
		s.approval = appr
	}
	due, err := r.due(s)
	if err != nil {
		return err
	}
	launch, err := audit.LaunchRecord(s.req, pod, s.approval, s.now)
	if err != nil {
		return fmt.Errorf("record the launch: %w", err)
	}
	index, err := r.Audit.Append(ctx, append(due, launch)...)
	if err != nil {
		return &delay{v1alpha1.ReasonAuditUnavailable, "nothing runs without a record: " + err.Error()}
	}
	r.recorded(s, index)
	s.launchRecorded = true
	return nil
}

// due lists what the status now says and the log does not, in the order in which it happened. The log knows by ID what it
// has, so that naming a record again costs nothing.
func (r *Reconciler) due(s *snapshot) ([]audit.Record, error) {
	was, now := &s.before.Status, &s.req.Status
	// A log that was begun anew gets the stories that go on.
	fresh := was.Audit == nil || was.Audit.State != v1alpha1.AuditRecorded || (was.Audit.Log != r.Audit.Origin() && !finished(s.before))
	var due []audit.Record
	if !s.launchRecorded {
		due = r.dueBefore(s, fresh)
	}
	if s.podIsDue(fresh) {
		observed, err := audit.ObservedRecord(s.req, s.children.pod)
		if err != nil {
			return nil, fmt.Errorf("record the pod: %w", err)
		}
		due = append(due, observed)
	}
	if finished(s.req) && (fresh || !finished(s.before)) {
		now.State = stateOf(s.req)
		due = append(due, audit.EndRecord(s.req))
	}
	return due, nil
}

// podIsDue says whether the log lacks the pod that was admitted, or how it ended.
func (s *snapshot) podIsDue(fresh bool) bool {
	if s.children.pod == nil || !isTrue(s.req, v1alpha1.ConditionLaunched) {
		return false
	}
	return fresh || !isTrue(s.before, v1alpha1.ConditionLaunched) || finished(s.req) != finished(s.before)
}

// dueBefore lists what is due of everything before a launch.
func (r *Reconciler) dueBefore(s *snapshot, fresh bool) []audit.Record {
	var due []audit.Record
	if fresh {
		due = append(due, audit.SubmittedRecord(s.req))
	}
	if s.req.Status.Verdict != nil && (fresh || s.before.Status.Verdict == nil) {
		report, digests := "", map[string]string(nil)
		if s.assessed != nil {
			digests = s.assessed.digests
			report, _ = audit.Digest(s.assessed.report) // a report is made of text and numbers
		}
		due = append(due, audit.JudgedRecord(s.req, report, digests, s.now))
	}
	if s.approval != nil {
		if fresh || s.before.Status.ApprovalName == "" {
			due = append(due, audit.AskedRecord(s.req, s.approval))
		}
		if fresh || s.before.Status.Audit.ApprovalGeneration != s.approval.Generation {
			due = append(due, audit.DecidedRecords(s.req, s.approval, s.now)...)
		}
	}
	return due
}

// recordSwept records the runs that end because their request is gone.
func (r *Reconciler) recordSwept(objects []client.Object) {
	for _, obj := range objects {
		if pod, ok := obj.(*corev1.Pod); ok {
			r.Audit.Later(audit.SweptRecord(pod, r.Clock.Now()))
		}
	}
}

// deletions records requests that are deleted before their end: nothing else remembers what they were.
func (r *Reconciler) deletions() handler.EventHandler {
	return handler.Funcs{DeleteFunc: func(_ context.Context, e event.DeleteEvent, _ workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		if req, ok := e.Object.(*v1alpha1.ExecutionRequest); ok && !finished(req) {
			r.Audit.Later(audit.DeletedRecord(req, r.Clock.Now()))
		}
	}}
}
