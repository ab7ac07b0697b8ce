// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// indexRequest finds the objects in the sandbox namespace that belong to a request, by its namespace/name. Owner
// references cannot cross namespaces, so annotations carry the relation.
const indexRequest = "airlock.dev/request"

// children are the objects that exist for one request name: possibly of an earlier request of that name too.
type children struct {
	pod  *corev1.Pod
	pods []*corev1.Pod
	data []client.Object // ConfigMaps and Secrets
}

func (c children) all() []client.Object {
	out := make([]client.Object, 0, len(c.pods)+len(c.data))
	for _, p := range c.pods {
		out = append(out, p)
	}
	return append(out, c.data...)
}

// of returns the children of the request with this UID.
func (c children) of(uid types.UID) children {
	var out children
	for _, obj := range c.all() {
		if !belongsTo(obj, uid) {
			continue
		}
		if pod, ok := obj.(*corev1.Pod); ok {
			out.pod, out.pods = pod, append(out.pods, pod)
			continue
		}
		out.data = append(out.data, obj)
	}
	return out
}

// foreign returns the children of other requests of the same name: deleted ones, whose runs have to end.
func (c children) foreign(uid types.UID) []client.Object {
	var out []client.Object
	for _, obj := range c.all() {
		if !belongsTo(obj, uid) {
			out = append(out, obj)
		}
	}
	return out
}

func belongsTo(obj client.Object, uid types.UID) bool {
	return obj.GetAnnotations()[sandbox.AnnotationRequestUID] == string(uid)
}

// metadataOf is a core/v1 kind of which only the metadata is read and cached: contents of inputs and credentials stay out
// of the operator's memory.
func metadataOf(kind string) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return obj
}

func (r *Reconciler) childrenOf(ctx context.Context, key types.NamespacedName) (children, error) {
	var out children
	match := []client.ListOption{client.InNamespace(r.Options.SandboxNamespace), client.MatchingFields{indexRequest: key.String()}}
	var pods corev1.PodList
	if err := r.List(ctx, &pods, match...); err != nil {
		return out, fmt.Errorf("list sandbox pods: %w", err)
	}
	for i := range pods.Items {
		out.pods = append(out.pods, &pods.Items[i])
	}
	for _, kind := range []string{"ConfigMap", "Secret"} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
		if err := r.List(ctx, list, match...); err != nil {
			return out, fmt.Errorf("list sandbox objects of kind %s: %w", kind, err)
		}
		for i := range list.Items {
			item := &list.Items[i]
			item.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
			out.data = append(out.data, item)
		}
	}
	return out, nil
}

// sweep ends the runs of requests of this name that are gone: of all where no request stands, else of all but the one with
// the UID. The objects come from the cache, so that a restart of the operator, which fills the cache, also sweeps what was
// left behind; that their request is gone is asked of the API server, because a run cannot be brought back.
func (r *Reconciler) sweep(ctx context.Context, key types.NamespacedName, standing types.UID, objects []client.Object) error {
	objects = slices.DeleteFunc(objects, beingDeleted)
	if len(objects) == 0 {
		return nil
	}
	live := &v1alpha1.ExecutionRequest{}
	if err := r.Live.Get(ctx, key, live); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("look for the request past the cache: %w", err)
	}
	if live.UID != standing {
		return fmt.Errorf("%w: request %s", errStale, key)
	}
	ctrl.LoggerFrom(ctx).Info("request is gone, ending its run", "objects", len(objects))
	r.recordSwept(objects)
	return r.delete(ctx, objects...)
}

// delete removes objects, each only if it still is the one that was seen. A running pod gets its own short grace period:
// with none, the object would be gone before its processes.
func (r *Reconciler) delete(ctx context.Context, objects ...client.Object) error {
	for _, obj := range objects {
		if beingDeleted(obj) {
			continue
		}
		uid := obj.GetUID()
		if err := r.Delete(ctx, obj, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete %s: %w", obj.GetName(), err)
		}
	}
	return nil
}

func beingDeleted(obj client.Object) bool { return !obj.GetDeletionTimestamp().IsZero() }
