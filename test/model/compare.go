// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

func finished(req *v1alpha1.ExecutionRequest) bool {
	return meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionFinished)
}

// launched checks a pod at the moment when it exists.
func (s *Sequence) launched(pod *corev1.Pod) error {
	uid := pod.Annotations[sandbox.AnnotationRequestUID]
	r := s.ref.requests[uid]
	switch {
	case r == nil:
		return fmt.Errorf("pod %s is of no request", pod.Name)
	case r.launched:
		return fmt.Errorf("request %s is launched twice", r.name)
	case r.gone:
		return fmt.Errorf("request %s is launched after it was deleted", r.name)
	case r.source.denied:
		return fmt.Errorf("request %s is launched though it is denied", r.name)
	case s.operator.held:
		return fmt.Errorf("request %s is launched while the preflight holds launches", r.name)
	}
	r.launched = true
	s.stats.Launched++
	egress, credentials := r.egress, r.credentials
	if r.asks() {
		q := s.ref.approvals["airlock-"+uid]
		switch {
		case q != nil && q.used:
			if err := s.ref.permits(q, s.cluster.Clock.Now()); err != nil {
				return fmt.Errorf("request %s is launched though %w", r.name, err)
			}
			egress, credentials = q.left()
		default:
			if err := s.granted(r); err != nil {
				return fmt.Errorf("request %s is launched without approval: %w", r.name, err)
			}
			s.stats.Granted++
		}
	}
	return s.holds(pod, egress, credentials)
}

// granted requires that exactly one grant counts the request, and covers it.
func (s *Sequence) granted(r *request) error {
	var list v1alpha1.ExecutionGrantList
	if err := s.cluster.As(Admin).List(context.Background(), &list, client.InNamespace(s.cluster.Namespace)); err != nil {
		return fmt.Errorf("list grants: %w", err)
	}
	var by []string
	for _, g := range list.Items {
		if slices.ContainsFunc(g.Status.Uses, func(u v1alpha1.GrantUse) bool { return u.RequestUID == r.uid }) {
			by = append(by, g.Name)
		}
	}
	if len(by) != 1 {
		return fmt.Errorf("it is counted by the grants %v, want exactly one", by)
	}
	m := s.ref.grants[by[0]]
	if m == nil {
		return fmt.Errorf("grant %s was never given", by[0])
	}
	if err := s.ref.covers(m, r, s.cluster.Clock.Now()); err != nil {
		return fmt.Errorf("grant %s does not cover it: %w", by[0], err)
	}
	return nil
}

// holds compares what a pod can reach and read with what was left by its approvers.
func (s *Sequence) holds(pod *corev1.Pod, egress []v1alpha1.EgressTarget, credentials []string) error {
	if got, want := pod.Labels[sandbox.LabelEgressProfile], network.Profile(egress); got != want {
		return fmt.Errorf("pod %s has the egress profile %s, want %s for %v", pod.Name, got, want, egress)
	}
	secret := &corev1.Secret{}
	err := s.cluster.Operator.Get(context.Background(), secretOf(pod), secret)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read credentials: %w", err)
	}
	got, want := slices.Sorted(maps.Keys(secret.Data)), slices.Sorted(slices.Values(credentials))
	if !slices.Equal(got, want) {
		return fmt.Errorf("pod %s has the credentials %v, want %v", pod.Name, got, want)
	}
	return nil
}

// compare compares everything that is on record with the reference model.
func (s *Sequence) compare(ctx context.Context) error {
	if s.cluster.Version != nil {
		version := s.cluster.Version()
		if version == s.compared {
			return nil
		}
		s.compared = version
	}
	return errors.Join(s.track(ctx), s.compareRequests(ctx), s.compareGrants(ctx))
}

// track takes new Approvals over, and compares the decisions in all.
func (s *Sequence) track(ctx context.Context) error {
	var list v1alpha1.ApprovalList
	if err := s.cluster.As(Admin).List(ctx, &list, client.InNamespace(s.cluster.Namespace)); err != nil {
		return fmt.Errorf("list approvals: %w", err)
	}
	for i := range list.Items {
		if err := s.trackOne(&list.Items[i]); err != nil {
			return fmt.Errorf("approval %s: %w", list.Items[i].Name, err)
		}
	}
	return nil
}

func (s *Sequence) trackOne(appr *v1alpha1.Approval) error {
	q := s.ref.approvals[appr.Name]
	if q == nil {
		r := s.ref.requests[appr.Spec.Subject.RequestRef.UID]
		if r == nil {
			return errors.New("it is about no request")
		}
		q = &question{
			request: r, terms: s.termsOf(appr), digest: appr.Spec.Subject.Verdict.PolicyDigest, required: appr.Spec.Required,
			expiresAt: appr.Spec.ExpiresAt.Time, decisions: map[string]decision{},
		}
		s.ref.approvals[appr.Name] = q
		if q.digest == s.ref.digest && (appr.Spec.Required != s.ref.required(r) || !reflect.DeepEqual(q.terms, s.withoutCounts(s.ref.current))) {
			return fmt.Errorf("it asks for %d people on terms %+v, want %d on %+v", appr.Spec.Required, q.terms, s.ref.required(r), s.ref.current)
		}
	}
	got := map[string]decision{}
	for _, d := range appr.Spec.Decisions {
		got[d.Approver] = decision{d.Verdict, d.Without, d.Remember}
	}
	if !reflect.DeepEqual(got, q.decisions) {
		return fmt.Errorf("it has the decisions %+v, want %+v", got, q.decisions)
	}
	return s.stateFollows(appr, q)
}

