// SPDX-License-Identifier: Apache-2.0

// Package executionpolicy checks a policy when it is loaded: it judges the policy's own examples, and sets Ready. Requests
// are judged only by a policy that is Ready in its present generation.
package executionpolicy

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

// Reconciler sets Ready on ExecutionPolicies.
type Reconciler struct {
	client.Client
}

// +kubebuilder:rbac:groups=airlock.dev,resources=executionpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=airlock.dev,resources=executionpolicies/status,verbs=get;patch;update

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	// Its own writes of the status change nothing that is checked here.
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).Named("executionpolicy").For(&v1alpha1.ExecutionPolicy{}, changed).Complete(r)
}

// Reconcile checks one policy. Ready=True: its examples are judged as they expect. Ready=False: it judges nothing.
func (r *Reconciler) Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error) {
	pol := &v1alpha1.ExecutionPolicy{}
	if err := r.Get(ctx, key.NamespacedName, pol); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := pol.DeepCopy()
	ready := check(pol)
	ready.ObservedGeneration = pol.Generation
	meta.SetStatusCondition(&pol.Status.Conditions, ready)
	digest, err := policy.Digest(&pol.Spec)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("digest policy: %w", err)
	}
	pol.Status.Digest = digest
	if equality.Semantic.DeepEqual(before.Status, pol.Status) {
		return ctrl.Result{}, nil
	}
	if err := r.Status().Patch(ctx, pol, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return ctrl.Result{}, fmt.Errorf("write policy status: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("policy checked", "ready", ready.Status, "reason", ready.Reason)
	return ctrl.Result{}, nil
}

// check decides about Ready without I/O.
func check(pol *v1alpha1.ExecutionPolicy) metav1.Condition {
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse}
	if pol.Spec.Kyverno != nil {
		ready.Reason = v1alpha1.ReasonKyvernoNotSupported
		ready.Message = "spec.kyverno: this version does not evaluate Kyverno rules and will not judge without them; remove the field"
		return ready
	}
	if problems := policy.Check(&pol.Spec); len(problems) > 0 {
		ready.Reason, ready.Message = v1alpha1.ReasonInvalid, problems.ToAggregate().Error()
		return ready
	}
	for i, r := range pol.Spec.Runtimes {
		if want := gate.Inventory(gate.Language(r.Language)); want != "" && want != r.Inventory {
			ready.Reason = v1alpha1.ReasonInventoryMismatch
			ready.Message = fmt.Sprintf("spec.runtimes[%d].inventory is %q; the gate knows the libraries of %s: use the %s image that belongs to this operator, and the inventory that its label dev.airlock.inventory names", i, r.Inventory, want, r.Language)
			return ready
		}
	}
	if name, message, ok := policy.FailingExample(&pol.Spec, gate.Read); !ok {
		ready.Reason = v1alpha1.ReasonExampleFails
		ready.Message = fmt.Sprintf("spec.examples[%q]: %s", name, message)
		return ready
	}
	ready.Status = metav1.ConditionTrue
	ready.Reason = v1alpha1.ReasonExamplesPass
	ready.Message = fmt.Sprintf("%d examples are judged as expected", len(pol.Spec.Examples))
	return ready
}
