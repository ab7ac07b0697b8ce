// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/runner"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// recordEnd takes the result from an ended pod: the runner's report where it can be believed, else what the kubelet saw.
func recordEnd(s *snapshot, pod *corev1.Pod) {
	state := endedContainer(pod)
	if state == nil {
		recordNoStart(s, pod)
		return
	}
	report, err := believe(state, s.req.Spec.Code.Source)
	if err != nil {
		recordWithoutReport(s, pod, state, err)
		return
	}
	s.req.Status.Result = &v1alpha1.Result{
		ExitCode: new(int32(report.ExitCode)), //nolint:gosec // ParseReport bounds it to 0..255
		Reason:   string(report.Reason), FinishedAt: new(metav1.NewTime(report.FinishedAt)),
		Stdout: outputOf(report.Stdout), Stderr: outputOf(report.Stderr),
	}
	if !report.StartedAt.IsZero() {
		s.req.Status.Result.StartedAt = new(metav1.NewTime(report.StartedAt))
	}
	switch {
	case report.Succeeded():
		end(s, v1alpha1.ReasonSucceeded, "the code exited with 0")
	case report.Reason == runner.DeadlineExceeded:
		end(s, v1alpha1.ReasonDeadlineExceeded, "the code was still running at its deadline and was killed")
	case report.Reason == runner.NetworkNotEnforced:
		end(s, v1alpha1.ReasonNetworkNotEnforced, "the code did not run: "+orUnknown(report.Message))
	case report.Reason == runner.Completed:
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("the code exited with %d; its error output is in status.result.stderr", report.ExitCode))
	default:
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("%s: %s", report.Reason, orUnknown(report.Message)))
	}
}

// believe returns the runner's report, or an error where it is not the runner's last word on this code. The code can write
// to the termination message until the runner has ended it, so what the report says has to fit what others saw.
func believe(state *corev1.ContainerStateTerminated, source string) (runner.Report, error) {
	report, err := runner.ParseReport([]byte(state.Message))
	if err != nil {
		return runner.Report{}, err
	}
	if err := report.CheckExit(state.ExitCode, state.Reason); err != nil {
		return runner.Report{}, err
	}
	if !report.StartedAt.IsZero() && "sha256:"+report.CodeSHA256 != digestOf([]byte(source)) {
		return runner.Report{}, errors.New("it is about other code than the request's")
	}
	return report, nil
}

// recordNoStart ends a run in which neither container ended: the kubelet gave the pod up before.
func recordNoStart(s *snapshot, pod *corev1.Pod) {
	reason := v1alpha1.ReasonFailed
	if pod.Status.Reason == podDeadline {
		reason = v1alpha1.ReasonDeadlineExceeded
	}
	end(s, reason, fmt.Sprintf("the pod ended before the code ran: %s: %s", orUnknown(pod.Status.Reason), orUnknown(pod.Status.Message)))
}

// podDeadline is the kubelet's reason for a pod that outlived its activeDeadlineSeconds.
const podDeadline = "DeadlineExceeded"

// recordWithoutReport ends a run whose report is missing or cannot be the runner's: killed from outside, or out of memory.
func recordWithoutReport(s *snapshot, pod *corev1.Pod, state *corev1.ContainerStateTerminated, why error) {
	s.req.Status.Result = &v1alpha1.Result{
		ExitCode: new(state.ExitCode), Reason: clip(orUnknown(state.Reason), maxReason),
		StartedAt: timeOf(state.StartedAt), FinishedAt: timeOf(state.FinishedAt),
	}
	switch {
	case pod.Status.Reason == podDeadline:
		end(s, v1alpha1.ReasonDeadlineExceeded, "the kubelet ended the pod at its deadline")
	case state.Reason == "OOMKilled":
		end(s, v1alpha1.ReasonFailed, "the code needed more memory than limits.memory and was killed")
	case pod.Status.Reason != "":
		end(s, v1alpha1.ReasonFailed, fmt.Sprintf("the run was ended from outside: %s: %s", pod.Status.Reason, orUnknown(pod.Status.Message)))
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

// timeOf returns nil for a time that the kubelet does not know.
func timeOf(t metav1.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// outputOf returns nil for a stream that was never opened.
func outputOf(o runner.Output) *v1alpha1.Output {
	if o.SHA256 == "" {
		return nil
	}
	return &v1alpha1.Output{SHA256: o.SHA256, Bytes: new(o.Bytes), Tail: o.Tail, Truncated: new(o.Truncated)}
}

func orUnknown(s string) string {
	if s == "" {
		return "Unknown"
	}
	return s
}
