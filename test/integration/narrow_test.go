// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// asksMuch is an Approval of a request for a destination and a credential, of which approvers may have something remembered.
func asksMuch(a *v1alpha1.Approval) {
	a.Spec.Subject.Egress = []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}}
	a.Spec.Subject.Credentials = []string{"database"}
	a.Spec.Grants = &v1alpha1.GrantTerms{MaxUses: 5, TTLSeconds: 600}
}

func egressOf(host string, port int) object {
	return object{"egress": []any{object{"host": host, "port": port}}}
}

// deciding is what an approver patches who narrows or remembers.
func deciding(verdict string, more object) object {
	decision := object{"verdict": verdict, "reason": "seen"}
	maps.Copy(decision, more)
	return object{"spec": object{"decision": decision}}
}

func TestAnApproverMayTakeAwayAndNeverAdd(t *testing.T) {
	for name, test := range map[string]struct {
		without object
		words   string // "" where it is accepted
	}{
		"the destination":          {egressOf("api.partner.example", 443), ""},
		"the credential":           {object{"credentials": []any{"database"}}, ""},
		"a destination not asked":  {egressOf("evil.example", 443), "it does not ask for egress evil.example:443"},
		"another port":             {egressOf("api.partner.example", 80), "it does not ask for egress api.partner.example:80"},
		"a credential not asked":   {object{"credentials": []any{"root"}}, "it does not ask for credential root"},
		"one asked, one not asked": {object{"credentials": []any{"database", "root"}}, "it does not ask for credential root"},
	} {
		t.Run(name, func(t *testing.T) {
			for how, patch := range map[string]func(path string) answer{
				"the inbox": func(path string) answer {
					return alice.merge(path, deciding("Approved", object{"without": test.without}))
				},
				"an entry of one's own": func(path string) answer {
					return alice.merge(path, object{"spec": object{"decisions": []any{object{"approver": "alice", "verdict": "Approved", "without": test.without}}}})
				},
			} {
				t.Run(how, func(t *testing.T) {
					path := newApproval(t, asksMuch)
					got := patch(path)
					if test.words != "" {
						refused(t, got, http.StatusForbidden, test.words)
						return
					}
					accepted(t, got)
					if got := decisions(t, path); len(got) != 1 || got[0].Without == nil {
						t.Errorf("decisions %+v, want the narrowing on record", got)
					}
				})
			}
		})
	}
	for _, verdict := range []string{"Denied", "Revoked"} {
		t.Run(verdict+" takes nothing away", func(t *testing.T) {
			path := newApproval(t, asksMuch)
			accepted(t, alice.merge(path, decide("Approved", "")))
			for _, more := range []object{{"without": object{"credentials": []any{"database"}}}, {"remember": object{"uses": 1, "ttlSeconds": 60}}} {
				if got := alice.merge(path, deciding(verdict, more)); got.code != http.StatusForbidden {
					t.Errorf("%s with %v: %s, want it refused", verdict, more, got)
				}
			}
			accepted(t, alice.merge(path, decide("Revoked", "")))
		})
	}
}

// To repeat a verdict does nothing. An approver who narrows in a second try would believe that it did.
func TestASecondThoughtIsNotSwallowed(t *testing.T) {
	path := newApproval(t, asksMuch)
	accepted(t, alice.merge(path, decide("Approved", "")))
	refused(t, alice.merge(path, deciding("Approved", object{"without": object{"credentials": []any{"database"}}})), http.StatusForbidden, "has decided Approved and that is final")
	refused(t, alice.merge(path, deciding("Approved", object{"remember": object{"uses": 1, "ttlSeconds": 60}})), http.StatusForbidden, "has decided Approved and that is final")
	accepted(t, alice.merge(path, decide("Approved", "again")))
	narrowed := newApproval(t, asksMuch)
	with := deciding("Approved", object{"without": object{"credentials": []any{"database"}}})
	accepted(t, alice.merge(narrowed, with))
	accepted(t, alice.merge(narrowed, with))
	refused(t, alice.merge(narrowed, decide("Approved", "all of it")), http.StatusForbidden, "has decided Approved and that is final")
}

func TestWhatMayBeRememberedIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		edit     func(*v1alpha1.Approval)
		remember object
		code     int
		words    string
	}{
		"as much as the policy lets": {asksMuch, object{"uses": 5, "ttlSeconds": 600}, http.StatusOK, ""},
		"too many uses":              {asksMuch, object{"uses": 6, "ttlSeconds": 600}, http.StatusForbidden, "for at most 5 uses and 600 seconds"},
		"too long":                   {asksMuch, object{"uses": 5, "ttlSeconds": 601}, http.StatusForbidden, "for at most 5 uses and 600 seconds"},
		"where the policy lets none": {func(*v1alpha1.Approval) {}, object{"uses": 1, "ttlSeconds": 60}, http.StatusForbidden, "lets nothing be remembered"},
		"for no uses":                {asksMuch, object{"uses": 0, "ttlSeconds": 60}, http.StatusUnprocessableEntity, "remember.uses"},
		"without an end":             {asksMuch, object{"uses": 1}, http.StatusUnprocessableEntity, "ttlSeconds"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t, test.edit)
			got := alice.merge(path, deciding("Approved", object{"remember": test.remember}))
			if test.code != http.StatusOK {
				if got.code != http.StatusForbidden && got.code != http.StatusUnprocessableEntity {
					t.Errorf("%s, want it refused", got)
				}
				refused(t, got, got.code, test.words)
				return
			}
			accepted(t, got)
			want := &v1alpha1.Remembrance{Uses: 5, TTLSeconds: 600}
			if diff := cmp.Diff(want, decisions(t, path)[0].Remember); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
		})
	}
}

// With server-side apply and force, fields of somebody else's entry can be named.
func TestNobodyNarrowsOrRemembersForSomebodyElse(t *testing.T) {
	for name, smuggled := range map[string]string{
		"a narrowing":   `"without":{"credentials":["database"]}`,
		"a remembrance": `"remember":{"uses":5,"ttlSeconds":600}`,
	} {
		for how, spec := range map[string]string{
			"alone":            `{"decisions":[{"approver":"alice","verdict":"Approved",` + smuggled + `}]}`,
			"beside one's own": `{"decisions":[{"approver":"bob","verdict":"Approved"},{"approver":"alice","verdict":"Approved",` + smuggled + `}]}`,
			"with the inbox":   `{"decision":{"verdict":"Approved"},"decisions":[{"approver":"alice","verdict":"Approved",` + smuggled + `}]}`,
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				path := newApproval(t, asksMuch)
				accepted(t, alice.merge(path, decide("Approved", "fine")))
				target, contentType, body := ssa(path, spec)
				refused(t, bob.call(http.MethodPatch, target, contentType, body), http.StatusForbidden, "may add or revoke only the decision of")
				if got := decisions(t, path); len(got) != 1 || got[0].Without != nil || got[0].Remember != nil {
					t.Errorf("recorded %+v, want hers as it was", got)
				}
			})
		}
	}
}

func TestTheTermsOfAnApprovalCannotBeChanged(t *testing.T) {
	withChecker := func(a *v1alpha1.Approval) {
		asksMuch(a)
		a.Spec.Checkers = []string{bot().name}
	}
	for name, spec := range map[string]object{
		"no checker":       {"checkers": nil},
		"another checker":  {"checkers": []any{"system:serviceaccount:agents:default"}},
		"more to remember": {"grants": object{"maxUses": 1000, "ttlSeconds": 600}},
		"nothing remember": {"grants": nil},
		"added changes":    {"subject": object{"changes": "nothing changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t, withChecker)
			for _, as := range []user{alice, careless, admin, operator} {
				if got := as.merge(path, object{"spec": spec}); got.ok() {
					t.Errorf("%s: %s, want it refused", as.name, got)
				}
			}
		})
	}
}

func TestACheckerMayDecideAndOtherServiceAccountsMayNot(t *testing.T) {
	byBot := func(a *v1alpha1.Approval) { a.Spec.Checkers = []string{bot().name} }
	path := newApproval(t, byBot)
	accepted(t, bot().merge(path, decide("Approved", "scanned")))
	if got, want := approvers(t, path), bot().name+" Approved"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	other := serviceAccount(agents, "default", "")
	other.groups = append(other.groups, "approvers")
	refused(t, other.merge(newApproval(t, byBot), decide("Approved", "")), http.StatusForbidden, "it is none of spec.approval.checkers")
	t.Run("not on its own request", func(t *testing.T) {
		path := newApproval(t, byBot, requestedBy(bot().name, botUID))
		refused(t, bot().merge(path, decide("Approved", "")), http.StatusForbidden, "made this request and cannot decide it")
	})
	t.Run("not where it may not approve", func(t *testing.T) {
		path := newApproval(t, byBot, func(a *v1alpha1.Approval) { a.Spec.Subject.PolicyName = "privileged" })
		refused(t, bot().merge(path, decide("Approved", "")), http.StatusForbidden, "may not decide under ExecutionPolicy privileged")
	})
}
