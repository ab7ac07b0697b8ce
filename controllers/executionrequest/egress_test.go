// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"testing"
	"time"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// sweeper is an operator with one egress policy, the default-deny, and a cache that may lag behind.
type sweeper struct {
	*testing.T
	*Reconciler
	clock  *clocktesting.FakePassiveClock
	policy *ciliumv2.CiliumNetworkPolicy
}

func newSweeper(t *testing.T) *sweeper {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := ciliumv2.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	policy := network.EgressPolicy(sandbox.Namespace, []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}})
	policy.UID = "policy"
	server := fake.NewClientBuilder().WithScheme(scheme).WithObjects(policy, network.DefaultDeny(sandbox.Namespace)).Build()
	clock := clocktesting.NewFakePassiveClock(time.Now())
	return &sweeper{T: t, clock: clock, policy: policy, Reconciler: &Reconciler{
		Client: server, Live: server, Clock: clock, Options: Options{SandboxNamespace: sandbox.Namespace},
	}}
}

func (s *sweeper) pod(c client.Client) *corev1.Pod {
	s.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: sandbox.Namespace, Name: "p", Labels: map[string]string{
		sandbox.LabelEgressProfile: s.policy.Spec.EndpointSelector.MatchLabels["k8s:"+sandbox.LabelEgressProfile],
	}}}
	if err := c.Create(s.Context(), pod); err != nil {
		s.Fatal(err)
	}
	return pod
}

// after sweeps once the time has passed and fails unless the policy then stands, or is gone.
func (s *sweeper) after(wait time.Duration, stands bool) {
	s.Helper()
	s.clock.SetTime(s.clock.Now().Add(wait))
	if err := s.sweepEgress(s.Context()); err != nil {
		s.Fatal(err)
	}
	err := s.Live.Get(s.Context(), client.ObjectKeyFromObject(s.policy), &ciliumv2.CiliumNetworkPolicy{})
	if client.IgnoreNotFound(err) != nil || apierrors.IsNotFound(err) == stands {
		s.Errorf("after %s: %v, want it to stand: %v", wait, err, stands)
	}
	if err := s.Live.Get(s.Context(), client.ObjectKeyFromObject(network.DefaultDeny(sandbox.Namespace)), &ciliumv2.CiliumNetworkPolicy{}); err != nil {
		s.Errorf("the default-deny: %v", err)
	}
}

func TestAnEgressPolicyIsDeletedWhenNobodyUsedItForLong(t *testing.T) {
	s := newSweeper(t)
	s.after(0, true)
	s.after(unusedEgress-time.Second, true)
	s.after(time.Second, false)
}

func TestAnEgressPolicyInUseStands(t *testing.T) {
	s := newSweeper(t)
	pod := s.pod(s.Client)
	s.after(0, true)
	s.after(10*unusedEgress, true)
	if err := s.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	s.after(0, true) // From now on it is unused.
	s.after(unusedEgress, false)
}

func TestUseStartsTheWaitAnew(t *testing.T) {
	s := newSweeper(t)
	s.after(0, true)
	pod := s.pod(s.Client)
	s.after(unusedEgress/2, true)
	if err := s.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	s.after(unusedEgress/2, true)
	s.after(unusedEgress-time.Second, true)
}

func TestAPodThatTheCacheHasNotSeenKeepsItsEgressPolicy(t *testing.T) {
	s := newSweeper(t)
	s.after(0, true)
	s.pod(s.Client)
	s.Client = newSweeper(t).Client // The cache knows of no pod.
	s.after(unusedEgress, true)
}

// A launch that found its policy is still to find it when its pod starts.
func TestASweepWaitsForLaunches(t *testing.T) {
	s := newSweeper(t)
	s.after(0, true)
	s.clock.SetTime(s.clock.Now().Add(unusedEgress))
	launched := s.egress.launching()
	swept := make(chan error)
	go func() { swept <- s.sweepEgress(context.Background()) }()
	for s.egress.mu.TryRLock() { // Until the sweep waits for the lock, and readers with it.
		s.egress.mu.RUnlock()
	}
	s.pod(s.Client)
	launched()
	if err := <-swept; err != nil {
		t.Fatal(err)
	}
	s.after(0, true)
}
