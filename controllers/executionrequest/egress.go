// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// An egress policy is shared by all requests that name the same destinations, so no request owns it. One that no pod has
// used for unusedEgress is deleted by a sweep, every sweepEgressEvery: nothing is asked for each request.
const (
	unusedEgress     = time.Hour
	sweepEgressEvery = 10 * time.Minute
)

// egressUse keeps a sweep from deleting the policy that a launch has just found: launches share the lock from the moment
// they look for their policy until their pod, which is what marks the policy as used, exists.
type egressUse struct {
	mu sync.RWMutex
	// unusedSince is of policies by UID. It starts empty with each operator, which only delays a deletion.
	unusedSince map[string]time.Time
}

// launching holds deletions of egress policies back until the returned function is called.
func (u *egressUse) launching() (done func()) {
	u.mu.RLock()
	return u.mu.RUnlock
}

// +kubebuilder:rbac:groups=cilium.io,namespace=sandboxes,resources=ciliumnetworkpolicies,verbs=delete

// sweepEgressForever sweeps until the context ends.
func (r *Reconciler) sweepEgressForever(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := r.sweepEgress(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "sweep unused egress policies")
		}
	}, sweepEgressEvery)
	return nil
}

// sweepEgress deletes the egress policies that no pod has used for long enough.
func (r *Reconciler) sweepEgress(ctx context.Context) error {
	policies := &ciliumv2.CiliumNetworkPolicyList{}
	if err := r.Live.List(ctx, policies, client.InNamespace(r.Options.SandboxNamespace)); err != nil {
		return fmt.Errorf("list egress policies: %w", err)
	}
	now, unused := r.Clock.Now(), map[string]time.Time{}
	for i := range policies.Items {
		policy := &policies.Items[i]
		if !strings.HasPrefix(policy.Name, network.EgressPolicyName("")) {
			continue
		}
		since, err := r.unusedSince(ctx, policy, now)
		if err != nil {
			return err
		}
		switch {
		case since.IsZero():
		case now.Sub(since) < unusedEgress:
			unused[string(policy.UID)] = since
		default:
			if err := r.deleteUnused(ctx, policy); err != nil {
				return err
			}
		}
	}
	r.egress.unusedSince = unused
	return nil
}

// unusedSince returns when a sweep first saw that no pod uses the policy, now if it is this one, zero if one does.
func (r *Reconciler) unusedSince(ctx context.Context, policy *ciliumv2.CiliumNetworkPolicy, now time.Time) (time.Time, error) {
	used, err := r.isUsed(ctx, r.Client, policy)
	if used || err != nil {
		return time.Time{}, err
	}
	if since, ok := r.egress.unusedSince[string(policy.UID)]; ok {
		return since, nil
	}
	return now, nil
}

// isUsed says whether there is a pod of the policy's profile, ended ones included: they are deleted soon.
func (r *Reconciler) isUsed(ctx context.Context, from client.Reader, policy *ciliumv2.CiliumNetworkPolicy) (bool, error) {
	profile := strings.TrimPrefix(policy.Name, network.EgressPolicyName(""))
	var pods corev1.PodList
	err := from.List(ctx, &pods, client.InNamespace(policy.Namespace), client.MatchingLabels{sandbox.LabelEgressProfile: profile})
	if err != nil {
		return false, fmt.Errorf("list pods of an egress profile: %w", err)
	}
	return len(pods.Items) > 0, nil
}

// deleteUnused deletes a policy if it still is what was seen and the API server itself knows no pod of its profile. No
// launch is under way meanwhile; the next one makes the policy again.
func (r *Reconciler) deleteUnused(ctx context.Context, policy *ciliumv2.CiliumNetworkPolicy) error {
	r.egress.mu.Lock()
	defer r.egress.mu.Unlock()
	if used, err := r.isUsed(ctx, r.Live, policy); used || err != nil {
		return err
	}
	err := r.Delete(ctx, policy, client.Preconditions{UID: &policy.UID, ResourceVersion: &policy.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete egress policy %s: %w", policy.Name, err)
	}
	ctrl.LoggerFrom(ctx).Info("deleted an egress policy that nobody used", "policy", policy.Name)
	return nil
}
