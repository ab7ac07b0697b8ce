// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var partner = v1alpha1.EgressTarget{Host: "api.partner.example", Port: 443}

func without(d v1alpha1.ApproverDecision, egress []v1alpha1.EgressTarget, credentials ...string) v1alpha1.ApproverDecision {
	d.Without = &v1alpha1.Narrowing{Egress: egress, Credentials: credentials}
	return d
}

func remember(d v1alpha1.ApproverDecision, uses, ttl int32) v1alpha1.ApproverDecision {
	d.Remember = &v1alpha1.Remembrance{Uses: uses, TTLSeconds: ttl}
	return d
}

func TestWhatAnyApproverTakesAwayIsDropped(t *testing.T) {
	egress := []v1alpha1.EgressTarget{partner}
	for name, test := range map[string]struct {
		decisions []v1alpha1.ApproverDecision
		want      *v1alpha1.Narrowing
		state     v1alpha1.ApprovalState
	}{
		"nothing":                                {[]v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, nil, v1alpha1.ApprovalApproved},
		"by one of two":                          {[]v1alpha1.ApproverDecision{yes("alice"), without(yes("bob"), nil, "partner")}, &v1alpha1.Narrowing{Credentials: []string{"partner"}}, v1alpha1.ApprovalApproved},
		"by both, each something else":           {[]v1alpha1.ApproverDecision{without(yes("alice"), egress), without(yes("bob"), nil, "partner")}, &v1alpha1.Narrowing{Egress: egress, Credentials: []string{"partner"}}, v1alpha1.ApprovalApproved},
		"by both the same":                       {[]v1alpha1.ApproverDecision{without(yes("alice"), egress), without(yes("bob"), egress)}, &v1alpha1.Narrowing{Egress: egress}, v1alpha1.ApprovalApproved},
		"not by who does not count":              {[]v1alpha1.ApproverDecision{yes("alice"), yes("bob"), without(yes("agent-7"), egress)}, nil, v1alpha1.ApprovalApproved},
		"not by who withdrew":                    {[]v1alpha1.ApproverDecision{yes("alice"), yes("bob"), without(says("carol", v1alpha1.Revoked), egress)}, nil, v1alpha1.ApprovalApproved},
		"another port is not asked for":          {[]v1alpha1.ApproverDecision{yes("alice"), without(yes("bob"), []v1alpha1.EgressTarget{{Host: partner.Host, Port: 80}})}, nil, v1alpha1.ApprovalPending},
		"a credential that is not asked for":     {[]v1alpha1.ApproverDecision{yes("alice"), without(yes("bob"), nil, "root")}, nil, v1alpha1.ApprovalPending},
		"one asked for and one that is not":      {[]v1alpha1.ApproverDecision{yes("alice"), without(yes("bob"), egress, "partner", "root")}, nil, v1alpha1.ApprovalPending},
		"an empty narrowing takes nothing away ": {[]v1alpha1.ApproverDecision{yes("alice"), without(yes("bob"), nil)}, nil, v1alpha1.ApprovalApproved},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Evaluate(testApproval(test.decisions...), testRequest(), envelope, now)
			if err != nil || got.State != test.state {
				t.Fatalf("%s (%s), %v; want %s", got.State, got.Message, err, test.state)
			}
			if diff := cmp.Diff(test.want, got.Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNarrowTakesAwayAndNeverAdds(t *testing.T) {
	req := testRequest()
	req.Spec.Egress = append(req.Spec.Egress, v1alpha1.EgressTarget{Host: "b.example", Port: 443})
	got := Narrow(req, &v1alpha1.Narrowing{Egress: []v1alpha1.EgressTarget{partner, {Host: "evil.example", Port: 443}}, Credentials: []string{"partner", "root"}})
	if diff := cmp.Diff([]v1alpha1.EgressTarget{{Host: "b.example", Port: 443}}, got.Spec.Egress); diff != "" {
		t.Error(diff)
	}
	if len(got.Spec.Credentials) != 0 || len(req.Spec.Credentials) != 1 || len(req.Spec.Egress) != 2 {
		t.Errorf("narrowed to %v, from %v and %v", got.Spec.Credentials, req.Spec.Credentials, req.Spec.Egress)
	}
	if Narrow(req, nil) != req {
		t.Error("a request without narrowing is another one")
	}
}

func TestOnlyWhatAllRememberIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		decisions []v1alpha1.ApproverDecision
		want      *v1alpha1.Remembrance
	}{
		"nobody":                     {[]v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, nil},
		"one of two":                 {[]v1alpha1.ApproverDecision{yes("alice"), remember(yes("bob"), 5, 600)}, nil},
		"a third who does not":       {[]v1alpha1.ApproverDecision{remember(yes("alice"), 5, 600), remember(yes("bob"), 5, 600), yes("carol")}, nil},
		"the least of each":          {[]v1alpha1.ApproverDecision{remember(yes("alice"), 3, 900), remember(yes("bob"), 5, 600)}, &v1alpha1.Remembrance{Uses: 3, TTLSeconds: 600}},
		"who does not count is none": {[]v1alpha1.ApproverDecision{remember(yes("alice"), 3, 900), remember(yes("bob"), 5, 600), yes("agent-7")}, &v1alpha1.Remembrance{Uses: 3, TTLSeconds: 600}},
	} {
		t.Run(name, func(t *testing.T) {
			a := testApproval(test.decisions...)
			a.Spec.Grants = &v1alpha1.GrantTerms{MaxUses: 5, TTLSeconds: 900}
			got, err := Evaluate(a, testRequest(), envelope, now)
			if err != nil || got.State != v1alpha1.ApprovalApproved {
				t.Fatalf("%s, %v; want it approved", got.State, err)
			}
			if diff := cmp.Diff(test.want, got.Remember); diff != "" {
				t.Errorf("remembered (-want +got):\n%s", diff)
			}
		})
	}
	for name, d := range map[string]v1alpha1.ApproverDecision{
		"more uses than the policy lets": remember(yes("bob"), 6, 600), "longer than the policy lets": remember(yes("bob"), 5, 901),
		"no uses": remember(yes("bob"), 0, 600), "negative uses": remember(yes("bob"), -1, 600),
	} {
		t.Run(name+" does not count", func(t *testing.T) {
			a := testApproval(yes("alice"), d)
			a.Spec.Grants = &v1alpha1.GrantTerms{MaxUses: 5, TTLSeconds: 900}
			if got, err := Evaluate(a, testRequest(), envelope, now); err != nil || got.State != v1alpha1.ApprovalPending || got.Remember != nil {
				t.Errorf("%+v, %v; want it pending", got, err)
			}
		})
	}
}

func TestACheckerIsNeededBesidesPeopleAndNeverInsteadOfThem(t *testing.T) {
	const checker, other = "system:serviceaccount:ci:scanner", "system:serviceaccount:ci:other"
	for name, test := range map[string]struct {
		decisions []v1alpha1.ApproverDecision
		want      v1alpha1.ApprovalState
		words     string
	}{
		"people alone":                       {[]v1alpha1.ApproverDecision{yes("alice"), yes("bob")}, v1alpha1.ApprovalPending, "Waits for checker ci/scanner until"},
		"the checker alone":                  {[]v1alpha1.ApproverDecision{yes(checker)}, v1alpha1.ApprovalPending, "Waits for 2 people until"},
		"the checker and too few people":     {[]v1alpha1.ApproverDecision{yes(checker), yes("alice")}, v1alpha1.ApprovalPending, "Waits for 1 person until"},
		"one person and no checker":          {[]v1alpha1.ApproverDecision{yes("alice")}, v1alpha1.ApprovalPending, "Waits for 1 person and checker ci/scanner until"},
		"the checker and people":             {[]v1alpha1.ApproverDecision{yes("alice"), yes(checker), yes("bob")}, v1alpha1.ApprovalApproved, "Enough people agreed."},
		"a checker that revoked":             {[]v1alpha1.ApproverDecision{yes("alice"), says(checker, v1alpha1.Revoked), yes("bob")}, v1alpha1.ApprovalPending, "Waits for checker ci/scanner"},
		"a checker that denies":              {[]v1alpha1.ApproverDecision{yes("alice"), says(checker, v1alpha1.Denied), yes("bob")}, v1alpha1.ApprovalDenied, "Denied by " + checker},
		"another service account, as person": {[]v1alpha1.ApproverDecision{yes("alice"), yes(checker), yes(other)}, v1alpha1.ApprovalPending, other + " (is a service account)"},
	} {
		t.Run(name, func(t *testing.T) {
			a := testApproval(test.decisions...)
			a.Spec.Checkers = []string{checker}
			got, err := Evaluate(a, testRequest(), envelope, now)
			if err != nil || got.State != test.want || !strings.Contains(got.Message, test.words) {
				t.Errorf("%s with %q, %v; want %s with %q", got.State, got.Message, err, test.want, test.words)
			}
		})
	}
	t.Run("a checker is no person where service accounts may approve", func(t *testing.T) {
		a := testApproval(yes("alice"), yes(checker))
		a.Spec.Checkers, a.Spec.ServiceAccounts = []string{checker}, v1alpha1.ServiceAccountsAllowed
		if got, err := Evaluate(a, testRequest(), envelope, now); err != nil || got.State != v1alpha1.ApprovalPending || got.Tally != "1/2" {
			t.Errorf("%+v, %v; want 1/2 and pending", got, err)
		}
	})
}

func TestAnApprovalWhoseRequestEndedIsWithdrawn(t *testing.T) {
	finished := func(r *v1alpha1.ExecutionRequest) {
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionFinished, Status: metav1.ConditionTrue, Message: "the policy changed"}}
	}
	deleted := func(r *v1alpha1.ExecutionRequest) { r.DeletionTimestamp = &metav1.Time{Time: now} }
	for name, test := range map[string]struct {
		request  func(*v1alpha1.ExecutionRequest)
		approval func(*v1alpha1.Approval)
		at       time.Duration
		want     v1alpha1.ApprovalState
		words    string
	}{
		"ended":                        {finished, func(*v1alpha1.Approval) {}, 0, v1alpha1.ApprovalWithdrawn, "The request has ended: the policy changed."},
		"being deleted":                {deleted, func(*v1alpha1.Approval) {}, 0, v1alpha1.ApprovalWithdrawn, "is being deleted"},
		"it stays withdrawn":           {func(*v1alpha1.ExecutionRequest) {}, state(v1alpha1.ApprovalWithdrawn), 0, v1alpha1.ApprovalWithdrawn, "nothing left to decide"},
		"even when its time is over":   {func(*v1alpha1.ExecutionRequest) {}, state(v1alpha1.ApprovalWithdrawn), time.Hour, v1alpha1.ApprovalWithdrawn, "nothing left to decide"},
		"with enough approvals":        {finished, func(a *v1alpha1.Approval) { a.Spec.Decisions = []v1alpha1.ApproverDecision{yes("a"), yes("b")} }, 0, v1alpha1.ApprovalWithdrawn, "has ended"},
		"a used one stays used":        {finished, state(v1alpha1.ApprovalConsumed), 0, v1alpha1.ApprovalConsumed, "used"},
		"a denial is shown as one":     {finished, func(a *v1alpha1.Approval) { a.Spec.Decisions = []v1alpha1.ApproverDecision{says("a", v1alpha1.Denied)} }, 0, v1alpha1.ApprovalDenied, "Denied by a"},
		"one that ran out is shown so": {finished, func(*v1alpha1.Approval) {}, time.Hour, v1alpha1.ApprovalExpired, "expired"},
		"a long end does not fill status": {func(r *v1alpha1.ExecutionRequest) {
			finished(r)
			r.Status.Conditions[0].Message = strings.Repeat("x", 5000)
		}, func(*v1alpha1.Approval) {}, 0, v1alpha1.ApprovalWithdrawn, "nothing left to decide"},
	} {
		t.Run(name, func(t *testing.T) {
			a, req := testApproval(), testRequest()
			test.approval(a)
			test.request(req)
			got, err := Evaluate(a, req, envelope, now.Add(test.at))
			if err != nil || got.State != test.want || !strings.Contains(got.Message, test.words) {
				t.Errorf("%s with %q, %v; want %s with %q", got.State, got.Message, err, test.want, test.words)
			}
		})
	}
}

