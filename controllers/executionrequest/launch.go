// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// A launch that is held back looks again after preflightRetry. One that the API server refuses, which costs writes, waits
// half as long again as it has waited already, within these bounds.
const (
	preflightRetry = 5 * time.Second
	minRefusedWait = 5 * time.Second
	maxRefusedWait = time.Minute
)

// launch sets Launched. It judges the request once more from what the API server itself holds, uses the approval up, and
// creates what the sandbox needs, the Pod last. The Pod's name derives from the request's UID, so a repeated launch finds
// the first one's Pod instead of making a second.
func (r *Reconciler) launch(ctx context.Context, s *snapshot) (bool, error) {
	if isTrue(s.req, v1alpha1.ConditionLaunched) {
		return true, nil
	}
	if problems := r.Guard.Problems(ctx); len(problems) > 0 {
		setCondition(s, v1alpha1.ConditionLaunched, metav1.ConditionFalse, v1alpha1.ReasonPreflightFailed, strings.Join(problems, "; "))
		s.wakeAfter(preflightRetry)
		return false, nil
	}
	pod, err := r.launchOnce(ctx, s)
	if changed := new(podChanged); errors.As(err, &changed) {
		endChanged(s, pod, changed)
		return false, nil
	}
	if no := new(refusal); errors.As(err, &no) {
		refuse(s, v1alpha1.ConditionLaunched, no)
		return false, nil
	}
	if later := new(delay); errors.As(err, &later) {
		holdBack(s, later)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	launched(s, pod)
	return true, nil
}

// holdBack says what a launch waits for, and asks for the next attempt.
func holdBack(s *snapshot, why *delay) {
	setCondition(s, v1alpha1.ConditionLaunched, metav1.ConditionFalse, why.reason, why.message)
	since := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionLaunched).LastTransitionTime.Time
	s.wakeAfter(min(max(s.now.Sub(since)/2, minRefusedWait), maxRefusedWait))
}

func launched(s *snapshot, pod *corev1.Pod) {
	s.req.Status.PodNamespace, s.req.Status.PodName = pod.Namespace, pod.Name
	setCondition(s, v1alpha1.ConditionLaunched, metav1.ConditionTrue, v1alpha1.ReasonPodCreated, fmt.Sprintf("pod %s/%s was created", pod.Namespace, pod.Name))
	s.children.pod = pod
}

func (r *Reconciler) launchOnce(ctx context.Context, s *snapshot) (*corev1.Pod, error) {
	defer r.egress.launching()()
	live, a, err := r.judgeAgain(ctx, s)
	if err != nil {
		return nil, err
	}
	existing, err := r.existingPod(ctx, live, a.envelope)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		if err := r.recallDropped(ctx, s, live, a); err != nil {
			return nil, err
		}
		return existing, r.checkExisting(ctx, approval.Narrow(live, s.req.Status.Dropped), a)
	}
	without, err := r.permitted(ctx, s, live, a)
	if err != nil {
		return nil, err
	}
	narrowed := approval.Narrow(live, without)
	params, err := r.sandboxParams(narrowed, a)
	if err != nil {
		return nil, err
	}
	if err := r.createDependencies(ctx, narrowed, a, params); err != nil {
		return nil, err
	}
	pod, err := sandbox.Pod(params)
	if err != nil {
		return nil, &refusal{v1alpha1.ReasonInvalid, err.Error()}
	}
	if err := r.recordLaunch(ctx, s, live, pod); err != nil {
		return nil, err
	}
	return r.createPod(ctx, pod)
}

// judgeAgain reads request and policy past the cache and requires that they still say what the status says: a stale
// cache must not launch a second time, and a changed policy or input must not run on an old verdict.
func (r *Reconciler) judgeAgain(ctx context.Context, s *snapshot) (*v1alpha1.ExecutionRequest, *assessment, error) {
	live := &v1alpha1.ExecutionRequest{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(s.req), live); client.IgnoreNotFound(err) != nil {
		return nil, nil, fmt.Errorf("read request past the cache: %w", err)
	}
	if live.UID != s.req.UID || live.ResourceVersion != s.req.ResourceVersion || !live.DeletionTimestamp.IsZero() {
		return nil, nil, fmt.Errorf("%w: request at version %s, now %s", errStale, s.req.ResourceVersion, live.ResourceVersion)
	}
	a, err := r.reassess(ctx, r.Live, live, &s.req.Status)
	if err != nil {
		return nil, nil, err
	}
	return live, a, nil
}

