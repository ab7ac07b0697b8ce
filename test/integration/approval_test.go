// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// approvers lists who is on record, in order, with their verdicts.
func approvers(t *testing.T, path string) string {
	t.Helper()
	var list []string
	for _, d := range decisions(t, path) {
		list = append(list, d.Approver+" "+string(d.Verdict))
	}
	return strings.Join(list, ", ")
}

// own is a JSON patch that adds an entry to spec.decisions by hand.
func own(approver, verdict string) []any {
	return []any{object{"op": "add", "path": "/spec/decisions/-", "value": object{"approver": approver, "verdict": verdict}}}
}

// ssa is a server-side apply of an Approval's spec.
func ssa(path, spec string) (string, string, string) {
	name := path[strings.LastIndex(path, "/")+1:]
	body := fmt.Sprintf(`{"apiVersion":"airlock.dev/v1alpha1","kind":"Approval","metadata":{"name":%q},"spec":%s}`, name, spec)
	return path + "?fieldManager=hand&force=true", apply, body
}

func TestADecisionIsRecordedUnderTheApproversName(t *testing.T) {
	for name, decide := range map[string]func(path string) answer{
		"merge patch of the inbox": func(path string) answer { return alice.merge(path, decide("Approved", "fine")) },
		"JSON patch of the inbox": func(path string) answer {
			return alice.call(http.MethodPatch, path, jsonPatch, []any{object{"op": "add", "path": "/spec/decision", "value": object{"verdict": "Approved", "reason": "fine"}}})
		},
		"server-side apply of the inbox": func(path string) answer {
			target, contentType, body := ssa(path, `{"decision":{"verdict":"Approved","reason":"fine"}}`)
			return alice.call(http.MethodPatch, target, contentType, body)
		},
		"server-side apply of one's own entry": func(path string) answer {
			target, contentType, body := ssa(path, `{"decisions":[{"approver":"alice","verdict":"Approved","reason":"fine"}]}`)
			return alice.call(http.MethodPatch, target, contentType, body)
		},
		"merge patch of one's own entry, with a forged uid and time": func(path string) answer {
			return alice.merge(path, object{"spec": object{"decisions": []any{
				object{"approver": "alice", "verdict": "Approved", "reason": "fine", "uid": "forged", "decidedAt": "2020-01-01T00:00:00Z"}}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t)
			before := time.Now().Truncate(time.Second)
			accepted(t, decide(path))
			got := decisions(t, path)
			if len(got) != 1 || got[0].Approver != "alice" || got[0].Verdict != v1alpha1.Approved || got[0].Reason == nil || *got[0].Reason != "fine" {
				t.Fatalf("decisions %+v, want one of alice", got)
			}
			if got[0].UID != nil {
				t.Errorf("uid %q, want none", *got[0].UID)
			}
			if at := got[0].DecidedAt; at == nil || at.Time.Before(before) || at.After(time.Now().Add(time.Second)) {
				t.Errorf("decided at %v, want now (%v)", at, before)
			}
			if spec := admin.get(path).object.Object["spec"].(object); spec["decision"] != nil {
				t.Errorf("the inbox is stored: %v", spec["decision"])
			}
		})
	}
}

func TestRepeatingADecisionChangesNothing(t *testing.T) {
	path := newApproval(t)
	accepted(t, alice.merge(path, decide("Approved", "fine")))
	before := admin.get(path).object.GetResourceVersion()
	accepted(t, alice.merge(path, decide("Approved", "fine again")))
	if after := admin.get(path).object.GetResourceVersion(); after != before {
		t.Errorf("resource version %s became %s, want no write", before, after)
	}
	target, contentType, body := ssa(path, `{"decision":{"verdict":"Approved"}}`)
	accepted(t, alice.call(http.MethodPatch, target, contentType, body))
	if got, want := approvers(t, path), "alice Approved"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestOnlyAnApproverDecides(t *testing.T) {
	human := func(*v1alpha1.Approval) {}
	for name, test := range map[string]struct {
		as    user
		edit  func(a *v1alpha1.Approval)
		words string
	}{
		"a stranger": {stranger, human, "cannot patch resource"},
		"who may patch but not approve": {mallory, human,
			`user mallory may not decide under ExecutionPolicy analysis: the RBAC verb "approve" on executionpolicies.airlock.dev/analysis is missing`},
		"an approver of another policy": {alice, func(a *v1alpha1.Approval) { a.Spec.Subject.PolicyName = "privileged" },
			"alice may not decide under ExecutionPolicy privileged"},
		"the requester":                         {requester, human, "user riley made this request and cannot decide it"},
		"the requester, renamed":                {user{name: "riley2", uid: "77", groups: alice.groups}, requestedBy("riley", "77"), "made this request and cannot decide it"},
		"the requester, with all rights":        {user{name: "careless", groups: careless.groups}, requestedBy("careless", ""), "made this request and cannot decide it"},
		"the requester, as cluster admin":       {admin, requestedBy("admin", ""), "made this request and cannot decide it"},
		"a service account":                     {bot(), human, "is a service account, and ExecutionPolicy analysis has people decide"},
		"a service account without the group":   {user{name: bot().name}, human, "is a service account"},
		"a user in the service accounts' group": {user{name: "alice", groups: []string{"approvers", "system:serviceaccounts"}}, human, "is a service account"},
		"the anonymous user":                    {user{name: "system:anonymous"}, human, "is a user of the system, and people decide"},
		"a system user, even where service accounts are allowed": {user{name: "system:anonymous"},
			func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed }, "is a user of the system, and people decide"},
		"the operator": {operator, human, "cannot patch resource"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t, test.edit)
			refused(t, test.as.merge(path, decide("Approved", "")), http.StatusForbidden, test.words)
			refused(t, test.as.merge(path, decide("Denied", "")), http.StatusForbidden, test.words)
			if got := approvers(t, path); got != "" {
				t.Errorf("recorded %q, want nothing", got)
			}
		})
	}
	t.Run("a service account decides where the Approval allows it", func(t *testing.T) {
		path := newApproval(t, func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed })
		accepted(t, bot().merge(path, decide("Approved", "checked")))
		if got := decisions(t, path); len(got) != 1 || got[0].UID == nil || *got[0].UID != botUID {
			t.Errorf("decisions %+v, want the uid of the service account", got)
		}
	})
}

