// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
)

// noon is when all unit tests happen.
var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

const requestUID = "5f1c3a52-0000-4000-8000-000000000001"

func newSnapshot() *snapshot {
	return &snapshot{now: noon, req: &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "agents", Name: "report", UID: requestUID, Generation: 1},
		Spec:       v1alpha1.ExecutionRequestSpec{Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "print(1)\n"}},
	}}
}

func condition(conditionType string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(noon)}
}

func TestStateOf(t *testing.T) {
	validated := condition(v1alpha1.ConditionValidated, metav1.ConditionTrue, v1alpha1.ReasonVerdictReached)
	awaiting := condition(v1alpha1.ConditionApproved, metav1.ConditionFalse, v1alpha1.ReasonAwaitingApproval)
	approved := condition(v1alpha1.ConditionApproved, metav1.ConditionTrue, v1alpha1.ReasonApproved)
	launched := condition(v1alpha1.ConditionLaunched, metav1.ConditionTrue, v1alpha1.ReasonPodCreated)
	finished := func(reason string) metav1.Condition {
		return condition(v1alpha1.ConditionFinished, metav1.ConditionTrue, reason)
	}
	for name, test := range map[string]struct {
		conditions []metav1.Condition
		want       v1alpha1.RequestState
	}{
		"a request that nobody looked at is pending":            {nil, v1alpha1.StatePending},
		"one that waits for its policy is pending":              {[]metav1.Condition{condition(v1alpha1.ConditionValidated, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotReady)}, v1alpha1.StatePending},
		"one that was judged and waits for people says so":      {[]metav1.Condition{validated, awaiting}, v1alpha1.StateAwaitingApproval},
		"an approved one that is held back is pending":          {[]metav1.Condition{validated, approved, condition(v1alpha1.ConditionLaunched, metav1.ConditionFalse, v1alpha1.ReasonPreflightFailed)}, v1alpha1.StatePending},
		"a launched one runs":                                   {[]metav1.Condition{validated, approved, launched}, v1alpha1.StateRunning},
		"success is the only thing that succeeds":               {[]metav1.Condition{validated, approved, launched, finished(v1alpha1.ReasonSucceeded)}, v1alpha1.StateSucceeded},
		"a refusal is a denial":                                 {[]metav1.Condition{finished(v1alpha1.ReasonDenied)}, v1alpha1.StateDenied},
		"a request that nobody approved in time is denied":      {[]metav1.Condition{validated, awaiting, finished(v1alpha1.ReasonExpired)}, v1alpha1.StateDenied},
		"a dry run is judged":                                   {[]metav1.Condition{validated, finished(v1alpha1.ReasonDryRun)}, v1alpha1.StateJudged},
		"a lost pod failed":                                     {[]metav1.Condition{launched, finished(v1alpha1.ReasonPodLost)}, v1alpha1.StateFailed},
		"a reason that nobody knows failed":                     {[]metav1.Condition{launched, finished("Shiny")}, v1alpha1.StateFailed},
		"Finished that is not True has finished nothing":        {[]metav1.Condition{launched, condition(v1alpha1.ConditionFinished, metav1.ConditionUnknown, v1alpha1.ReasonSucceeded)}, v1alpha1.StateRunning},
		"a launch that ended outweighs an approval that waited": {[]metav1.Condition{awaiting, launched}, v1alpha1.StateRunning},
	} {
		t.Run(name, func(t *testing.T) {
			req := &v1alpha1.ExecutionRequest{Status: v1alpha1.ExecutionRequestStatus{Conditions: test.conditions}}
			if got := stateOf(req); got != test.want {
				t.Errorf("state %s, want %s", got, test.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	found := v1alpha1.Finding{Operation: "eval", Reason: "code that is computed at run time", Line: 3, Column: 7}
	for name, test := range map[string]struct {
		findings []v1alpha1.Finding
		want     string
	}{
		"without findings it still says no":            {nil, "denied by the policy"},
		"a finding has its place":                      {[]v1alpha1.Finding{found}, "3:7: code that is computed at run time"},
		"a finding about the request has none":         {[]v1alpha1.Finding{{Operation: "x", Reason: "no runtime"}}, "no runtime"},
		"of many the first is shown and the rest told": {[]v1alpha1.Finding{found, found, found}, "3:7: code that is computed at run time (and 2 more in status.verdict.findings)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := summary(v1alpha1.Verdict{Findings: test.findings}); got != test.want {
				t.Errorf("summary %q, want %q", got, test.want)
			}
		})
	}
}

func TestClipKeepsCharactersWhole(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		n    int
		want string
	}{
		"a short text stays":                  {"abc", 3, "abc"},
		"a long one is cut":                   {"abcd", 3, "abc"},
		"a character of two bytes is not cut": {"abé", 3, "ab"},
		"nor is one of four":                  {"\U0001F600\U0001F600", 7, "\U0001F600"},
		"nothing fits":                        {"é", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clip(test.text, test.n); got != test.want {
				t.Errorf("clip(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
			}
		})
	}
}

// A wake-up of zero or less would mean "never" to controller-runtime, or a hot loop.
func TestWakeAfterTakesTheEarliestAndNeverNothing(t *testing.T) {
	s := newSnapshot()
	s.wakeAfter(time.Hour)
	s.wakeAfter(time.Minute)
	s.wakeAfter(2 * time.Minute)
	if s.requeue != time.Minute {
		t.Errorf("wakes after %s, want 1m", s.requeue)
	}
	s.wakeAfter(-time.Second)
	if s.requeue <= 0 {
		t.Errorf("wakes after %s, want soon", s.requeue)
	}
}

func TestARefusalEndsTheRequestAsDenied(t *testing.T) {
	for reason, want := range map[string]string{
		v1alpha1.ReasonInvalid: v1alpha1.ReasonDenied,
		v1alpha1.ReasonExpired: v1alpha1.ReasonExpired,
	} {
		s := newSnapshot()
		refuse(s, v1alpha1.ConditionApproved, &refusal{reason, "no"})
		if c := s.req.Status.Conditions; len(c) != 2 || c[0].Reason != reason || c[0].Status != metav1.ConditionFalse || c[1].Reason != want || !finished(s.req) {
			t.Errorf("conditions %+v, want %s and Finished with %s", c, reason, want)
		}
	}
}

func TestWhatTheAPIServerSaysToACreateIsSorted(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for name, test := range map[string]struct {
		err               error
		refusal, deferred bool
	}{
		"a quota passes":                   {apierrors.NewForbidden(pods, "p", errors.New("exceeded quota")), false, true},
		"an object that is never accepted": {apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "p", nil), true, false},
		"an object that is too large":      {apierrors.NewRequestEntityTooLargeError("1 MiB"), true, false},
		"a request that makes no sense":    {apierrors.NewBadRequest("what?"), true, false},
		"an API server that is busy":       {apierrors.NewTooManyRequests("later", 1), false, false},
		"an answer that got lost":          {errors.New("connection reset"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := notCreated("pod", test.err)
			no, later := new(refusal), new(delay)
			if got := errors.As(err, &no); got != test.refusal {
				t.Errorf("refusal: %t, want %t (%v)", got, test.refusal, err)
			}
			if got := errors.As(err, &later); got != test.deferred {
				t.Errorf("delay: %t, want %t (%v)", got, test.deferred, err)
			}
		})
	}
}

// fakeReconciler returns a reconciler over the objects, with the client's calls intercepted.
func fakeReconciler(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *Reconciler {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.ExecutionRequest{}).WithInterceptorFuncs(funcs).Build()
	log, _ := auditlogtest.Start(t, auditlogtest.Config(t, t.TempDir()))
	return &Reconciler{Client: c, Live: c, Recorder: events.NewFakeRecorder(10), Audit: log}
}

// Without an end, the request would be tried for ever while its pod runs.
func TestAStatusThatTheAPIServerNeverAcceptsEndsTheRequest(t *testing.T) {
	s := newSnapshot()
	r := fakeReconciler(t, interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if body, err := patch.Data(obj); err != nil || strings.Contains(string(body), "unspeakable") {
				return errors.Join(err, apierrors.NewInvalid(schema.GroupKind{Kind: "ExecutionRequest"}, obj.GetName(), nil))
			}
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	}, s.req.DeepCopy())
	before := &v1alpha1.ExecutionRequest{}
	if err := r.Get(t.Context(), client.ObjectKeyFromObject(s.req), before); err != nil {
		t.Fatal(err)
	}
	s.req = before.DeepCopy()
	s.req.Status.Result = &v1alpha1.Result{ExitCode: new(int32(0)), Reason: "unspeakable"}
	end(s, v1alpha1.ReasonSucceeded, "fine")
	if err := r.patchStatus(t.Context(), before, s); err != nil {
		t.Fatal(err)
	}
	if s.req.Status.State != v1alpha1.StateFailed || s.req.Status.Result != nil || !finished(s.req) {
		t.Errorf("the request is %+v, want it to have failed without a result", s.req.Status)
	}
}

