// SPDX-License-Identifier: Apache-2.0

// Package approval makes Approvals and counts the decisions in them: quorum,
// expiry and binding. Who decided is what admission recorded; this package
// trusts that and nothing else, and counts a decision only where it finds every
// condition met. It is pure and takes `now`.
package approval

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// LabelRequestUID carries the UID of the request on its Approval.
const LabelRequestUID = "airlock.dev/request-uid"

// The terms where a policy leaves them out, as the schema has them.
const (
	DefaultRequired   = 1
	DefaultTTLSeconds = 3600
)

// requestKind is the kind that owns Approvals.
const requestKind = "ExecutionRequest"

// Name returns the name of the only Approval that a request can have, so that
// two operators cannot ask twice.
func Name(uid types.UID) string {
	return "airlock-" + string(uid)
}

// New makes the Approval of a request, in its namespace and owned by it.
// envelopeDigest binds the decisions to what was judged, inputs are the
// request's inputs with the digests of their content filled in, and limits are
// what the program gets. It needs as many approvers as the verdict says, and all
// checkers of the terms. The Approval expires terms.TTLSeconds after now.
func New(req *v1alpha1.ExecutionRequest, verdict v1alpha1.Verdict, envelopeDigest string, inputs []v1alpha1.Input,
	limits v1alpha1.Limits, terms v1alpha1.ApprovalTerms, now time.Time,
) *v1alpha1.Approval {
	req = req.DeepCopy() // what the Approval shows must not change with the request in the caller's memory
	terms = withDefaults(terms)
	expiry := metav1.NewTime(now.Add(time.Duration(terms.TTLSeconds) * time.Second))
	return &v1alpha1.Approval{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Approval"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: req.Namespace,
			Name:      Name(req.UID),
			Labels: map[string]string{
				"app.kubernetes.io/managed-by": "airlock",
				LabelRequestUID:                string(req.UID),
			},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(req, v1alpha1.GroupVersion.WithKind(requestKind)),
			},
		},
		Spec: v1alpha1.ApprovalSpec{
			Subject: v1alpha1.Subject{
				RequestRef:     v1alpha1.RequestRef{Name: req.Name, UID: string(req.UID)},
				PolicyName:     req.Spec.PolicyName,
				EnvelopeDigest: envelopeDigest,
				Requester:      req.Spec.Requester,
				Agent:          req.Spec.Agent,
				Task:           req.Spec.Task,
				Verdict:        *verdict.DeepCopy(),
				Code:           req.Spec.Code,
				Args:           req.Spec.Args,
				Env:            req.Spec.Env,
				Inputs:         slices.Clone(inputs),
				Egress:         req.Spec.Egress,
				Credentials:    req.Spec.Credentials,
				Limits:         *limits.DeepCopy(),
			},
			Required:        max(terms.Required, verdict.Approvals),
			ServiceAccounts: terms.ServiceAccounts,
			Checkers:        checkers(terms.Checkers),
			Grants:          terms.Grants.DeepCopy(),
			ExpiresAt:       expiry.Rfc3339Copy(),
		},
	}
}

// withDefaults fills in what is absent. The strictest reading of an absent
// serviceAccounts is Forbidden.
func withDefaults(t v1alpha1.ApprovalTerms) v1alpha1.ApprovalTerms {
	if t.Required == 0 {
		t.Required = DefaultRequired
	}
	if t.TTLSeconds == 0 {
		t.TTLSeconds = DefaultTTLSeconds
	}
	if t.ServiceAccounts != v1alpha1.ServiceAccountsAllowed {
		t.ServiceAccounts = v1alpha1.ServiceAccountsForbidden
	}
	return t
}
