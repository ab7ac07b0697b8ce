// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

// approve sets Approved. Where the verdict asks for people it creates the Approval and waits for it, without polling. An
// Approval that is denied, expired or gone ends the request. Approved=True does not use the approval up: launch does.
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

	appr, err := r.approvalFor(ctx, s)
	if no := new(refusal); errors.As(err, &no) {
		refuse(s, v1alpha1.ConditionApproved, no)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.req.Status.ApprovalName = appr.Name

	outcome, err := approval.Evaluate(appr, s.req, s.req.Status.EnvelopeDigest, s.now)
	switch no := unusable(appr, outcome, err); {
	case no == nil:
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonApproved, outcome.Message)
		return true, nil
	case no.reason == v1alpha1.ReasonAwaitingApproval:
		setCondition(s, v1alpha1.ConditionApproved, metav1.ConditionFalse, no.reason, fmt.Sprintf("%s approvals on %s: %s", outcome.Tally, appr.Name, no.message))
		s.wakeAfter(appr.Spec.ExpiresAt.Sub(s.now))
		return false, nil
	default:
		refuse(s, v1alpha1.ConditionApproved, no)
		return false, nil
	}
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
	case v1alpha1.ApprovalDenied:
		return &refusal{v1alpha1.ReasonDenied, outcome.Message}
	default:
		return &refusal{v1alpha1.ReasonDenied, fmt.Sprintf("approval %s is in the unknown state %q", appr.Name, outcome.State)}
	}
}

// approvalFor returns the request's Approval, and creates it where it was never created.
func (r *Reconciler) approvalFor(ctx context.Context, s *snapshot) (*v1alpha1.Approval, error) {
	name := approval.Name(s.req.UID)
	key := client.ObjectKey{Namespace: s.req.Namespace, Name: name}
	existing := &v1alpha1.Approval{}
	err := r.Get(ctx, key, existing)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, existing)
	}
	if err == nil {
		return existing, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("get approval: %w", err)
	}
	if s.req.Status.ApprovalName != "" {
		return nil, &refusal{v1alpha1.ReasonApprovalLost, fmt.Sprintf("approval %s was deleted before it was decided; create a new request", name)}
	}

	a := s.assessed
	if a == nil {
		if a, err = r.reassess(ctx, r.Client, s.req, &s.req.Status); err != nil {
			return nil, err
		}
	}
	created := approval.New(s.req, a.verdict, a.envelope, withDigests(s.req.Spec.Inputs, a.digests), a.limits, a.policy.Spec.Approval, s.now)
	if err := r.Create(ctx, created); err != nil {
		return nil, notCreated("approval", err)
	}
	return created, nil
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