// The requester reads Events; an error may name what it must not know of.
func TestAnErrorThatHoldsARequestUpIsToldWithoutItsText(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a right that the operator lacks":                   {fmt.Errorf("get credential: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "hidden-name", errors.New("no"))), "held up by Forbidden"},
		"an error of no kind":                               {errors.New("dial tcp 10.0.0.1: hidden-name"), "held up by an error"},
		"a cache that is behind is no news":                 {fmt.Errorf("%w: hidden-name", errStale), ""},
		"nor is a write that somebody else was faster with": {apierrors.NewConflict(schema.GroupResource{}, "hidden-name", nil), ""},
		"nor the end of the operator":                       {context.Canceled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := events.NewFakeRecorder(1)
			r := &Reconciler{Recorder: recorder}
			r.announceRetry(newSnapshot().req, test.err)
			got := ""
			select {
			case got = <-recorder.Events:
			default:
			}
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") || strings.Contains(got, "hidden-name") {
				t.Errorf("event %q, want %q", got, test.want)
			}
		})
	}
}

// What is decided on a version that its own last write has replaced would be written in vain.
func TestAReconcileWaitsForItsOwnLastWrite(t *testing.T) {
	req := newSnapshot().req
	req.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionFinished, metav1.ConditionTrue, v1alpha1.ReasonDenied)}
	req.Status.State = v1alpha1.StateDenied
	req.Status.Audit = &v1alpha1.Audit{State: v1alpha1.AuditRecorded, Log: auditlogtest.Origin, Index: new(int64(0))}
	r := fakeReconciler(t, interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return nil },
	}, req)
	r.Clock = clocktesting.NewFakePassiveClock(noon)
	key := client.ObjectKeyFromObject(req)
	if err := r.Get(t.Context(), key, req); err != nil {
		t.Fatal(err)
	}
	r.written.Store(key, req.ResourceVersion)
	if got, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil || got.RequeueAfter != staleRetry {
		t.Errorf("on the replaced version Reconcile gives %+v, %v; want it to wait", got, err)
	}
	r.written.Store(key, "an earlier version")
	if got, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil || got.RequeueAfter != 0 {
		t.Errorf("on a later version Reconcile gives %+v, %v; want it to go on", got, err)
	}
	if _, kept := r.written.Load(key); kept {
		t.Error("the version is remembered after the cache has caught up")
	}
}
