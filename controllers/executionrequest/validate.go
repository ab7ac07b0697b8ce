// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/envelope"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/kyverno"
	"github.com/airlock-dev/airlock/internal/policy"
)

// policyRetry is how long a request waits for its policy at most before it looks again. A policy that becomes Ready wakes it
// at once; rules that Kyverno's absence hid wake nobody.
const policyRetry = time.Minute

// assessment is everything that follows from a request, its policy and its inputs at one moment.
type assessment struct {
	policy   *v1alpha1.ExecutionPolicy
	report   *gate.Report
	verdict  v1alpha1.Verdict
	envelope string
	limits   v1alpha1.Limits
	// contents of the inputs that are mounted, and their digests ("sha256:" and hex), by input name.
	contents map[string][]byte
	digests  map[string]string
}

// validate reads the code and sets Validated, the verdict and the envelope digest. A denied or invalid request ends here.
// It waits where the policy is not Ready yet.
func (r *Reconciler) validate(ctx context.Context, s *snapshot) (bool, error) {
	if isTrue(s.req, v1alpha1.ConditionValidated) {
		return true, nil
	}
	a, err := r.assess(ctx, r.Client, s.req)
	if no := new(refusal); errors.As(err, &no) {
		if no.reason == v1alpha1.ReasonPolicyNotReady {
			setCondition(s, v1alpha1.ConditionValidated, metav1.ConditionFalse, no.reason, no.message)
			s.wakeAfter(policyRetry)
			return false, nil
		}
		refuse(s, v1alpha1.ConditionValidated, no)
		return false, nil
	}
	if err != nil {
		return false, err
	}

	s.assessed = a
	s.req.Status.Verdict = &a.verdict
	s.req.Status.EnvelopeDigest = a.envelope
	setCondition(s, v1alpha1.ConditionValidated, metav1.ConditionTrue, v1alpha1.ReasonVerdictReached,
		fmt.Sprintf("verdict %s by policy %s", a.verdict.Decision, a.policy.Name))
	switch {
	case a.verdict.Decision == v1alpha1.Deny, a.verdict.Decision == "":
		end(s, v1alpha1.ReasonDenied, summary(a.verdict))
	case s.req.Spec.Mode == v1alpha1.DryRun:
		end(s, v1alpha1.ReasonDryRun, fmt.Sprintf("dry run: verdict %s, nothing was run", a.verdict.Decision))
	}
	return true, nil
}

// summary of a verdict in one line: the first finding, and how many more there are.
func summary(v v1alpha1.Verdict) string {
	if len(v.Findings) == 0 {
		return "denied by the policy"
	}
	f := v.Findings[0]
	message := f.Reason
	if f.Line > 0 {
		message = fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Reason)
	}
	if n := len(v.Findings) - 1; n > 0 {
		message += fmt.Sprintf(" (and %d more in status.verdict.findings)", n)
	}
	return message
}

// assess judges the request from what the reader shows: a cache when the verdict is first taken, the API server itself
// before a launch. An error of type *refusal is final, every other error means that it could not be judged now.
func (r *Reconciler) assess(ctx context.Context, from client.Reader, req *v1alpha1.ExecutionRequest) (*assessment, error) {
	pol, err := r.policyFor(ctx, from, req)
	if err != nil {
		return nil, err
	}
	rules, err := r.rulesFor(ctx, pol)
	if err != nil {
		return nil, err
	}
	if problems := policy.CheckRequest(&req.Spec, &pol.Spec); len(problems) > 0 {
		return nil, &refusal{v1alpha1.ReasonInvalid, problems.ToAggregate().Error()}
	}
	contents, digests, err := r.readInputs(ctx, req)
	if err != nil {
		return nil, err
	}
	provenance := policy.Trust(&pol.Spec, req.Spec.Inputs, digests)
	report := gate.Read(policy.CodeOf(&pol.Spec, req.Spec.Code.Language, req.Spec.Code.Source))
	verdict := policy.Judge(report, &pol.Spec, givenBy(req, provenance.Trust))
	verdict.DecidedBy, verdict.TrustReason, verdict.PolicyDigest = provenance.DecidedBy, provenance.Reason, pol.Status.Digest
	if verdict, err = rules.Tighten(ctx, pol, req, report, verdict); err != nil {
		return nil, err
	}
	env, err := envelope.New(req, pol, rules.Identities(), digests)
	if err != nil {
		return nil, &refusal{v1alpha1.ReasonInvalid, err.Error()}
	}
	digest, err := env.Digest()
	if err != nil {
		return nil, fmt.Errorf("digest envelope: %w", err)
	}
	return &assessment{
		policy: pol, report: report, verdict: verdict, envelope: digest,
		limits:   policy.EffectiveLimits(req.Spec.Limits, pol.Spec.Limits),
		contents: contents, digests: digests,
	}, nil
}

