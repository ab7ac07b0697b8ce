// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// timeline is what was seen of one object, by the benchmark's own clock.
type timeline struct {
	created, pod, done time.Time
}

// observer sees pods and ends as a client of the API does.
type observer struct {
	mu    sync.Mutex
	seen  map[string]*timeline
	left  int
	ended chan struct{}
	done  func(client.Object) bool
	// failed is a request that ended without success.
	failed error
}

// expect starts a measurement of n objects that end when done says so.
func (o *observer) expect(n int, done func(client.Object) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen, o.left, o.ended, o.done = make(map[string]*timeline, n), n, make(chan struct{}), done
}

// creating notes the moment before an object is sent.
func (o *observer) creating(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[name] = &timeline{created: time.Now()}
}

func (o *observer) sawPod(pod *corev1.Pod) {
	name := ownerOf(pod)
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.seen[name]; t != nil && t.pod.IsZero() {
		t.pod = time.Now()
	}
}

func (o *observer) saw(obj client.Object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.seen[obj.GetName()]
	if req, ok := obj.(*v1alpha1.ExecutionRequest); ok && t != nil && t.done.IsZero() && (req.Status.State == v1alpha1.StateFailed || req.Status.State == v1alpha1.StateDenied) {
		o.failed = fmt.Errorf("request %s is %s: %+v", req.Name, req.Status.State, req.Status.Conditions)
	}
	if t == nil || !t.done.IsZero() || o.done == nil || !o.done(obj) {
		return
	}
	t.done = time.Now()
	if o.left--; o.left == 0 {
		close(o.ended)
	}
}

// wait returns the timelines once all ended.
func (o *observer) wait(ctx context.Context, patience time.Duration) ([]timeline, error) {
	deadline := time.After(patience)
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-o.ended:
			return o.timelines(), nil
		case <-deadline:
			return nil, fmt.Errorf("not all objects have ended after %s, for example %s", patience, o.unfinished())
		case <-time.After(time.Second):
			if err := o.failure(); err != nil {
				return nil, err
			}
		}
	}
}

func (o *observer) timelines() []timeline {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]timeline, 0, len(o.seen))
	for _, t := range o.seen {
		out = append(out, *t)
	}
	return out
}

func (o *observer) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

func (o *observer) unfinished() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, t := range o.seen {
		if t.done.IsZero() {
			return name
		}
	}
	return ""
}

// watch starts the informers that feed the observer, the simulated nodes and the approver.
func watch(ctx context.Context, admin *rest.Config, c client.Client, o *observer, n *nodes, approve func(*v1alpha1.Approval)) error {
	informers, err := cache.New(admin, cache.Options{Scheme: c.Scheme(), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return fmt.Errorf("make informers: %w", err)
	}
	handle := func(obj any) {
		switch obj := obj.(type) {
		case *corev1.Pod:
			o.sawPod(obj)
			o.saw(obj)
			n.see(obj)
		case *v1alpha1.Approval:
			approve(obj)
		case client.Object:
			o.saw(obj)
		}
	}
	handlers := toolscache.ResourceEventHandlerFuncs{AddFunc: handle, UpdateFunc: func(_, obj any) { handle(obj) }}
	for _, kind := range []client.Object{&corev1.Pod{}, &batchv1.Job{}, &v1alpha1.ExecutionRequest{}, &v1alpha1.Approval{}} {
		informer, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
		if _, err := informer.AddEventHandler(handlers); err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
	}
	go func() { _ = informers.Start(ctx) }() // ends with the context
	if !informers.WaitForCacheSync(ctx) {
		return errors.New("the informers do not synchronise")
	}
	return nil
}

// approver decides every open Approval as alice, who did not ask for it.
func approver(ctx context.Context, admin *rest.Config, c client.Client) (func(*v1alpha1.Approval), error) {
	as := rest.CopyConfig(admin)
	as.Impersonate = rest.ImpersonationConfig{UserName: "alice", Groups: []string{"system:authenticated", "bench-approvers"}}
	alice, err := client.New(as, client.Options{Scheme: c.Scheme()})
	if err != nil {
		return nil, fmt.Errorf("make the approver's client: %w", err)
	}
	work := make(chan *v1alpha1.Approval, 1<<16)
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"decision":{"verdict":"Approved","reason":"measured"}}}`))
	for range 8 {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case a := <-work:
					_ = alice.Patch(ctx, a, patch) // a failure shows as a request that does not end
				}
			}
		}()
	}
	return func(a *v1alpha1.Approval) {
		if len(a.Spec.Decisions) == 0 && a.DeletionTimestamp == nil && strings.HasPrefix(a.Namespace, namespace) && a.Status.State == "" {
			work <- a.DeepCopy()
		}
	}, nil
}
