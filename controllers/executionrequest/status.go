// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// maxMessage is the API server's bound on a condition's message, in bytes.
const maxMessage = 32768

// refusal is an error that no retry cures: the request ends with this reason.
type refusal struct {
	reason  string
	message string
}

func (r *refusal) Error() string { return r.reason + ": " + r.message }

func setCondition(s *snapshot, conditionType string, status metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = message[:maxMessage]
	}
	meta.SetStatusCondition(&s.req.Status.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		ObservedGeneration: s.req.Generation, LastTransitionTime: metav1.NewTime(s.now),
	})
}

// end sets Finished: nothing more happens to the request.
func end(s *snapshot, reason, message string) {
	setCondition(s, v1alpha1.ConditionFinished, metav1.ConditionTrue, reason, message)
}

// refuse ends the request in the phase whose condition is given.
func refuse(s *snapshot, conditionType string, why *refusal) {
	setCondition(s, conditionType, metav1.ConditionFalse, why.reason, why.message)
	end(s, v1alpha1.ReasonDenied, why.message)
}

func finished(req *v1alpha1.ExecutionRequest) bool {
	return meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionFinished)
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
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, c.Reason, "Finish", "%.1000s", c.Message)
	case v1alpha1.StatePending, v1alpha1.StateRunning, v1alpha1.StateSucceeded, v1alpha1.StateJudged:
	}
}
