// SPDX-License-Identifier: Apache-2.0

// Package executiongrant ends grants: it marks those whose time is over and
// removes them later. It decides nothing: every use judges the grant itself.
package executiongrant

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// retention is how long a grant that covers nothing any more stays for people to see.
const retention = time.Hour

// Reconciler marks and removes grants that are over.
type Reconciler struct {
	client.Client
	Clock clock.PassiveClock
}

// +kubebuilder:rbac:groups=airlock.dev,resources=executiongrants,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=airlock.dev,resources=executiongrants/status,verbs=get;patch;update

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("executiongrant").For(&v1alpha1.ExecutionGrant{}).Complete(r)
}

// Reconcile comes back when the grant expires, and once more to remove it.
func (r *Reconciler) Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error) {
	g := &v1alpha1.ExecutionGrant{}
	if err := r.Get(ctx, key.NamespacedName, g); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !g.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	now := r.Clock.Now()
	if wait := removeAt(g).Sub(now); wait <= 0 {
		err := r.Delete(ctx, g, client.Preconditions{UID: &g.UID, ResourceVersion: &g.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, fmt.Errorf("remove grant: %w", err)
		}
		return ctrl.Result{}, nil
	}
	if wait := g.Spec.ExpiresAt.Sub(now); wait > 0 {
		return ctrl.Result{RequeueAfter: min(wait, removeAt(g).Sub(now))}, nil
	}
	if g.Status.State == v1alpha1.GrantActive {
		before := g.DeepCopy()
		g.Status.State = v1alpha1.GrantExpired
		if err := r.Status().Patch(ctx, g, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("write grant status: %w", err))
		}
	}
	return ctrl.Result{RequeueAfter: removeAt(g).Sub(now)}, nil
}

// removeAt is when a grant is of no interest any more: some time after its last use or its end, whichever comes first.
func removeAt(g *v1alpha1.ExecutionGrant) time.Time {
	end := g.Spec.ExpiresAt.Time
	if g.Status.State == v1alpha1.GrantUsedUp && len(g.Status.Uses) > 0 {
		if last := g.Status.Uses[len(g.Status.Uses)-1].At.Time; last.Before(end) {
			end = last
		}
	}
	return end.Add(retention)
}