func TestTermsWeakerThanThePolicysAreRefused(t *testing.T) {
	terms := v1alpha1.ApprovalTerms{Required: 2, Checkers: []v1alpha1.ServiceAccountRef{{Namespace: "ci", Name: "scanner"}}, Grants: &v1alpha1.GrantTerms{MaxUses: 5, TTLSeconds: 600}}
	verdict := v1alpha1.Verdict{Decision: v1alpha1.RequireApproval, Approvals: 3}
	for name, test := range map[string]struct {
		weaken func(*v1alpha1.Approval)
		want   bool
	}{
		"as the operator makes it":           {func(*v1alpha1.Approval) {}, true},
		"fewer people than the verdict says": {func(a *v1alpha1.Approval) { a.Spec.Required = 2 }, false},
		"no checker":                         {func(a *v1alpha1.Approval) { a.Spec.Checkers = nil }, false},
		"another checker":                    {func(a *v1alpha1.Approval) { a.Spec.Checkers = []string{"system:serviceaccount:ci:mine"} }, false},
		"service accounts":                   {func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed }, false},
		"more to remember":                   {func(a *v1alpha1.Approval) { a.Spec.Grants.MaxUses = 6 }, false},
		"longer to remember":                 {func(a *v1alpha1.Approval) { a.Spec.Grants.TTLSeconds = 601 }, false},
		"nothing to remember":                {func(a *v1alpha1.Approval) { a.Spec.Grants = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(testRequest(), verdict, envelope, nil, v1alpha1.Limits{}, terms, now)
			test.weaken(a)
			if err := CheckTerms(a, verdict, terms); (err == nil) != test.want || err != nil && !errors.Is(err, ErrTerms) {
				t.Errorf("CheckTerms gives %v, want it accepted: %t", err, test.want)
			}
		})
	}
}