// termsOf reads the terms that decide about decisions.
func (s *Sequence) termsOf(appr *v1alpha1.Approval) variant {
	return variant{checker: len(appr.Spec.Checkers) > 0, serviceAccounts: appr.Spec.ServiceAccounts == v1alpha1.ServiceAccountsAllowed, grants: appr.Spec.Grants}
}

func (s *Sequence) withoutCounts(v variant) variant {
	v.required, v.ruleApprovals, v.timeout = 0, 0, 0
	return v
}

// final are the states that stay.
var final = []v1alpha1.ApprovalState{v1alpha1.ApprovalDenied, v1alpha1.ApprovalExpired, v1alpha1.ApprovalConsumed, v1alpha1.ApprovalWithdrawn}

// stateFollows requires that the state of an Approval has a reason, and that a final one stays.
func (s *Sequence) stateFollows(appr *v1alpha1.Approval, q *question) error {
	state, before := appr.Status.State, q.last
	q.last = state
	switch {
	case q.used != (state == v1alpha1.ApprovalConsumed):
		return fmt.Errorf("it is %s, used: %t", state, q.used)
	case state == before:
		return nil
	case slices.Contains(final, before):
		return fmt.Errorf("it was %s and is %s", before, state)
	case !s.hasReason(state, q):
		return fmt.Errorf("it is %s for no reason", state)
	default:
		return nil
	}
}

func (s *Sequence) hasReason(state v1alpha1.ApprovalState, q *question) bool {
	switch state {
	case v1alpha1.ApprovalDenied:
		return slices.ContainsFunc(slices.Collect(maps.Values(q.decisions)), func(d decision) bool { return d.verdict == v1alpha1.Denied })
	case v1alpha1.ApprovalExpired:
		return !s.cluster.Clock.Now().Before(q.expiresAt)
	case v1alpha1.ApprovalWithdrawn:
		return q.request.gone || len(q.request.excuses) > 0
	case v1alpha1.ApprovalPending, v1alpha1.ApprovalApproved, v1alpha1.ApprovalConsumed:
		return true
	default:
		return false
	}
}

// compareRequests requires a reason for every request that ended without a launch.
func (s *Sequence) compareRequests(ctx context.Context) error {
	var list v1alpha1.ExecutionRequestList
	if err := s.cluster.As(Admin).List(ctx, &list, client.InNamespace(s.cluster.Namespace)); err != nil {
		return fmt.Errorf("list requests: %w", err)
	}
	for i := range list.Items {
		req := &list.Items[i]
		r := s.ref.requests[string(req.UID)]
		if r == nil {
			return fmt.Errorf("request %s was never made", req.Name)
		}
		if finished(req) && !r.launched && !r.source.denied && !s.mayEnd(r, req) {
			return fmt.Errorf("request %s ended for no reason: %+v", r.name, req.Status)
		}
	}
	return nil
}

// mayEnd: something happened to the request, or the time of its approval or its grant is over.
func (s *Sequence) mayEnd(r *request, req *v1alpha1.ExecutionRequest) bool {
	q := s.ref.approvals["airlock-"+r.uid]
	return len(r.excuses) > 0 || req.Status.GrantName != "" || q != nil && !s.cluster.Clock.Now().Before(q.expiresAt)
}

// compareGrants requires that every grant was given, is used no more often than that, and stays withdrawn.
func (s *Sequence) compareGrants(ctx context.Context) error {
	var list v1alpha1.ExecutionGrantList
	if err := s.cluster.As(Admin).List(ctx, &list, client.InNamespace(s.cluster.Namespace)); err != nil {
		return fmt.Errorf("list grants: %w", err)
	}
	for _, g := range list.Items {
		m := s.ref.grants[g.Name]
		switch {
		case g.Status.State == "" && len(g.Status.Uses) == 0: // not active, and perhaps never
		case m == nil:
			return fmt.Errorf("grant %s was never given", g.Name)
		case m.withdrawn:
			return fmt.Errorf("grant %s came back after it was withdrawn", g.Name)
		case g.Spec.MaxUses != m.uses || len(g.Status.Uses) > int(m.uses) || g.Spec.ExpiresAt.After(m.expiresAt):
			return fmt.Errorf("grant %s has %d uses of %d until %s, given were %d until %s", g.Name, len(g.Status.Uses), g.Spec.MaxUses, g.Spec.ExpiresAt, m.uses, m.expiresAt)
		}
	}
	return nil
}
