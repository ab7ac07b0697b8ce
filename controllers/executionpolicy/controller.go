// SPDX-License-Identifier: Apache-2.0

// Package executionpolicy checks a policy when it is loaded, and again when an organisation rule changes: it judges the
// policy's own examples, and sets Ready. Requests are judged only by a policy that is Ready in its present generation.
package executionpolicy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/kyverno"
	"github.com/airlock-dev/airlock/internal/policy"
)

// AuditLog is the part of the log that this controller writes to.
type AuditLog interface {
	Append(ctx context.Context, records ...audit.Record) (uint64, error)
	Later(records ...audit.Record)
}

// Reconciler sets Ready on ExecutionPolicies.
type Reconciler struct {
	client.Client
	// Rules are the organisation rules that policies select.
	Rules *kyverno.Engine
	// Audit is where changes are recorded.
	Audit AuditLog
	Clock clock.PassiveClock

	watch ruleWatch
}

// +kubebuilder:rbac:groups=airlock.dev,resources=executionpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=airlock.dev,resources=executionpolicies/status,verbs=get;patch;update
// +kubebuilder:rbac:groups=policies.kyverno.io,resources=validatingpolicies,verbs=get;list;watch

// SetupWithManager registers the controller.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	// Its own writes of the status change nothing that is checked here.
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	c, err := ctrl.NewControllerManagedBy(mgr).Named("executionpolicy").For(&v1alpha1.ExecutionPolicy{}, changed).Build(r)
	if err != nil {
		return fmt.Errorf("build controller: %w", err)
	}
	r.watch = ruleWatch{controller: c, cache: mgr.GetCache(), mapper: mgr.GetRESTMapper(), policies: mgr.GetClient()}
	return nil
}

// Reconcile checks one policy. Ready=True: its rules compile and its examples are judged as they expect. Ready=False: it
// judges nothing.
func (r *Reconciler) Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error) {
	pol := &v1alpha1.ExecutionPolicy{}
	if err := r.Get(ctx, key.NamespacedName, pol); err != nil {
		if apierrors.IsNotFound(err) {
			r.Audit.Later(audit.PolicyGoneRecord(key.Name, r.Clock.Now()))
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := pol.DeepCopy()
	// The watch comes first: a rule that changes after it was read below is heard of.
	retry, err := r.watch.ensure(ctx, pol)
	if err != nil {
		return ctrl.Result{}, err
	}
	ready, rules, err := r.check(ctx, pol)
	if err != nil {
		return ctrl.Result{}, err
	}
	ready.ObservedGeneration = pol.Generation
	meta.SetStatusCondition(&pol.Status.Conditions, ready)
	if pol.Status.Digest, err = policy.EffectiveDigest(&pol.Spec, rules.Identities()); err != nil {
		return ctrl.Result{}, fmt.Errorf("digest policy: %w", err)
	}
	if equality.Semantic.DeepEqual(before.Status, pol.Status) {
		return ctrl.Result{RequeueAfter: retry}, nil
	}
	// Before the status: no request is judged by a policy that is not on record.
	if _, err := r.Audit.Append(ctx, audit.PolicyRecord(pol, before.Status.Digest, r.Clock.Now())); err != nil {
		return ctrl.Result{}, fmt.Errorf("record the change of the policy: %w", err)
	}
	if err := r.Status().Patch(ctx, pol, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return ctrl.Result{}, fmt.Errorf("write policy status: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("policy checked", "ready", ready.Status, "reason", ready.Reason)
	return ctrl.Result{RequeueAfter: retry}, nil
}

// check decides about Ready. An error means that the rules could not be read or evaluated now.
func (r *Reconciler) check(ctx context.Context, pol *v1alpha1.ExecutionPolicy) (metav1.Condition, kyverno.Set, error) {
	if reason, message := wrong(&pol.Spec); reason != "" {
		return notReady(reason, message), kyverno.Set{}, nil
	}
	rules, err := r.Rules.Select(ctx, pol.Spec.Kyverno)
	if no := new(kyverno.Unfit); errors.As(err, &no) {
		return notReady(v1alpha1.ReasonRulesUnfit, no.Error()), kyverno.Set{}, nil
	}
	if err != nil {
		return metav1.Condition{}, kyverno.Set{}, err
	}
	name, message, ok, err := failingExample(ctx, pol, rules)
	if err != nil {
		return metav1.Condition{}, kyverno.Set{}, err
	}
	if !ok {
		return notReady(v1alpha1.ReasonExampleFails, fmt.Sprintf("spec.examples[%q]: %s", name, message)), rules, nil
	}
	return metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonExamplesPass,
		Message: fmt.Sprintf("%d examples are judged as expected", len(pol.Spec.Examples)) + withRules(rules),
	}, rules, nil
}

// wrong says what the policy itself has wrong, without I/O. No reason: nothing.
func wrong(spec *v1alpha1.ExecutionPolicySpec) (reason, message string) {
	if problems := policy.Check(spec); len(problems) > 0 {
		return v1alpha1.ReasonInvalid, problems.ToAggregate().Error()
	}
	for i, r := range spec.Runtimes {
		if want := gate.Inventory(gate.Language(r.Language)); want != "" && want != r.Inventory {
			return v1alpha1.ReasonInventoryMismatch, fmt.Sprintf(
				"spec.runtimes[%d].inventory is %q; the gate knows the libraries of %s: use the %s image that belongs to this operator, and the inventory that its label dev.airlock.inventory names",
				i, r.Inventory, want, r.Language)
		}
	}
	return "", ""
}

// failingExample judges the examples with the rules.
func failingExample(ctx context.Context, pol *v1alpha1.ExecutionPolicy, rules kyverno.Set) (name, message string, ok bool, err error) {
	name, message, ok = policy.FailingExample(&pol.Spec, gate.Read, func(e v1alpha1.Example, report *gate.Report, v v1alpha1.Verdict) v1alpha1.Verdict {
		tightened, failed := rules.TightenExample(ctx, pol, e, report, v)
		err = errors.Join(err, failed)
		return tightened
	})
	return name, message, ok, err
}

func notReady(reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// withRules says which rules have their say, so that one that was expected and is missing is noticed.
func withRules(rules kyverno.Set) string {
	identities := rules.Identities()
	if len(identities) == 0 {
		return ""
	}
	names := make([]string, 0, len(identities))
	for _, rule := range identities {
		names = append(names, rule.Name)
	}
	return ", with the ValidatingPolicies " + strings.Join(names, ", ")
}