func requestedBy(name, uid string) func(a *v1alpha1.Approval) {
	return func(a *v1alpha1.Approval) { a.Spec.Subject.Requester = v1alpha1.Requester{Username: name, UID: uid} }
}

func TestNobodyDecidesForSomebodyElse(t *testing.T) {
	const words = "may add or revoke only the decision of"
	approved := func(t *testing.T) string {
		path := newApproval(t)
		accepted(t, alice.merge(path, decide("Approved", "fine")))
		return path
	}
	for name, attack := range map[string]struct {
		contentType string
		body        any
	}{
		"adding an entry":                    {jsonPatch, own("carol", "Approved")},
		"adding two entries":                 {jsonPatch, append(own("bob", "Approved"), own("carol", "Approved")...)},
		"adding an entry under one's own":    {mergePatch, object{"spec": object{"decision": object{"verdict": "Approved"}, "decisions": []any{object{"approver": "carol", "verdict": "Approved"}}}}},
		"a name that differs in case":        {jsonPatch, own("Bob", "Approved")},
		"a name with a blank":                {jsonPatch, own("bob ", "Approved")},
		"removing hers":                      {jsonPatch, []any{object{"op": "remove", "path": "/spec/decisions/0"}}},
		"removing all":                       {mergePatch, object{"spec": object{"decisions": nil}}},
		"changing her verdict":               {jsonPatch, []any{object{"op": "replace", "path": "/spec/decisions/0/verdict", "value": "Denied"}}},
		"changing her reason while deciding": {jsonPatch, []any{object{"op": "replace", "path": "/spec/decisions/0/reason", "value": "no"}, object{"op": "add", "path": "/spec/decision", "value": object{"verdict": "Approved"}}}},
		"replacing the list with one's own":  {mergePatch, object{"spec": object{"decisions": []any{object{"approver": "bob", "verdict": "Approved"}}}}},
		"becoming her":                       {jsonPatch, []any{object{"op": "replace", "path": "/spec/decisions/0/approver", "value": "bob"}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := approved(t)
			refused(t, bob.call(http.MethodPatch, path, attack.contentType, attack.body), http.StatusForbidden, words)
			if got, want := approvers(t, path), "alice Approved"; got != want {
				t.Errorf("recorded %q, want %q", got, want)
			}
		})
	}
	t.Run("two entries under one name", func(t *testing.T) {
		path := approved(t)
		got := bob.call(http.MethodPatch, path, jsonPatch, append(own("bob", "Approved"), own("bob", "Denied")...))
		if got.ok() {
			t.Errorf("accepted, want it refused: %s", got)
		}
		if got, want := approvers(t, path), "alice Approved"; got != want {
			t.Errorf("recorded %q, want %q", got, want)
		}
	})
	t.Run("the inbox names nobody", func(t *testing.T) {
		body := object{"spec": object{"decision": object{"verdict": "Approved", "approver": "carol"}}}
		refused(t, bob.merge(newApproval(t)+"?fieldValidation=Strict", body), http.StatusUnprocessableEntity, `unknown field "spec.decision.approver"`)
	})
}

