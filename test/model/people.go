// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// anyApproval reads one of the Approvals that exist, nil where there is none.
func (s *Sequence) anyApproval(ctx context.Context) (*v1alpha1.Approval, error) {
	var list v1alpha1.ApprovalList
	if err := s.cluster.As(Admin).List(ctx, &list, client.InNamespace(s.cluster.Namespace)); err != nil {
		return nil, fmt.Errorf("list approvals: %w", err)
	}
	if open := slices.DeleteFunc(slices.Clone(list.Items), closed); len(open) > 0 && s.rand.IntN(5) != 0 {
		list.Items = open
	}
	if len(list.Items) == 0 {
		return nil, nil
	}
	return &list.Items[s.rand.IntN(len(list.Items))], nil
}

func closed(a v1alpha1.Approval) bool {
	return a.Status.State != "" && a.Status.State != v1alpha1.ApprovalPending && a.Status.State != v1alpha1.ApprovalApproved
}

func (s *Sequence) anybody() string {
	return pick(s.rand, []string{Riley, Alice, Alice, Alice, Bob, Bob, Bob, Bob, Stranger, s.ref.bot})
}

// decide has somebody patch an Approval.
func (s *Sequence) decide(ctx context.Context) (string, error) {
	appr, err := s.anyApproval(ctx)
	if appr == nil || err != nil {
		return "nothing to decide", err
	}
	q := s.ref.approvals[appr.Name]
	who, d := s.anybody(), decision{verdict: pick(s.rand, []v1alpha1.ApprovalVerdict{
		v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Approved, v1alpha1.Revoked, v1alpha1.Revoked, v1alpha1.Denied})}
	if s.rand.IntN(5) == 0 {
		d.without = s.narrowing(q)
	}
	if d.verdict == v1alpha1.Approved && s.rand.IntN(2) == 0 || s.rand.IntN(10) == 0 {
		d.remember = &v1alpha1.Remembrance{Uses: 1 + s.rand.Int32N(3), TTLSeconds: pick(s.rand, []int32{600, 1800, 1800, 1800, 1801})}
	}
	accepted, recorded := s.ref.accepts(who, q, appr.Status.State, d, s.cluster.ServerNow())
	kind, body, how := s.patch(appr, who, d)
	what := fmt.Sprintf("%s patches %s for %s: %s, without %v, remember %v, by %s; to be accepted: %t", who, appr.Name, q.request.name, d.verdict, d.without, d.remember, how, accepted)
	answer := s.cluster.As(who).Patch(ctx, appr.DeepCopy(), client.RawPatch(kind, body))
	switch {
	case (answer == nil) != accepted:
		return what, fmt.Errorf("the API server says %v", answer) //nolint:errorlint // it may be nil
	case accepted:
		s.stats.Accepted++
	default:
		s.stats.Refused++
	}
	if recorded {
		q.decisions[who] = d
		q.request.excuses[string(d.verdict)] = true
	}
	return what, nil
}

// narrowing takes something away, at times what is not asked for.
func (s *Sequence) narrowing(q *question) *v1alpha1.Narrowing {
	n := &v1alpha1.Narrowing{Egress: some(s.rand, q.request.egress, 2), Credentials: some(s.rand, q.request.credentials, 2)}
	if s.rand.IntN(6) == 0 {
		n.Credentials = append(n.Credentials, "root")
	}
	if len(n.Egress)+len(n.Credentials) == 0 {
		return nil
	}
	return n
}

// patch is one of the ways to say the same.
func (s *Sequence) patch(appr *v1alpha1.Approval, who string, d decision) (kind types.PatchType, body []byte, how string) {
	fields := map[string]any{"verdict": d.verdict}
	if d.without != nil {
		fields["without"] = d.without
	}
	if d.remember != nil {
		fields["remember"] = d.remember
	}
	if _, has := s.ref.approvals[appr.Name].decisions[who]; has || s.rand.IntN(3) != 0 {
		body, _ = json.Marshal(map[string]any{"spec": map[string]any{"decision": fields}})
		return types.MergePatchType, body, "the inbox"
	}
	fields["approver"] = who
	var value any = fields
	path := "/spec/decisions/-"
	if len(appr.Spec.Decisions) == 0 {
		path, value = "/spec/decisions", []any{fields}
	}
	body, _ = json.Marshal([]any{map[string]any{"op": "add", "path": path, "value": value}})
	return types.JSONPatchType, body, "an entry of their own"
}

// attack is a write that nobody but the operator may make.
type attack struct {
	name  string
	write func(ctx context.Context, c client.Client) error
}

// forge has somebody try what is refused to everybody.
func (s *Sequence) forge(ctx context.Context) (string, error) {
	appr, err := s.anyApproval(ctx)
	if appr == nil || err != nil {
		return "nothing to forge", err
	}
	who := s.anybody()
	attacks := append(s.attacksOnApproval(appr, who), s.attacksOnGrants(appr.Name)...)
	a := pick(s.rand, attacks)
	what := fmt.Sprintf("%s tries on %s: %s", who, appr.Name, a.name)
	s.stats.Forged++
	if err := a.write(ctx, s.cluster.As(who)); err == nil {
		return what, fmt.Errorf("the API server accepts it")
	}
	return what, nil
}

