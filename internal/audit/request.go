// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// maxFindings of a verdict that a record lists.
const maxFindings = 16

// SubjectOf is how records name a request.
func SubjectOf(req *v1alpha1.ExecutionRequest) string {
	return fmt.Sprintf("%s/%s/%s", req.Namespace, req.Name, req.UID)
}

func requestRecord(req *v1alpha1.ExecutionRequest, t Type, id string, at time.Time, e Event) Record {
	e.Metadata.CorrelationUID = string(req.UID)
	e.Time = at.UnixMilli()
	return Record{ID: string(req.UID) + "/" + id, Type: t, Subject: SubjectOf(req), Time: at, Event: e}
}

// scriptRecord is a record about a request's code.
func scriptRecord(req *v1alpha1.ExecutionRequest, t Type, id string, at time.Time, e Event) Record {
	e.Device = &cluster
	e.Script = scriptOf(req.Spec.Code, string(req.UID))
	e.Actor = &Actor{User: User{Name: text(req.Spec.Requester.Username, maxName), UID: text(req.Spec.Requester.UID, maxName)}}
	return requestRecord(req, t, id, at, e)
}

// SubmittedRecord records a request as it was created. at is when it was.
func SubmittedRecord(req *v1alpha1.ExecutionRequest) Record {
	at := req.CreationTimestamp.Time
	spec := &req.Spec
	r := scriptRecord(req, Submitted, "submitted", at, newEvent(scriptActivity, activity{otherActivity, "Submit"}, informational, success,
		fmt.Sprintf("%s submitted %s code under policy %s", spec.Requester.Username, spec.Code.Language, spec.PolicyName)))
	content := &r.Event.Script.Content
	if whole, _ := fits(spec.Code.Source, maxCode); whole {
		*content = LongString{Value: spec.Code.Source}
	} else {
		r.Content = append(r.Content, NewContent(spec.Code.Source))
	}
	groups := texts(spec.Requester.Groups, maxGroups)
	for _, g := range groups {
		r.Event.Actor.User.Groups = append(r.Event.Actor.User.Groups, Group{Name: g})
	}
	r.Event.Unmapped.Submitted = &SubmittedDetails{
		PolicyName: spec.PolicyName, Mode: spec.Mode, Dialect: spec.Code.Dialect, Task: text(spec.Task, maxTask), Agent: agentOf(spec.Agent),
		ArgsSHA256: argsDigest(spec.Args), Args: texts(spec.Args, maxArgs), EnvNames: envNames(spec.Env),
		Inputs: inputsOf(spec.Inputs, nil), Egress: spec.Egress, Credentials: spec.Credentials, GroupsTotal: len(spec.Requester.Groups),
	}
	return r
}

// JudgedRecord records the verdict in the request's status. reportDigest is of
// the gate's report, digests are of the inputs by name; both may be unknown. What
// was judged before a crash and is judged otherwise after it is another event.
func JudgedRecord(req *v1alpha1.ExecutionRequest, reportDigest string, digests map[string]string, at time.Time) Record {
	v := req.Status.Verdict
	s, o := informational, success
	if v.Decision != v1alpha1.Allow {
		s = medium
	}
	if v.Decision != v1alpha1.Allow && v.Decision != v1alpha1.RequireApproval {
		o = failure
	}
	r := scriptRecord(req, Judged, "judged/"+strings.TrimPrefix(req.Status.EnvelopeDigest, "sha256:"), at, newEvent(scriptActivity, activity{otherActivity, "Judge"}, s, o,
		fmt.Sprintf("verdict %s by policy %s", v.Decision, req.Spec.PolicyName)))
	r.Event.Unmapped.Judged = &JudgedDetails{
		Decision: v.Decision, Approvals: v.Approvals, Trust: v.Trust, DecidedBy: v.DecidedBy, TrustReason: text(v.TrustReason, maxMessage),
		PolicyName: req.Spec.PolicyName, PolicyDigest: v.PolicyDigest, ReportDigest: reportDigest, EnvelopeDigest: req.Status.EnvelopeDigest,
		Inputs: inputsOf(req.Spec.Inputs, digests), Findings: findingsOf(v.Findings), FindingsTotal: v.FindingsTotal,
	}
	return r
}

// LaunchRecord records what is about to be created. appr is the approval that
// was used up, nil where none was needed.
func LaunchRecord(req *v1alpha1.ExecutionRequest, pod *corev1.Pod, appr *v1alpha1.Approval, at time.Time) (Record, error) {
	digest, err := PodDigest(pod)
	if err != nil {
		return Record{}, err
	}
	r := scriptRecord(req, Launch, "launch/"+strings.TrimPrefix(digest, "sha256:"), at, newEvent(scriptActivity, activity{1, "Execute"}, informational, success,
		fmt.Sprintf("launching pod %s/%s", pod.Namespace, pod.Name)))
	narrowed := approval.Narrow(req, req.Status.Dropped)
	r.Event.Unmapped.Launch = &LaunchDetails{
		EnvelopeDigest: req.Status.EnvelopeDigest, GrantName: req.Status.GrantName,
		Pod:    PodRef{Namespace: pod.Namespace, Name: pod.Name, Digest: digest, Images: imagesOf(pod)},
		Egress: narrowed.Spec.Egress, Credentials: narrowed.Spec.Credentials, Dropped: req.Status.Dropped,
	}
	if appr != nil {
		r.Event.Unmapped.Launch.Approval = &ApprovalRef{Name: appr.Name, UID: string(appr.UID)}
	}
	return r, nil
}

