// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Bounds of the schema and of the API server, in bytes.
const (
	maxMessage = 32768 // of a condition
	maxNote    = 1024  // of an Event
	maxReason  = 64    // of a result
)

// refusal is an error that no retry cures: the request ends with this reason.
type refusal struct {
	reason  string
	message string
}

func (r *refusal) Error() string { return r.reason + ": " + r.message }

// delay is an error that somebody else may cure: the request waits, and says for what.
type delay struct {
	reason  string
	message string
}

func (d *delay) Error() string { return d.reason + ": " + d.message }

// notCreated sorts an error of a create: a quota or a policy of the cluster may let it pass later, an object that the API
// server never accepts is a refusal, everything else is tried again.
func notCreated(what string, err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return &delay{v1alpha1.ReasonPodRefused, fmt.Sprintf("the API server refuses the %s: %v", what, err)}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return &refusal{v1alpha1.ReasonPodRefused, fmt.Sprintf("the API server refuses the %s: %v", what, err)}
	default:
		return fmt.Errorf("create %s: %w", what, err)
	}
}

func setCondition(s *snapshot, conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&s.req.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: clip(message, maxMessage),
		ObservedGeneration: s.req.Generation, LastTransitionTime: metav1.NewTime(s.now),
	})
}

// clip bounds a text to n bytes, at the end of a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// end sets Finished: nothing more happens to the request.
func end(s *snapshot, reason, message string) {
	setCondition(s, v1alpha1.ConditionFinished, metav1.ConditionTrue, reason, message)
}

// refuse ends the request in the phase whose condition is given.
func refuse(s *snapshot, conditionType string, why *refusal) {
	setCondition(s, conditionType, metav1.ConditionFalse, why.reason, why.message)
	if why.reason == v1alpha1.ReasonExpired {
		end(s, v1alpha1.ReasonExpired, why.message)
		return
	}
	end(s, v1alpha1.ReasonDenied, why.message)
}

func finished(req *v1alpha1.ExecutionRequest) bool {
	return isTrue(req, v1alpha1.ConditionFinished)
}

func isTrue(req *v1alpha1.ExecutionRequest, conditionType string) bool {
	return meta.IsStatusConditionTrue(req.Status.Conditions, conditionType)
}

// stateOf sums the conditions up for people.
func stateOf(req *v1alpha1.ExecutionRequest) v1alpha1.RequestState {
	if c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished); c != nil && c.Status == metav1.ConditionTrue {
		switch c.Reason {
		case v1alpha1.ReasonSucceeded:
			return v1alpha1.StateSucceeded
		case v1alpha1.ReasonDenied, v1alpha1.ReasonExpired:
			return v1alpha1.StateDenied
		case v1alpha1.ReasonDryRun:
			return v1alpha1.StateJudged
		default:
			return v1alpha1.StateFailed
		}
	}
	if isTrue(req, v1alpha1.ConditionLaunched) {
		return v1alpha1.StateRunning
	}
	if c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionApproved); c != nil && c.Status == metav1.ConditionFalse {
		return v1alpha1.StateAwaitingApproval
	}
	return v1alpha1.StatePending
}

// announce tells people what they have to know, after the status says it. Success makes no Event: it would cost a write
// for every request.
func (r *Reconciler) announce(before, after *v1alpha1.ExecutionRequest) {
	if before.Status.State == after.Status.State {
		return
	}
	switch after.Status.State {
	case v1alpha1.StateAwaitingApproval:
		r.Recorder.Eventf(after, nil, corev1.EventTypeNormal, "AwaitingApproval", "Approve", "waiting for a decision on approval %s", after.Status.ApprovalName)
	case v1alpha1.StateDenied, v1alpha1.StateFailed:
		c := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionFinished)
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, c.Reason, "Finish", "%s", clip(c.Message, maxNote))
	case v1alpha1.StatePending, v1alpha1.StateRunning, v1alpha1.StateSucceeded, v1alpha1.StateJudged:
	}
}

// announceRetry breaks the silence about a request that an error holds up. It says only of what kind the error is: its text
// may name objects that the requester must not know of.
func (r *Reconciler) announceRetry(req *v1alpha1.ExecutionRequest, err error) {
	if errors.Is(err, errStale) || errors.Is(err, context.Canceled) || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return
	}
	kind := apierrors.ReasonForError(err)
	if kind == metav1.StatusReasonUnknown {
		kind = "an error"
	}
	r.Recorder.Eventf(req, nil, corev1.EventTypeWarning, "Retrying", "Reconcile", "held up by %s; the operator tries again, and its log says more", kind)
}
