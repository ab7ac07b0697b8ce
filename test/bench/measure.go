// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
)

// bench is one run of the benchmark.
type bench struct {
	options  options
	cluster  *cluster
	operator *operator
	client   client.Client
	observer *observer
}

// patience bounds one burst, on a machine that builds something else meanwhile.
const patience = 30 * time.Minute

func newBench(ctx context.Context, o options) (*bench, error) {
	c, err := openCluster(o.cluster)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	b := &bench{options: o, cluster: c, observer: &observer{}}
	if b.client, err = client.New(c.admin, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	n := &nodes{client: b.client, admin: c.admin, count: o.nodes}
	if err := n.start(ctx); err != nil {
		return nil, err
	}
	approve, err := approver(ctx, c.admin, b.client)
	if err != nil {
		return nil, err
	}
	if err := watch(ctx, c.admin, b.client, b.observer, n, approve); err != nil {
		return nil, err
	}
	if b.operator, err = startOperator(ctx, c, o.operator); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { b.operator.stop() }

// prepare makes the namespace, the policy and the approver's rights, and waits until a request runs.
func (b *bench) prepare(ctx context.Context) error {
	rule := rbacv1.PolicyRule{APIGroups: []string{"airlock.dev"}, Resources: []string{"executionpolicies"}, ResourceNames: []string{policyName}, Verbs: []string{"approve"}}
	approves := metav1.ObjectMeta{Name: "bench-approvers"}
	group := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: approves.Name}
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&rbacv1.ClusterRole{ObjectMeta: approves, Rules: []rbacv1.PolicyRule{rule}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: approves, Subjects: []rbacv1.Subject{group}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: approves.Name}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "bench-approve-approvals"}, Subjects: []rbacv1.Subject{group}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "airlock-approver"}},
		benchPolicy(),
	} {
		if err := b.client.Create(ctx, obj); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	if err := b.policyReady(ctx); err != nil {
		return err
	}
	// The first of each workload pays for connections and caches of everybody.
	for _, name := range b.options.workloads {
		w, ok := workloads[name]
		if !ok {
			return fmt.Errorf("-workloads: there is no %q; there are pod, job, request and approval", name)
		}
		if _, err := b.load(ctx, w, -1, 8, 0); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
		if err := b.clear(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) policyReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		policy := &v1alpha1.ExecutionPolicy{}
		if err := b.client.Get(ctx, client.ObjectKey{Name: policyName}, policy); err != nil {
			return fmt.Errorf("read the policy: %w", err)
		}
		if meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionReady) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the policy is not Ready: %+v", policy.Status.Conditions)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// measure takes all measurements.
func (b *bench) measure(ctx context.Context) (*results, error) {
	r := newResults(b.options)
	for round := range b.options.rounds {
		for _, name := range b.options.workloads {
			if n := b.options.burst / b.options.rounds; n > 0 {
				if err := b.phase(ctx, r, "burst", workloads[name], round, n, 0); err != nil {
					return nil, err
				}
			}
		}
	}
	if n := int(b.options.rate * b.options.steady.Seconds()); n > 0 {
		for _, name := range b.options.workloads {
			if err := b.phase(ctx, r, "steady", workloads[name], b.options.rounds, n, b.options.rate); err != nil {
				return nil, err
			}
		}
	}
	return r, b.idle(ctx, r)
}

// phase measures n objects of a workload, their removal not included in the times but in the cost.
func (b *bench) phase(ctx context.Context, r *results, kind string, w workload, round, n int, rate float64) error {
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	times, err := b.load(ctx, w, round, n, rate)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", kind, w.name, err)
	}
	took := time.Since(start)
	spent, err := b.since(ctx, before)
	if err != nil {
		return err
	}
	r.add(kind, w.name, times, took, spent)
	fmt.Printf("%-7s %-9s %6d in %6.1fs\n", kind, w.name, n, took.Seconds())
	return b.clear(ctx, w)
}

// load creates n objects, at a rate or as fast as it can, and waits for their ends.
func (b *bench) load(ctx context.Context, w workload, round, n int, rate float64) ([]timeline, error) {
	b.observer.expect(n, w.done)
	var failed error
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, b.options.creators)
	start := time.Now()
	for i := range n {
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			name := objectName(w.name, round, i)
			b.observer.creating(name)
			if err := b.client.Create(ctx, w.object(name)); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
			}
		})
	}
	group.Wait()
	if failed != nil {
		return nil, fmt.Errorf("create: %w", failed)
	}
	return b.observer.wait(ctx, patience)
}

// clear deletes everything of a workload and waits until it is gone.
func (b *bench) clear(ctx context.Context, w workload) error {
	for {
		left := 0
		kinds := []client.ObjectList{&corev1.PodList{}, &batchv1.JobList{}, &v1alpha1.ExecutionRequestList{}, &v1alpha1.ApprovalList{}}
		for _, list := range kinds {
			if err := b.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
				return fmt.Errorf("list what is left of %s: %w", w.name, err)
			}
			left += meta.LenList(list)
		}
		pods := &corev1.PodList{}
		if err := b.client.List(ctx, pods, client.InNamespace(config.SandboxNamespace)); err != nil {
			return fmt.Errorf("list sandbox pods: %w", err)
		}
		if left += len(pods.Items); left == 0 {
			return nil
		}
		for _, kind := range []client.Object{&corev1.Pod{}, &batchv1.Job{}, &v1alpha1.ExecutionRequest{}} {
			if err := b.client.DeleteAllOf(ctx, kind, client.InNamespace(namespace), client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
				return fmt.Errorf("delete what is left of %s: %w", w.name, err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// idle counts what the operator asks of the API server when nothing happens.
func (b *bench) idle(ctx context.Context, r *results) error {
	if b.options.idle <= 0 {
		return nil
	}
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.options.idle):
	}
	spent, err := b.since(ctx, before)
	if err != nil {
		return err
	}
	r.Idle = &idleResult{Seconds: b.options.idle.Seconds(), CPU: spent.CPU["operator"], Requests: byClient(spent.Requests, "operator")}
	return nil
}
