// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
)

// Everybody who acts in the tests. agents is the namespace of the requests.
const agents = "agents"

var (
	admin    = user{}
	operator = serviceAccount(config.OperatorNamespace, config.ServiceAccount, "")

	// requester may create requests under policy "analysis", and may patch approvals and approve, to show that this is not
	// enough to approve one's own.
	requester = user{name: "riley", groups: []string{"requesters"}}
	// alice and bob may approve under policy "analysis".
	alice = user{name: "alice", groups: []string{"approvers"}}
	bob   = user{name: "bob", groups: []string{"approvers"}}
	// mallory may patch approvals and lacks the verb approve.
	mallory = user{name: "mallory"}
	// stranger holds no rights at all.
	stranger = user{name: "stranger"}
	// namespaceAdmin may do everything in the sandbox namespace, as far as RBAC goes.
	namespaceAdmin = user{name: "namespace-admin"}
	// kubelet is a node.
	kubelet = user{name: "system:node:one", groups: []string{"system:nodes"}}
)

// botUID is the UID of ServiceAccount agents/bot, which may request and, where an Approval allows it, approve.
var botUID string

func bot() user { return serviceAccount(agents, "bot", botUID) }

func serviceAccount(namespace, name, uid string) user {
	return user{
		name:   "system:serviceaccount:" + namespace + ":" + name,
		uid:    uid,
		groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace},
	}
}

func controller(name string) user { return serviceAccount("kube-system", name, "") }

const manifests = `
{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"agents"}}
{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"bot","namespace":"agents"}}
{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"agents"}}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"analysis-use"},
 "rules":[{"apiGroups":["airlock.dev"],"resources":["executionpolicies"],"resourceNames":["analysis"],"verbs":["use"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"analysis-vouch"},
 "rules":[{"apiGroups":["airlock.dev"],"resources":["executionpolicies"],"resourceNames":["analysis"],"verbs":["vouch"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"analysis-approve"},
 "rules":[{"apiGroups":["airlock.dev"],"resources":["executionpolicies"],"resourceNames":["analysis"],"verbs":["approve"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"careless-agent"},
 "rules":[{"apiGroups":["airlock.dev"],"resources":["executionrequests","approvals","executiongrants"],"verbs":["*"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"analysis-use"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"analysis-use"},
 "subjects":[{"kind":"Group","name":"requesters","apiGroup":"rbac.authorization.k8s.io"},{"kind":"ServiceAccount","name":"bot","namespace":"agents"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"analysis-vouch"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"analysis-vouch"},
 "subjects":[{"kind":"ServiceAccount","name":"bot","namespace":"agents"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"analysis-approve"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"analysis-approve"},
 "subjects":[{"kind":"Group","name":"approvers","apiGroup":"rbac.authorization.k8s.io"},{"kind":"Group","name":"requesters","apiGroup":"rbac.authorization.k8s.io"},
 {"kind":"ServiceAccount","name":"bot","namespace":"agents"},{"kind":"User","name":"system:anonymous","apiGroup":"rbac.authorization.k8s.io"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"requesters","namespace":"agents"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"airlock-requester"},
 "subjects":[{"kind":"Group","name":"requesters","apiGroup":"rbac.authorization.k8s.io"},{"kind":"ServiceAccount","name":"bot","namespace":"agents"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"approvers","namespace":"agents"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"airlock-approver"},
 "subjects":[{"kind":"Group","name":"approvers","apiGroup":"rbac.authorization.k8s.io"},{"kind":"Group","name":"requesters","apiGroup":"rbac.authorization.k8s.io"},
 {"kind":"User","name":"mallory","apiGroup":"rbac.authorization.k8s.io"},{"kind":"User","name":"system:anonymous","apiGroup":"rbac.authorization.k8s.io"},
 {"kind":"ServiceAccount","name":"bot","namespace":"agents"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"careless-agent"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"careless-agent"},
 "subjects":[{"kind":"User","name":"careless","apiGroup":"rbac.authorization.k8s.io"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"everything-in-a-namespace"},
 "rules":[{"apiGroups":["","networking.k8s.io","rbac.authorization.k8s.io","cilium.io"],"resources":["*"],"verbs":["*"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"namespace-admin","namespace":"airlock-sandboxes"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"everything-in-a-namespace"},
 "subjects":[{"kind":"User","name":"namespace-admin","apiGroup":"rbac.authorization.k8s.io"}]}
`