func TestADecisionIsFinal(t *testing.T) {
	for name, test := range map[string]struct {
		first []string
		then  any
		words string
	}{
		"approved, then denied":            {[]string{"Approved"}, decide("Denied", ""), "has decided Approved and that is final"},
		"denied, then approved":            {[]string{"Denied"}, decide("Approved", ""), "has decided Denied and that is final"},
		"denied, then revoked":             {[]string{"Denied"}, decide("Revoked", ""), "has decided Denied and that is final"},
		"revoked, then approved again":     {[]string{"Approved", "Revoked"}, decide("Approved", ""), "has decided Revoked and that is final"},
		"revoking what was never given":    {nil, decide("Revoked", ""), "has nothing to revoke"},
		"another reason for the same":      {[]string{"Approved"}, object{"spec": object{"decisions": []any{object{"approver": "alice", "verdict": "Approved", "reason": "rewritten"}}}}, "has decided Approved and that is final"},
		"taking the decision off the list": {[]string{"Approved"}, object{"spec": object{"decisions": nil}}, "a decision cannot be removed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t)
			for _, verdict := range test.first {
				accepted(t, alice.merge(path, decide(verdict, "fine")))
			}
			before := approvers(t, path)
			refused(t, alice.merge(path, test.then), http.StatusForbidden, test.words)
			if got := approvers(t, path); got != before {
				t.Errorf("recorded %q, want %q", got, before)
			}
		})
	}
	t.Run("an approval can be revoked", func(t *testing.T) {
		path := newApproval(t)
		accepted(t, alice.merge(path, decide("Approved", "")))
		accepted(t, alice.merge(path, decide("Revoked", "saw it again")))
		if got, want := approvers(t, path), "alice Revoked"; got != want {
			t.Errorf("recorded %q, want %q", got, want)
		}
	})
}

func TestAnApprovalThatIsOverCannotBeDecided(t *testing.T) {
	for _, state := range []string{"Denied", "Expired", "Consumed"} {
		t.Run(state, func(t *testing.T) {
			path := newApproval(t)
			accepted(t, alice.merge(path, decide("Approved", "")))
			accepted(t, operator.merge(path+"/status", object{"status": object{"state": state}}))
			words := "this Approval is " + state + " and cannot be decided any more"
			refused(t, bob.merge(path, decide("Approved", "")), http.StatusForbidden, words)
			refused(t, alice.merge(path, decide("Revoked", "")), http.StatusForbidden, words)
		})
	}
	t.Run("while it is only Approved, it can be revoked", func(t *testing.T) {
		path := newApproval(t)
		accepted(t, alice.merge(path, decide("Approved", "")))
		accepted(t, operator.merge(path+"/status", object{"status": object{"state": "Approved"}}))
		accepted(t, alice.merge(path, decide("Revoked", "")))
	})
}

func TestARevokeAtTheSameMomentBeatsTheLaunch(t *testing.T) {
	path := newApproval(t)
	accepted(t, alice.merge(path, decide("Approved", "")))
	evaluated := accepted(t, operator.get(path)).object
	accepted(t, alice.merge(path, decide("Revoked", "")))
	with("Consumed", "status", "state")(evaluated.Object)
	refused(t, operator.put(path+"/status", evaluated.Object), http.StatusConflict, "the object has been modified")
}