// existingPod returns the Pod of an earlier launch of this very request, nil where there is none. A Pod of that name that
// is not exactly ours is never adopted.
func (r *Reconciler) existingPod(ctx context.Context, req *v1alpha1.ExecutionRequest, envelope string) (*corev1.Pod, error) {
	pod, err := r.livePod(ctx, req.UID)
	switch {
	case pod == nil || err != nil:
		return nil, err
	case !belongsTo(pod, req.UID):
		return nil, &refusal{v1alpha1.ReasonPodConflict, fmt.Sprintf("pod %s exists and does not belong to this request", pod.Name)}
	case pod.Annotations[sandbox.AnnotationEnvelope] != envelope:
		return nil, envelopeChanged("an earlier attempt launched what was judged then")
	}
	return pod, nil
}

// livePod reads a request's pod past the cache, nil where there is none.
func (r *Reconciler) livePod(ctx context.Context, uid types.UID) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: r.Options.SandboxNamespace, Name: sandbox.Name(uid)}, pod)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read pod past the cache: %w", err)
	}
	return pod, nil
}

// checkNothingRan keeps the record honest where a request ends without a launch: an earlier attempt may have died between
// creating the pod and saying so, and the policy may have changed since. Such a run is ended, but it was one.
func (r *Reconciler) checkNothingRan(ctx context.Context, s *snapshot) error {
	if isTrue(s.req, v1alpha1.ConditionLaunched) {
		return nil
	}
	pod, err := r.livePod(ctx, s.req.UID)
	if err != nil {
		return err
	}
	if pod == nil || !belongsTo(pod, s.req.UID) {
		return nil
	}
	why := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionFinished).Message
	launched(s, pod)
	end(s, v1alpha1.ReasonEnvelopeChanged, "an interrupted attempt had launched it before it was refused, so its code may have run; the run is ended: "+why)
	return nil
}

// permitted is the one place that lets a launch pass: an Allow by itself, a RequireApproval with an approval that is used
// up here or with a grant that counts the request, nothing else. It returns what approvers took away.
func (r *Reconciler) permitted(ctx context.Context, s *snapshot, live *v1alpha1.ExecutionRequest, a *assessment) (*v1alpha1.Narrowing, error) {
	switch a.verdict.Decision {
	case v1alpha1.Allow:
		return nil, nil
	case v1alpha1.RequireApproval:
		if name := s.req.Status.GrantName; name != "" {
			return nil, r.grantStands(ctx, live, name, a, s.now)
		}
		outcome, err := r.consumeApproval(ctx, live, a, s.now)
		if err != nil {
			return nil, err
		}
		recordDropped(s, outcome)
		return outcome.Dropped, nil
	case v1alpha1.Deny:
		fallthrough
	default:
		return nil, &refusal{v1alpha1.ReasonDenied, "the verdict does not permit the code to run"}
	}
}

// recordDropped says what the pod lacks. Approvers who decided after Approved was set may have taken away more.
func recordDropped(s *snapshot, outcome approval.Outcome) {
	s.req.Status.Dropped = outcome.Dropped
	setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonApproved, agreed(outcome))
}

// recallDropped finds out what the pod of an earlier attempt lacks, from the Approval that it used.
func (r *Reconciler) recallDropped(ctx context.Context, s *snapshot, live *v1alpha1.ExecutionRequest, a *assessment) error {
	if a.verdict.Decision != v1alpha1.RequireApproval || s.req.Status.GrantName != "" {
		return nil
	}
	appr, err := r.liveApproval(ctx, live)
	if appr == nil || err != nil {
		return err
	}
	if outcome, err := approval.Evaluate(appr, live, a.envelope, s.now); err == nil {
		recordDropped(s, outcome)
	}
	return nil
}

