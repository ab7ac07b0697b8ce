// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// imageGrace is how long an image may fail to pull before the run ends: registries have hiccups.
const imageGrace = 20 * time.Second

// imageTrouble are the kubelet's reasons for an image or a configuration that will not come right by itself.
var imageTrouble = []string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}

// lostGrace is how long after its deadline a pod may still say that it runs, before its node counts as lost.
const lostGrace = time.Minute

// observe sets Finished when the pod has ended, cannot start, or is gone. A pod that is gone is never made again: nobody
// can know whether its code ran.
func (r *Reconciler) observe(ctx context.Context, s *snapshot) (bool, error) {
	pod := s.children.pod
	if pod == nil { // not in the cache yet, or not any more
		var err error
		if pod, err = r.livePod(ctx, s.req.UID); err != nil {
			return false, err
		}
	}
	switch {
	case pod == nil:
		end(s, v1alpha1.ReasonPodLost, "the sandbox pod is gone without a report (evicted, deleted, or its node lost); the code may have run and is not run again")
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		recordEnd(s, pod)
	case sandboxStarted(pod):
		r.superviseRun(s, pod)
	default:
		r.superviseStart(s, pod)
	}
	return true, nil
}

// superviseRun ends a run whose kubelet does not end it at its deadline: the node is lost, and the pod would be said to
// run for ever.
func (r *Reconciler) superviseRun(s *snapshot, pod *corev1.Pod) {
	left := r.Options.StartTimeout + lostGrace - s.now.Sub(launchedAt(s.req))
	if deadline := pod.Spec.ActiveDeadlineSeconds; deadline != nil {
		left += time.Duration(*deadline) * time.Second
	}
	if left <= 0 {
		end(s, v1alpha1.ReasonPodLost, "the sandbox pod is long past its deadline and its node has not ended it; the code may have run to its end")
		return
	}
	s.wakeAfter(left)
}

func launchedAt(req *v1alpha1.ExecutionRequest) time.Time {
	return meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionLaunched).LastTransitionTime.Time
}

// superviseStart ends a run whose pod cannot start: an image that is not there, a pod that nobody can schedule.
func (r *Reconciler) superviseStart(s *snapshot, pod *corev1.Pod) {
	waited := s.now.Sub(launchedAt(s.req))
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
