// SPDX-License-Identifier: Apache-2.0

// Package approval keeps the status of Approvals: who has decided, what is missing, and when the time is over. It decides
// nothing: a launch counts the decisions itself.
package approval

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

// Reconciler writes the status of Approvals.
type Reconciler struct {
	client.Client
	Clock clock.PassiveClock
}

// +kubebuilder:rbac:groups=airlock.dev,resources=approvals,verbs=get;list;watch
// +kubebuilder:rbac:groups=airlock.dev,resources=approvals/status,verbs=get;patch;update

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("approval").For(&v1alpha1.Approval{}).Complete(r)
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
	req := &v1alpha1.ExecutionRequest{}
	err := r.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: appr.Spec.Subject.RequestRef.Name}, req)
	if apierrors.IsNotFound(err) {
		return ctrl.Result{}, nil // the garbage collector removes the Approval after its request
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("get request: %w", err)
	}

	now := r.Clock.Now()
	outcome, err := approval.Evaluate(appr, req, appr.Spec.Subject.EnvelopeDigest, now)
	if err != nil {
		outcome = approval.Outcome{State: v1alpha1.ApprovalDenied, Message: err.Error()}
	}
	before := appr.DeepCopy()
	appr.Status = v1alpha1.ApprovalStatus{State: outcome.State, Tally: outcome.Tally, Message: outcome.Message}
	if !equality.Semantic.DeepEqual(before.Status, appr.Status) {
		if err := r.Status().Patch(ctx, appr, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, fmt.Errorf("write approval status: %w", err)
		}
		ctrl.LoggerFrom(ctx).Info("approval counted", "state", outcome.State, "tally", outcome.Tally)
	}
	if final(outcome.State) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: appr.Spec.ExpiresAt.Sub(now)}, nil
}

// final says whether a state never changes again. Approved is not final: it can be revoked, expire, or be used.
func final(state v1alpha1.ApprovalState) bool {
	switch state {
	case v1alpha1.ApprovalDenied, v1alpha1.ApprovalExpired, v1alpha1.ApprovalConsumed:
		return true
	case v1alpha1.ApprovalPending, v1alpha1.ApprovalApproved:
		return false
	default:
		return false
	}
}
