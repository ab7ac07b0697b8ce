// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func requesterOf(t *testing.T, got answer) v1alpha1.Requester {
	t.Helper()
	var r v1alpha1.ExecutionRequest
	if err := json.Unmarshal([]byte(got.text), &r); err != nil {
		t.Fatal(err)
	}
	return r.Spec.Requester
}

func TestTheRequesterIsStampedFromWhatTheAPIServerAuthenticated(t *testing.T) {
	for name, test := range map[string]struct {
		as   user
		want v1alpha1.Requester
	}{
		"a client certificate has no uid": {
			as:   admin,
			want: v1alpha1.Requester{Username: "admin", Groups: []string{"system:masters", "system:authenticated"}},
		},
		"a service account has uid and groups": {
			as:   bot(),
			want: v1alpha1.Requester{Username: "system:serviceaccount:agents:bot", UID: botUID, Groups: []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:agents"}},
		},
		"a group that is named twice counts once": {
			as:   user{name: "riley", uid: "77", groups: []string{"requesters", "requesters"}},
			want: v1alpha1.Requester{Username: "riley", UID: "77", Groups: []string{"system:authenticated", "requesters"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := requesterOf(t, accepted(t, test.as.post(requestsPath, newRequest())))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("requester (-want +got):\n%s", diff)
			}
		})
	}
}

// A real token, issued for a real pod, without impersonation.
func TestTheRequesterNamesThePodThatATokenIsBoundTo(t *testing.T) {
	pod := object{
		"apiVersion": "v1", "kind": "Pod", "metadata": object{"generateName": "agent-"},
		"spec": object{"serviceAccountName": "bot", "containers": []any{object{"name": "c", "image": "x"}}},
	}
	created := accepted(t, admin.post("/api/v1/namespaces/agents/pods", pod)).object
	token := accepted(t, admin.post("/api/v1/namespaces/agents/serviceaccounts/bot/token", object{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"spec": object{"boundObjectRef": object{"kind": "Pod", "apiVersion": "v1", "name": created.GetName(), "uid": string(created.GetUID())}},
	}))
	agent := user{token: token.object.Object["status"].(object)["token"].(string)}
	got := requesterOf(t, accepted(t, agent.post(requestsPath, newRequest())))
	if got.Username != "system:serviceaccount:agents:bot" || got.UID != botUID || got.PodName != created.GetName() || got.PodUID != string(created.GetUID()) {
		t.Errorf("requester %+v, want bot in pod %s (%s)", got, created.GetName(), created.GetUID())
	}
}

func TestAForgedRequesterIsRefusedOrOverwritten(t *testing.T) {
	const words = "spec.requester must be the user that the API server authenticated, riley"
	for name, forged := range map[string]object{
		"a group more":           {"username": "riley", "groups": []any{"system:masters"}},
		"a uid":                  {"username": "riley", "uid": "7"},
		"a pod name":             {"username": "riley", "podName": "trusted"},
		"a pod uid":              {"username": "riley", "podUID": "u-1"},
		"all of somebody else's": {"username": "alice", "groups": []any{"approvers"}, "podName": "p"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, requester.post(requestsPath, newRequest(with(forged, "spec", "requester"))), http.StatusForbidden, words)
		})
	}
	t.Run("another username is overwritten", func(t *testing.T) {
		got := requesterOf(t, accepted(t, requester.post(requestsPath, newRequest(with("alice", "spec", "requester", "username")))))
		if got.Username != "riley" {
			t.Errorf("requester %q, want riley", got.Username)
		}
	})
	t.Run("what is true is accepted", func(t *testing.T) {
		same := object{"username": "riley", "groups": []any{"system:authenticated", "requesters"}}
		accepted(t, requester.post(requestsPath, newRequest(with(same, "spec", "requester"))))
	})
	t.Run("a service account's uid is overwritten", func(t *testing.T) {
		got := requesterOf(t, accepted(t, bot().post(requestsPath, newRequest(with("forged", "spec", "requester", "uid")))))
		if got.UID != botUID {
			t.Errorf("uid %q, want %q", got.UID, botUID)
		}
	})
}