// liveApproval reads a request's Approval past the cache, nil where there is none.
func (r *Reconciler) liveApproval(ctx context.Context, req *v1alpha1.ExecutionRequest) (*v1alpha1.Approval, error) {
	appr := &v1alpha1.Approval{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: req.Namespace, Name: approval.Name(req.UID)}, appr)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read approval past the cache: %w", err)
	}
	return appr, nil
}

// consumeApproval uses the approval up: it evaluates the decisions as the API server holds them and writes Consumed on
// top of exactly that version, so that a decision that is revoked at the same moment wins or loses, but never both. What
// was used up before a crash or a refused pod permits the launch until it would have expired.
func (r *Reconciler) consumeApproval(ctx context.Context, req *v1alpha1.ExecutionRequest, a *assessment, now time.Time) (approval.Outcome, error) {
	appr, err := r.liveApproval(ctx, req)
	if err != nil {
		return approval.Outcome{}, err
	}
	if appr == nil {
		return approval.Outcome{}, &refusal{v1alpha1.ReasonApprovalLost, "the approval was deleted before the launch; create a new request"}
	}
	outcome, err := approval.Evaluate(appr, req, a.envelope, now)
	if no := unusableAtLaunch(appr, outcome, err, a, now); no != nil {
		return approval.Outcome{}, no
	}
	if outcome.State == v1alpha1.ApprovalConsumed {
		return outcome, r.activateGrant(ctx, appr.Namespace, appr.Status.GrantRef)
	}
	remembered, err := r.prepareGrant(ctx, appr, outcome, req, a, now)
	if err != nil {
		return approval.Outcome{}, err
	}
	appr.Status = v1alpha1.ApprovalStatus{
		State: v1alpha1.ApprovalConsumed, Tally: outcome.Tally, Message: "used by pod " + sandbox.Name(req.UID) + notRemembered(outcome, remembered), GrantRef: remembered,
	}
	if err := r.Status().Update(ctx, appr); err != nil {
		return approval.Outcome{}, fmt.Errorf("consume approval: %w", err)
	}
	return outcome, r.activateGrant(ctx, appr.Namespace, remembered)
}

// notRemembered tells approvers who wanted to be asked no more why they will be.
func notRemembered(outcome approval.Outcome, ref *v1alpha1.ObjectRef) string {
	if outcome.Remember == nil || ref != nil {
		return ""
	}
	return "; it is not remembered, because not every argument of what was approved is written out in the code"
}

// unusableAtLaunch says why an Approval does not permit a launch now. Once Approved was reached, less than that is a withdrawal.
func unusableAtLaunch(appr *v1alpha1.Approval, outcome approval.Outcome, err error, a *assessment, now time.Time) *refusal {
	switch no := unusable(appr, outcome, err); {
	case no != nil && no.reason == v1alpha1.ReasonAwaitingApproval:
		return &refusal{v1alpha1.ReasonDenied, "an approval was withdrawn before the launch; create a new request"}
	case no != nil:
		return no
	case !now.Before(appr.Spec.ExpiresAt.Time):
		return &refusal{v1alpha1.ReasonExpired, fmt.Sprintf("approval %s expired before the pod could be created", appr.Name)}
	}
	if err := approval.CheckTerms(appr, a.verdict, a.policy.Spec.Approval); err != nil {
		return &refusal{v1alpha1.ReasonApprovalLost, fmt.Sprintf("approval %s cannot be used: %v", appr.Name, err)}
	}
	return nil
}

func (r *Reconciler) sandboxParams(req *v1alpha1.ExecutionRequest, a *assessment) (sandbox.Params, error) {
	for _, rt := range a.policy.Spec.Runtimes {
		if rt.Language == req.Spec.Code.Language {
			return sandbox.Params{
				Request: req, EnvelopeDigest: a.envelope, Runtime: rt, RuntimeClassName: a.policy.Spec.RuntimeClassName,
				Limits: a.limits, InputDigests: a.digests, EgressProfile: network.Profile(req.Spec.Egress),
				OperatorImage: r.Options.OperatorImage, Namespace: r.Options.SandboxNamespace, ServiceAccountName: sandbox.ServiceAccount,
			}, nil
		}
	}
	return sandbox.Params{}, &refusal{v1alpha1.ReasonInvalid, fmt.Sprintf("policy %s has no runtime for %s", a.policy.Name, req.Spec.Code.Language)}
}
