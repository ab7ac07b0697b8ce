// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/runner"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// recordEnd takes the result from an ended pod: the runner's report where it can be believed, else what the kubelet saw.
func recordEnd(s *snapshot, pod *corev1.Pod) {
	state := endedContainer(pod)
	if state == nil {
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("the pod ended before the code ran: %s: %s", orUnknown(pod.Status.Reason), pod.Status.Message))
		return
	}
	report, err := runner.ParseReport([]byte(state.Message))
	if err == nil {
		err = report.CheckExit(state.ExitCode, state.Reason)
	}
	if err != nil {
		recordWithoutReport(s, pod, state, err)
		return
	}
	s.req.Status.Result = &v1alpha1.Result{
		ExitCode: ptr.To(int32(report.ExitCode)), //nolint:gosec // ParseReport bounds it to 0..255
		Reason:   string(report.Reason), FinishedAt: ptr.To(metav1.NewTime(report.FinishedAt)),
		Stdout: outputOf(report.Stdout), Stderr: outputOf(report.Stderr),
	}
	if !report.StartedAt.IsZero() {
		s.req.Status.Result.StartedAt = ptr.To(metav1.NewTime(report.StartedAt))
	}
	switch {
	case report.Succeeded():
		end(s, v1alpha1.ReasonSucceeded, "the code exited with 0")
	case report.Reason == runner.DeadlineExceeded:
		end(s, v1alpha1.ReasonDeadlineExceeded, "the code was still running at its deadline and was killed")
	case report.Reason == runner.Completed:
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("the code exited with %d; its error output is in status.result.stderr", report.ExitCode))
	default:
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("%s: %s", report.Reason, orUnknown(report.Message)))
	}
}

// recordWithoutReport ends a run whose report is missing or cannot be the runner's: killed from outside, or out of memory.
func recordWithoutReport(s *snapshot, pod *corev1.Pod, state *corev1.ContainerStateTerminated, why error) {
	s.req.Status.Result = &v1alpha1.Result{
		ExitCode: ptr.To(state.ExitCode), Reason: orUnknown(state.Reason),
		StartedAt: ptr.To(state.StartedAt), FinishedAt: ptr.To(state.FinishedAt),
	}
	switch {
	case pod.Status.Reason == "DeadlineExceeded":
		end(s, v1alpha1.ReasonDeadlineExceeded, "the kubelet ended the pod at its deadline")
	case state.Reason == "OOMKilled":
		end(s, v1alpha1.ReasonFailed, "the code needed more memory than limits.memory and was killed")
	default:
		end(s, v1alpha1.ReasonReportInvalid, fmt.Sprintf("the container ended with %d (%s) and without a valid report: %v", state.ExitCode, orUnknown(state.Reason), why))
	}
}

// endedContainer is the container that decided the run: the sandbox, or the preparation where that already failed.
func endedContainer(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == sandbox.ContainerName && c.State.Terminated != nil && c.State.Terminated.ContainerID != "" {
			return c.State.Terminated
		}
	}
	for _, c := range pod.Status.InitContainerStatuses {
		if c.State.Terminated != nil && c.State.Terminated.ExitCode != 0 {
			return c.State.Terminated
		}
	}
	return nil
}

// outputOf returns nil for a stream that was never opened.
func outputOf(o runner.Output) *v1alpha1.Output {
	if o.SHA256 == "" {
		return nil
	}
	return &v1alpha1.Output{SHA256: o.SHA256, Bytes: ptr.To(o.Bytes), Tail: o.Tail, Truncated: ptr.To(o.Truncated)}
}

func orUnknown(s string) string {
	if s == "" {
		return "Unknown"
	}
	return s
}