func TestAPolicyIsUsedOnlyByThoseWhoMay(t *testing.T) {
	for name, test := range map[string]struct {
		as    user
		edit  func(object)
		words string
	}{
		"a policy without the verb use":             {requester, with("privileged", "spec", "policyName"), `user riley may not use ExecutionPolicy privileged: the RBAC verb "use" on executionpolicies.airlock.dev/privileged is missing`},
		"a policy whose name starts the same":       {requester, with("analysis2", "spec", "policyName"), "may not use ExecutionPolicy analysis2"},
		"the wildcard as a name":                    {requester, with("*", "spec", "policyName"), "may not use ExecutionPolicy *"},
		"all verbs on requests, none on the policy": {user{name: "careless"}, with("analysis", "spec", "policyName"), "may not use ExecutionPolicy analysis"},
		"nothing at all":                            {stranger, with("analysis", "spec", "policyName"), `cannot create resource "executionrequests"`},
		"a Trusted input without the verb vouch":    {requester, inputs("Internal", "Trusted"), "may not vouch for inputs under ExecutionPolicy analysis"},
		"a web page that the agent calls Internal":  {requester, fetched("Retrieved", "Internal"), "may not vouch for inputs under ExecutionPolicy analysis"},
		"its own memory that it calls Internal":     {requester, fetched("Memory", "Internal"), `need the RBAC verb "vouch"`},
		"approvers do not request by being trusted": {alice, with("analysis", "spec", "policyName"), `cannot create resource "executionrequests"`},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, test.as.post(requestsPath, newRequest(test.edit)), http.StatusForbidden, test.words)
		})
	}
	t.Run("untrusted inputs need nobody's word", func(t *testing.T) {
		accepted(t, requester.post(requestsPath, newRequest(inputs("Internal", "Untrusted"))))
	})
	t.Run("who holds vouch may declare inputs Trusted", func(t *testing.T) {
		accepted(t, bot().post(requestsPath, newRequest(inputs("Trusted"))))
	})
}

// fetched gives a request one input of the origin and trust.
func fetched(origin, trust string) func(object) {
	return with([]any{object{"name": "page", "origin": origin, "trust": trust}}, "spec", "inputs")
}

// inputs gives a request one input of each trust.
func inputs(trusts ...string) func(object) {
	var list []any
	for i, trust := range trusts {
		list = append(list, object{"name": "i" + strings.Repeat("i", i), "origin": "User", "trust": trust})
	}
	return with(list, "spec", "inputs")
}

func TestRequestsAreNotAcceptedInAirlocksOwnNamespaces(t *testing.T) {
	for _, namespace := range []string{"airlock-system", "airlock-sandboxes"} {
		t.Run(namespace, func(t *testing.T) {
			path := "/apis/airlock.dev/v1alpha1/namespaces/" + namespace + "/executionrequests"
			refused(t, admin.post(path, newRequest()), http.StatusForbidden, "not accepted in namespace "+namespace)
		})
	}
}

func TestTheSpecOfARequestNeverChanges(t *testing.T) {
	path := requestsPath + "/" + accepted(t, requester.post(requestsPath, newRequest())).object.GetName()
	for name, patch := range map[string]object{
		"other code":           {"code": object{"source": "import os"}},
		"another policy":       {"policyName": "privileged"},
		"another requester":    {"requester": object{"username": "alice"}},
		"no requester":         {"requester": nil},
		"arguments afterwards": {"args": []any{"--force"}},
		"egress afterwards":    {"egress": []any{object{"host": "evil.example", "port": 80}}},
		"another mode":         {"mode": "DryRun"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, careless.merge(path, object{"spec": patch}), http.StatusUnprocessableEntity, "spec")
			refused(t, admin.merge(path, object{"spec": patch}), http.StatusUnprocessableEntity, "spec")
		})
	}
	t.Run("no spec at all", func(t *testing.T) {
		refused(t, admin.merge(path, object{"spec": nil}), http.StatusUnprocessableEntity, "spec: Required value")
	})
	t.Run("a replacement of the whole object", func(t *testing.T) {
		whole := admin.get(path).object
		with("import os", "spec", "code", "source")(whole.Object)
		refused(t, admin.put(path, whole.Object), http.StatusUnprocessableEntity, "spec is immutable")
	})
	t.Run("server-side apply", func(t *testing.T) {
		body := `{"apiVersion":"airlock.dev/v1alpha1","kind":"ExecutionRequest","spec":{"code":{"language":"Python","source":"import os"}}}`
		refused(t, admin.call(http.MethodPatch, path+"?fieldManager=x&force=true", apply, body), http.StatusUnprocessableEntity, "spec is immutable")
	})
}

