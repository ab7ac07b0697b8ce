// SPDX-License-Identifier: Apache-2.0

package executionpolicy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/kyverno"
)

// absentRetry is how long it takes at most to notice that Kyverno was installed.
const absentRetry = 10 * time.Second

// syncTimeout bounds the first list of a watch.
const syncTimeout = 10 * time.Second

// ruleWatch watches ValidatingPolicies from the moment on that an ExecutionPolicy selects some and the cluster serves them.
// A watch on a kind that is not served would keep the operator from starting.
type ruleWatch struct {
	controller controller.Controller
	cache      cache.Cache
	mapper     meta.RESTMapper
	policies   client.Reader

	mu      sync.Mutex
	started bool
}

// ensure starts the watch where it is needed, and waits for it: whatever changes afterwards is heard of. It returns when to look again, zero where the watch tells.
func (w *ruleWatch) ensure(ctx context.Context, pol *v1alpha1.ExecutionPolicy) (time.Duration, error) {
	if pol.Spec.Kyverno == nil {
		return 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return 0, nil
	}
	if _, err := w.mapper.RESTMapping(kyverno.Kind.GroupKind(), kyverno.Kind.Version); meta.IsNoMatchError(err) {
		return absentRetry, nil
	} else if err != nil {
		return 0, fmt.Errorf("find out whether the cluster serves ValidatingPolicies: %w", err)
	}
	// That a rule changed is enough to know: what it says is read anew.
	rule := &metav1.PartialObjectMetadata{}
	rule.SetGroupVersionKind(kyverno.Kind)
	changed := handler.TypedEnqueueRequestsFromMapFunc(w.withRules)
	rules := source.Kind(w.cache, rule, changed)
	if err := w.controller.Watch(rules); err != nil {
		return 0, fmt.Errorf("watch ValidatingPolicies: %w", err)
	}
	// A rule that is deleted before the watch has its first list would be deleted unheard.
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := rules.WaitForSync(ctx); err != nil {
		return 0, fmt.Errorf("wait for the watch on ValidatingPolicies: %w", err)
	}
	w.started = true
	return 0, nil
}

// withRules lists the policies that select rules. A rule may have lost the label that it was selected by, so all of them
// are checked again.
func (w *ruleWatch) withRules(ctx context.Context, _ *metav1.PartialObjectMetadata) []reconcile.Request {
	var list v1alpha1.ExecutionPolicyList
	if err := w.policies.List(ctx, &list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "list the policies that select Kyverno rules")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if list.Items[i].Spec.Kyverno != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}
