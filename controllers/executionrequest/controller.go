// SPDX-License-Identifier: Apache-2.0

// Package executionrequest takes a request from admission to its end: validate, approve, launch, observe, finish, one
// file each. A phase asks its own condition whether it is done, works on a snapshot in memory, and may be repeated
// after a crash at any point; the status is written once, at the end of a reconcile.
package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/kyverno"
)

// Guard says whether everything that the promises lean on stands. An empty answer permits launches; anything else stops
// them and says why.
type Guard interface {
	Problems(ctx context.Context) []string
}

// Options are the operator's settings for executions.
type Options struct {
	// OperatorImage is the operator's own image by digest; it brings the runner into the sandbox.
	OperatorImage string
	// SandboxNamespace is where sandbox pods run.
	SandboxNamespace string
	// OperatorNamespace is where the Secrets of credentials are kept.
	OperatorNamespace string
	// StartTimeout bounds the time from the launch to the first instruction, image pull and scheduling included.
	StartTimeout time.Duration
	// PodRetention is how long a finished pod stays for `kubectl logs`.
	PodRetention time.Duration
	// Workers is the number of requests reconciled at once.
	Workers int
}

// Reconciler moves ExecutionRequests through their phases.
type Reconciler struct {
	client.Client
	// Live reads from the API server, past every cache: what is launched is decided on it.
	Live  client.Reader
	Clock clock.PassiveClock
	Guard Guard
	// Rules are the organisation rules that policies select.
	Rules *kyverno.Engine
	// Audit is the log; what has no record there does not run.
	Audit    AuditLog
	Recorder events.EventRecorder
	Options  Options

	// written has, by name, the version of a request on top of which its status was last written. While the cache still
	// shows that one, whatever is decided on it would be written in vain.
	written sync.Map

	egress egressUse
}

// snapshot is one reconcile's working copy.
type snapshot struct {
	req      *v1alpha1.ExecutionRequest
	before   *v1alpha1.ExecutionRequest // as it was read
	children children
	now      time.Time
	// assessed is the judgement of this reconcile, nil where the verdict was taken in an earlier one.
	assessed *assessment
	// approval is the request's, where this reconcile read it.
	approval *v1alpha1.Approval
	// launchRecorded says that the log has everything up to the launch.
	launchRecorded bool
	// requeue is the earliest time at which something changes by itself, zero for never.
	requeue time.Duration
}

// wakeAfter asks for another reconcile after d, or earlier where that was asked already.
func (s *snapshot) wakeAfter(d time.Duration) {
	d = max(d, time.Millisecond)
	if s.requeue == 0 || d < s.requeue {
		s.requeue = d
	}
}

// errStale means that the cache is behind the API server, so that nothing can be decided on it.
var errStale = errors.New("the cache is out of date")

// staleRetry is how long a reconcile on a stale cache waits for the cache. The change that it lacks usually sets the next
// reconcile off before.
const staleRetry = time.Second

// +kubebuilder:rbac:groups=airlock.dev,resources=executionrequests,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=airlock.dev,resources=executionrequests/status,verbs=get;patch;update
// +kubebuilder:rbac:groups=airlock.dev,resources=executionrequests/finalizers,verbs=update
// +kubebuilder:rbac:groups=airlock.dev,resources=executionpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=airlock.dev,resources=approvals,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=airlock.dev,resources=approvals/status,verbs=get;patch;update
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile moves one request as far as it goes now.
func (r *Reconciler) Reconcile(ctx context.Context, key ctrl.Request) (ctrl.Result, error) {
	result, err := r.reconcile(ctx, key.NamespacedName)
	if errors.Is(err, errStale) || apierrors.IsConflict(err) {
		ctrl.LoggerFrom(ctx).V(1).Info("decided on old data, trying again", "why", err.Error())
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, key types.NamespacedName) (ctrl.Result, error) {
	kids, err := r.childrenOf(ctx, key)
	if err != nil {
		return ctrl.Result{}, err
	}
	req := &v1alpha1.ExecutionRequest{}
	if err := r.Get(ctx, key, req); apierrors.IsNotFound(err) {
		r.written.Delete(key)
		return ctrl.Result{}, r.sweep(ctx, key, "", kids.all())
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("get request: %w", err)
	}
	if version, ok := r.written.Load(key); ok && version == req.ResourceVersion {
		return ctrl.Result{}, fmt.Errorf("%w: it lacks the last write of the status", errStale)
	}
	r.written.Delete(key)
	if !req.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.delete(ctx, kids.all()...)
	}
	if err := r.sweep(ctx, key, req.UID, kids.foreign(req.UID)); err != nil {
		return ctrl.Result{}, err
	}

	s := &snapshot{req: req.DeepCopy(), children: kids.of(req.UID), now: r.Clock.Now()}
	if err := r.advance(ctx, req, s); err != nil {
		r.announceRetry(req, err)
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.requeue}, nil
}

// advance runs the phases, writes the status once, and cleans up behind a finished request. What a phase reached before an
// error is written all the same, unless it was reached on old data.
func (r *Reconciler) advance(ctx context.Context, before *v1alpha1.ExecutionRequest, s *snapshot) error {
	s.before = before
	phaseErr := r.runPhases(ctx, s)
	if errors.Is(phaseErr, errStale) {
		return phaseErr
	}
	if finished(s.req) && !finished(before) {
		if err := r.checkNothingRan(ctx, s); err != nil {
			return err
		}
	}
	r.record(ctx, s, phaseErr)
	if err := r.patchStatus(ctx, before, s); err != nil {
		return errors.Join(phaseErr, err)
	}
	if phaseErr != nil || !finished(s.req) {
		return phaseErr
	}
	return r.finish(ctx, s)
}

// runPhases runs the phases in order until one has to wait or the request is finished.
func (r *Reconciler) runPhases(ctx context.Context, s *snapshot) error {
	for _, phase := range []func(context.Context, *snapshot) (done bool, err error){
		r.validate, r.approve, r.launch, r.observe,
	} {
		if finished(s.req) {
			return nil
		}
		if done, err := phase(ctx, s); err != nil || !done {
			return err
		}
	}
	return nil
}

// patchStatus writes what changed, and only on top of what was read: a decision taken on a stale cache must not overwrite
// a final one. A status that the API server does not accept would be tried forever while its pod runs; the request ends
// with one that it does accept.
func (r *Reconciler) patchStatus(ctx context.Context, before *v1alpha1.ExecutionRequest, s *snapshot) error {
	s.req.Status.State = stateOf(s.req)
	if equality.Semantic.DeepEqual(before.Status, s.req.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := r.Status().Patch(ctx, s.req, patch)
	if apierrors.IsInvalid(err) {
		s.req = before.DeepCopy()
		end(s, v1alpha1.ReasonFailed, "what happened could not be recorded: "+err.Error())
		s.req.Status.State = stateOf(s.req)
		err = r.Status().Patch(ctx, s.req, patch)
	}
	if err != nil {
		return fmt.Errorf("write request status: %w", err)
	}
	if s.req.ResourceVersion != before.ResourceVersion {
		r.written.Store(client.ObjectKeyFromObject(before), before.ResourceVersion)
	}
	ctrl.LoggerFrom(ctx).Info("request moved", "state", s.req.Status.State, "was", before.Status.State)
	r.announce(before, s.req)
	return nil
}