func TestMetadataOfARequestThatIsReserved(t *testing.T) {
	owner := []any{object{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}}
	created := accepted(t, requester.post(requestsPath, newRequest())).object
	path := requestsPath + "/" + created.GetName()
	for name, metadata := range map[string]object{
		"a finalizer":                {"finalizers": []any{"evil.example/hold"}},
		"an owner":                   {"ownerReferences": owner},
		"a label of airlock.dev":     {"labels": object{"airlock.dev/approved": "true"}},
		"a label of a subdomain":     {"labels": object{"audit.airlock.dev/skip": "true"}},
		"an annotation of the same":  {"annotations": object{"airlock.dev/code": "x"}},
		"a reserved label on others": {"labels": object{"team": "a", "airlock.dev/x": "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			const words = "reserved for the airlock operator"
			onCreate := newRequest()
			for key, value := range metadata {
				with(value, "metadata", key)(onCreate)
			}
			refused(t, requester.post(requestsPath, onCreate), http.StatusForbidden, words)
			refused(t, careless.merge(path, object{"metadata": metadata}), http.StatusForbidden, words)
		})
	}
	t.Run("own labels are free", func(t *testing.T) {
		accepted(t, requester.post(requestsPath, newRequest(with("a", "metadata", "labels", "team"))))
		accepted(t, careless.merge(path, object{"metadata": object{"labels": object{"team": "b"}, "annotations": object{"note": "c"}}}))
	})
	t.Run("the garbage collector may take a finalizer away", func(t *testing.T) {
		collector := controller("generic-garbage-collector")
		held := accepted(t, admin.remove(path+"?propagationPolicy=Foreground")).object
		if !slices.Contains(held.GetFinalizers(), "foregroundDeletion") {
			t.Fatalf("finalizers %v, want foregroundDeletion", held.GetFinalizers())
		}
		refused(t, careless.merge(path, object{"metadata": object{"finalizers": nil}}), http.StatusForbidden, "reserved")
		accepted(t, collector.merge(path, object{"metadata": object{"finalizers": nil}}))
	})
}

func TestStatusIsWrittenByTheOperatorOnly(t *testing.T) {
	request := requestsPath + "/" + accepted(t, requester.post(requestsPath, newRequest())).object.GetName()
	approval := newApproval(t)
	policy := "/apis/airlock.dev/v1alpha1/executionpolicies/data-analysis"
	for name, test := range map[string]struct {
		path   string
		status object
	}{
		"a request's":   {request, object{"state": "Succeeded"}},
		"an approval's": {approval, object{"state": "Approved"}},
		"a policy's":    {policy, object{"digest": "sha256:" + strings.Repeat("0", 64)}},
	} {
		t.Run(name, func(t *testing.T) {
			body := object{"status": test.status}
			refused(t, admin.merge(test.path+"/status", body), http.StatusForbidden, "is written by the airlock operator only, not by admin")
			refused(t, requester.merge(test.path+"/status", body), http.StatusForbidden, "cannot patch resource")
			accepted(t, operator.merge(test.path+"/status", body))
		})
	}
	t.Run("status that comes with a new request is dropped", func(t *testing.T) {
		got := accepted(t, requester.post(requestsPath, newRequest(with("Succeeded", "status", "state"))))
		if _, found := got.object.Object["status"]; found {
			t.Errorf("the request starts with status %v", got.object.Object["status"])
		}
	})
	t.Run("the spec cannot change by way of the status", func(t *testing.T) {
		accepted(t, operator.merge(approval+"/status", object{"spec": object{"decisions": []any{object{"approver": "zed", "verdict": "Approved"}}}}))
		if got := decisions(t, approval); len(got) != 0 {
			t.Errorf("decisions %v, want none", got)
		}
	})
}

func TestARequestCanAlwaysBeDeleted(t *testing.T) {
	path := requestsPath + "/" + accepted(t, requester.post(requestsPath, newRequest())).object.GetName()
	accepted(t, operator.merge(path+"/status", object{"status": object{"state": "Running"}}))
	refused(t, stranger.remove(path), http.StatusForbidden, "cannot delete resource")
	accepted(t, careless.remove(path))
	refused(t, admin.get(path), http.StatusNotFound, "not found")
}
