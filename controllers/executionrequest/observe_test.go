// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

func TestWaitingForSaysWhatAPodWaitsFor(t *testing.T) {
	unscheduled := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no node"}}
	for name, test := range map[string]struct {
		status        corev1.PodStatus
		wantReason    string
		wantInMessage string
	}{
		"its preparation's image": {corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{waiting("ErrImagePull", "no such image")}}, "ErrImagePull", "no such image"},
		"the image of the code, which waits behind the preparation": {corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{waiting("PodInitializing", "")},
			ContainerStatuses:     []corev1.ContainerStatus{waiting("ImagePullBackOff", "denied")},
		}, "ImagePullBackOff", "denied"},
		"a node":                   {corev1.PodStatus{Conditions: unscheduled}, "Unschedulable", "no node"},
		"nobody has said for what": {corev1.PodStatus{}, "Pending", "the pod is waiting for its node"},
		"a pod that was scheduled waits for something else": {corev1.PodStatus{
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, Reason: "Scheduled"}},
		}, "Pending", "the pod is waiting for its node"},
	} {
		t.Run(name, func(t *testing.T) {
			reason, message := waitingFor(&corev1.Pod{Status: test.status})
			if reason != test.wantReason || message != test.wantInMessage {
				t.Errorf("waits for %s: %s, want %s: %s", reason, message, test.wantReason, test.wantInMessage)
			}
		})
	}
}

// No pod stays Pending or Running for ever, and none is ended before its time.
func TestEveryPodHasAnEnd(t *testing.T) {
	pulling := corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{waiting("ImagePullBackOff", "no such image")}}
	running := corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}
	pending := corev1.PodStatus{Phase: corev1.PodPending}
	const startTimeout, deadline = 5 * time.Minute, 2 * time.Minute
	for name, test := range map[string]struct {
		status corev1.PodStatus
		age    time.Duration
		want   string // the reason of the end, empty where it goes on
		wake   time.Duration
	}{
		"an image may fail to pull for a while":      {pulling, 19 * time.Second, "", time.Second},
		"and then it is not there":                   {pulling, 20 * time.Second, v1alpha1.ReasonImageUnavailable, 0},
		"a pod may wait for a node":                  {pending, startTimeout - time.Second, "", time.Second},
		"but not for ever":                           {pending, startTimeout, v1alpha1.ReasonDeadlineExceeded, 0},
		"a pod may run":                              {running, startTimeout, "", deadline + lostGrace},
		"until its kubelet should have ended it":     {running, startTimeout + deadline + lostGrace - time.Second, "", time.Second},
		"and a kubelet that has not is gone":         {running, startTimeout + deadline + lostGrace, v1alpha1.ReasonPodLost, 0},
		"a clock that was set back ends no run":      {running, -time.Hour, "", startTimeout + deadline + lostGrace + time.Hour},
		"a clock that was set back ends no start":    {pending, -time.Hour, "", startTimeout + time.Hour},
		"a new pod is looked at when it may be late": {pending, 0, "", startTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSnapshot()
			s.req.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionLaunched, metav1.ConditionTrue, v1alpha1.ReasonPodCreated)}
			s.now = noon.Add(test.age)
			s.children.pod = &corev1.Pod{Spec: corev1.PodSpec{ActiveDeadlineSeconds: new(int64(deadline / time.Second))}, Status: test.status}
			r := &Reconciler{Options: Options{StartTimeout: startTimeout}}
			if done, err := r.observe(t.Context(), s); !done || err != nil {
				t.Fatalf("observe gives %t, %v", done, err)
			}
			got := ""
			if c := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionFinished); c != nil {
				got = c.Reason
			}
			if got != test.want || s.requeue != test.wake {
				t.Errorf("ends with %q and wakes after %s, want %q and %s", got, s.requeue, test.want, test.wake)
			}
		})
	}
}
