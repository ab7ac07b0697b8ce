// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// An error is tried again after minErrorWait, then after twice as long each time. The bound keeps an outage of the API
// server from holding requests up much longer than it lasts.
const (
	minErrorWait = 10 * time.Millisecond
	maxErrorWait = 30 * time.Second
)

// indexPolicy finds the requests that wait for a policy to become Ready.
const indexPolicy = "airlock.dev/waits-for-policy"

// Index is a field by which the cache finds objects.
type Index struct {
	Object  client.Object
	Field   string
	Extract client.IndexerFunc
}

// Indexes are the fields that the reconciler lists by.
func Indexes() []Index {
	return []Index{
		{&v1alpha1.ExecutionRequest{}, indexPolicy, waitsForPolicy},
		{&v1alpha1.Approval{}, indexConsumed, consumedBy},
		{&corev1.Pod{}, indexRequest, requestOfChild},
		{metadataOf("ConfigMap"), indexRequest, requestOfChild},
		{metadataOf("Secret"), indexRequest, requestOfChild},
	}
}

// SetupWithManager registers the controller, its watches and its indexes.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	for _, index := range Indexes() {
		if err := mgr.GetFieldIndexer().IndexField(context.Background(), index.Object, index.Field, index.Extract); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.Object, index.Field, err)
		}
	}
	toRequest := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, obj client.Object) []reconcile.Request {
		return requestsNamed(requestOfChild(obj))
	})
	if err := mgr.Add(manager.RunnableFunc(r.sweepEgressForever)); err != nil {
		return fmt.Errorf("add the sweep of egress policies: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("executionrequest").
		For(&v1alpha1.ExecutionRequest{}).
		Owns(&v1alpha1.Approval{}).
		Watches(&v1alpha1.ExecutionRequest{}, r.deletions()).
		Watches(&corev1.Pod{}, toRequest).
		Watches(metadataOf("ConfigMap"), toRequest, builder.OnlyMetadata).
		Watches(metadataOf("Secret"), toRequest, builder.OnlyMetadata).
		Watches(&v1alpha1.ExecutionPolicy{}, handler.EnqueueRequestsFromMapFunc(r.waiting)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Options.Workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minErrorWait, maxErrorWait),
		}).
		Complete(r)
}

// waiting lists the requests that a change of the policy may set going.
func (r *Reconciler) waiting(ctx context.Context, pol client.Object) []reconcile.Request {
	var list v1alpha1.ExecutionRequestList
	if err := r.List(ctx, &list, client.MatchingFields{indexPolicy: pol.GetName()}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "list the requests that wait for a policy", "policy", pol.GetName())
		return nil
	}
	out := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return out
}

func waitsForPolicy(obj client.Object) []string {
	req, ok := obj.(*v1alpha1.ExecutionRequest)
	if !ok || finished(req) || isTrue(req, v1alpha1.ConditionValidated) {
		return nil
	}
	return []string{req.Spec.PolicyName}
}

// requestOfChild reads the namespace/name that an object in the sandbox namespace was made for.
func requestOfChild(obj client.Object) []string {
	if owner := obj.GetAnnotations()[sandbox.AnnotationRequest]; owner != "" {
		return []string{owner}
	}
	return nil
}

func requestsNamed(keys []string) []reconcile.Request {
	out := make([]reconcile.Request, 0, len(keys))
	for _, key := range keys {
		if namespace, name, ok := strings.Cut(key, "/"); ok {
			out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}})
		}
	}
	return out
}
