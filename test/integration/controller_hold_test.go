// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/controllers"
	"github.com/airlock-dev/airlock/controllers/executionrequest"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// With the real preflight: somebody pauses the policy that keeps others from creating sandbox pods, and repents.
func TestMissingEnforcementHoldsLaunchesBackUntilItIsRepaired(t *testing.T) {
	const binding = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/airlock-pods"
	actions := func(actions ...string) object { return object{"spec": object{"validationActions": actions}} }
	checker, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.guard = &controllers.Guard{Checker: checker, Clock: w.clock, Audit: w.closedLog()}
	w.operate()
	accepted(t, admin.merge(binding, actions("Audit")))
	t.Cleanup(func() {
		accepted(t, admin.merge(binding, actions("Deny", "Audit")))
		if problems := waitForPreflight(context.Background(), checker, false); len(problems) > 0 {
			t.Errorf("preflight after the repair: %+v", problems)
		}
	})
	req := w.request(allowedSource)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "ValidatingAdmissionPolicyBinding airlock-pods: does not deny")
	w.neverRan(req)

	accepted(t, admin.merge(binding, actions("Deny", "Audit")))
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.nudge(req)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
}

// Somebody takes the binding of the Approval policy away, or narrows it around a namespace, and writes decisions in the name
// of approvers. They are stored, and nothing is launched on them.
func TestADecisionThatWasForgedWhileTheBindingIsGoneLaunchesNothing(t *testing.T) {
	const binding = vapBindings + "airlock-approval"
	checker := mustChecker(t)
	for name, sabotage := range map[string]func(w *world) answer{
		"deleted": func(*world) answer { return admin.remove(binding) },
		"narrowed around the namespace": func(w *world) answer {
			return admin.merge(binding, object{"spec": object{"matchResources": object{"namespaceSelector": object{"matchExpressions": []any{
				object{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": []any{w.namespace}}}}}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.guard = &controllers.Guard{Checker: checker, Clock: w.clock, Audit: w.closedLog()}
			w.operate()
			req := w.request(approvalSource)
			appr := w.approval(req)
			before := accepted(t, admin.get(binding)).object
			t.Cleanup(func() { restore(t, checker, binding, before) })
			accepted(t, sabotage(w))
			forged := []any{object{"approver": approver.name, "verdict": "Approved"}}
			w.eventually("the decision is forged", func() error {
				if got := admin.merge("/apis/airlock.dev/v1alpha1/namespaces/"+w.namespace+"/approvals/"+appr.Name, object{"spec": object{"decisions": forged}}); !got.ok() {
					return errors.New(got.String())
				}
				return nil
			})
			w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "ValidatingAdmissionPolicyBinding airlock-approval")
			w.must(w.admin.Delete(w.ctx, req)) // before the binding is back
			w.neverRan(req)
		})
	}
}

func TestAQuotaHoldsALaunchBackUntilThereIsRoom(t *testing.T) {
	w := newWorld(t, withCredential)
	w.credential()
	w.operate()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: config.SandboxNamespace, Name: w.namespace},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}
	w.must(w.admin.Create(w.ctx, quota))
	lift := func() { w.must(client.IgnoreNotFound(w.admin.Delete(context.Background(), quota))) }
	t.Cleanup(lift)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard} // no controller-manager does it here
	w.must(w.admin.Status().Update(w.ctx, quota))
	w.quotaApplies(true)

	req := w.request(allowedSource, needs)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPodRefused, "exceeded quota")
	lift()
	w.quotaApplies(false)
	w.nudge(req)
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	if n := w.launches(req); n != 1 {
		t.Errorf("%d pods were created, want 1", n)
	}
}

func TestTheEgressPolicyStandsBeforeThePodAndIsShared(t *testing.T) {
	w := newWorld(t, withEgress)
	w.operate()
	reaches := func(r *v1alpha1.ExecutionRequest) { r.Spec.Egress = w.policy.Spec.Egress }
	pod := w.pod(w.request(allowedSource, reaches))
	profile := network.Profile(w.policy.Spec.Egress)
	if got := pod.Labels[sandbox.LabelEgressProfile]; got != profile {
		t.Errorf("the pod has the egress profile %q, want %q", got, profile)
	}
	if diff := cmp.Diff([]string{"POST ciliumnetworkpolicies", "POST pods"}, w.log.texts()[:2]); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	w.pod(w.request(allowedSource, reaches))
	if made := w.log.accepted(http.MethodPost, "ciliumnetworkpolicies", ""); len(made) != 1 {
		t.Errorf("%d policies were made for one profile, want 1", len(made))
	}

	// Somebody opens the shared policy for all who come later.
	path := "/apis/cilium.io/v2/namespaces/" + config.SandboxNamespace + "/ciliumnetworkpolicies/" + network.EgressPolicyName(profile)
	accepted(t, admin.merge(path, object{"spec": object{"egress": []any{object{"toEntities": []any{"world"}}}}}))
	req := w.request(allowedSource, reaches)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "was changed")
	w.neverRan(req)
	accepted(t, admin.remove(path))
	w.nudge(req)
	w.pod(req)
}