// givenBy is what the verdict on a request depends on besides its code.
func givenBy(req *v1alpha1.ExecutionRequest, trust v1alpha1.Trust) policy.Given {
	return policy.Given{Trust: trust, Egress: req.Spec.Egress, Credentials: req.Spec.Credentials}
}

// reassess judges a request again whose verdict stands in was, and requires the same outcome. A request cannot change, so
// whatever refuses it now lies in the policy or in an input.
func (r *Reconciler) reassess(ctx context.Context, from client.Reader, req *v1alpha1.ExecutionRequest, was *v1alpha1.ExecutionRequestStatus) (*assessment, error) {
	a, err := r.assess(ctx, from, req)
	if no := new(refusal); errors.As(err, &no) {
		return nil, envelopeChanged(no.message)
	}
	if err != nil {
		return nil, err
	}
	if a.envelope != was.EnvelopeDigest || a.verdict.Decision != was.Verdict.Decision {
		return nil, envelopeChanged(difference(a, was))
	}
	return a, nil
}

// difference says in words what changed. A request's spec never does, so it is the policy or what the request refers to.
func difference(a *assessment, was *v1alpha1.ExecutionRequestStatus) string {
	if a.verdict.PolicyDigest != was.Verdict.PolicyDigest {
		return fmt.Sprintf("policy %s is not what it was", a.policy.Name)
	}
	return "an input, or what vouches for it, is not what it was"
}

func envelopeChanged(how string) *refusal {
	return &refusal{v1alpha1.ReasonEnvelopeChanged,
		fmt.Sprintf("the policy or an input changed after the request was judged, so its verdict and approvals no longer apply (%s); create a new request", how)}
}

// policyFor returns the policy if it is Ready in its present form.
func (r *Reconciler) policyFor(ctx context.Context, from client.Reader, req *v1alpha1.ExecutionRequest) (*v1alpha1.ExecutionPolicy, error) {
	pol := &v1alpha1.ExecutionPolicy{}
	key := client.ObjectKey{Name: req.Spec.PolicyName}
	err := from.Get(ctx, key, pol)
	if apierrors.IsNotFound(err) {
		// The cache may not have seen a policy that was created just before the request.
		err = r.Live.Get(ctx, key, pol)
	}
	if apierrors.IsNotFound(err) {
		return nil, &refusal{v1alpha1.ReasonPolicyNotFound,
			fmt.Sprintf("spec.policyName: there is no ExecutionPolicy %q; `kubectl get xpol` lists them", req.Spec.PolicyName)}
	}
	if err != nil {
		return nil, fmt.Errorf("get policy: %w", err)
	}
	ready := meta.FindStatusCondition(pol.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != pol.Generation {
		message := "it has not been checked yet"
		if ready != nil {
			message = ready.Message
		}
		return nil, notReady(pol, message)
	}
	return pol, nil
}

// rulesFor returns the organisation rules that a policy selects, as the API server holds them now. They must be those that
// the policy's examples were judged with.
func (r *Reconciler) rulesFor(ctx context.Context, pol *v1alpha1.ExecutionPolicy) (kyverno.Set, error) {
	rules, err := r.Rules.Select(ctx, pol.Spec.Kyverno)
	if no := new(kyverno.Unfit); errors.As(err, &no) {
		return kyverno.Set{}, notReady(pol, no.Error())
	}
	if err != nil {
		return kyverno.Set{}, err
	}
	digest, err := policy.EffectiveDigest(&pol.Spec, rules.Identities())
	if err != nil {
		return kyverno.Set{}, fmt.Errorf("digest policy: %w", err)
	}
	if digest != pol.Status.Digest {
		return kyverno.Set{}, notReady(pol, "it has not been checked with its rules as they are now")
	}
	return rules, nil
}

func notReady(pol *v1alpha1.ExecutionPolicy, why string) *refusal {
	return &refusal{v1alpha1.ReasonPolicyNotReady, fmt.Sprintf("policy %s is not Ready: %s", pol.Name, why)}
}