func TestWhatWasAskedCannotBeChanged(t *testing.T) {
	subject := func(field string, value any) object { return object{"subject": object{field: value}} }
	for name, spec := range map[string]object{
		"another digest":        subject("envelopeDigest", "sha256:"+strings.Repeat("1", 64)),
		"other code":            subject("code", object{"source": "print(1)"}),
		"another request":       subject("requestRef", object{"uid": "u-2"}),
		"another policy":        subject("policyName", "other"),
		"another requester":     subject("requester", object{"username": "zed"}),
		"a milder verdict":      subject("verdict", object{"decision": "Allow"}),
		"more egress":           subject("egress", []any{object{"host": "evil.example", "port": 80}}),
		"another task":          subject("task", "harmless"),
		"fewer approvers":       {"required": 1},
		"service accounts":      {"serviceAccounts": "Allowed"},
		"a later end":           {"expiresAt": "2099-01-01T00:00:00Z"},
		"no end, by null":       {"expiresAt": nil},
		"no subject, by null":   {"subject": nil},
		"a later end, deciding": {"expiresAt": "2099-01-01T00:00:00Z", "decision": object{"verdict": "Approved"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t)
			for _, as := range []user{alice, careless, admin} {
				if got := as.merge(path, object{"spec": spec}); got.code != http.StatusUnprocessableEntity && got.code != http.StatusForbidden {
					t.Errorf("%s: %s, want it refused", as.name, got)
				}
			}
		})
	}
}

