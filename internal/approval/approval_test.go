// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var (
	now      = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	envelope = "sha256:" + strings.Repeat("e", 64)
)

func testRequest() *v1alpha1.ExecutionRequest {
	return &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "report", UID: "uid-1"},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName:  "data-analysis",
			Requester:   v1alpha1.Requester{Username: "agent-7", UID: "u-7"},
			Agent:       &v1alpha1.Agent{Name: "analyst"},
			Task:        "Remove old reports",
			Code:        v1alpha1.Code{Language: v1alpha1.Python, Source: "import os\nos.remove('/data/x')\n"},
			Args:        []string{"--fast"},
			Env:         []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("test")}},
			Inputs:      []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "a", Key: "b"}}},
			Egress:      []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
			Credentials: []string{"partner"},
		},
	}
}

// testApproval is what New makes for two approvers, with decisions.
func testApproval(decisions ...v1alpha1.ApproverDecision) *v1alpha1.Approval {
	req := testRequest()
	inputs := append([]v1alpha1.Input{}, req.Spec.Inputs...)
	inputs[0].Digest = "sha256:" + strings.Repeat("c", 64)
	cpu := resource.MustParse("500m")
	a := New(req, v1alpha1.Verdict{Decision: v1alpha1.RequireApproval, Trust: v1alpha1.Internal}, envelope, inputs,
		v1alpha1.Limits{TimeoutSeconds: 60, CPU: &cpu}, v1alpha1.ApprovalTerms{Required: 2, TTLSeconds: 600}, now)
	a.Spec.Decisions = decisions
	return a
}

func says(approver string, verdict v1alpha1.ApprovalVerdict) v1alpha1.ApproverDecision {
	return v1alpha1.ApproverDecision{Approver: approver, Verdict: verdict}
}

func yes(approver string) v1alpha1.ApproverDecision { return says(approver, v1alpha1.Approved) }

func withUID(d v1alpha1.ApproverDecision, uid string) v1alpha1.ApproverDecision {
	d.UID = &uid
	return d
}

