// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
	"github.com/airlock-dev/airlock/internal/grant"
	"github.com/airlock-dev/airlock/internal/policy"
)

// +kubebuilder:rbac:groups=airlock.dev,resources=executiongrants,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=airlock.dev,resources=executiongrants/status,verbs=get;patch;update

// useGrant looks for a grant that covers the request and counts the request in it, before anybody is asked. It returns nil
// where there is none. The use is written on top of exactly the version that was judged, so that requests at the same
// moment never use a grant more often than it allows; a request that was counted before a crash is not counted again.
func (r *Reconciler) useGrant(ctx context.Context, s *snapshot, a *assessment) (*v1alpha1.ExecutionGrant, error) {
	candidate, ok := candidateOf(s.req, a)
	if !ok {
		return nil, nil
	}
	var list v1alpha1.ExecutionGrantList
	if err := r.List(ctx, &list, client.InNamespace(s.req.Namespace)); err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	uid := string(s.req.UID)
	countedFirst(list.Items, uid)
	for i := range list.Items {
		g := &list.Items[i]
		if grant.Refuses(g, candidate, uid, s.now) != "" {
			continue
		}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(g), g); apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read grant past the cache: %w", err)
		}
		if grant.Refuses(g, candidate, uid, s.now) != "" {
			continue
		}
		if grant.Used(g, uid) {
			return g, nil
		}
		g.Status = grant.Use(g, uid, s.now)
		if err := r.Status().Update(ctx, g); err != nil {
			return nil, fmt.Errorf("count the request in grant %s: %w", g.Name, err)
		}
		return g, nil
	}
	return nil, nil
}

// countedFirst orders grants: those that count the request already, then by name. A cache lists in any order, and after a
// crash the request would be counted in a second grant.
func countedFirst(grants []v1alpha1.ExecutionGrant, uid string) {
	slices.SortFunc(grants, func(a, b v1alpha1.ExecutionGrant) int {
		switch usedA, usedB := grant.Used(&a, uid), grant.Used(&b, uid); {
		case usedA && !usedB:
			return -1
		case usedB && !usedA:
			return 1
		default:
			return strings.Compare(a.Name, b.Name)
		}
	})
}

// grantStands is the launch's own look at the grant that approve found: it has to be there, count this request, and cover
// what would run now.
func (r *Reconciler) grantStands(ctx context.Context, req *v1alpha1.ExecutionRequest, name string, a *assessment, now time.Time) error {
	g := &v1alpha1.ExecutionGrant{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: req.Namespace, Name: name}, g)
	if apierrors.IsNotFound(err) {
		return &refusal{v1alpha1.ReasonDenied, fmt.Sprintf("grant %s was withdrawn before the launch; create a new request", name)}
	}
	if err != nil {
		return fmt.Errorf("read grant past the cache: %w", err)
	}
	candidate, ok := candidateOf(req, a)
	why := "what it asks for cannot be remembered"
	if ok {
		why = grant.Refuses(g, candidate, string(req.UID), now)
	}
	switch {
	case why != "":
		return &refusal{v1alpha1.ReasonDenied, fmt.Sprintf("grant %s does not cover the launch: %s; create a new request", name, why)}
	case !grant.Used(g, string(req.UID)):
		return &refusal{v1alpha1.ReasonDenied, fmt.Sprintf("grant %s does not count this request; create a new request", name)}
	default:
		return nil
	}
}

func candidateOf(req *v1alpha1.ExecutionRequest, a *assessment) (grant.Candidate, bool) {
	asked := policy.AskedFor(a.report, &a.policy.Spec, givenBy(req, a.verdict.Trust))
	return grant.Of(req, a.verdict, asked, &a.policy.Spec)
}

// grantedBy says in a sentence whose word lets the request run.
func grantedBy(g *v1alpha1.ExecutionGrant) string {
	return fmt.Sprintf("covered by grant %s of %s, use %s, until %s",
		g.Name, strings.Join(g.Spec.Approvers, ", "), g.Status.Used, g.Spec.ExpiresAt.UTC().Format(time.RFC3339))
}

// prepareGrant makes the grant that the approvers of an Approval want remembered, nil where there is none to make. It covers
// nothing before activateGrant. An earlier attempt's is replaced: decisions may have changed since.
//
// The Approval is used up with the UID of the grant, and nothing is made after that. So a grant that was withdrawn, at
// whatever moment, never comes back when a launch is repeated after a crash.
func (r *Reconciler) prepareGrant(ctx context.Context, appr *v1alpha1.Approval, outcome approval.Outcome, req *v1alpha1.ExecutionRequest, a *assessment, now time.Time) (*v1alpha1.ObjectRef, error) {
	candidate, ok := candidateOf(req, a)
	if outcome.Remember == nil || !ok {
		return nil, nil
	}
	g := grant.New(appr, outcome, candidate, now)
	err := r.Create(ctx, g)
	if apierrors.IsAlreadyExists(err) {
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return nil, fmt.Errorf("read grant past the cache: %w", err)
		}
		if err := r.delete(ctx, g); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: grant %s of an earlier attempt", errStale, g.Name)
	}
	if err != nil {
		return nil, notCreated("grant", err)
	}
	return &v1alpha1.ObjectRef{Name: g.Name, UID: string(g.UID)}, nil
}

// activateGrant lets the grant that a used Approval names cover requests. One that was withdrawn meanwhile stays gone.
func (r *Reconciler) activateGrant(ctx context.Context, namespace string, ref *v1alpha1.ObjectRef) error {
	if ref == nil {
		return nil
	}
	g := &v1alpha1.ExecutionGrant{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, g)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read grant past the cache: %w", err)
	}
	if g.UID != types.UID(ref.UID) || g.Status.State != "" || !g.DeletionTimestamp.IsZero() {
		return nil
	}
	g.Status = v1alpha1.ExecutionGrantStatus{State: v1alpha1.GrantActive, Used: fmt.Sprintf("0/%d", g.Spec.MaxUses)}
	if err := r.Status().Update(ctx, g); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("activate grant %s: %w", g.Name, err)
	}
	return nil
}
