// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/runner"
)

const pollEvery = 200 * time.Millisecond

// TestTheCanaryRefusesAnOpenNetwork runs the containers of a real sandbox pod in a namespace of its own, without and with
// the default-deny. Nothing else tells the two pods apart.
func TestTheCanaryRefusesAnOpenNetwork(t *testing.T) {
	admin := as(t, "")
	model := submit(t, "print('ran')\n")
	awaitFinished(t, model)
	sandbox := &corev1.Pod{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: model.Status.PodNamespace, Name: model.Status.PodName}, sandbox); err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-canary-"}}
	create(t, ns)
	await := func(what string, holds func(ctx context.Context) error) {
		t.Helper()
		var last error
		if wait.PollUntilContextTimeout(t.Context(), pollEvery, patience, true, func(ctx context.Context) (bool, error) {
			last = holds(ctx)
			return last == nil, nil
		}) != nil {
			t.Fatalf("%s: %v", what, last)
		}
	}
	await("wait for the namespace's service account", func(ctx context.Context) error {
		return admin.Get(ctx, client.ObjectKey{Namespace: ns.Name, Name: "default"}, &corev1.ServiceAccount{})
	})
	report := func(network string) runner.Report {
		t.Helper()
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: network + "-", Namespace: ns.Name, Annotations: sandbox.Annotations}, Spec: *sandbox.Spec.DeepCopy()}
		pod.Spec.NodeName, pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "", "default", "default"
		create(t, pod)
		awaitEnded(t, pod)
		ended := pod.Status.ContainerStatuses[0].State.Terminated
		got, err := runner.ParseReport([]byte(ended.Message))
		if err != nil {
			t.Fatalf("%v in %q", err, ended.Message)
		}
		t.Logf("%s: %s %s, %s from the start of the container to its end", network, got.Reason, got.Message, ended.FinishedAt.Sub(ended.StartedAt.Time))
		return got
	}

	if got := report("open"); got.Reason != runner.NetworkNotEnforced || !got.StartedAt.IsZero() {
		t.Errorf("on an open network: %+v, want nothing to run", got)
	}
	create(t, network.DefaultDeny(ns.Name))
	await("wait until Cilium knows the policy", func(context.Context) error {
		got := report("closed")
		if got.Reason != runner.Completed {
			return errors.New(string(got.Reason))
		}
		if got.Landlock == 0 {
			t.Log("this kernel has no Landlock")
		}
		return nil
	})
}

func TestAClusterwidePolicyThatOpensSandboxesHoldsLaunchesBack(t *testing.T) {
	open := &ciliumv2.CiliumClusterwideNetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-open-"},
		Spec: api.NewRule().WithEndpointSelector(api.WildcardEndpointSelector).
			WithEgressRules([]api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{api.EntityAll}}}}),
	}
	create(t, open)
	awaitOperator(t, corev1.ConditionFalse)
	req := submit(t, "print('late, but judged')\n")
	await(t, req, "wait until the launch is held back", func(r *v1alpha1.ExecutionRequest) bool {
		c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionLaunched)
		return c != nil && c.Status == metav1.ConditionFalse && c.Reason == v1alpha1.ReasonPreflightFailed
	})
	if err := as(t, "").Delete(t.Context(), open); err != nil {
		t.Fatal(err)
	}
	awaitOperator(t, corev1.ConditionTrue)
	awaitFinished(t, req)
	if req.Status.State != v1alpha1.StateSucceeded {
		t.Errorf("state %s after the policy is gone, want Succeeded: %s", req.Status.State, conditions(req))
	}
}
