// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"time"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// approvalRecord is a record about an approval of a request.
func approvalRecord(req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval, t Type, id string, at time.Time, e Event) Record {
	e.SrcEndpoint = &Endpoint{ServiceName: "kube-apiserver"}
	e.Resources = []Resource{
		{Type: "Approval", Namespace: appr.Namespace, Name: appr.Name, UID: string(appr.UID)},
		{Type: "ExecutionRequest", Namespace: req.Namespace, Name: req.Name, UID: string(req.UID)},
	}
	return requestRecord(req, t, id, at, e)
}

// AskedRecord records that people were asked.
func AskedRecord(req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval) Record {
	e := newEvent(apiActivity, activity{1, "Create"}, informational, success, fmt.Sprintf("approval %s asks %d people until %s",
		appr.Name, appr.Spec.Required, appr.Spec.ExpiresAt.UTC().Format(time.RFC3339)))
	e.Actor = &Actor{User: User{Name: "airlock-operator"}}
	e.API = &API{Operation: "create approvals.airlock.dev", Service: Service{Name: "kube-apiserver"}}
	e.Unmapped.Asked = &AskedDetails{
		Approval: ApprovalRef{Name: appr.Name, UID: string(appr.UID)}, Required: appr.Spec.Required, Checkers: texts(appr.Spec.Checkers, maxGroups),
		ExpiresAt: appr.Spec.ExpiresAt, EnvelopeDigest: appr.Spec.Subject.EnvelopeDigest,
	}
	return approvalRecord(req, appr, ApprovalRequested, "approval-requested/"+string(appr.UID), appr.CreationTimestamp.Time, e)
}

// DecidedRecords records each decision in an Approval, in their order. The
// approver is who the API server authenticated, as admission recorded it.
func DecidedRecords(req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval, now time.Time) []Record {
	var out []Record
	for _, d := range appr.Spec.Decisions {
		out = append(out, decidedRecord(req, appr, d, now))
	}
	return out
}

func decidedRecord(req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval, d v1alpha1.ApproverDecision, now time.Time) Record {
	o, s := success, informational
	if d.Verdict != v1alpha1.Approved {
		o, s = failure, medium
	}
	e := newEvent(apiActivity, activity{3, "Update"}, s, o, fmt.Sprintf("%s by %s", d.Verdict, d.Approver))
	e.Actor = &Actor{User: User{Name: text(d.Approver, maxName), UID: text(valueOf(d.UID), maxName)}}
	e.API = &API{Operation: "patch approvals.airlock.dev", Service: Service{Name: "kube-apiserver"}}
	at := now
	if d.DecidedAt != nil {
		at = d.DecidedAt.Time
	}
	id := fmt.Sprintf("decided/%s/%s/%s", d.Verdict, hexSHA256([]byte(d.Approver))[:16], at.UTC().Format(time.RFC3339))
	d.Reason = new(text(valueOf(d.Reason), maxTask))
	e.Unmapped.Decided = &DecidedDetails{
		Approval: ApprovalRef{Name: appr.Name, UID: string(appr.UID)}, EnvelopeDigest: appr.Spec.Subject.EnvelopeDigest, Decision: d,
	}
	return approvalRecord(req, appr, Decided, id, at, e)
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
