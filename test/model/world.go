// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
)

func (s *Sequence) waitSomeTime(context.Context) (string, error) {
	d := pick(s.rand, []time.Duration{time.Minute, time.Minute, 9 * time.Minute, 29 * time.Minute, 61 * time.Minute})
	s.cluster.Clock.SetTime(s.cluster.Clock.Now().Add(d))
	return fmt.Sprintf("%s pass", d), nil
}

func (s *Sequence) collect(ctx context.Context) (string, error) {
	return "the garbage collector runs", s.cluster.Collect(ctx)
}

func (s *Sequence) holdOrRelease(context.Context) (string, error) {
	s.operator.held = s.rand.IntN(3) == 0
	return fmt.Sprintf("the preflight holds launches: %t", s.operator.held), nil
}

func (s *Sequence) tamper(context.Context) (string, error) {
	if s.cluster.Tamper == nil {
		return "no webhook to install", nil
	}
	on := s.rand.IntN(2) == 0
	s.cluster.Tamper(on)
	return fmt.Sprintf("a webhook changes pods: %t", on), nil
}

func (s *Sequence) armCrash(context.Context) (string, error) {
	at, after := 1+s.rand.IntN(6), s.rand.IntN(2) == 0
	s.operator.dies(at, after)
	s.stats.Crashes++
	return fmt.Sprintf("the operator will die at its write %d, after it took effect: %t", at, after), nil
}

func (s *Sequence) syncCaches(context.Context) (string, error) {
	s.cluster.Sync()
	return "the caches catch up", nil
}

// lookAtOne has the operator look at one object, with caches as old as they are.
func (s *Sequence) lookAtOne(ctx context.Context) (string, error) {
	all, err := s.objects(ctx)
	if err != nil || len(all) == 0 {
		return "nothing to look at", err
	}
	o := pick(s.rand, all)
	return fmt.Sprintf("the operator looks at %s %s", o.kind, o.key.Name), s.operator.look(ctx, o.kind, o.key)
}

func (s *Sequence) catchUp(ctx context.Context) (string, error) {
	return "the operator catches up", s.settle(ctx)
}

type object struct {
	kind string
	key  client.ObjectKey
}

// objects are those that a reconciler may be woken for: all that exist, and requests that existed.
func (s *Sequence) objects(ctx context.Context) ([]object, error) {
	all := []object{{"policy", client.ObjectKey{Name: s.cluster.Policy}}}
	seen := map[string]bool{}
	for _, uid := range sorted(s.ref.requests) {
		if name := s.ref.requests[uid].name; !seen[name] {
			seen[name] = true
			all = append(all, object{"request", client.ObjectKey{Namespace: s.cluster.Namespace, Name: name}})
		}
	}
	var approvals v1alpha1.ApprovalList
	var grants v1alpha1.ExecutionGrantList
	here := client.InNamespace(s.cluster.Namespace)
	if err := s.cluster.As(Admin).List(ctx, &approvals, here); err != nil {
		return nil, fmt.Errorf("list approvals: %w", err)
	}
	if err := s.cluster.As(Admin).List(ctx, &grants, here); err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	for i := range approvals.Items {
		all = append(all, object{"approval", client.ObjectKeyFromObject(&approvals.Items[i])})
	}
	for i := range grants.Items {
		all = append(all, object{"grant", client.ObjectKeyFromObject(&grants.Items[i])})
	}
	return all, nil
}

// maxRounds is more than any operator needs to come to rest.
const maxRounds = 30

// settle lets the operator work, on caches that are in order, until it has nothing more to write. Then whatever the
// reference model permits has to be launched, unless the preflight holds it.
func (s *Sequence) settle(ctx context.Context) error {
	for range maxRounds {
		before := s.operator.line.total
		all, err := s.objects(ctx)
		if err != nil {
			return err
		}
		for _, i := range s.rand.Perm(len(all)) {
			s.cluster.Sync()
			if err := s.operator.look(ctx, all[i].kind, all[i].key); err != nil {
				return err
			}
		}
		if err := s.track(ctx); err != nil {
			return err
		}
		if s.operator.line.total == before {
			return s.nothingOwed(ctx)
		}
	}
	return fmt.Errorf("the operator does not come to rest in %d rounds", maxRounds)
}

