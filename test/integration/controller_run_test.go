// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

func TestAllowedCodeRunsAndReports(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	pod := w.starts(req)
	if code := pod.Annotations[sandbox.AnnotationCode]; code != allowedSource {
		t.Errorf("the pod carries the code %q", code)
	}
	w.succeeds(req)
	req = w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "exited with 0")
	if got := req.Status.Verdict.Decision; got != v1alpha1.Allow {
		t.Errorf("verdict %s", got)
	}
	if r := req.Status.Result; r == nil || *r.ExitCode != 0 || r.Reason != "Completed" || r.Stdout.Tail != "45\n" || r.StartedAt == nil {
		t.Errorf("result %+v", r)
	}
	w.settled(req)
	if n := w.launches(req); n != 1 {
		t.Errorf("%d pods were created, want 1", n)
	}
}

func TestAllowedRequestCostsFourWrites(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	pod := w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention))
	w.nudge(req)
	w.gone(pod)
	want := []string{"POST pods", "PATCH executionrequests/status", "PATCH executionrequests/status", "DELETE pods"}
	if diff := cmp.Diff(want, w.log.texts()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestDeniedCodeNeverBecomesAPod(t *testing.T) {
	w := newWorld(t)
	w.operate()
	for name, source := range map[string]string{
		"an operation that is computed at run time": deniedSource,
		"a module that nothing lists":               "import ctypes\n",
		"code that is no Python":                    "def (\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.ends(w.request(source), v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, ":")
			if req.Status.Verdict.Decision != v1alpha1.Deny || len(req.Status.Verdict.Findings) == 0 {
				t.Errorf("verdict %+v, want Deny with findings", req.Status.Verdict)
			}
			w.neverRan(req)
		})
	}
}

func TestADryRunStopsAfterTheVerdict(t *testing.T) {
	w := newWorld(t)
	w.operate()
	for name, test := range map[string]struct {
		source string
		state  v1alpha1.RequestState
	}{
		"of allowed code":              {allowedSource, v1alpha1.StateJudged},
		"of code that needs approval":  {approvalSource, v1alpha1.StateJudged},
		"of code that would be denied": {deniedSource, v1alpha1.StateDenied},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.request(test.source, func(r *v1alpha1.ExecutionRequest) { r.Spec.Mode = v1alpha1.DryRun })
			req = w.until(req, "it ends", func(now *v1alpha1.ExecutionRequest) bool { return now.Status.State == test.state })
			if req.Status.ApprovalName != "" {
				t.Errorf("a dry run asked for approval %s", req.Status.ApprovalName)
			}
			w.neverRan(req)
		})
	}
}

// Everything that an ended container can say. The code may write to the termination message, so it may say anything.
func TestTheEndOfARunIsRecordedAsItWas(t *testing.T) {
	w := newWorld(t)
	w.operate()
	for name, test := range map[string]struct {
		exitCode int32
		reason   string
		message  func(w *world) string
		state    v1alpha1.RequestState
		finished string
		words    string
	}{
		"code that fails": {
			1, "Error", func(w *world) string { return w.report(allowedSource, 1) },
			v1alpha1.StateFailed, v1alpha1.ReasonFailed, "exited with 1",
		},
		"a forged report of success by code that was killed": {
			137, "Error", func(w *world) string { return w.report(allowedSource, 0) },
			v1alpha1.StateFailed, v1alpha1.ReasonReportInvalid, "the container exited with 137",
		},
		"a report about other code": {
			0, "Completed", func(w *world) string { return w.report("print('other')", 0) },
			v1alpha1.StateFailed, v1alpha1.ReasonReportInvalid, "other code",
		},
		"a report that the runner did not write": {
			0, "Completed", func(*world) string { return `{"succeeded":true}` },
			v1alpha1.StateFailed, v1alpha1.ReasonReportInvalid, "without a valid report",
		},
		"no report at all": {
			0, "Completed", func(*world) string { return "" },
			v1alpha1.StateFailed, v1alpha1.ReasonReportInvalid, "without a valid report",
		},
		"too little memory": {
			137, "OOMKilled", func(w *world) string { return w.report(allowedSource, 0) },
			v1alpha1.StateFailed, v1alpha1.ReasonFailed, "more memory",
		},
		"a reason longer than the schema takes": {
			3, strings.Repeat("x", 500), func(*world) string { return "" },
			v1alpha1.StateFailed, v1alpha1.ReasonReportInvalid, "without a valid report",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.request(allowedSource)
			w.exits(req, test.exitCode, test.reason, test.message(w))
			req = w.ends(req, test.state, v1alpha1.ConditionFinished, test.finished, test.words)
			if got := *req.Status.Result.ExitCode; got != test.exitCode {
				t.Errorf("exit code %d, want %d", got, test.exitCode)
			}
		})
	}
}