// careless holds "*" on requests and approvals everywhere, as a cluster administrator's colleague may.
var careless = user{name: "careless", groups: []string{"requesters", "approvers"}}

func setUpPeople() error {
	c, err := newClient(admin)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(manifests))
	for decoder.More() {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); err != nil {
			return fmt.Errorf("decode manifests: %w", err)
		}
		err := c.Create(context.Background(), object)
		if apierrors.IsAlreadyExists(err) { // in an API server that is used again
			err = c.Get(context.Background(), client.ObjectKeyFromObject(object), object)
		}
		if err != nil {
			return fmt.Errorf("create %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if object.GetKind() == "ServiceAccount" && object.GetName() == "bot" {
			botUID = string(object.GetUID())
		}
	}
	return nil
}

// Paths of the API.
const (
	requestsPath  = "/apis/airlock.dev/v1alpha1/namespaces/agents/executionrequests"
	approvalsPath = "/apis/airlock.dev/v1alpha1/namespaces/agents/approvals"
	sandboxesPath = "/api/v1/namespaces/airlock-sandboxes"
)

// object is JSON in the making.
type object = map[string]any

// newRequest is a valid request; edits change it.
func newRequest(edits ...func(r object)) object {
	r := object{
		"apiVersion": "airlock.dev/v1alpha1", "kind": "ExecutionRequest",
		"metadata": object{"generateName": "r-"},
		"spec":     object{"policyName": "analysis", "code": object{"language": "Python", "source": "print(1)"}},
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// with sets a field.
func with(value any, path ...string) func(object) {
	return func(o object) {
		if err := unstructured.SetNestedField(o, value, path...); err != nil {
			panic(err)
		}
	}
}

// newApproval creates an Approval as the operator does, for a request of requester, and returns its path.
func newApproval(t *testing.T, edits ...func(a *v1alpha1.Approval)) string {
	t.Helper()
	got := operator.post(approvalsPath, anApproval(edits...))
	if !got.ok() {
		t.Fatalf("the operator creates an Approval: %s", got)
	}
	return approvalsPath + "/" + got.object.GetName()
}

func anApproval(edits ...func(a *v1alpha1.Approval)) *v1alpha1.Approval {
	a := &v1alpha1.Approval{
		TypeMeta:   metav1.TypeMeta{APIVersion: "airlock.dev/v1alpha1", Kind: "Approval"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "a-", Labels: map[string]string{"airlock.dev/request": "r"}},
		Spec: v1alpha1.ApprovalSpec{
			Subject: v1alpha1.Subject{
				RequestRef:     v1alpha1.RequestRef{Name: "r", UID: "u-1"},
				PolicyName:     "analysis",
				EnvelopeDigest: "sha256:" + strings.Repeat("0", 64),
				Requester:      v1alpha1.Requester{Username: requester.name},
				Verdict:        v1alpha1.Verdict{Decision: v1alpha1.RequireApproval, Trust: v1alpha1.Internal},
				Code:           v1alpha1.Code{Language: v1alpha1.Python, Source: "import os\nos.remove('/data/x')\n"},
				Limits:         v1alpha1.Limits{TimeoutSeconds: 30},
			},
			Required:        2,
			ServiceAccounts: v1alpha1.ServiceAccountsForbidden,
			ExpiresAt:       metav1.NewTime(time.Now().Add(time.Hour)),
		},
	}
	for _, edit := range edits {
		edit(a)
	}
	return a
}

// decide is what an approver patches.
func decide(verdict, reason string) object {
	return object{"spec": object{"decision": object{"verdict": verdict, "reason": reason}}}
}

// decisions reads what is recorded.
func decisions(t *testing.T, path string) []v1alpha1.ApproverDecision {
	t.Helper()
	got := admin.get(path)
	if got.code != http.StatusOK {
		t.Fatalf("read Approval: %s", got)
	}
	var a v1alpha1.Approval
	if err := json.Unmarshal([]byte(got.text), &a); err != nil {
		t.Fatal(err)
	}
	return a.Spec.Decisions
}