func (s *Sequence) attacksOnApproval(appr *v1alpha1.Approval, who string) []attack {
	merge := func(body string) func(context.Context, client.Client) error {
		return func(ctx context.Context, c client.Client) error {
			return c.Patch(ctx, appr.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(body)))
		}
	}
	status := func(obj client.Object, body string) func(context.Context, client.Client) error {
		return func(ctx context.Context, c client.Client) error {
			return c.Status().Patch(ctx, obj, client.RawPatch(types.MergePatchType, []byte(body)))
		}
	}
	req := &v1alpha1.ExecutionRequest{}
	req.Namespace, req.Name = appr.Namespace, appr.Spec.Subject.RequestRef.Name
	attacks := []attack{
		{"a later end", merge(`{"spec":{"expiresAt":"2099-01-01T00:00:00Z"}}`)},
		{"another number of approvers", merge(fmt.Sprintf(`{"spec":{"required":%d}}`, appr.Spec.Required+1))},
		{"another digest", merge(`{"spec":{"subject":{"envelopeDigest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}}`)},
		{"a checker of one's own", merge(`{"spec":{"checkers":["system:serviceaccount:x:y"]}}`)},
		{"more to remember", merge(`{"spec":{"grants":{"maxUses":1000,"ttlSeconds":2592000}}}`)},
		{"a finalizer", merge(`{"metadata":{"finalizers":["evil.example/hold"]}}`)},
		{"an owner", merge(`{"metadata":{"ownerReferences":null}}`)},
		{"the status", status(appr.DeepCopy(), `{"status":{"state":"Approved","message":"forged"}}`)},
		{"the request's status", status(req, `{"status":{"state":"Succeeded","grantName":"forged"}}`)},
		{"a deletion", func(ctx context.Context, c client.Client) error { return c.Delete(ctx, appr.DeepCopy()) }},
		{"a copy", func(ctx context.Context, c client.Client) error {
			forged := appr.DeepCopy()
			forged.Name, forged.UID, forged.ResourceVersion = "forged", "", ""
			return c.Create(ctx, forged)
		}},
	}
	for i, d := range appr.Spec.Decisions {
		if d.Approver == who {
			continue
		}
		attacks = append(attacks,
			attack{"the verdict of " + d.Approver, func(ctx context.Context, c client.Client) error {
				value := map[v1alpha1.ApprovalVerdict]string{v1alpha1.Approved: "Denied"}[d.Verdict]
				if value == "" {
					value = "Approved"
				}
				return c.Patch(ctx, appr.DeepCopy(), client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op":"replace","path":"/spec/decisions/%d/verdict","value":%q}]`, i, value)))
			}},
			attack{"the entry of " + d.Approver, func(ctx context.Context, c client.Client) error {
				return c.Patch(ctx, appr.DeepCopy(), client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op":"remove","path":"/spec/decisions/%d"}]`, i)))
			}})
	}
	for _, other := range []string{Alice, Bob, Riley} {
		if _, has := s.ref.approvals[appr.Name].decisions[other]; has || other == who {
			continue
		}
		var entries []any
		for _, d := range appr.Spec.Decisions {
			entries = append(entries, d)
		}
		body, _ := json.Marshal(map[string]any{"spec": map[string]any{"decisions": append(entries, map[string]any{"approver": other, "verdict": "Approved"})}})
		attacks = append(attacks, attack{"a decision of " + other, merge(string(body))})
	}
	return attacks
}

func (s *Sequence) attacksOnGrants(approval string) []attack {
	existing := &v1alpha1.ExecutionGrant{}
	existing.Namespace, existing.Name = s.cluster.Namespace, approval
	return []attack{
		{"a grant", func(ctx context.Context, c client.Client) error {
			digest := s.ref.digest
			forged := &v1alpha1.ExecutionGrant{Spec: v1alpha1.ExecutionGrantSpec{
				Requester: v1alpha1.GrantHolder{Username: Riley}, PolicyName: s.cluster.Policy, PolicyDigest: digest, Trust: v1alpha1.Untrusted, Language: v1alpha1.Python,
				Approvals: 10, OperationsDigest: digest, Approvers: []string{Bob}, ApprovalRef: v1alpha1.ObjectRef{Name: approval, UID: "u"}, MaxUses: 1000, ExpiresAt: existing.CreationTimestamp,
			}}
			forged.Namespace, forged.Name = s.cluster.Namespace, "forged"
			forged.Spec.ExpiresAt.Time = s.cluster.ServerNow().Add(24 * time.Hour)
			return c.Create(ctx, forged)
		}},
		{"more uses of a grant", func(ctx context.Context, c client.Client) error {
			return c.Patch(ctx, existing.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"maxUses":999}}`)))
		}},
		{"the uses of a grant", func(ctx context.Context, c client.Client) error {
			return c.Status().Patch(ctx, existing.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"status":{"state":"Active","uses":null}}`)))
		}},
	}
}

// withdrawGrant has somebody delete a grant, as approvers may.
func (s *Sequence) withdrawGrant(ctx context.Context) (string, error) {
	var list v1alpha1.ExecutionGrantList
	if err := s.cluster.As(Admin).List(ctx, &list, client.InNamespace(s.cluster.Namespace)); err != nil || len(list.Items) == 0 {
		return "no grant to withdraw", err
	}
	g, who := &list.Items[s.rand.IntN(len(list.Items))], s.anybody()
	what := fmt.Sprintf("%s withdraws grant %s", who, g.Name)
	err := s.cluster.As(who).Delete(ctx, g)
	if (err == nil) != (who != Stranger) {
		return what, fmt.Errorf("the API server says %v", err) //nolint:errorlint // it may be nil
	}
	if err == nil {
		if m := s.ref.grants[g.Name]; m != nil {
			m.withdrawn = true
		}
		for _, r := range s.ref.requests {
			r.excuses["a grant was withdrawn"] = true
		}
	}
	return what, nil
}