func TestEvaluate(t *testing.T) {
	const agentAccount, robot = "system:serviceaccount:team-a:agent", "system:serviceaccount:ci:robot"
	tests := map[string]struct {
		decisions []v1alpha1.ApproverDecision
		edit      func(*v1alpha1.Approval)
		at        time.Duration // after now
		want      v1alpha1.ApprovalState
		tally     string
	}{
		"nobody has decided":                        {want: v1alpha1.ApprovalPending, tally: "0/2"},
		"one of two agreed":                         {decisions: []v1alpha1.ApproverDecision{yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"two of two agreed":                         {decisions: []v1alpha1.ApproverDecision{yes("bob"), yes("alice")}, want: v1alpha1.ApprovalApproved, tally: "2/2"},
		"more than enough agreed":                   {decisions: []v1alpha1.ApproverDecision{yes("a"), yes("b"), yes("c")}, want: v1alpha1.ApprovalApproved, tally: "3/2"},
		"one person twice is one":                   {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"one person under two names is one":         {decisions: []v1alpha1.ApproverDecision{withUID(yes("alice"), "1"), withUID(yes("alice@corp"), "1")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"people without UID are told apart by name": {decisions: []v1alpha1.ApproverDecision{withUID(yes("alice"), ""), withUID(yes("bob"), "")}, want: v1alpha1.ApprovalApproved, tally: "2/2"},
		"the requester cannot approve":              {decisions: []v1alpha1.ApproverDecision{yes("agent-7"), yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"nor under another name":                    {decisions: []v1alpha1.ApproverDecision{withUID(yes("admin"), "u-7"), yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"a nameless approver is nobody":             {decisions: []v1alpha1.ApproverDecision{yes(""), yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"a service account cannot approve":          {decisions: []v1alpha1.ApproverDecision{yes(robot), yes("alice")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"unless the terms say so": {
			decisions: []v1alpha1.ApproverDecision{yes(robot), yes("alice")},
			edit:      func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed },
			want:      v1alpha1.ApprovalApproved, tally: "2/2",
		},
		"unknown terms allow no service account": {
			decisions: []v1alpha1.ApproverDecision{yes(robot), yes("alice")},
			edit:      func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = "Permitted" },
			want:      v1alpha1.ApprovalPending, tally: "1/2",
		},
		"absent terms allow no service account": {
			decisions: []v1alpha1.ApproverDecision{yes(robot), yes(agentAccount)},
			edit:      func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = "" },
			want:      v1alpha1.ApprovalPending, tally: "0/2",
		},
		"a node, the operator's API server user or an anonymous user cannot approve": {
			decisions: []v1alpha1.ApproverDecision{yes("system:node:n1"), yes("system:admin"), yes("system:anonymous"), yes("system:apiserver")},
			edit:      func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed },
			want:      v1alpha1.ApprovalPending, tally: "0/2",
		},
		"one denial is enough":                      {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob"), says("carol", v1alpha1.Denied)}, want: v1alpha1.ApprovalDenied, tally: "2/2"},
		"the requester can withdraw by denying":     {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob"), says("agent-7", v1alpha1.Denied)}, want: v1alpha1.ApprovalDenied, tally: "2/2"},
		"who revoked does not count":                {decisions: []v1alpha1.ApproverDecision{yes("alice"), says("bob", v1alpha1.Revoked)}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"a verdict that is none does not count":     {decisions: []v1alpha1.ApproverDecision{yes("alice"), says("bob", "approved"), says("carol", "")}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"who approved and revoked does not count":   {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob"), says("bob", v1alpha1.Revoked)}, want: v1alpha1.ApprovalPending, tally: "1/2"},
		"the last second before expiry is in time":  {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, at: 599 * time.Second, want: v1alpha1.ApprovalApproved, tally: "2/2"},
		"expiry ends what is pending":               {decisions: []v1alpha1.ApproverDecision{yes("alice")}, at: 600 * time.Second, want: v1alpha1.ApprovalExpired, tally: "1/2"},
		"expiry ends an approval that was not used": {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, at: 600 * time.Second, want: v1alpha1.ApprovalExpired, tally: "2/2"},
		"no expiry has passed long ago": {
			decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")},
			edit:      func(a *v1alpha1.Approval) { a.Spec.ExpiresAt = metav1.Time{} },
			want:      v1alpha1.ApprovalExpired, tally: "2/2",
		},
		"a backdated decision does not help": {
			decisions: []v1alpha1.ApproverDecision{yes("alice"), {Approver: "bob", Verdict: v1alpha1.Approved, DecidedAt: &metav1.Time{Time: now}}},
			at:        time.Hour, want: v1alpha1.ApprovalExpired, tally: "2/2",
		},
		"a denial is final":              {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, edit: state(v1alpha1.ApprovalDenied), want: v1alpha1.ApprovalDenied, tally: "2/2"},
		"an expiry is final":             {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, edit: state(v1alpha1.ApprovalExpired), want: v1alpha1.ApprovalExpired, tally: "2/2"},
		"it is used once":                {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, edit: state(v1alpha1.ApprovalConsumed), want: v1alpha1.ApprovalConsumed, tally: "2/2"},
		"and stays so after expiry":      {decisions: []v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, edit: state(v1alpha1.ApprovalConsumed), at: time.Hour, want: v1alpha1.ApprovalConsumed, tally: "2/2"},
		"a state alone approves nothing": {edit: state(v1alpha1.ApprovalApproved), want: v1alpha1.ApprovalPending, tally: "0/2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := testApproval(tt.decisions...)
			if tt.edit != nil {
				tt.edit(a)
			}
			got, err := Evaluate(a, testRequest(), envelope, now.Add(tt.at))
			if err != nil {
				t.Fatal(err)
			}
			if got.State != tt.want || got.Tally != tt.tally {
				t.Errorf("%s %s, want %s %s (%s)", got.State, got.Tally, tt.want, tt.tally, got.Message)
			}
			if got.Message == "" || len([]rune(got.Message)) > 1024 {
				t.Errorf("message %q", got.Message)
			}
			if fmt.Sprintf("%d/2", len(got.Approvers)) != got.Tally {
				t.Errorf("approvers %v, tally %s", got.Approvers, got.Tally)
			}
		})
	}
}

func state(s v1alpha1.ApprovalState) func(*v1alpha1.Approval) {
	return func(a *v1alpha1.Approval) { a.Status.State = s }
}

func TestMessagesSayWhatToDo(t *testing.T) {
	got, err := Evaluate(testApproval(yes("alice"), yes("agent-7"), yes("system:serviceaccount:ci:robot")), testRequest(), envelope, now)
	if err != nil {
		t.Fatal(err)
	}
	want := `Waits for 1 person until 2026-11-21T12:10:00Z. To decide: kubectl patch approval airlock-uid-1 -n team-a --type=merge -p '{"spec":{"decision":{"verdict":"Approved","reason":"..."}}}' (or Denied).` +
		` Not counted: agent-7 (is the requester), system:serviceaccount:ci:robot (is a service account).`
	if diff := cmp.Diff(want, got.Message); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"alice"}, got.Approvers); diff != "" {
		t.Error(diff)
	}
}

// An approval that is not about exactly this request counts for nothing.
func TestAnApprovalOfSomethingElseDoesNotCount(t *testing.T) {
	type pair struct {
		a        *v1alpha1.Approval
		req      *v1alpha1.ExecutionRequest
		envelope string
	}
	subject := func(edit func(*v1alpha1.Subject)) func(*pair) { return func(p *pair) { edit(&p.a.Spec.Subject) } }
	tests := map[string]func(*pair){
		"no approval":                      func(p *pair) { p.a = nil },
		"no request":                       func(p *pair) { p.req = nil },
		"another envelope":                 func(p *pair) { p.envelope = "sha256:" + strings.Repeat("f", 64) },
		"no envelope":                      func(p *pair) { p.envelope, p.a.Spec.Subject.EnvelopeDigest = "", "" },
		"another request of the same name": func(p *pair) { p.req.UID = "uid-2" },
		"a request without UID":            func(p *pair) { p.req.UID, p.a.Spec.Subject.RequestRef.UID, p.a.Name = "", "", Name("") },
		"another name":                     func(p *pair) { p.a.Name = "airlock-uid-2" },
		"another namespace":                func(p *pair) { p.a.Namespace = "team-b" },
		"another subject's UID":            subject(func(s *v1alpha1.Subject) { s.RequestRef.UID = "uid-2" }),
		"another subject's name":           subject(func(s *v1alpha1.Subject) { s.RequestRef.Name = "other" }),
		"another policy":                   subject(func(s *v1alpha1.Subject) { s.PolicyName = "lenient" }),
		"another requester":                subject(func(s *v1alpha1.Subject) { s.Requester.Username = "mallory" }),
		"another requester's UID":          subject(func(s *v1alpha1.Subject) { s.Requester.UID = "" }),
		"another agent was shown":          subject(func(s *v1alpha1.Subject) { s.Agent = nil }),
		"another task was shown":           subject(func(s *v1alpha1.Subject) { s.Task = "Count old reports" }),
		"other code was shown":             subject(func(s *v1alpha1.Subject) { s.Code.Source = "print(1)" }),
		"another language was shown":       subject(func(s *v1alpha1.Subject) { s.Code.Language = v1alpha1.Bash }),
		"other arguments were shown":       subject(func(s *v1alpha1.Subject) { s.Args = nil }),
		"another environment was shown":    subject(func(s *v1alpha1.Subject) { s.Env[0].Value = new("prod") }),
		"other inputs were shown":          subject(func(s *v1alpha1.Subject) { s.Inputs = nil }),
		"another trust was shown":          subject(func(s *v1alpha1.Subject) { s.Inputs[0].Trust = v1alpha1.Trusted }),
		"another egress was shown":         subject(func(s *v1alpha1.Subject) { s.Egress[0].Port = 80 }),
		"other credentials were shown":     subject(func(s *v1alpha1.Subject) { s.Credentials = []string{"root"} }),
		"no owner":                         func(p *pair) { p.a.OwnerReferences = nil },
		"a foreign owner":                  func(p *pair) { p.a.OwnerReferences[0].UID = "uid-2" },
		"an owner of another kind":         func(p *pair) { p.a.OwnerReferences[0].Kind = "ConfigMap" },
		"an owner of another group":        func(p *pair) { p.a.OwnerReferences[0].APIVersion = "evil.example/v1alpha1" },
		"an owner that is no controller":   func(p *pair) { p.a.OwnerReferences[0].Controller = nil },
		"a second owner":                   func(p *pair) { p.a.OwnerReferences = append(p.a.OwnerReferences, metav1.OwnerReference{Name: "x"}) },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			p := pair{testApproval(yes("alice"), yes("bob")), testRequest(), envelope}
			edit(&p)
			got, err := Evaluate(p.a, p.req, p.envelope, now)
			if !errors.Is(err, ErrBinding) {
				t.Errorf("error %v, want ErrBinding", err)
			}
			if got.State != "" || got.Approvers != nil {
				t.Errorf("an outcome beside the error: %+v", got)
			}
		})
	}
}

func TestAnApprovalThatNeedsNobodyIsAnError(t *testing.T) {
	for _, required := range []int32{0, -1, 11} {
		a := testApproval(yes("alice"), yes("bob"))
		a.Spec.Required = required
		if got, err := Evaluate(a, testRequest(), envelope, now); err == nil {
			t.Errorf("required %d: state %s, want an error", required, got.State)
		}
	}
}

func TestNew(t *testing.T) {
	a := testApproval()
	if diff := cmp.Diff(now.Add(600*time.Second), a.Spec.ExpiresAt.Time); diff != "" {
		t.Error(diff)
	}
	if a.Spec.ServiceAccounts != v1alpha1.ServiceAccountsForbidden {
		t.Errorf("absent serviceAccounts became %q, want Forbidden", a.Spec.ServiceAccounts)
	}
	if got, err := Evaluate(a, testRequest(), envelope, now); err != nil || got.State != v1alpha1.ApprovalPending {
		t.Errorf("a new approval is %s, %v; want Pending", got.State, err)
	}
	if a.Spec.Decision != nil || a.Spec.Decisions != nil || a.Status != (v1alpha1.ApprovalStatus{}) {
		t.Error("a new approval has decisions or a status")
	}
}

func TestNewSharesNoMemoryWithTheRequest(t *testing.T) {
	req := testRequest()
	a := New(req, v1alpha1.Verdict{}, envelope, req.Spec.Inputs, v1alpha1.Limits{}, v1alpha1.ApprovalTerms{}, now)
	req.Spec.Args[0], req.Spec.Egress[0].Host, req.Spec.Agent.Name, req.Spec.Inputs[0].Trust = "x", "x", "x", "x"
	s := a.Spec.Subject
	if s.Args[0] == "x" || s.Egress[0].Host == "x" || s.Agent.Name == "x" || s.Inputs[0].Trust == "x" {
		t.Error("changing the request changed what approvers are shown")
	}
}

func TestNewTakesTheDocumentedDefaults(t *testing.T) {
	a := New(testRequest(), v1alpha1.Verdict{}, envelope, nil, v1alpha1.Limits{}, v1alpha1.ApprovalTerms{}, now)
	if a.Spec.Required != 1 || !a.Spec.ExpiresAt.Time.Equal(now.Add(time.Hour)) {
		t.Errorf("required %d, expires %s; want 1 and an hour", a.Spec.Required, a.Spec.ExpiresAt)
	}
}

// No list of decisions approves without enough names that may approve.
func FuzzQuorumCannotBeReachedAlone(f *testing.F) {
	f.Add("alice", "1", "Approved", "alice", "1", "Approved")
	f.Add("agent-7", "", "Approved", "system:admin", "", "Approved")
	f.Fuzz(func(t *testing.T, n1, u1, v1, n2, u2, v2 string) {
		one := withUID(says(n1, v1alpha1.ApprovalVerdict(v1)), u1)
		two := withUID(says(n2, v1alpha1.ApprovalVerdict(v2)), u2)
		got, err := Evaluate(testApproval(one, two), testRequest(), envelope, now)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != v1alpha1.ApprovalApproved {
			return
		}
		if n1 == n2 || (u1 == u2 && u1 != "") || v1 != "Approved" || v2 != "Approved" {
			t.Errorf("%+v and %+v approved", one, two)
		}
		for _, d := range []v1alpha1.ApproverDecision{one, two} {
			if d.Approver == "" || d.Approver == "agent-7" || *d.UID == "u-7" || strings.HasPrefix(d.Approver, "system:") {
				t.Errorf("%q counted", d.Approver)
			}
		}
	})
}
