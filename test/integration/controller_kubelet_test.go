// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/runner"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// The one fake of these tests: scheduler and kubelet are played here, under their own names and through their own doors, so
// that the Node authorizer, NodeRestriction and the admission policies agree to every step. No code runs.

var scheduler = user{name: "system:kube-scheduler"}

// pod waits for the pod of a request.
func (w *world) pod(req *v1alpha1.ExecutionRequest) *corev1.Pod {
	w.Helper()
	pod := &corev1.Pod{}
	w.eventually("the pod is created", func() error {
		return w.admin.Get(w.ctx, client.ObjectKey{Namespace: config.SandboxNamespace, Name: sandbox.Name(req.UID)}, pod)
	})
	return pod
}

// starts lets the request's pod be scheduled and run.
func (w *world) starts(req *v1alpha1.ExecutionRequest) *corev1.Pod {
	w.Helper()
	return w.reports(req, corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: new(metav1.Now()),
		InitContainerStatuses: []corev1.ContainerStatus{{Name: sandbox.PrepareContainerName, State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ContainerID: "containerd://1", Reason: "Completed"}}}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: sandbox.ContainerName, State: corev1.ContainerState{
			Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}},
	})
}

// exits lets the request's code end, with what the runner says about it.
func (w *world) exits(req *v1alpha1.ExecutionRequest, exitCode int32, reason, message string) *corev1.Pod {
	w.Helper()
	phase := corev1.PodSucceeded
	if exitCode != 0 {
		phase = corev1.PodFailed
	}
	return w.reports(req, corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: sandbox.ContainerName, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{
			ContainerID: "containerd://2", ExitCode: exitCode, Reason: reason, Message: message,
			StartedAt: metav1.Now(), FinishedAt: metav1.Now(),
		}}}}})
}

// succeeds lets the code of the request exit with 0 and a valid report.
func (w *world) succeeds(req *v1alpha1.ExecutionRequest) *corev1.Pod {
	w.Helper()
	return w.exits(req, 0, "Completed", w.report(req.Spec.Code.Source, 0))
}

// report is what the runner writes about code that exited by itself.
func (w *world) report(source string, exitCode int) string {
	w.Helper()
	sum, empty := sha256.Sum256([]byte(source)), sha256.Sum256(nil)
	out := runner.Output{SHA256: hex.EncodeToString(empty[:]), Tail: "45\n", Bytes: 3}
	at := time.Now().UTC().Truncate(time.Millisecond)
	text, err := runner.Report{
		Version: runner.ReportVersion, Reason: runner.Completed, ExitCode: exitCode, StartedAt: at, FinishedAt: at,
		CodeSHA256: hex.EncodeToString(sum[:]), Stdout: out, Stderr: runner.Output{SHA256: out.SHA256},
	}.Encode()
	w.must(err)
	return string(text)
}

// reports writes the pod's status as its kubelet, after the scheduler has bound it.
func (w *world) reports(req *v1alpha1.ExecutionRequest, status corev1.PodStatus) *corev1.Pod {
	w.Helper()
	pod := w.pod(req)
	if pod.Spec.NodeName == "" {
		c, err := newClient(scheduler)
		w.must(err)
		w.must(c.SubResource("binding").Create(w.ctx, pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "one"}}))
	}
	c, err := newClient(kubelet)
	w.must(err)
	// The Node authorizer learns of the binding within moments.
	w.eventually("the kubelet writes the pod's status", func() error {
		pod = w.pod(req)
		pod.Status.Phase, pod.Status.Reason, pod.Status.Message = status.Phase, status.Reason, status.Message
		pod.Status.StartTime = status.StartTime
		pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses = status.InitContainerStatuses, status.ContainerStatuses
		return c.Status().Update(w.ctx, pod)
	})
	return pod
}

// kubeletEnds waits until the operator has asked for the end of a running pod, and ends it.
func (w *world) kubeletEnds(pod *corev1.Pod) {
	w.Helper()
	w.eventually("the operator deletes the pod", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return client.IgnoreNotFound(err)
		}
		if pod.DeletionTimestamp.IsZero() {
			return errors.New("not yet")
		}
		return nil
	})
	w.vanishes(pod)
}

// vanishes removes a pod from the API server, as its node does at the end or when it is drained.
func (w *world) vanishes(pod *corev1.Pod) {
	w.Helper()
	c, err := newClient(kubelet)
	w.must(err)
	w.eventually("the kubelet removes the pod", func() error {
		err := c.Delete(w.ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}
