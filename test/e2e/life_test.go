// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func TestDeletingTheRequestEndsItsRun(t *testing.T) {
	req := submit(t, sleeper)
	pod := awaitSandbox(t, req)
	if err := as(t, "").Delete(t.Context(), req); err != nil {
		t.Fatalf("delete request: %v", err)
	}
	awaitGone(t, pod)
}

func TestTheOperatorDiesWhileCodeRunsAndCarriesOn(t *testing.T) {
	admin := as(t, "")
	req := submit(t, "import time\nfor _ in range(20):\n    time.sleep(0.5)\nprint('ran once')\n")
	pod := awaitSandbox(t, req)

	var operators corev1.PodList
	if err := admin.List(t.Context(), &operators, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": "airlock"}); err != nil {
		t.Fatal(err)
	}
	if len(operators.Items) == 0 {
		t.Fatal("no operator pod found")
	}
	for i := range operators.Items {
		if err := admin.Delete(t.Context(), &operators.Items[i], client.GracePeriodSeconds(0)); err != nil {
			t.Fatalf("kill operator: %v", err)
		}
	}
	awaitFinished(t, req)
	if req.Status.State != v1alpha1.StateSucceeded {
		t.Errorf("state %s, want Succeeded: %s", req.Status.State, conditions(req))
	}
	after := &corev1.Pod{}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(pod), after); err != nil {
		t.Fatal(err)
	}
	if after.UID != pod.UID {
		t.Errorf("the code ran in pod %s and again in %s", pod.UID, after.UID)
	}
}

func TestAMissingImageEndsWithAReason(t *testing.T) {
	admin := as(t, "")
	pol := &v1alpha1.ExecutionPolicy{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: "data-analysis"}, pol); err != nil {
		t.Fatal(err)
	}
	broken := &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "e2e-missing-image"}, Spec: pol.Spec}
	broken.Spec.Runtimes[0].Image = "airlock.invalid/nothing@sha256:" + strings.Repeat("0", 64)
	if err := admin.Create(t.Context(), broken); err != nil {
		t.Fatalf("create policy: %v", err)
	}
	t.Cleanup(func() { _ = admin.Delete(t.Context(), broken) })

	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-", Namespace: namespace},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: broken.Name, Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "print(1)\n"},
			Inputs: []v1alpha1.Input{{Name: "request", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
		},
	}
	if err := admin.Create(t.Context(), req); err != nil {
		t.Fatalf("create request: %v", err)
	}
	awaitFinished(t, req)
	c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished)
	if c.Reason != v1alpha1.ReasonImageUnavailable {
		t.Errorf("Finished has reason %s, want %s: %s", c.Reason, v1alpha1.ReasonImageUnavailable, c.Message)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: req.Status.PodNamespace, Name: req.Status.PodName}}
	awaitGone(t, pod)
}

func TestWithoutTheDefaultDenyNothingIsLaunched(t *testing.T) {
	admin := as(t, "")
	deny := standing(t, admin)
	if err := admin.Delete(t.Context(), deny.DeepCopy()); err != nil {
		t.Fatalf("delete the default-deny policy: %v", err)
	}
	restore := func() {
		again := deny.DeepCopy()
		again.SetResourceVersion("")
		again.SetUID("")
		if err := admin.Create(t.Context(), again); err != nil {
			t.Fatalf("restore the default-deny policy: %v", err)
		}
	}
	awaitOperator(t, corev1.ConditionFalse)
	req := submit(t, "print('late, but judged')\n")
	await(t, req, "wait until the launch is held back", func(r *v1alpha1.ExecutionRequest) bool {
		c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionLaunched)
		return c != nil && c.Status == metav1.ConditionFalse && c.Reason == v1alpha1.ReasonPreflightFailed
	})
	restore()
	awaitOperator(t, corev1.ConditionTrue)
	awaitFinished(t, req)
	if req.Status.State != v1alpha1.StateSucceeded {
		t.Errorf("state %s after the policy is back, want Succeeded: %s", req.Status.State, conditions(req))
	}
}

// awaitOperator waits until the operator's readiness, which is its preflight, is as given.
func awaitOperator(t *testing.T, ready corev1.ConditionStatus) {
	t.Helper()
	c := as(t, "")
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		if err := c.List(ctx, &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": "airlock"}); err != nil {
			return false, err
		}
		for _, condition := range pods.Items[0].Status.Conditions {
			if condition.Type == corev1.PodReady {
				return condition.Status == ready, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("wait until the operator's readiness is %s: %v", ready, err)
	}
}

func standing(t *testing.T, admin client.Client) *ciliumv2.CiliumNetworkPolicy {
	t.Helper()
	deny := &ciliumv2.CiliumNetworkPolicy{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: sandboxes, Name: "airlock-default-deny"}, deny); err != nil {
		t.Fatalf("read the default-deny policy: %v", err)
	}
	return deny
}
