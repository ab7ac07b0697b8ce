// SPDX-License-Identifier: Apache-2.0

// Package approval keeps the status of Approvals: who has decided, what is missing, and when the time is over. It decides
// nothing: a launch counts the decisions itself.
package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

// Reconciler writes the status of Approvals.
type Reconciler struct {
	client.Client
	// Live reads from the API server, past every cache.
	Live  client.Reader
	Clock clock.PassiveClock
}

// +kubebuilder:rbac:groups=airlock.dev,resources=approvals,verbs=get;list;watch
// +kubebuilder:rbac:groups=airlock.dev,resources=approvals/status,verbs=get;patch;update

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("approval").
		For(&v1alpha1.Approval{}).
		Watches(&v1alpha1.ExecutionRequest{}, handler.EnqueueRequestsFromMapFunc(approvalOf), builder.WithPredicates(ends())).
		Complete(r)
}

// approvalOf names the only Approval that a request can have.
func approvalOf(_ context.Context, req client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: req.GetNamespace(), Name: approval.Name(req.GetUID())}}}
}

// ends passes the end of requests that an Approval was asked for.
func ends() predicate.Predicate {
	over := func(obj client.Object) bool {
		req, ok := obj.(*v1alpha1.ExecutionRequest)
		return ok && req.Status.ApprovalName != "" &&
			(!req.DeletionTimestamp.IsZero() || meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionFinished))
	}
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return over(e.Object) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return over(e.ObjectNew) && !over(e.ObjectOld) },
		DeleteFunc:  func(event.DeleteEvent) bool { return true },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// Reconcile counts the decisions, and comes back when the Approval expires.
func (r *Reconciler) Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error) {
	appr := &v1alpha1.Approval{}
	if err := r.Get(ctx, key.NamespacedName, appr); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if final(appr.Status.State) {
		return ctrl.Result{}, nil
	}
	now := r.Clock.Now()
	outcome, err := r.outcome(ctx, appr, now)
	if err != nil {
		return ctrl.Result{}, err
	}
	if wait := launchFirst(appr, outcome.State, now); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	before := appr.DeepCopy()
	appr.Status.State, appr.Status.Tally, appr.Status.Message = outcome.State, outcome.Tally, outcome.Message
	if !equality.Semantic.DeepEqual(before.Status, appr.Status) {
		if err := r.Status().Patch(ctx, appr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("write approval status: %w", err))
		}
		ctrl.LoggerFrom(ctx).Info("approval counted", "state", outcome.State, "tally", outcome.Tally)
	}
	if final(outcome.State) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: appr.Spec.ExpiresAt.Sub(now)}, nil
}

// outcome sums an Approval up, also where its request does not exist any more.
func (r *Reconciler) outcome(ctx context.Context, appr *v1alpha1.Approval, now time.Time) (approval.Outcome, error) {
	outcome, err := r.count(ctx, r.Client, appr, now)
	if errors.Is(err, approval.ErrBinding) || errors.Is(err, errGone) {
		// Perhaps only the cache is behind; Denied and Withdrawn are final.
		outcome, err = r.count(ctx, r.Live, appr, now)
	}
	switch {
	case errors.Is(err, errGone):
		// The garbage collector removes it, at its leisure. Until then nobody is to take it for a question.
		return approval.Outcome{State: v1alpha1.ApprovalWithdrawn, Message: "The request was deleted. There is nothing left to decide."}, nil
	case errors.Is(err, approval.ErrBinding):
		return approval.Outcome{State: v1alpha1.ApprovalDenied, Message: err.Error()}, nil
	default:
		return outcome, err
	}
}

// errGone means that the request of an Approval does not exist any more; another one may have its name.
var errGone = errors.New("the request is gone")

// count counts the decisions on the request as the reader shows it.
func (r *Reconciler) count(ctx context.Context, from client.Reader, appr *v1alpha1.Approval, now time.Time) (approval.Outcome, error) {
	req := &v1alpha1.ExecutionRequest{}
	err := from.Get(ctx, client.ObjectKey{Namespace: appr.Namespace, Name: appr.Spec.Subject.RequestRef.Name}, req)
	if apierrors.IsNotFound(err) || err == nil && string(req.UID) != appr.Spec.Subject.RequestRef.UID {
		return approval.Outcome{}, errGone
	}
	if err != nil {
		return approval.Outcome{}, fmt.Errorf("get request: %w", err)
	}
	return approval.Evaluate(appr, req, appr.Spec.Subject.EnvelopeDigest, now)
}

// launchGrace is how long a launch has to use an approval before people are told that it waits to be used.
const launchGrace = 2 * time.Second

// launchFirst says how long to leave an approval alone that has just become complete. The launch writes Consumed at once;
// writing Approved before it would cost a write for nothing and make the launch's fail.
func launchFirst(appr *v1alpha1.Approval, state v1alpha1.ApprovalState, now time.Time) time.Duration {
	if state != v1alpha1.ApprovalApproved || appr.Status.State == v1alpha1.ApprovalApproved {
		return 0
	}
	var last time.Time
	for _, d := range appr.Spec.Decisions {
		if d.DecidedAt != nil && d.DecidedAt.After(last) {
			last = d.DecidedAt.Time
		}
	}
	// DecidedAt is the API server's clock: where it is ahead of ours, the wait is no longer for that.
	return min(launchGrace-now.Sub(last), launchGrace)
}

// final says whether a state never changes again. Approved is not final: it can be revoked, expire, or be used.
func final(state v1alpha1.ApprovalState) bool {
	switch state {
	case v1alpha1.ApprovalDenied, v1alpha1.ApprovalExpired, v1alpha1.ApprovalConsumed, v1alpha1.ApprovalWithdrawn:
		return true
	case v1alpha1.ApprovalPending, v1alpha1.ApprovalApproved:
		return false
	default:
		return false
	}
}
