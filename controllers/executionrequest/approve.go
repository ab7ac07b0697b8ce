// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

// approve sets Approved. Where the verdict asks for people it looks for a grant that stands in for them, or creates the
// Approval and waits for it, without polling. An Approval that is denied, expired or gone ends the request. Approved=True
// does not use the approval up: launch does.
func (r *Reconciler) approve(ctx context.Context, s *snapshot) (bool, error) {
	if isTrue(s.req, v1alpha1.ConditionApproved) {
		return true, nil
	}
	switch s.req.Status.Verdict.Decision {
	case v1alpha1.Allow:
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonNotRequired, "every operation is on the policy's allowlist")
		return true, nil
	case v1alpha1.RequireApproval:
	case v1alpha1.Deny:
		fallthrough
	default:
		refuse(s, v1alpha1.ConditionApproved, &refusal{v1alpha1.ReasonDenied, "the verdict does not permit the code to run"})
		return false, nil
	}

	appr, granted, err := r.ask(ctx, s)
	switch no := new(refusal); {
	case errors.As(err, &no):
		refuse(s, v1alpha1.ConditionApproved, no)
		return false, nil
	case err != nil:
		return false, err
	case granted != nil:
		s.req.Status.GrantName = granted.Name
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonGranted, grantedBy(granted))
		return true, nil
	default:
		return r.awaits(s, appr), nil
	}
}

// awaits counts the decisions on the Approval, and says whether they permit to go on.
func (r *Reconciler) awaits(s *snapshot, appr *v1alpha1.Approval) bool {
	s.req.Status.ApprovalName, s.approval = appr.Name, appr
	outcome, err := approval.Evaluate(appr, s.req, s.req.Status.EnvelopeDigest, s.now)
	switch no := unusable(appr, outcome, err); {
	case no == nil:
		s.req.Status.Dropped = outcome.Dropped
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonApproved, agreed(outcome))
		return true
	case no.reason == v1alpha1.ReasonAwaitingApproval:
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionFalse, no.reason, fmt.Sprintf("%s approvals on %s: %s", outcome.Tally, appr.Name, no.message))
		s.wakeAfter(appr.Spec.ExpiresAt.Sub(s.now))
		return false
	default:
		refuse(s, v1alpha1.ConditionApproved, no)
		return false
	}
}

// agreed says who let the request run, and without what.
func agreed(outcome approval.Outcome) string {
	message := strings.Join(slices.Concat(outcome.Approvers, outcome.Checkers), ", ") + " agreed"
	if dropped := approval.Dropped(outcome.Dropped); dropped != "" {
		message += ", without " + dropped
	}
	return message
}

// unusable says why an Approval does not permit a launch now, nil where it does. Consumed permits one: Evaluate holds the
// Approval to this request, so only an earlier attempt at this very launch can have used it.
func unusable(appr *v1alpha1.Approval, outcome approval.Outcome, err error) *refusal {
	if err != nil {
		return &refusal{v1alpha1.ReasonApprovalLost, fmt.Sprintf("approval %s cannot be used: %v", appr.Name, err)}
	}
	switch outcome.State {
	case v1alpha1.ApprovalApproved, v1alpha1.ApprovalConsumed:
		return nil
	case v1alpha1.ApprovalPending:
		return &refusal{v1alpha1.ReasonAwaitingApproval, outcome.Message}
	case v1alpha1.ApprovalExpired:
		return &refusal{v1alpha1.ReasonExpired, outcome.Message}
	case v1alpha1.ApprovalDenied, v1alpha1.ApprovalWithdrawn:
		return &refusal{v1alpha1.ReasonDenied, outcome.Message}
	default:
		return &refusal{v1alpha1.ReasonDenied, fmt.Sprintf("approval %s is in the unknown state %q", appr.Name, outcome.State)}
	}
}

// ask returns the request's Approval, or a grant that stands in for it. The Approval is created where it was never created
// and no grant covers the request.
func (r *Reconciler) ask(ctx context.Context, s *snapshot) (*v1alpha1.Approval, *v1alpha1.ExecutionGrant, error) {
	existing, err := r.existingApproval(ctx, s.req)
	if existing != nil || err != nil {
		return existing, nil, err
	}
	a := s.assessed
	if a == nil {
		if a, err = r.reassess(ctx, r.Client, s.req, &s.req.Status); err != nil {
			return nil, nil, err
		}
	}
	if granted, err := r.useGrant(ctx, s, a); granted != nil || err != nil {
		return nil, granted, err
	}
	terms := a.policy.Spec.Approval
	if checker := approval.SelfChecked(s.req, terms); checker != "" {
		return nil, nil, &refusal{v1alpha1.ReasonDenied, fmt.Sprintf(
			"checker %s made this request, and nobody checks their own: have another account make it", checker)}
	}
	created := approval.New(s.req, a.verdict, a.envelope, withDigests(s.req.Spec.Inputs, a.digests), a.limits, terms, s.now)
	if err := r.addChanges(ctx, created); err != nil {
		return nil, nil, err
	}
	if err := r.Create(ctx, created); err != nil {
		return nil, nil, notCreated("approval", err)
	}
	return created, nil, nil
}

// existingApproval returns the request's Approval, nil where it was never created.
func (r *Reconciler) existingApproval(ctx context.Context, req *v1alpha1.ExecutionRequest) (*v1alpha1.Approval, error) {
	key := client.ObjectKey{Namespace: req.Namespace, Name: approval.Name(req.UID)}
	existing := &v1alpha1.Approval{}
	err := r.Get(ctx, key, existing)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, existing)
	}
	switch {
	case err == nil:
		return existing, nil
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("get approval: %w", err)
	case req.Status.ApprovalName != "":
		return nil, &refusal{v1alpha1.ReasonApprovalLost, fmt.Sprintf("approval %s was deleted before it was decided; create a new request", key.Name)}
	default:
		return nil, nil
	}
}

// withDigests fills in the digests of the contents, so that approvers see what is mounted.
func withDigests(inputs []v1alpha1.Input, digests map[string]string) []v1alpha1.Input {
	out := make([]v1alpha1.Input, 0, len(inputs))
	for _, in := range inputs {
		if digest, ok := digests[in.Name]; ok {
			in.Digest = digest
		}
		out = append(out, in)
	}
	return out
}
