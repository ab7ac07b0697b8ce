// SPDX-License-Identifier: Apache-2.0

// Package grant decides what a remembered approval covers: which operations can
// be remembered at all, the ExecutionGrant that follows from an Approval, and
// whether a grant covers a later request. It is pure and takes `now`.
package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
	"github.com/airlock-dev/airlock/internal/gate"
)

// maxApprovers is the schema's bound on decisions.
const maxApprovers = 32

// Candidate is what a grant would have to cover of one request.
type Candidate struct {
	Requester    v1alpha1.GrantHolder
	AgentName    string
	PolicyName   string
	PolicyDigest string
	Trust        v1alpha1.Trust
	Language     v1alpha1.Language
	// Approvals is the number of people that the verdict asks for.
	Approvals int32
	// Operations that people are asked about, in words that tell any two apart.
	Operations  []string
	Egress      []v1alpha1.EgressTarget
	Credentials []string
}

// Of returns the candidate of a judged request, and false where its approval
// cannot be remembered: an operation whose arguments are not all written out, or
// a verdict that asks for another reason than its operations and credentials,
// for example an organisation rule. asked are the operations of policy.AskedFor.
func Of(req *v1alpha1.ExecutionRequest, verdict v1alpha1.Verdict, asked []gate.Operation, policy *v1alpha1.ExecutionPolicySpec) (Candidate, bool) {
	explained := len(asked) + askedCredentials(req.Spec.Credentials, policy)
	if verdict.Decision != v1alpha1.RequireApproval || verdict.PolicyDigest == "" ||
		verdict.FindingsTotal == nil || int(*verdict.FindingsTotal) != explained || explained == 0 {
		return Candidate{}, false
	}
	operations, ok := Operations(asked, req.Spec.Code)
	if !ok {
		return Candidate{}, false
	}
	c := Candidate{
		Requester:    v1alpha1.GrantHolder{Username: req.Spec.Requester.Username, UID: req.Spec.Requester.UID},
		PolicyName:   req.Spec.PolicyName,
		PolicyDigest: verdict.PolicyDigest,
		Trust:        verdict.Trust,
		Language:     req.Spec.Code.Language,
		Approvals:    verdict.Approvals,
		Operations:   operations,
		Egress:       req.Spec.Egress,
		Credentials:  req.Spec.Credentials,
	}
	if req.Spec.Agent != nil {
		c.AgentName = req.Spec.Agent.Name
	}
	return c, true
}

// askedCredentials counts the credentials that people are asked about.
func askedCredentials(names []string, policy *v1alpha1.ExecutionPolicySpec) int {
	n := 0
	for _, c := range policy.Credentials {
		if slices.Contains(names, c.Name) && (c.Approvals == nil || *c.Approvals != 0) {
			n++
		}
	}
	return n
}

// New makes the grant that follows from an Approval whose approvers all
// remember. What they took away is not granted either. Without a state, it
// covers nothing yet.
func New(appr *v1alpha1.Approval, outcome approval.Outcome, c Candidate, now time.Time) *v1alpha1.ExecutionGrant {
	narrowed := approval.Narrow(&v1alpha1.ExecutionRequest{
		Spec: v1alpha1.ExecutionRequestSpec{Egress: slices.Clone(c.Egress), Credentials: slices.Clone(c.Credentials)},
	}, outcome.Dropped).Spec
	expiry := metav1.NewTime(now.Add(time.Duration(outcome.Remember.TTLSeconds) * time.Second))
	return &v1alpha1.ExecutionGrant{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ExecutionGrant"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: appr.Namespace, Name: appr.Name,
			Labels: map[string]string{"app.kubernetes.io/managed-by": "airlock"},
		},
		Spec: v1alpha1.ExecutionGrantSpec{
			Requester: c.Requester, AgentName: c.AgentName, PolicyName: c.PolicyName, PolicyDigest: c.PolicyDigest,
			Trust: c.Trust, Language: c.Language, Approvals: int32(min(len(outcome.Approvers), maxApprovers)),
			Operations: c.Operations, OperationsDigest: digest(c.Operations),
			Egress: narrowed.Egress, Credentials: narrowed.Credentials,
			Approvers:   slices.Sorted(slices.Values(slices.Concat(outcome.Approvers, outcome.Checkers))),
			ApprovalRef: v1alpha1.ObjectRef{Name: appr.Name, UID: string(appr.UID)},
			MaxUses:     outcome.Remember.Uses,
			ExpiresAt:   expiry.Rfc3339Copy(),
		},
	}
}

