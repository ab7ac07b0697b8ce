// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/runner"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// reportOf returns a valid report about the source of newSnapshot, edited.
func reportOf(t *testing.T, edits ...func(*runner.Report)) string {
	t.Helper()
	empty := strings.TrimPrefix(digestOf(nil), "sha256:")
	r := runner.Report{
		Version: runner.ReportVersion, Reason: runner.Completed, StartedAt: noon, FinishedAt: noon.Add(time.Second),
		CodeSHA256: strings.TrimPrefix(digestOf([]byte("print(1)\n")), "sha256:"),
		Stdout:     runner.Output{SHA256: empty, Bytes: 2, Tail: "1\n"}, Stderr: runner.Output{SHA256: empty},
	}
	for _, edit := range edits {
		edit(&r)
	}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// neverRan makes a report of code that was not started.
func neverRan(reason runner.Reason, exitCode int, message string) func(*runner.Report) {
	return func(r *runner.Report) {
		r.Reason, r.ExitCode, r.Message = reason, exitCode, message
		r.StartedAt, r.Stdout, r.Stderr = time.Time{}, runner.Output{}, runner.Output{}
	}
}

// ended is a container that ran and ended.
func ended(name string, exitCode int32, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", ExitCode: exitCode, Reason: reason, Message: message, StartedAt: metav1.NewTime(noon), FinishedAt: metav1.NewTime(noon),
	}}}
}

