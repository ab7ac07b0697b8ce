// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

const grantsPath = "/apis/airlock.dev/v1alpha1/namespaces/agents/executiongrants"

func aGrant(edits ...func(*v1alpha1.ExecutionGrant)) *v1alpha1.ExecutionGrant {
	digest := "sha256:" + strings.Repeat("0", 64)
	g := &v1alpha1.ExecutionGrant{
		TypeMeta:   metav1.TypeMeta{APIVersion: "airlock.dev/v1alpha1", Kind: "ExecutionGrant"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "g-"},
		Spec: v1alpha1.ExecutionGrantSpec{
			Requester: v1alpha1.GrantHolder{Username: requester.name}, PolicyName: "analysis", PolicyDigest: digest,
			Trust: v1alpha1.Internal, Language: v1alpha1.Python, Approvals: 1,
			Operations: []string{`Python FileDelete os.remove path="/data/x"`}, OperationsDigest: digest,
			Approvers: []string{"alice"}, ApprovalRef: v1alpha1.ObjectRef{Name: "a", UID: "u"},
			MaxUses: 2, ExpiresAt: metav1.NewTime(time.Now().Add(time.Hour)),
		},
	}
	for _, edit := range edits {
		edit(g)
	}
	return g
}

// newGrant creates a grant as the operator does, and returns its path.
func newGrant(t *testing.T, edits ...func(*v1alpha1.ExecutionGrant)) string {
	t.Helper()
	got := operator.post(grantsPath, aGrant(edits...))
	if !got.ok() {
		t.Fatalf("the operator creates a grant: %s", got)
	}
	path := grantsPath + "/" + got.object.GetName()
	accepted(t, operator.merge(path+"/status", object{"status": object{"state": "Active", "used": "1/2", "uses": []any{object{"requestUID": "u-1", "at": "2026-01-01T00:00:00Z"}}}}))
	return path
}

func TestAGrantIsMadeByTheOperatorOnly(t *testing.T) {
	for name, as := range map[string]user{"an approver": alice, "the requester": requester, "all rights on grants": careless, "the administrator": admin} {
		t.Run(name, func(t *testing.T) {
			got := as.post(grantsPath, aGrant())
			if got.code != http.StatusForbidden {
				t.Errorf("%s, want it refused", got)
			}
		})
	}
	refused(t, admin.post(grantsPath, aGrant()), http.StatusForbidden, "ExecutionGrants are made by the airlock operator only")
}

func TestAGrantCannotBeChanged(t *testing.T) {
	for name, patch := range map[string]object{
		"more uses":         {"spec": object{"maxUses": 1000}},
		"a later end":       {"spec": object{"expiresAt": "2099-01-01T00:00:00Z"}},
		"another requester": {"spec": object{"requester": object{"username": "mallory"}}},
		"other operations":  {"spec": object{"operations": []any{"Python Process os.system"}}},
		"a label":           {"metadata": object{"labels": object{"a": "b"}}},
		"a finalizer":       {"metadata": object{"finalizers": []any{"evil.example/hold"}}},
		"an owner":          {"metadata": object{"ownerReferences": []any{object{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			path := newGrant(t)
			for _, as := range []user{alice, careless, admin} {
				if got := as.merge(path, patch); got.code != http.StatusForbidden && got.code != http.StatusUnprocessableEntity {
					t.Errorf("%s: %s, want it refused", as.name, got)
				}
			}
			refused(t, admin.merge(path, object{"metadata": object{"labels": object{"a": "b"}}}), http.StatusForbidden, "cannot be changed: delete it to withdraw it")
		})
	}
	t.Run("its spec by nobody at all", func(t *testing.T) {
		refused(t, admin.merge(newGrant(t), object{"spec": object{"maxUses": 1000}}), http.StatusUnprocessableEntity, "spec is immutable: delete the ExecutionGrant")
	})
}

// Whoever resets the uses has the grant again from the start.
func TestTheUsesOfAGrantCannotBeReset(t *testing.T) {
	path := newGrant(t)
	for name, as := range map[string]user{"an approver": alice, "the requester": requester, "all rights on grants": careless, "the administrator": admin} {
		t.Run(name, func(t *testing.T) {
			for _, patch := range []object{{"status": object{"uses": nil, "used": "0/2"}}, {"status": object{"state": "Active"}}, {"status": nil}} {
				if got := as.merge(path+"/status", patch); got.code != http.StatusForbidden {
					t.Errorf("%s, want it refused", got)
				}
			}
			whole := admin.get(path).object
			with([]any{}, "status", "uses")(whole.Object)
			if got := as.put(path, whole.Object); got.ok() {
				t.Errorf("replaced: %s, want it refused", got)
			}
		})
	}
	refused(t, admin.merge(path+"/status", object{"status": object{"uses": nil}}), http.StatusForbidden, "the status of executiongrants is written by the airlock operator only")
	if uses := admin.get(path).object.Object["status"].(object)["uses"].([]any); len(uses) != 1 {
		t.Errorf("uses are %v, want the one", uses)
	}
}

func TestAGrantIsWithdrawnByWhoMayApprove(t *testing.T) {
	path := newGrant(t)
	const words = "may not withdraw a grant under ExecutionPolicy"
	refused(t, mallory.remove(path), http.StatusForbidden, words)
	refused(t, stranger.remove(path), http.StatusForbidden, "cannot delete resource")
	refused(t, alice.remove(newGrant(t, func(g *v1alpha1.ExecutionGrant) { g.Spec.PolicyName = "privileged" })), http.StatusForbidden, words)
	accepted(t, alice.remove(path))
	refused(t, admin.get(path), http.StatusNotFound, "not found")
	t.Run("made again by nobody", func(t *testing.T) {
		again := aGrant()
		again.GenerateName, again.Name = "", path[strings.LastIndex(path, "/")+1:]
		for _, as := range []user{alice, careless, admin} {
			if got := as.post(grantsPath, again); got.ok() {
				t.Errorf("%s: %s, want it refused", as.name, got)
			}
		}
	})
	t.Run("many at once follow the same rule", func(t *testing.T) {
		path := newGrant(t)
		refused(t, user{name: careless.name}.remove(grantsPath), http.StatusForbidden, words)
		accepted(t, admin.get(path))
	})
	t.Run("and by those who carry deletions out", func(t *testing.T) {
		accepted(t, controller("namespace-controller").remove(newGrant(t)))
		accepted(t, operator.remove(newGrant(t)))
	})
}