func TestASandboxThatCannotStartEnds(t *testing.T) {
	image := corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: []corev1.ContainerStatus{{
		Name: sandbox.PrepareContainerName, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}},
	}}}
	t.Run("because its image cannot be pulled", func(t *testing.T) {
		w := newWorld(t)
		w.operate()
		req := w.request(allowedSource)
		pod := w.reports(req, image)
		w.clock.SetTime(w.clock.Now().Add(21 * time.Second))
		w.nudge(req)
		w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonImageUnavailable, "no such image")
		w.kubeletEnds(pod)
		w.nothingLeft()
	})
	t.Run("because nobody can schedule it", func(t *testing.T) {
		w := newWorld(t)
		w.operate()
		req := w.request(allowedSource)
		pod := w.pod(req)
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no node is large enough"}}
		c, err := newClient(scheduler)
		w.must(err)
		w.must(c.Status().Update(w.ctx, pod))
		w.clock.SetTime(w.clock.Now().Add(options().StartTimeout + time.Second))
		w.nudge(req)
		w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonDeadlineExceeded, "no node is large enough")
		w.nothingLeft()
	})
	t.Run("and one that runs for ever on a lost node as well", func(t *testing.T) {
		w := newWorld(t)
		w.operate()
		req := w.request(allowedSource)
		pod := w.starts(req)
		w.clock.SetTime(w.clock.Now().Add(time.Hour))
		w.nudge(req)
		w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonPodLost, "past its deadline")
		w.kubeletEnds(pod)
		w.nothingLeft()
	})
}

func TestAPodThatVanishedIsNeverRunAgain(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	w.vanishes(w.starts(req))
	req = w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonPodLost, "not run again")
	w.settled(req)
	if n := w.launches(req); n != 1 {
		t.Errorf("%d pods were created, want 1", n)
	}
}

func TestAnEndedPodIsKeptForItsLogsAndThenDeleted(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	pod := w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention - time.Minute))
	w.settled(req)
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(pod), pod))
	w.clock.SetTime(w.clock.Now().Add(2 * time.Minute))
	w.nudge(req)
	w.gone(pod)
}

func TestARequestIsDeletedAfterItsTimeToLive(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.TTLSecondsAfterFinished = new(int32(30)) })
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(31 * time.Second))
	w.nudge(req)
	w.gone(req)
	w.nothingLeft()
}

func TestDeletingARequestEndsItsRun(t *testing.T) {
	w := newWorld(t, withCredential)
	w.credential()
	w.operate()
	req := w.request(allowedSource, needs, w.input("a,b\n1,2\n"))
	pod := w.starts(req)
	if n := len(w.sandboxObjects()); n != 3 {
		t.Errorf("%d sandbox objects while it runs, want a pod, a ConfigMap and a Secret", n)
	}
	w.must(w.admin.Delete(w.ctx, req))
	w.kubeletEnds(pod)
	w.nothingLeft()
}