// nothingOwed compares what is not launched with what should be.
func (s *Sequence) nothingOwed(ctx context.Context) error {
	now := s.cluster.Clock.Now()
	for _, uid := range sorted(s.ref.requests) {
		r := s.ref.requests[uid]
		if r.gone || r.launched || s.operator.held {
			continue
		}
		req := &v1alpha1.ExecutionRequest{}
		if err := s.cluster.As(Admin).Get(ctx, client.ObjectKey{Namespace: s.cluster.Namespace, Name: r.name}, req); err != nil {
			return fmt.Errorf("read request %s: %w", r.name, err)
		}
		if finished(req) {
			continue
		}
		q := s.ref.approvals["airlock-"+uid]
		switch {
		case r.source.denied, !r.asks():
			return fmt.Errorf("request %s needs nobody and is neither denied nor launched: %+v", r.name, req.Status)
		case q == nil:
			return fmt.Errorf("nobody is asked about request %s: %+v", r.name, req.Status)
		case !now.Before(q.expiresAt):
			return fmt.Errorf("request %s waits for approval %s, whose time is over: %+v", r.name, req.Status.ApprovalName, req.Status)
		case s.ref.permits(q, now) == nil:
			return fmt.Errorf("request %s is approved and not launched: %+v", r.name, req.Status)
		}
	}
	return nil
}

// wrote is called for every write of the operator that the API server accepted.
func (s *Sequence) wrote(obj client.Object) {
	if s.broken != nil {
		return
	}
	switch obj := obj.(type) {
	case *unstructured.Unstructured: // pods are made without types
		pod := &corev1.Pod{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, pod); err != nil || obj.GetKind() != "Pod" {
			s.broken = fmt.Errorf("the operator wrote a %s that nobody knows: %w", obj.GetKind(), err)
			return
		}
		s.broken = s.launched(pod)
	case *v1alpha1.Approval:
		s.broken = s.counted(obj)
	}
}

// meanwhile lets somebody decide between the operator's look at an Approval and what it makes of it.
func (s *Sequence) meanwhile(ctx context.Context, obj client.Object) error {
	if _, ok := obj.(*v1alpha1.Approval); !ok || s.rand.IntN(4) != 0 {
		return nil
	}
	if err := s.track(ctx); err != nil {
		return err
	}
	what, err := s.decide(ctx)
	s.trace = append(s.trace, "meanwhile: "+what)
	s.operator.line.total++ // it has something to look at again
	return err
}

// counted checks what the operator says about an Approval at the moment when it says it.
func (s *Sequence) counted(appr *v1alpha1.Approval) error {
	if appr.Status.State != v1alpha1.ApprovalConsumed {
		return nil
	}
	q := s.ref.approvals[appr.Name]
	if q == nil {
		return fmt.Errorf("approval %s is used, and nobody ever saw it", appr.Name)
	}
	if s.operator.held {
		return fmt.Errorf("approval %s is used while the preflight holds launches", appr.Name)
	}
	s.stats.Consumed++
	err := s.ref.use(appr.Name, q, s.cluster.Clock.Now())
	if s.ref.grants[appr.Name] != nil {
		s.stats.Remembered++
	}
	return err
}

// secretOf names what a pod's credentials are read from.
func secretOf(pod *corev1.Pod) client.ObjectKey {
	return client.ObjectKey{Namespace: config.SandboxNamespace, Name: pod.Name + "-credentials"}
}

// Collect removes the Approvals of requests that are gone, with the rights of a client.
func Collect(ctx context.Context, c *Cluster, collector client.Client) error {
	var requests v1alpha1.ExecutionRequestList
	var approvals v1alpha1.ApprovalList
	here := client.InNamespace(c.Namespace)
	if err := errors.Join(c.As(Admin).List(ctx, &requests, here), c.As(Admin).List(ctx, &approvals, here)); err != nil {
		return fmt.Errorf("list what may be collected: %w", err)
	}
	for i := range approvals.Items {
		appr := &approvals.Items[i]
		owned := slices.ContainsFunc(requests.Items, func(r v1alpha1.ExecutionRequest) bool { return r.UID == appr.OwnerReferences[0].UID })
		if owned {
			continue
		}
		if err := collector.Delete(ctx, appr); err != nil {
			return fmt.Errorf("collect: %w", err)
		}
	}
	return nil
}
