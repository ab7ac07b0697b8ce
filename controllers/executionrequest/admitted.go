// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// podChanged is a pod that the API server holds and that is not the pod that was asked for. The admission policy
// airlock-pod-shape refuses such pods before they exist, unless what changed them forged the policy's annotation as well.
type podChanged struct{ at string }

func (p *podChanged) Error() string {
	return fmt.Sprintf("the pod was changed at %s on its way into the cluster, by a webhook or an admission policy; it is ended, and its code may have run", p.at)
}

// createPod creates the pod and compares what the API server admitted, after every webhook, with what was asked for. It
// sends and reads JSON without types: they would hide a field that this build does not know.
func (r *Reconciler) createPod(ctx context.Context, want *corev1.Pod) (*corev1.Pod, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return nil, fmt.Errorf("encode pod: %w", err)
	}
	have := &unstructured.Unstructured{Object: object}
	if err := r.Create(ctx, have); apierrors.IsAlreadyExists(err) {
		// Another attempt was faster; the next reconcile finds its pod.
		return nil, fmt.Errorf("%w: pod %s exists", errStale, want.Name)
	} else if err != nil {
		return nil, notCreated("pod", err)
	}
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(have.Object, pod); err != nil {
		return nil, fmt.Errorf("decode pod: %w", err)
	}
	return pod, checkAdmitted(want, have)
}

// checkExisting does the same for the pod of an earlier attempt, which may have died before it compared.
func (r *Reconciler) checkExisting(ctx context.Context, req *v1alpha1.ExecutionRequest, a *assessment) error {
	params, err := r.sandboxParams(req, a)
	if err != nil {
		return err
	}
	want, err := sandbox.Pod(params)
	if err != nil {
		return &refusal{v1alpha1.ReasonInvalid, err.Error()}
	}
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(want), have); apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: pod %s is gone", errStale, want.Name)
	} else if err != nil {
		return fmt.Errorf("read pod past the cache: %w", err)
	}
	return checkAdmitted(want, have)
}

// checkAdmitted finds a pod that is not the one that was asked for. It is left to finish to delete it: an operator that died
// between a deletion here and the record of the launch would launch again.
func checkAdmitted(want *corev1.Pod, have *unstructured.Unstructured) error {
	at, err := sandbox.Changed(want, have.Object)
	if err != nil {
		return fmt.Errorf("compare the pod: %w", err)
	}
	if at != "" {
		return &podChanged{at: at}
	}
	return nil
}

// endChanged ends a request whose pod was changed. The pod was there, so the request counts as launched.
func endChanged(s *snapshot, pod *corev1.Pod, why *podChanged) {
	launched(s, pod)
	end(s, v1alpha1.ReasonPodChanged, why.Error())
}