func TestACheckerNeverChecksItsOwnRequest(t *testing.T) {
	terms := v1alpha1.ApprovalTerms{Checkers: []v1alpha1.ServiceAccountRef{{Namespace: "ci", Name: "scanner"}}}
	req := testRequest()
	if got := SelfChecked(req, terms); got != "" {
		t.Errorf("got %q for another requester", got)
	}
	req.Spec.Requester.Username = "system:serviceaccount:ci:scanner"
	if got := SelfChecked(req, terms); got != "ci/scanner" {
		t.Errorf("got %q, want the checker", got)
	}
}

func TestChanges(t *testing.T) {
	earlier := &v1alpha1.Subject{RequestRef: v1alpha1.RequestRef{Name: "monday"}, Code: v1alpha1.Code{Source: "a\nb\nc\n"}}
	subject := func(source string) *v1alpha1.Subject {
		return &v1alpha1.Subject{RequestRef: v1alpha1.RequestRef{Name: "tuesday"}, Code: v1alpha1.Code{Source: source}}
	}
	t.Run("are a unified diff", func(t *testing.T) {
		s := subject("a\nB\nc\n")
		AddChanges(s, earlier)
		if want := "--- monday\n+++ tuesday\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"; s.Changes != want || s.ChangesFrom != "monday" {
			t.Errorf("from %q:\n%s\nwant\n%s", s.ChangesFrom, s.Changes, want)
		}
	})
	t.Run("none are said to be none", func(t *testing.T) {
		s := subject(earlier.Code.Source)
		if AddChanges(s, earlier); s.Changes != "" || s.ChangesFrom != "" {
			t.Errorf("from %q: %q", s.ChangesFrom, s.Changes)
		}
	})
	for name, source := range map[string]string{
		"many lines":                      strings.Repeat("print('line')\n", 15000),
		"one long line":                   strings.Repeat("x", 250_000),
		"what JSON writes in six bytes":   strings.Repeat("<", 250_000),
		"lines that alternate endlessly ": strings.Repeat("a\nb\n", 60_000),
	} {
		t.Run("are cut off: "+name, func(t *testing.T) {
			s := subject(source)
			AddChanges(s, earlier)
			if size := encodedSize(s.Changes); size > maxChanges+len(cutOff) || !strings.HasSuffix(s.Changes, cutOff) {
				t.Errorf("%d bytes, ends with %.40q", size, s.Changes[max(0, len(s.Changes)-40):])
			}
		})
	}
}
