// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package e2e attacks a running Airlock on a real node: kubelet, containerd and Cilium's datapath. It needs the cluster
// that `make demo` leaves behind, with the samples' users; AIRLOCK_TEST_KUBECONFIG names its administrator's kubeconfig.
package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/controllers"
)

const (
	namespace = "reporting"
	sandboxes = "airlock-sandboxes"
	system    = "airlock-system"
)

// patience bounds every wait for the cluster.
const patience = 3 * time.Minute

func config(t *testing.T) *rest.Config {
	t.Helper()
	path := os.Getenv("AIRLOCK_TEST_KUBECONFIG")
	if path == "" {
		t.Fatal("AIRLOCK_TEST_KUBECONFIG is not set: run `make test-e2e`")
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatalf("load kubeconfig: %v", err)
	}
	return cfg
}

// as returns a client for the administrator, or for another user by impersonation.
func as(t *testing.T, user string) client.Client {
	t.Helper()
	cfg := config(t)
	if user != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user}
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	return c
}

// submit creates a request of the agent with this code, driven by an internal input, and removes it at the end.
func submit(t *testing.T, source string, change ...func(*v1alpha1.ExecutionRequest)) *v1alpha1.ExecutionRequest {
	t.Helper()
	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-", Namespace: namespace},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: "data-analysis",
			Code:       v1alpha1.Code{Language: v1alpha1.Python, Source: source},
			Inputs:     []v1alpha1.Input{{Name: "request", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
		},
	}
	for _, c := range change {
		c(req)
	}
	if err := as(t, "agent").Create(t.Context(), req); err != nil {
		t.Fatalf("create request: %v", err)
	}
	admin := as(t, "")
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(admin.Delete(context.Background(), req)); err != nil {
			t.Errorf("remove request: %v", err)
		}
	})
	return req
}

// await reads the request until the condition holds.
func await(t *testing.T, req *v1alpha1.ExecutionRequest, what string, holds func(*v1alpha1.ExecutionRequest) bool) {
	t.Helper()
	c := as(t, "")
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(req), req); err != nil {
			return false, err
		}
		return holds(req), nil
	})
	if err != nil {
		t.Fatalf("%s: %v; state %s, conditions %s", what, err, req.Status.State, conditions(req))
	}
}

func awaitFinished(t *testing.T, req *v1alpha1.ExecutionRequest) {
	t.Helper()
	await(t, req, "wait for the end", func(r *v1alpha1.ExecutionRequest) bool {
		return meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.ConditionFinished)
	})
}

// awaitSandbox waits until the code runs and returns its pod.
func awaitSandbox(t *testing.T, req *v1alpha1.ExecutionRequest) *corev1.Pod {
	t.Helper()
	await(t, req, "wait for the launch", func(r *v1alpha1.ExecutionRequest) bool { return r.Status.PodName != "" })
	c, pod := as(t, ""), &corev1.Pod{}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKey{Namespace: req.Status.PodNamespace, Name: req.Status.PodName}, pod); err != nil {
			return false, err
		}
		return len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Running != nil, nil
	})
	if err != nil {
		t.Fatalf("wait for the sandbox: %v; pod is %s", err, pod.Status.Phase)
	}
	return pod
}

// awaitGone waits until the object does not exist.
func awaitGone(t *testing.T, obj client.Object) {
	t.Helper()
	c := as(t, "")
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("wait until %s is gone: %v", obj.GetName(), err)
	}
}

func conditions(req *v1alpha1.ExecutionRequest) string {
	var out []string
	for _, c := range req.Status.Conditions {
		out = append(out, fmt.Sprintf("%s=%s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(out, ", ")
}