func TestARequestOfTheSameNameIsJudgedByItself(t *testing.T) {
	w := newWorld(t)
	w.operate()
	name := func(r *v1alpha1.ExecutionRequest) { r.Name, r.GenerateName = "again", "" }
	first := w.request(allowedSource, name)
	old := w.starts(first)
	w.must(w.admin.Delete(w.ctx, first))
	next := w.request("print(2)\n", name)
	pod := w.pod(next)
	if pod.UID == old.UID || pod.Annotations[sandbox.AnnotationCode] != "print(2)\n" {
		t.Errorf("the new request has the pod %s with code %q", pod.Name, pod.Annotations[sandbox.AnnotationCode])
	}
	w.kubeletEnds(old)
	w.succeeds(next)
	w.ends(next, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
}

func TestLargeCodeTravelsInAConfigMap(t *testing.T) {
	w := newWorld(t)
	w.operate()
	source := "print('" + strings.Repeat("x", sandbox.InlineCodeBytes) + "')\n"
	req := w.request(source)
	pod := w.starts(req)
	if _, inline := pod.Annotations[sandbox.AnnotationCode]; inline {
		t.Error("the pod carries the code in an annotation")
	}
	cm := &corev1.ConfigMap{}
	w.must(w.admin.Get(w.ctx, client.ObjectKey{Namespace: config.SandboxNamespace, Name: sandbox.CodeName(req.UID)}, cm))
	if string(cm.BinaryData["code"]) != source || cm.Immutable == nil || !*cm.Immutable {
		t.Errorf("the ConfigMap holds %d bytes, immutable %v", len(cm.BinaryData["code"]), cm.Immutable)
	}
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.gone(cm)
}

func TestCredentialsAreCopiedAndDeletedAtTheEnd(t *testing.T) {
	w := newWorld(t, withCredential)
	w.credential()
	w.operate()
	req := w.request(allowedSource, needs)
	w.starts(req)
	secret := &corev1.Secret{}
	w.must(w.admin.Get(w.ctx, client.ObjectKey{Namespace: config.SandboxNamespace, Name: sandbox.CredentialsName(req.UID)}, secret))
	if got := string(secret.Data["database"]); got != "hunter2" || len(secret.Data) != 1 {
		t.Errorf("the copy holds %d values, database %q", len(secret.Data), got)
	}
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.gone(secret)
}

func TestAMissingCredentialIsRefusedWithoutNamingTheSecret(t *testing.T) {
	w := newWorld(t, withCredential)
	w.operate()
	req := w.ends(w.request(allowedSource, needs), v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonCredentialAbsent, `credential "database"`)
	for _, c := range req.Status.Conditions {
		if strings.Contains(c.Message, "hidden-name") {
			t.Errorf("%s names the operator's Secret: %s", c.Type, c.Message)
		}
	}
	w.neverRan(req)
}

// withCredential lists a credential, needs asks for it, and credential creates the Secret behind it.
func withCredential(p *v1alpha1.ExecutionPolicySpec) {
	p.Credentials = []v1alpha1.Credential{{Name: "database", SecretKeyRef: v1alpha1.SecretKey{Name: "hidden-name", Key: "password"}, Approvals: new(int32)}}
}

func needs(r *v1alpha1.ExecutionRequest) { r.Spec.Credentials = []string{"database"} }

func (w *world) credential() {
	w.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: config.OperatorNamespace, Name: "hidden-name"},
		Data:       map[string][]byte{"password": []byte("hunter2"), "other": []byte("not granted")},
	}
	w.must(client.IgnoreAlreadyExists(w.admin.Create(w.ctx, secret)))
	w.Cleanup(func() { w.must(w.admin.Delete(context.Background(), secret)) })
}

// input creates a ConfigMap, and returns an edit that mounts it as the input "data.csv".
func (w *world) input(content string) func(*v1alpha1.ExecutionRequest) {
	w.Helper()
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data"},
		Data:       map[string]string{"data.csv": content},
	}
	w.must(w.admin.Create(w.ctx, cm))
	return mounted("data", "data.csv")
}

func mounted(configMap, key string) func(*v1alpha1.ExecutionRequest) {
	return func(r *v1alpha1.ExecutionRequest) {
		r.Spec.Inputs = append(r.Spec.Inputs, v1alpha1.Input{
			Name: "data.csv", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: configMap, Key: key},
		})
	}
}

// in is the same world, for a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.T = t
	return &sub
}

func TestTheInputIsCopiedAsItWasJudged(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource, w.input("a,b\n"))
	w.starts(req)
	cm := &corev1.ConfigMap{}
	w.must(w.admin.Get(w.ctx, client.ObjectKey{Namespace: config.SandboxNamespace, Name: sandbox.InputsName(req.UID)}, cm))
	if got := string(cm.BinaryData["data.csv"]); got != "a,b\n" {
		t.Errorf("the copy holds %q", got)
	}
	if made := w.log.accepted(http.MethodPost, "configmaps", string(req.UID)); len(made) != 1 {
		t.Errorf("%d ConfigMaps were made, want 1", len(made))
	}
}