func TestEveryKindOfEndedPodIsRecorded(t *testing.T) {
	prepared := ended(sandbox.PrepareContainerName, 0, "Completed", "")
	pod := func(phase corev1.PodPhase, reason string, inits, containers []corev1.ContainerStatus) corev1.PodStatus {
		return corev1.PodStatus{Phase: phase, Reason: reason, Message: "says the kubelet", InitContainerStatuses: inits, ContainerStatuses: containers}
	}
	ran := func(exitCode int32, reason, message string) corev1.PodStatus {
		return pod(corev1.PodFailed, "", []corev1.ContainerStatus{prepared}, []corev1.ContainerStatus{ended(sandbox.ContainerName, exitCode, reason, message)})
	}
	// What the kubelet writes for a container that it never started.
	notStarted := corev1.ContainerStatus{Name: sandbox.ContainerName, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"}}}
	exit := func(code int) func(*runner.Report) { return func(r *runner.Report) { r.ExitCode = code } }

	for name, test := range map[string]struct {
		status     corev1.PodStatus
		want       string
		words      string
		wantResult string // the reason of the result, empty for none
	}{
		"success":                                    {ran(0, "Completed", reportOf(t)), v1alpha1.ReasonSucceeded, "exited with 0", "Completed"},
		"code that exits with an error":              {ran(3, "Error", reportOf(t, exit(3))), v1alpha1.ReasonFailed, "exited with 3", "Completed"},
		"the runner's deadline":                      {ran(124, "Error", reportOf(t, func(r *runner.Report) { r.Reason, r.ExitCode = runner.DeadlineExceeded, 124 })), v1alpha1.ReasonDeadlineExceeded, "at its deadline", "DeadlineExceeded"},
		"a signal":                                   {ran(139, "Error", reportOf(t, func(r *runner.Report) { r.Reason, r.ExitCode, r.Signal = runner.Signaled, 139, "SIGSEGV" })), v1alpha1.ReasonFailed, "Signaled", "Signaled"},
		"code that is not the judged one":            {ran(125, "Error", reportOf(t, neverRan(runner.CodeDigestMismatch, 125, "not the code"))), v1alpha1.ReasonFailed, "CodeDigestMismatch: not the code", "CodeDigestMismatch"},
		"an interpreter that is not there":           {ran(127, "Error", reportOf(t, neverRan(runner.StartFailed, 127, "no python"))), v1alpha1.ReasonFailed, "StartFailed: no python", "StartFailed"},
		"a forged success of killed code":            {ran(137, "Error", reportOf(t)), v1alpha1.ReasonReportInvalid, "exited with 137", "Error"},
		"a forged success in spite of out of memory": {ran(0, "OOMKilled", reportOf(t)), v1alpha1.ReasonFailed, "more memory", "OOMKilled"},
		"a report about other code":                  {ran(0, "Completed", reportOf(t, func(r *runner.Report) { r.CodeSHA256 = strings.Repeat("0", 64) })), v1alpha1.ReasonReportInvalid, "other code", "Completed"},
		"a report of an unknown reason":              {ran(0, "Completed", strings.Replace(reportOf(t), "Completed", "Splendid", 1)), v1alpha1.ReasonReportInvalid, "unknown reason", "Completed"},
		"text instead of a report":                   {ran(0, "Completed", "all is well"), v1alpha1.ReasonReportInvalid, "decode report", "Completed"},
		"no report":                                  {ran(0, "Completed", ""), v1alpha1.ReasonReportInvalid, "decode report", "Completed"},
		"a container without reason or report":       {ran(1, "", ""), v1alpha1.ReasonReportInvalid, "(Unknown)", "Unknown"},
		"the kubelet's deadline":                     {pod(corev1.PodFailed, "DeadlineExceeded", nil, []corev1.ContainerStatus{ended(sandbox.ContainerName, 137, "Error", "")}), v1alpha1.ReasonDeadlineExceeded, "kubelet ended the pod", "Error"},
		"an eviction":                                {pod(corev1.PodFailed, "Evicted", nil, []corev1.ContainerStatus{ended(sandbox.ContainerName, 137, "Error", "")}), v1alpha1.ReasonFailed, "Evicted: says the kubelet", "Error"},
		"an eviction before the code ran":            {pod(corev1.PodFailed, "Evicted", nil, []corev1.ContainerStatus{notStarted}), v1alpha1.ReasonFailed, "before the code ran: Evicted", ""},
		"a deadline before the code ran":             {pod(corev1.PodFailed, "DeadlineExceeded", nil, nil), v1alpha1.ReasonDeadlineExceeded, "before the code ran", ""},
		"a pod without a word":                       {corev1.PodStatus{Phase: corev1.PodFailed}, v1alpha1.ReasonFailed, "before the code ran: Unknown: Unknown", ""},
		"a pod that claims success and ran nothing":  {corev1.PodStatus{Phase: corev1.PodSucceeded}, v1alpha1.ReasonFailed, "before the code ran", ""},
		"a preparation that found other code": {
			pod(corev1.PodFailed, "", []corev1.ContainerStatus{ended(sandbox.PrepareContainerName, 125, "Error", reportOf(t, neverRan(runner.CodeDigestMismatch, 125, "tampered")))}, []corev1.ContainerStatus{notStarted}),
			v1alpha1.ReasonFailed, "CodeDigestMismatch: tampered", "CodeDigestMismatch",
		},
		"a preparation that was killed": {
			pod(corev1.PodFailed, "", []corev1.ContainerStatus{ended(sandbox.PrepareContainerName, 137, "OOMKilled", "")}, nil), v1alpha1.ReasonFailed, "more memory", "OOMKilled",
		},
		"a container of another name says nothing": {
			pod(corev1.PodSucceeded, "", nil, []corev1.ContainerStatus{ended("sidecar", 0, "Completed", reportOf(t))}), v1alpha1.ReasonFailed, "before the code ran", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSnapshot()
			recordEnd(s, &corev1.Pod{Status: test.status})
			c := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionFinished)
			if c == nil || c.Status != metav1.ConditionTrue || c.Reason != test.want || !strings.Contains(c.Message, test.words) {
				t.Errorf("Finished is %+v, want %s with %q", c, test.want, test.words)
			}
			got := ""
			if s.req.Status.Result != nil {
				got = s.req.Status.Result.Reason
			}
			if got != test.wantResult {
				t.Errorf("the result has reason %q, want %q", got, test.wantResult)
			}
		})
	}
}

func TestAResultHasNoTimesThatNobodyKnows(t *testing.T) {
	s := newSnapshot()
	state := &corev1.ContainerStateTerminated{ExitCode: 137, Reason: strings.Repeat("x", 100)}
	recordWithoutReport(s, &corev1.Pod{}, state, errStale)
	if r := s.req.Status.Result; r.StartedAt != nil || r.FinishedAt != nil || len(r.Reason) > maxReason {
		t.Errorf("result %+v, want no times and a reason of at most %d bytes", r, maxReason)
	}
}