func TestMetadataOfAnApprovalBelongsToTheOperator(t *testing.T) {
	for name, metadata := range map[string]object{
		"a label":       {"labels": object{"a": "b"}},
		"a label less":  {"labels": object{"airlock.dev/request": nil}},
		"an annotation": {"annotations": object{"a": "b"}},
		"a finalizer":   {"finalizers": []any{"evil.example/hold"}},
		"an owner":      {"ownerReferences": []any{object{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := newApproval(t)
			for _, body := range []object{{"metadata": metadata}, {"metadata": metadata, "spec": decide("Approved", "")["spec"]}} {
				refused(t, alice.merge(path, body), http.StatusForbidden, "belong to the airlock operator")
				refused(t, admin.merge(path, body), http.StatusForbidden, "belong to the airlock operator")
			}
		})
	}
}

func TestApprovalsAreMadeAndTakenAwayByTheOperatorOnly(t *testing.T) {
	path := newApproval(t)
	const words = "created and deleted by the airlock operator only"
	copied := admin.get(path).object
	copied.SetName("forged")
	copied.SetResourceVersion("")
	copied.SetUID("")
	for name, as := range map[string]user{"the administrator": admin, "all rights on approvals": careless} {
		t.Run(name, func(t *testing.T) {
			refused(t, as.post(approvalsPath, copied.Object), http.StatusForbidden, words)
			refused(t, as.remove(path), http.StatusForbidden, words)
			refused(t, as.remove(approvalsPath), http.StatusForbidden, words)
		})
	}
	accepted(t, admin.get(path))
	t.Run("not with decisions filled in", func(t *testing.T) {
		with([]any{object{"approver": "alice", "verdict": "Approved"}}, "spec", "decisions")(copied.Object)
		refused(t, operator.post(approvalsPath, copied.Object), http.StatusForbidden, "an Approval starts without decisions")
	})
	t.Run("the garbage collector deletes with the request", func(t *testing.T) {
		accepted(t, controller("generic-garbage-collector").remove(path))
	})
}

func TestAnExpiredApprovalCannotBeDecided(t *testing.T) {
	past := func(a *v1alpha1.Approval) { a.Spec.ExpiresAt = metav1.NewTime(time.Now().Add(-time.Minute)) }
	path := newApproval(t, past)
	const words = "this Approval expired at"
	refused(t, alice.merge(path, decide("Approved", "")), http.StatusForbidden, words)
	for _, manager := range []string{"kubectl", "fresh"} {
		for _, spec := range []string{`{"decision":{"verdict":"Approved"}}`, `{"decisions":[{"approver":"alice","verdict":"Approved"}]}`} {
			_, contentType, body := ssa(path, spec)
			refused(t, alice.call(http.MethodPatch, path+"?fieldManager="+manager+"&force=true", contentType, body), http.StatusForbidden, words)
		}
	}
	for name, fields := range forgedFields("2020-01-01T00:00:00Z") {
		t.Run("with managedFields that are "+name, func(t *testing.T) {
			body := decide("Approved", "")
			body["metadata"] = object{"managedFields": fields}
			byHand := []any{object{"op": "add", "path": "/metadata/managedFields", "value": fields},
				object{"op": "add", "path": "/spec/decisions", "value": []any{object{"approver": "alice", "verdict": "Approved"}}}}
			whole := admin.get(path).object
			whole.Object["metadata"].(object)["managedFields"] = fields
			with("Approved", "spec", "decision", "verdict")(whole.Object)
			for how, got := range map[string]answer{
				"merge patch": alice.merge(path, body),
				"JSON patch":  alice.call(http.MethodPatch, path, jsonPatch, byHand),
				"replacement": careless.put(path, whole.Object),
			} {
				if got.ok() || !slices.Contains([]int{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusBadRequest}, got.code) {
					t.Errorf("%s: %s, want it refused", how, got)
				}
			}
		})
	}
	if got := approvers(t, path); got != "" {
		t.Errorf("recorded %q, want nothing", got)
	}
}

// forgedFields are managedFields with which a client tries to tell the time itself.
func forgedFields(at string) map[string][]any {
	entry := func(manager, operation string) object {
		return object{"manager": manager, "operation": operation, "apiVersion": "airlock.dev/v1alpha1", "time": at, "fieldsType": "FieldsV1",
			"fieldsV1": object{"f:spec": object{"f:decision": object{".": object{}, "f:verdict": object{}}, "f:decisions": object{}}}}
	}
	const self = "Go-http-client"
	noTime, broken, foreign := entry(self, "Update"), entry(self, "Update"), entry(self, "Update")
	delete(noTime, "time")
	broken["fieldsV1"] = object{"zz": 1}
	foreign["apiVersion"] = "nope/v9"
	return map[string][]any{
		"one's own":              {entry(self, "Update")},
		"another manager's":      {entry("x", "Update")},
		"an update and an apply": {entry(self, "Update"), entry(self, "Apply")},
		"the server's own name":  {entry("current-operation", "Update")},
		"reset":                  {object{}},
		"empty":                  {},
		"without a time":         {noTime},
		"broken":                 {broken},
		"of another version":     {foreign},
	}
}

func TestAForgedTimeLocksNobodyOut(t *testing.T) {
	path := newApproval(t)
	hers := path + "?fieldManager=alice" // and not the one that created the Approval in this very second
	future := forgedFields("2099-01-01T00:00:00Z")["another manager's"]
	soon := forgedFields(time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339))["another manager's"]
	const words = "metadata.managedFields was forged"
	deciding := func(fields []any) object {
		body := decide("Approved", "")
		body["metadata"] = object{"managedFields": fields}
		return body
	}
	refused(t, mallory.merge(path, object{"metadata": object{"managedFields": future}}), http.StatusForbidden, words)
	if got := alice.merge(hers, deciding(future)); got.code != http.StatusForbidden {
		t.Errorf("a time after the end: %s, want it refused", got)
	}
	refused(t, alice.merge(hers, deciding(soon)), http.StatusForbidden, words)
	accepted(t, bob.merge(path, decide("Approved", "")))
}

// The API server tries again when two writes collide, and gives up on some when many do. Whoever was told yes is on record;
// whoever was told no asks again.
func TestThirtyApproversAtOnceLoseNothing(t *testing.T) {
	path := newApproval(t, func(a *v1alpha1.Approval) { a.Spec.Required = 10 })
	const n = 30
	last := make([]answer, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			approver := user{name: fmt.Sprintf("approver-%d", i), groups: alice.groups}
			start.Wait()
			for range 10 {
				last[i] = approver.merge(path, decide("Approved", ""))
				if last[i].ok() || !slices.Contains([]int{http.StatusConflict, http.StatusGatewayTimeout}, last[i].code) {
					return
				}
			}
		})
	}
	start.Done()
	done.Wait()
	recorded := map[string]int{}
	for _, d := range decisions(t, path) {
		recorded[d.Approver]++
	}
	for i, got := range last {
		name := fmt.Sprintf("approver-%d", i)
		if !got.ok() || recorded[name] != 1 {
			t.Errorf("%s was told %s and is recorded %d times, want once", name, got, recorded[name])
		}
	}
}
