// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/preflight"
)

const (
	admissionPath = "/apis/admissionregistration.k8s.io/v1/"
	vaps          = admissionPath + "validatingadmissionpolicies/"
	vapBindings   = admissionPath + "validatingadmissionpolicybindings/"
	mapPolicies   = admissionPath + "mutatingadmissionpolicies/"
	mapBindings   = admissionPath + "mutatingadmissionpolicybindings/"
	crdsPath      = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
	denyPath      = "/apis/cilium.io/v2/namespaces/airlock-sandboxes/ciliumnetworkpolicies/airlock-default-deny"
)

// What a cluster administrator, or somebody who became one for a minute, may do to the policies. Each is undone, and
// preflight has to come to rest again.
func TestPreflightSeesEverySabotage(t *testing.T) {
	excluded := func(key, operator string, values ...any) object {
		return object{"matchExpressions": []any{object{"key": key, "operator": operator, "values": values}}}
	}
	checker := mustChecker(t)
	for name, test := range map[string]struct {
		path string
		// patch is a merge patch, or a JSON patch where it is a list; nil deletes.
		patch any
		words []string
	}{
		"a policy is deleted":           {vaps + "airlock-approval", nil, []string{"ValidatingAdmissionPolicy airlock-approval", "is missing"}},
		"a binding is deleted":          {vapBindings + "airlock-request", nil, []string{"ValidatingAdmissionPolicyBinding airlock-request", "is missing"}},
		"a mutating policy is deleted":  {mapPolicies + "airlock-stamp-requester", nil, []string{"MutatingAdmissionPolicy airlock-stamp-requester", "is missing"}},
		"a mutating binding is deleted": {mapBindings + "airlock-approval-decide", nil, []string{"MutatingAdmissionPolicyBinding airlock-approval-decide", "is missing"}},
		"a policy only audits":          {vapBindings + "airlock-pods", object{"spec": object{"validationActions": []any{"Audit"}}}, []string{"airlock-pods", "does not deny, its validationActions are [Audit]"}},
		"a policy only warns":           {vapBindings + "airlock-approval", object{"spec": object{"validationActions": []any{"Warn"}}}, []string{"airlock-approval", "does not deny"}},
		"a namespace is left out":       {vapBindings + "airlock-request", object{"spec": object{"matchResources": object{"namespaceSelector": excluded("kubernetes.io/metadata.name", "NotIn", "agents")}}}, []string{"airlock-request", "changed at spec.matchResources"}},
		"a label opts out":              {vapBindings + "airlock-request", object{"spec": object{"matchResources": object{"objectSelector": excluded("skip", "NotIn", "x")}}}, []string{"airlock-request", "changed at spec.matchResources"}},
		"an operation is left out":      {vapBindings + "airlock-request", object{"spec": object{"matchResources": object{"excludeResourceRules": []any{object{"apiGroups": []any{"airlock.dev"}, "apiVersions": []any{"*"}, "resources": []any{"executionrequests"}, "operations": []any{"CREATE"}}}}}}, []string{"airlock-request", "changed at spec.matchResources"}},
		"failures are ignored":          {vaps + "airlock-request", object{"spec": object{"failurePolicy": "Ignore"}}, []string{"airlock-request", "changed at spec.failurePolicy"}},
		"one user is excepted":          {vaps + "airlock-approval", object{"spec": object{"matchConditions": []any{object{"name": "x", "expression": "request.userInfo.username != 'alice'"}}}}, []string{"airlock-approval", "changed at spec.matchConditions"}},
		"a rule is weakened":            {vaps + "airlock-approval", []any{object{"op": "replace", "path": "/spec/validations/8/expression", "value": "true"}}, []string{"airlock-approval", "changed at spec.validations[8].expression"}},
		"the stamp takes what it gets":  {mapPolicies + "airlock-stamp-requester", object{"spec": object{"reinvocationPolicy": "IfNeeded"}}, []string{"airlock-stamp-requester", "changed at spec.reinvocationPolicy"}},
		"requests can be changed":       {crdsPath + "executionrequests.airlock.dev", []any{object{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations"}}, []string{"CustomResourceDefinition executionrequests.airlock.dev", "changed at spec.versions[0].schema"}},
		"the network is opened":         {denyPath, object{"spec": object{"enableDefaultDeny": object{"egress": false}}}, []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-default-deny", "changed at spec.enableDefaultDeny.egress"}},
		"a deny rule is dropped":        {denyPath, object{"spec": object{"egressDeny": nil}}, []string{"airlock-default-deny", "changed at spec.egressDeny"}},
		"the default-deny is deleted":   {denyPath, nil, []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-default-deny", "is missing"}},
		"Pod Security is relaxed":       {"/api/v1/namespaces/airlock-sandboxes", object{"metadata": object{"labels": object{"pod-security.kubernetes.io/enforce": "privileged"}}}, []string{"Namespace airlock-sandboxes", "does not enforce Pod Security"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := accepted(t, admin.get(test.path)).object
			t.Cleanup(func() { restore(t, checker, test.path, before) })
			switch patch := test.patch.(type) {
			case nil:
				accepted(t, admin.remove(test.path))
			case []any:
				accepted(t, admin.call(http.MethodPatch, test.path, jsonPatch, patch))
			default:
				accepted(t, admin.merge(test.path, patch))
			}
			problems := waitForPreflight(t.Context(), checker, true)
			if len(problems) == 0 {
				t.Fatal("preflight sees nothing")
			}
			text := problems[0].What + " " + problems[0].Why
			for _, words := range test.words {
				if !strings.Contains(text, words) {
					t.Errorf("first problem %q lacks %q", text, words)
				}
			}
		})
	}
	t.Run("another network policy is added", func(t *testing.T) {
		const path = "/apis/networking.k8s.io/v1/namespaces/airlock-sandboxes/networkpolicies"
		accepted(t, admin.post(path, object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": object{"name": "open"},
			"spec": object{"podSelector": object{}, "policyTypes": []any{"Egress"}, "egress": []any{object{}}}}))
		problems := waitForPreflight(t.Context(), checker, true)
		accepted(t, admin.remove(path+"/open"))
		if len(problems) != 1 || !strings.Contains(problems[0].What, "NetworkPolicy airlock-sandboxes/open") {
			t.Errorf("problems %+v, want the policy that was added", problems)
		}
	})
}

// restore puts an object back as it was and waits until it is enforced again.
func restore(t *testing.T, checker *preflight.Checker, path string, before *unstructured.Unstructured) {
	t.Helper()
	body := before.DeepCopy()
	body.SetResourceVersion("")
	body.SetUID("")
	if now := admin.get(path); now.ok() {
		// A replacement: server-side apply would keep what the saboteur added.
		body.SetResourceVersion(now.object.GetResourceVersion())
		accepted(t, admin.put(path, body.Object))
	} else {
		accepted(t, admin.post(path[:strings.LastIndex(path, "/")], body.Object))
	}
	if problems := waitForPreflight(context.Background(), checker, false); len(problems) > 0 {
		t.Fatalf("preflight after the repair: %+v", problems)
	}
	awaitMutatingPolicies(t)
}

func mustChecker(t *testing.T) *preflight.Checker {
	t.Helper()
	checker, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

// A policy that is stored unchanged and yet not enforced, because the API server runs without the plugin or has not loaded
// it, shows in the canary alone. An operator whose user the canary's policy does not refuse stands for it.
func TestPreflightDoesNotTrustAStoredPolicyThatIsNotEnforced(t *testing.T) {
	c, err := newClient(operator)
	if err != nil {
		t.Fatal(err)
	}
	checker, err := preflight.New(preflight.Config{
		Reader: c, Writer: acceptsAll{c}, DefaultDeny: network.DefaultDeny(config.SandboxNamespace),
		OperatorNamespace: config.OperatorNamespace, SandboxNamespace: config.SandboxNamespace, ServiceAccount: config.ServiceAccount,
	})
	if err != nil {
		t.Fatal(err)
	}
	problems := checker.Check(t.Context())
	if len(problems) != 1 || !strings.Contains(problems[0].Why, "is not enforced by the API server") {
		t.Errorf("problems %+v, want that the policy is not enforced", problems)
	}
}

// acceptsAll answers writes as an API server without admission would.
type acceptsAll struct{ client.Writer }

func (acceptsAll) Create(context.Context, client.Object, ...client.CreateOption) error { return nil }

// Security rests on the validating policies and the schema: without the mutating ones, nothing passes that should not.
func TestWithoutTheMutatingPoliciesEverythingIsRefused(t *testing.T) {
	checker := mustChecker(t)
	approval := newApproval(t)
	takeAway := func(t *testing.T, path string) {
		before := accepted(t, admin.get(path)).object
		t.Cleanup(func() { restore(t, checker, path, before) })
		accepted(t, admin.remove(path))
		awaitMutatingPolicies(t)
	}
	t.Run("requests are not stamped", func(t *testing.T) {
		takeAway(t, mapBindings+"airlock-stamp-requester")
		refused(t, requester.post(requestsPath, newRequest()), http.StatusUnprocessableEntity, "spec.requester: Required value")
		for name, forged := range map[string]object{
			"another user": {"username": "alice"},
			"no groups":    {"username": "riley"},
			"a pod":        {"username": "riley", "groups": []any{"system:authenticated", "requesters"}, "podName": "p"},
		} {
			t.Run(name, func(t *testing.T) {
				refused(t, requester.post(requestsPath, newRequest(with(forged, "spec", "requester"))), http.StatusForbidden, "spec.requester must be the user")
			})
		}
		t.Run("who fills in the truth still may", func(t *testing.T) {
			same := object{"username": "riley", "groups": []any{"system:authenticated", "requesters"}}
			accepted(t, requester.post(requestsPath, newRequest(with(same, "spec", "requester"))))
		})
	})
	t.Run("decisions are not recorded", func(t *testing.T) {
		takeAway(t, mapBindings+"airlock-approval-decide")
		refused(t, alice.merge(approval, decide("Approved", "")), http.StatusUnprocessableEntity, "spec.decision was not recorded: MutatingAdmissionPolicy airlock-approval-decide is not active")
		byHand := object{"spec": object{"decisions": []any{object{"approver": "alice", "verdict": "Approved", "decidedAt": "2020-01-01T00:00:00Z"}}}}
		refused(t, alice.merge(approval, byHand), http.StatusForbidden, "the decision was not stamped")
		if got := approvers(t, approval); got != "" {
			t.Errorf("recorded %q, want nothing", got)
		}
	})
}