// quotaApplies waits until the API server's admission has seen the quota, or its end.
func (w *world) quotaApplies(want bool) {
	w.Helper()
	pod := toJSON(w.T, shapedPod(w.T))
	w.eventually("the quota takes effect", func() error {
		got := operator.post(tryPod, pod)
		if full := strings.Contains(got.String(), "exceeded quota"); full != want || !full && !got.ok() {
			return errors.New(got.String())
		}
		return nil
	})
}

// staleClient is an operator's client whose cache shows an old version of a request and nothing else.
type staleClient struct {
	client.Client
	request *v1alpha1.ExecutionRequest
}

func (c staleClient) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if req, ok := obj.(*v1alpha1.ExecutionRequest); ok {
		c.request.DeepCopyInto(req)
		return nil
	}
	return c.Client.Get(ctx, key, obj, opts...)
}

func (c staleClient) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

func TestAStaleCacheDoesNotLaunchTwice(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	created := req.DeepCopy()
	pod := w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention))
	w.nudge(req)
	w.gone(pod) // even the deterministic name is free again
	line := w.reconcilesStale(created)
	if writes := line.log.all(); len(writes) > 0 {
		t.Errorf("it wrote %v", writes)
	}
}

// To a cache that still shows it running, a run whose pod was cleaned up looks lost.
func TestAStaleCacheDoesNotRewriteTheEnd(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	pod := w.succeeds(req)
	running := w.until(req, "it was launched", func(now *v1alpha1.ExecutionRequest) bool { return now.Status.PodName != "" })
	running.Status.Conditions = slices.DeleteFunc(running.Status.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionFinished })
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	w.clock.SetTime(w.clock.Now().Add(options().PodRetention))
	w.nudge(req)
	w.gone(pod)
	line := w.reconcilesStale(running)
	if writes := line.log.accepted(http.MethodPatch, "executionrequests/status", ""); len(writes) > 0 {
		t.Errorf("it wrote %v", writes)
	}
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
}

// reconcilesStale has an operator, after the one that runs, decide on an old version of a request. It has to wait.
func (w *world) reconcilesStale(cached *v1alpha1.ExecutionRequest) *wire {
	w.Helper()
	w.stop()
	line := &wire{log: &writeLog{}}
	cfg := operator.config()
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper {
		line.base = base
		return line
	})
	scheme, err := controllers.Scheme()
	w.must(err)
	live, err := client.New(cfg, client.Options{Scheme: scheme})
	w.must(err)
	r := &executionrequest.Reconciler{
		Client: staleClient{live, cached}, Live: live, Clock: w.clock, Guard: &switchedGuard{}, Audit: w.closedLog(), Recorder: events.NewFakeRecorder(10), Options: options(),
	}
	result, err := r.Reconcile(w.ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(cached)})
	if err != nil || result.RequeueAfter == 0 {
		w.Errorf("Reconcile gives %+v, %v; want it to wait for its cache", result, err)
	}
	return line
}

// A sweep on a stale cache would kill a run that nobody deleted.
func TestAStaleCacheDoesNotEndARun(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource)
	pod := w.starts(req)
	w.stop()
	scheme, err := controllers.Scheme()
	w.must(err)
	live, err := client.New(operator.config(), client.Options{Scheme: scheme})
	w.must(err)
	for name, cached := range map[string]*v1alpha1.ExecutionRequest{
		"that has not seen the request":       nil,
		"that has an earlier one of the name": {ObjectMeta: metav1.ObjectMeta{Namespace: req.Namespace, Name: req.Name, UID: "earlier"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &executionrequest.Reconciler{
				Client: cachedClient{live, cached, pod}, Live: live, Clock: w.clock, Guard: &switchedGuard{}, Audit: w.closedLog(), Recorder: events.NewFakeRecorder(10), Options: options(),
			}
			result, err := r.Reconcile(w.ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(req)})
			if err != nil || result.RequeueAfter == 0 {
				t.Errorf("Reconcile gives %+v, %v; want it to wait for its cache", result, err)
			}
			w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(pod), pod))
			if !pod.DeletionTimestamp.IsZero() {
				t.Error("the pod is being deleted")
			}
		})
	}
}

// cachedClient is an operator's client whose cache holds a pod, and a request or none.
type cachedClient struct {
	client.Client
	request *v1alpha1.ExecutionRequest
	pod     *corev1.Pod
}

func (c cachedClient) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	req, ok := obj.(*v1alpha1.ExecutionRequest)
	switch {
	case ok && c.request == nil:
		return c.Client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: "nothing"}, obj, opts...)
	case ok:
		c.request.DeepCopyInto(req)
		return nil
	default:
		return c.Client.Get(ctx, key, obj, opts...)
	}
}

func (c cachedClient) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if pods, ok := list.(*corev1.PodList); ok {
		pods.Items = []corev1.Pod{*c.pod}
	}
	return nil
}
