// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/controllers/approval"
	"github.com/airlock-dev/airlock/controllers/executiongrant"
	"github.com/airlock-dev/airlock/controllers/executionpolicy"
	"github.com/airlock-dev/airlock/controllers/executionrequest"
	"github.com/airlock-dev/airlock/internal/kyverno"
)

var errDead = errors.New("this operator is dead")

// operator is the real reconcilers on a line that can be cut.
type operator struct {
	cluster *Cluster
	line    *line
	// held: the preflight finds something missing.
	held bool
	log  ledger

	policies  *executionpolicy.Reconciler
	requests  *executionrequest.Reconciler
	approvals *approval.Reconciler
	grants    *executiongrant.Reconciler
}

func newOperator(c *Cluster, l *line) *operator {
	l.Client, l.cached = c.Operator, c.Cached
	o := &operator{cluster: c, line: l}
	o.restart()
	return o
}

// restart is a new process: it remembers nothing, and starts with caches in order.
func (o *operator) restart() {
	o.cluster.Sync()
	o.line.dieAt, o.line.dead = 0, false
	o.line.total++
	rules := kyverno.NewEngine(o.cluster.Operator, o.cluster.Operator.RESTMapper())
	o.policies = &executionpolicy.Reconciler{Client: o.line, Rules: rules, Audit: &o.log, Clock: o.cluster.Clock}
	o.requests = &executionrequest.Reconciler{
		Client: o.line, Live: liveLine{o.cluster.Operator, o.line}, Clock: o.cluster.Clock, Guard: o, Rules: rules, Audit: &o.log, Recorder: silence{},
		Options: executionrequest.Options{
			OperatorImage: "airlock.example/operator@sha256:" + strings.Repeat("0", 64), SandboxNamespace: config.SandboxNamespace,
			OperatorNamespace: config.OperatorNamespace, StartTimeout: 24 * time.Hour, PodRetention: time.Hour,
		},
	}
	o.approvals = &approval.Reconciler{Client: o.line, Live: o.cluster.Operator, Clock: o.cluster.Clock}
	o.grants = &executiongrant.Reconciler{Client: o.line, Clock: o.cluster.Clock}
}

// Problems implements executionrequest.Guard.
func (o *operator) Problems(context.Context) []string {
	if o.held {
		return []string{"the sequence holds launches"}
	}
	return nil
}

// dies lets the operator die at one of its next writes, before it leaves or after it took effect.
func (o *operator) dies(at int, after bool) { o.line.dieAt, o.line.after, o.line.writes = at, after, 0 }

// look has the operator look at one object. It returns errors that no race explains.
func (o *operator) look(ctx context.Context, kind string, key client.ObjectKey) error {
	reconciler := map[string]interface {
		Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error)
	}{"policy": o.policies, "request": o.requests, "approval": o.approvals, "grant": o.grants}[kind]
	_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: key})
	if o.line.dead {
		o.restart()
		return nil
	}
	if err == nil || apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return fmt.Errorf("reconcile %s %s: %w", kind, key, err)
}

// silence records no Events.
type silence struct{}

func (silence) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}

// line is an operator's client: it reads from the cache, and counts writes until one is the last.
type line struct {
	client.Client
	cached client.Reader
	wrote  func(client.Object)
	// read is called after a read past the cache: before the operator acts on what it read, others may write.
	read func(context.Context, client.Object) error
	// shuffle orders what a cache lists, which promises no order.
	shuffle func(n int, swap func(i, j int))

	dieAt, writes int
	after, dead   bool
	// total counts the writes of all operators, and their deaths: while it grows, there is something to do.
	total int
}

func (l *line) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	return l.cached.Get(ctx, key, obj, opts...)
}

// liveLine reads past the cache.
type liveLine struct {
	client.Reader
	line *line
}

func (l liveLine) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if err := l.Reader.Get(ctx, key, obj, opts...); err != nil {
		return err
	}
	return l.line.read(ctx, obj)
}

// List leaves the fields to itself: an API server has no index by them, only caches do.
func (l *line) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	var options client.ListOptions
	options.ApplyOptions(opts)
	selector := options.FieldSelector
	options.FieldSelector = nil
	if err := l.cached.List(ctx, list, &options); err != nil {
		return err
	}
	if grants, ok := list.(*v1alpha1.ExecutionGrantList); ok {
		l.shuffle(len(grants.Items), func(i, j int) { grants.Items[i], grants.Items[j] = grants.Items[j], grants.Items[i] })
	}
	if selector == nil {
		return nil
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	var found []runtime.Object
	for _, item := range items {
		obj, ok := item.(client.Object)
		if ok && indexed(obj, list, selector.Requirements()[0].Field, selector.Requirements()[0].Value) {
			found = append(found, item)
		}
	}
	return meta.SetList(list, found)
}

func indexed(obj client.Object, list client.ObjectList, field, value string) bool {
	for _, index := range executionrequest.Indexes() {
		if index.Field != field || !sameKind(index.Object, obj, list) {
			continue
		}
		if slices.Contains(index.Extract(obj), value) {
			return true
		}
	}
	return false
}

// sameKind compares Go types, and for metadata alone the kind of the list.
func sameKind(indexed, obj client.Object, list client.ObjectList) bool {
	if fmt.Sprintf("%T", indexed) != fmt.Sprintf("%T", obj) {
		return false
	}
	kind := indexed.GetObjectKind().GroupVersionKind().Kind
	return kind == "" || list.GetObjectKind().GroupVersionKind().Kind == kind+"List"
}

// write lets one write pass, or dies at it.
func (l *line) write(obj client.Object, do func() error) error {
	if l.dead {
		return errDead
	}
	l.writes++
	last := l.writes == l.dieAt
	if last && !l.after {
		l.dead = true
		return errDead
	}
	if err := do(); err != nil {
		return err
	}
	l.total++
	l.wrote(obj)
	if last {
		l.dead = true
		return errDead
	}
	return nil
}

func (l *line) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	return l.write(obj, func() error { return l.Client.Create(ctx, obj, opts...) })
}

func (l *line) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	return l.write(nil, func() error { return l.Client.Delete(ctx, obj, opts...) })
}

func (l *line) Status() client.SubResourceWriter { return statusLine{l.Client.Status(), l} }

type statusLine struct {
	client.SubResourceWriter
	line *line
}

func (s statusLine) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	return s.line.write(obj, func() error { return s.SubResourceWriter.Update(ctx, obj, opts...) })
}

func (s statusLine) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	return s.line.write(obj, func() error { return s.SubResourceWriter.Patch(ctx, obj, patch, opts...) })
}