// ObservedRecord records the pod of a request as the API server holds it.
func ObservedRecord(req *v1alpha1.ExecutionRequest, pod *corev1.Pod) (Record, error) {
	digest, err := PodDigest(pod)
	if err != nil {
		return Record{}, err
	}
	r := scriptRecord(req, Observed, "observed/"+string(pod.UID), pod.CreationTimestamp.Time,
		newEvent(scriptActivity, activity{1, "Execute"}, informational, success, fmt.Sprintf("pod %s/%s was created", pod.Namespace, pod.Name)))
	r.Event.Unmapped.Observed = &ObservedDetails{
		EnvelopeDigest: pod.Annotations[sandbox.AnnotationEnvelope], // the one that it runs under, whatever was judged since
		Pod:            PodRef{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Digest: digest, Images: imagesOf(pod)},
	}
	return r, nil
}

// EndRecord records how a finished request ended: Finished where a pod was
// launched, Refused where none was.
func EndRecord(req *v1alpha1.ExecutionRequest) Record {
	c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished)
	details := &EndDetails{State: req.Status.State, Reason: c.Reason, EnvelopeDigest: req.Status.EnvelopeDigest}
	at := c.LastTransitionTime.Time
	if !meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionLaunched) {
		s, o, verb := high, failure, "refused"
		if c.Reason == v1alpha1.ReasonDryRun {
			s, o, verb = informational, success, "not run"
		}
		r := scriptRecord(req, Refused, "refused", at, newEvent(scriptActivity, activity{otherActivity, "Refuse"}, s, o, verb+": "+c.Message))
		r.Event.Unmapped.End = details
		return r
	}
	details.Pod = &PodRef{Namespace: req.Status.PodNamespace, Name: req.Status.PodName}
	if res := req.Status.Result; res != nil {
		details.ExitCode, details.RunReason, details.StartedAt, details.FinishedAt = res.ExitCode, res.Reason, res.StartedAt, res.FinishedAt
		details.Stdout, details.Stderr = streamOf(res.Stdout), streamOf(res.Stderr)
	}
	s, o := informational, success
	if c.Reason != v1alpha1.ReasonSucceeded {
		s, o = medium, failure
	}
	// The condition's message may quote the run; the reason does not.
	r := scriptRecord(req, Finished, "finished", at, newEvent(scriptActivity, activity{otherActivity, "Finish"}, s, o, "the run ended: "+c.Reason))
	r.Event.Unmapped.End = details
	return r
}

// SweptRecord records that a pod is ended whose request is gone. Of the request
// nothing is known but what the pod says.
func SweptRecord(pod *corev1.Pod, at time.Time) Record {
	uid := pod.Annotations[sandbox.AnnotationRequestUID]
	e := newEvent(scriptActivity, activity{otherActivity, "Finish"}, medium, failure, "the request was deleted; its run is ended, or had ended")
	e.Device = &cluster
	e.Script = &Script{Hashes: []Fingerprint{}, Content: LongString{IsTruncated: true}, Type: "Unknown", UID: uid}
	e.Metadata.CorrelationUID = uid
	e.Time = at.UnixMilli()
	e.Unmapped.End = &EndDetails{
		Reason: ReasonDeleted, EnvelopeDigest: pod.Annotations[sandbox.AnnotationEnvelope],
		Pod: &PodRef{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)},
	}
	return Record{ID: uid + "/finished", Type: Finished, Subject: pod.Annotations[sandbox.AnnotationRequest] + "/" + uid, Time: at, Event: e}
}

// DeletedRecord records that a request was deleted before its end.
func DeletedRecord(req *v1alpha1.ExecutionRequest, at time.Time) Record {
	t, id := Refused, "refused"
	if meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionLaunched) {
		t, id = Finished, "finished"
	}
	r := scriptRecord(req, t, id, at, newEvent(scriptActivity, activity{otherActivity, "Delete"}, medium, failure, "the request was deleted before its end"))
	r.Event.Unmapped.End = &EndDetails{State: req.Status.State, Reason: ReasonDeleted, EnvelopeDigest: req.Status.EnvelopeDigest}
	return r
}

// ReasonDeleted ends the story of a request that was deleted while it ran.
const ReasonDeleted = "RequestDeleted"

func streamOf(o *v1alpha1.Output) *Stream {
	if o == nil {
		return nil
	}
	s := &Stream{SHA256: o.SHA256}
	if o.Bytes != nil {
		s.Bytes = *o.Bytes
	}
	return s
}