func digest(operations []string) string {
	sum := sha256.Sum256([]byte(strings.Join(operations, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// rule is a condition of a grant, and why the grant does not cover a request where it does not hold.
type rule struct {
	holds bool
	why   string
}

// Refuses says why a grant does not cover a request with this UID, "" where it
// does. A request that was counted already is covered without another use.
func Refuses(g *v1alpha1.ExecutionGrant, c Candidate, requestUID string, now time.Time) string {
	for _, r := range append(standing(g, requestUID, now), fitting(&g.Spec, c)...) {
		if !r.holds {
			return r.why
		}
	}
	return ""
}

// standing are the rules about the grant itself: it was activated, and nobody
// withdrew it, its time is not over, and a use is left.
func standing(g *v1alpha1.ExecutionGrant, requestUID string, now time.Time) []rule {
	used := Used(g, requestUID)
	active := g.Status.State == v1alpha1.GrantActive || used && g.Status.State == v1alpha1.GrantUsedUp
	return []rule{
		{g.DeletionTimestamp.IsZero(), "it was withdrawn"},
		{active, "it is not active"},
		{now.Before(g.Spec.ExpiresAt.Time), fmt.Sprintf("it expired at %s", g.Spec.ExpiresAt.UTC().Format(time.RFC3339))},
		{used || int64(len(g.Status.Uses)) < int64(g.Spec.MaxUses), fmt.Sprintf("it has been used %d times", g.Spec.MaxUses)},
		{requestUID != "", "the request has no UID"},
	}
}

// fitting are the rules about the request: whose it is, and that it asks for no more.
func fitting(spec *v1alpha1.ExecutionGrantSpec, c Candidate) []rule {
	return []rule{
		{spec.Requester == c.Requester && c.Requester.Username != "", "it is for another requester"},
		{spec.AgentName == c.AgentName, "it is for another agent"},
		{spec.PolicyName == c.PolicyName && spec.PolicyDigest == c.PolicyDigest && c.PolicyDigest != "", "the policy is another one, or changed"},
		{rank(c.Trust) >= rank(spec.Trust) && rank(spec.Trust) > 0, "the request has less trust"},
		{spec.Language == c.Language, "it is for another language"},
		{spec.Approvals >= c.Approvals && c.Approvals > 0, "more people have to agree"},
		{spec.OperationsDigest == digest(spec.Operations) && subset(c.Operations, spec.Operations), "it does not name every operation"},
		{subset(c.Egress, spec.Egress), "it does not name every destination"},
		{subset(c.Credentials, spec.Credentials), "it does not name every credential"},
	}
}

// Used says whether a request was counted.
func Used(g *v1alpha1.ExecutionGrant, requestUID string) bool {
	return slices.ContainsFunc(g.Status.Uses, func(u v1alpha1.GrantUse) bool { return u.RequestUID == requestUID })
}

// Use returns the status of a grant in which a request is counted.
func Use(g *v1alpha1.ExecutionGrant, requestUID string, now time.Time) v1alpha1.ExecutionGrantStatus {
	status := *g.Status.DeepCopy()
	if !Used(g, requestUID) {
		status.Uses = append(status.Uses, v1alpha1.GrantUse{RequestUID: requestUID, At: metav1.NewTime(now).Rfc3339Copy()})
	}
	status.Used = fmt.Sprintf("%d/%d", len(status.Uses), g.Spec.MaxUses)
	if int64(len(status.Uses)) >= int64(g.Spec.MaxUses) {
		status.State = v1alpha1.GrantUsedUp
	}
	return status
}

// rank orders trust; what is not known is less than all.
func rank(t v1alpha1.Trust) int {
	switch t {
	case v1alpha1.Trusted:
		return 3
	case v1alpha1.Internal:
		return 2
	case v1alpha1.Untrusted:
		return 1
	default:
		return 0
	}
}

func subset[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(t T) bool { return !slices.Contains(all, t) })
}
