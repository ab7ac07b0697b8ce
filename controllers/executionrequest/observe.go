// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// imageGrace is how long an image may fail to pull before the run ends: registries have hiccups.
const imageGrace = 20 * time.Second

// imageTrouble are the kubelet's reasons for an image or a configuration that will not come right by itself.
var imageTrouble = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}

// observe sets Finished when the pod has ended, cannot start, or is gone. A pod that is gone is never made again: nobody
// can know whether its code ran.
func (r *Reconciler) observe(ctx context.Context, s *snapshot) (bool, error) {
	pod, err := r.observedPod(ctx, s)
	if err != nil {
		return false, err
	}
	switch {
	case pod == nil:
		end(s, v1alpha1.ReasonPodLost, "the sandbox pod is gone without a report (evicted, deleted, or its node lost); the code may have run and is not run again")
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		recordEnd(s, pod)
	case !sandboxStarted(pod):
		r.superviseStart(s, pod)
	}
	return true, nil
}

// observedPod is the pod from the cache, or from the API server where the cache does not have it (yet, or any more).
func (r *Reconciler) observedPod(ctx context.Context, s *snapshot) (*corev1.Pod, error) {
	if s.children.pod != nil {
		return s.children.pod, nil
	}
	pod := &corev1.Pod{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: r.Options.SandboxNamespace, Name: sandbox.Name(s.req.UID)}, pod)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get pod: %w", err)
	}
	return pod, nil
}

// superviseStart ends a run whose pod cannot start: an image that is not there, a pod that nobody can schedule.
func (r *Reconciler) superviseStart(s *snapshot, pod *corev1.Pod) {
	launched := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionLaunched).LastTransitionTime.Time
	waited := s.now.Sub(launched)
	reason, message := waitingFor(pod)
	if slices.Contains(imageTrouble, reason) {
		if waited >= imageGrace {
			end(s, v1alpha1.ReasonImageUnavailable, fmt.Sprintf("the code did not run: %s: %s", reason, message))
			return
		}
		s.wakeAfter(imageGrace - waited)
	}
	if waited >= r.Options.StartTimeout {
		end(s, v1alpha1.ReasonDeadlineExceeded, fmt.Sprintf("the sandbox did not start within %s: %s: %s", r.Options.StartTimeout, reason, message))
		return
	}
	s.wakeAfter(r.Options.StartTimeout - waited)
}

// sandboxStarted says whether the container with the code has been started.
func sandboxStarted(pod *corev1.Pod) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running != nil || c.State.Terminated != nil {
			return true
		}
	}
	return false
}

// waitingFor is what a pod that has not started waits for, in the kubelet's or the scheduler's words.
func waitingFor(pod *corev1.Pod) (reason, message string) {
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "PodInitializing" {
			return w.Reason, w.Message
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionFalse && c.Type == corev1.PodScheduled {
			return c.Reason, c.Message
		}
	}
	return "Pending", "the pod is waiting for its node"
}
