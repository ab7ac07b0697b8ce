// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"maps"
	"net/http"
	"testing"
)

const (
	sandboxPods = sandboxesPath + "/pods"
	agentPods   = "/api/v1/namespaces/agents/pods"
)

// newPod is a pod that Pod Security "restricted" accepts.
func newPod(edits ...func(object)) object {
	pod := object{
		"apiVersion": "v1", "kind": "Pod", "metadata": object{"generateName": "p-"},
		"spec": object{
			"serviceAccountName": "airlock-sandbox", "automountServiceAccountToken": false,
			"securityContext": object{"runAsNonRoot": true, "runAsUser": int64(65532), "seccompProfile": object{"type": "RuntimeDefault"}},
			"containers": []any{object{"name": "sandbox", "image": "x", "resources": object{"requests": object{"cpu": "10m"}},
				"securityContext": object{"allowPrivilegeEscalation": false, "capabilities": object{"drop": []any{"ALL"}}}}},
		},
	}
	for _, edit := range edits {
		edit(pod)
	}
	return pod
}

// agentPod is a pod of the agents' namespace.
func agentPod(edits ...func(object)) object {
	return newPod(append([]func(object){with("default", "spec", "serviceAccountName")}, edits...)...)
}

// sandboxPod creates a pod as the operator does, and returns its path.
func sandboxPod(t *testing.T) string {
	t.Helper()
	got := operator.post(sandboxPods, toJSON(t, shapedPod(t)))
	if !got.ok() {
		t.Fatalf("the operator creates a sandbox pod: %s", got)
	}
	return sandboxPods + "/" + got.object.GetName()
}

func TestOnlyTheOperatorCreatesSandboxPods(t *testing.T) {
	const words = "are created by the airlock operator only"
	for name, test := range map[string]struct {
		as   user
		path string
		pod  object
	}{
		"the administrator, in the sandbox namespace":      {admin, sandboxPods, newPod()},
		"the namespace's administrator":                    {namespaceAdmin, sandboxPods, newPod()},
		"a Job's controller":                               {controller("job-controller"), sandboxPods, newPod()},
		"a kubelet, by a mirror pod":                       {kubelet, sandboxPods, newPod(with("airlock-sbx-mirror", "metadata", "name"), with("x", "metadata", "annotations", "kubernetes.io/config.mirror"), with("one", "spec", "nodeName"))},
		"elsewhere, with the sandbox label":                {admin, agentPods, agentPod(with("true", "metadata", "labels", "airlock.dev/sandbox"))},
		"elsewhere, with an empty sandbox label":           {admin, agentPods, agentPod(with("", "metadata", "labels", "airlock.dev/sandbox"))},
		"elsewhere, with a sandbox's name":                 {admin, agentPods, agentPod(with("airlock-sbx-1", "metadata", "name"))},
		"elsewhere, with a sandbox's name to be generated": {admin, agentPods, agentPod(with("airlock-sbx-", "metadata", "generateName"))},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.as.post(test.path, test.pod)
			if got.code != http.StatusForbidden {
				t.Errorf("got %s, want it forbidden", got)
			}
			if test.as.name != controller("job-controller").name && test.as.name != kubelet.name { // RBAC and NodeRestriction come first for those
				refused(t, got, http.StatusForbidden, words)
			}
		})
	}
	t.Run("the operator creates none elsewhere", func(t *testing.T) {
		got := operator.post(agentPods, agentPod())
		if got.code != http.StatusForbidden {
			t.Errorf("got %s, want it forbidden", got)
		}
	})
	t.Run("other pods are nobody's business", func(t *testing.T) {
		path := agentPods + "/" + accepted(t, admin.post(agentPods, agentPod())).object.GetName()
		accepted(t, admin.merge(path, object{"metadata": object{"labels": object{"team": "a"}}}))
		accepted(t, admin.merge(path+"/status", object{"status": object{"message": "x"}}))
		accepted(t, admin.remove(path))
	})
}

func TestASandboxPodCannotBeChanged(t *testing.T) {
	path := sandboxPod(t)
	const words = "runs as it was judged and cannot be changed"
	for _, as := range []user{admin, namespaceAdmin} {
		refused(t, as.merge(path, object{"metadata": object{"labels": nil}}), http.StatusForbidden, words)
		refused(t, as.merge(path, object{"metadata": object{"labels": object{"airlock.dev/egress-profile": "x"}}}), http.StatusForbidden, words)
		refused(t, as.merge(path, object{"metadata": object{"annotations": object{"airlock.dev/code": "import os"}}}), http.StatusForbidden, words)
		refused(t, as.merge(path, object{"metadata": object{"finalizers": []any{"evil.example/hold"}}}), http.StatusForbidden, words)
		refused(t, as.call(http.MethodPatch, path, jsonPatch, []any{object{"op": "replace", "path": "/spec/containers/0/image", "value": "evil"}}), http.StatusForbidden, words)
	}
	debug := object{"spec": object{"ephemeralContainers": []any{object{"name": "debug", "image": "evil",
		"securityContext": newPod()["spec"].(object)["containers"].([]any)[0].(object)["securityContext"]}}}}
	refused(t, admin.call(http.MethodPatch, path+"/ephemeralcontainers", strategic, debug), http.StatusForbidden, words)
	resize := object{"spec": object{"containers": []any{object{"name": "sandbox", "resources": object{"requests": object{"cpu": "20m"}, "limits": object{"cpu": "20m"}}}}}}
	refused(t, admin.call(http.MethodPatch, path+"/resize", strategic, resize), http.StatusForbidden, words)
}

func TestALabelCannotBeSlippedInThroughPodStatus(t *testing.T) {
	const words = "is written by its kubelet and the control plane only, without touching its metadata"
	sandbox := sandboxPod(t)
	running := object{"status": object{"message": "x"}}
	for name, test := range map[string]struct {
		as   user
		body object
	}{
		"the administrator":                {admin, running},
		"a controller that takes it off":   {controller("pod-garbage-collector"), object{"metadata": object{"labels": object{"airlock.dev/sandbox": nil}}}},
		"a controller that adds one":       {controller("pod-garbage-collector"), object{"metadata": object{"labels": object{"airlock.dev/egress-profile": "x"}}}},
		"a controller that swaps the code": {controller("pod-garbage-collector"), object{"metadata": object{"annotations": object{"airlock.dev/code": "import os"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, test.as.merge(sandbox+"/status", test.body), http.StatusForbidden, words)
		})
	}
	t.Run("into a pod elsewhere", func(t *testing.T) {
		path := agentPods + "/" + accepted(t, admin.post(agentPods, agentPod())).object.GetName()
		label := object{"metadata": object{"labels": object{"airlock.dev/sandbox": "true"}}}
		refused(t, admin.merge(path+"/status", label), http.StatusForbidden, words)
		refused(t, admin.merge(path, label), http.StatusForbidden, "cannot be changed")
	})
	t.Run("the pod's kubelet writes what it sees", func(t *testing.T) {
		accepted(t, operatorsScheduler.post(sandbox+"/binding", binding(sandbox)))
		accepted(t, kubelet.merge(sandbox+"/status", object{"status": object{"phase": "Running"}}))
	})
}

// operatorsScheduler is the scheduler of the control plane.
var operatorsScheduler = user{name: "system:kube-scheduler"}

func binding(podPath string) object {
	name := podPath[len(sandboxPods)+1:]
	return object{"apiVersion": "v1", "kind": "Binding", "metadata": object{"name": name, "namespace": "airlock-sandboxes"},
		"target": object{"apiVersion": "v1", "kind": "Node", "name": "one"}}
}

func TestOnlyTheSchedulerBindsSandboxPods(t *testing.T) {
	path := sandboxPod(t)
	const words = "are bound to nodes by the scheduler only"
	refused(t, admin.post(path+"/binding", binding(path)), http.StatusForbidden, words)
	refused(t, admin.post(sandboxesPath+"/bindings", binding(path)), http.StatusForbidden, words)
	relabel := binding(path)
	with("x", "metadata", "labels", "airlock.dev/egress-profile")(relabel)
	refused(t, admin.post(path+"/binding", relabel), http.StatusForbidden, words)
	accepted(t, operatorsScheduler.post(path+"/binding", binding(path)))
}

func TestSandboxPodsAreDeletedByThoseWhoRunThem(t *testing.T) {
	const words = "are deleted by the airlock operator only"
	path := sandboxPod(t)
	refused(t, admin.remove(path), http.StatusForbidden, words)
	refused(t, namespaceAdmin.remove(path), http.StatusForbidden, words)
	refused(t, namespaceAdmin.remove(sandboxPods), http.StatusForbidden, words)
	for name, as := range map[string]user{
		"the operator":              operator,
		"the pod garbage collector": controller("pod-garbage-collector"),
		"the namespace controller":  controller("namespace-controller"),
		"the node controller":       controller("node-controller"),
		"the scheduler, preempting": operatorsScheduler,
	} {
		t.Run(name, func(t *testing.T) {
			accepted(t, as.remove(sandboxPod(t)+"?gracePeriodSeconds=0"))
		})
	}
	t.Run("a drain evicts", func(t *testing.T) {
		path := sandboxPod(t)
		accepted(t, admin.post(path+"/eviction", object{"apiVersion": "policy/v1", "kind": "Eviction",
			"metadata": object{"name": path[len(sandboxPods)+1:], "namespace": "airlock-sandboxes"}}))
	})
}

func TestNobodyConnectsToASandbox(t *testing.T) {
	path := sandboxPod(t)
	const words = "nobody connects to an airlock sandbox"
	for name, target := range map[string]string{
		"exec":         path + "/exec?command=sh&container=sandbox&stdout=true",
		"attach":       path + "/attach?container=sandbox&stdout=true",
		"port-forward": path + "/portforward?ports=80",
		"proxy":        path + "/proxy/",
		"proxy, port":  sandboxPods + "/http:" + path[len(sandboxPods)+1:] + ":80/proxy/",
		"a service":    sandboxesPath + "/services/http:any:80/proxy/",
	} {
		t.Run(name, func(t *testing.T) {
			for _, as := range []user{admin, namespaceAdmin} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					refused(t, as.call(method, target, jsonBody, nil), http.StatusForbidden, words)
				}
			}
		})
	}
	t.Run("a pod elsewhere that has a sandbox's name", func(t *testing.T) {
		refused(t, admin.post(agentPods+"/airlock-sbx-1/exec?command=sh", nil), http.StatusForbidden, words)
	})
	t.Run("another pod is nobody's business", func(t *testing.T) {
		other := accepted(t, admin.post(agentPods, agentPod())).object.GetName()
		if got := admin.post(agentPods+"/"+other+"/exec?command=sh", nil); got.code == http.StatusForbidden {
			t.Errorf("got %s, want admission to let it pass", got)
		}
	})
}

func TestTheKubeletIsNoWayIntoASandbox(t *testing.T) {
	node := object{"apiVersion": "v1", "kind": "Node", "metadata": object{"name": "one"}}
	if got := admin.post("/api/v1/nodes", node); !got.ok() && got.code != http.StatusConflict {
		t.Fatalf("create a node: %s", got)
	}
	for _, path := range []string{
		"exec/airlock-sandboxes/airlock-sbx-1/sandbox?command=sh", "run/airlock-sandboxes/p/c", "/exec/a/b/c", "attach/a/b/c", "portForward/a/b",
		"containerLogs/a/b/c", "cri/exec/x", "debug/pprof/", "checkpoint/a/b/c", "logs/", "runningpods/", "pods", "metrics/../exec/a/b/c", "metrics%2f..%2fexec/a",
		"configz", "something-new",
	} {
		t.Run(path, func(t *testing.T) {
			got := admin.call(http.MethodPost, "/api/v1/nodes/one/proxy/"+path, jsonBody, nil)
			refused(t, got, http.StatusForbidden, "nodes/proxy reaches the kubelet")
		})
	}
	t.Run("metrics pass", func(t *testing.T) {
		for _, path := range []string{"metrics", "metrics/cadvisor", "stats/summary", "healthz"} {
			if got := admin.get("/api/v1/nodes/one/proxy/" + path); got.code == http.StatusForbidden {
				t.Errorf("%s: got %s, want admission to let it pass", path, got)
			}
		}
	})
}

func TestWhatSurroundsASandboxIsTheOperators(t *testing.T) {
	owned := accepted(t, operator.post(sandboxesPath+"/configmaps", object{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": object{"generateName": "inputs-"}, "data": object{"a": "b"}})).object.GetName()
	const words = "in namespace airlock-sandboxes belong to the airlock operator"
	t.Run("inputs cannot be swapped", func(t *testing.T) {
		for _, as := range []user{admin, namespaceAdmin} {
			refused(t, as.merge(sandboxesPath+"/configmaps/"+owned, object{"data": object{"a": "evil"}}), http.StatusForbidden, words)
			refused(t, as.remove(sandboxesPath+"/configmaps/"+owned), http.StatusForbidden, words)
			refused(t, as.remove(sandboxesPath+"/configmaps"), http.StatusForbidden, words)
		}
	})
	for name, test := range map[string]struct {
		path   string
		object object
	}{
		"a ConfigMap":       {sandboxesPath + "/configmaps", object{"apiVersion": "v1", "kind": "ConfigMap"}},
		"a Secret":          {sandboxesPath + "/secrets", object{"apiVersion": "v1", "kind": "Secret"}},
		"a service account": {sandboxesPath + "/serviceaccounts", object{"apiVersion": "v1", "kind": "ServiceAccount"}},
		"a Kubernetes network policy": {"/apis/networking.k8s.io/v1/namespaces/airlock-sandboxes/networkpolicies", object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
			"spec": object{"podSelector": object{}, "policyTypes": []any{"Egress"}, "egress": []any{object{}}}}},
		"a role binding": {"/apis/rbac.authorization.k8s.io/v1/namespaces/airlock-sandboxes/rolebindings", object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
			"roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}, "subjects": []any{object{"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}}}},
	} {
		t.Run(name+" by the namespace's administrator", func(t *testing.T) {
			created := maps.Clone(test.object)
			created["metadata"] = object{"generateName": "evil-"}
			refused(t, namespaceAdmin.post(test.path, created), http.StatusForbidden, words)
		})
	}
	t.Run("an egress policy by the namespace's administrator", func(t *testing.T) {
		const policies = "/apis/cilium.io/v2/namespaces/airlock-sandboxes/ciliumnetworkpolicies"
		allowAll := object{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": object{"name": "airlock-egress-open"},
			"spec": object{"endpointSelector": object{}, "egress": []any{object{"toEntities": []any{"all"}}}}}
		refused(t, namespaceAdmin.post(policies, allowAll), http.StatusForbidden, words)
		refused(t, namespaceAdmin.remove(policies+"/airlock-default-deny"), http.StatusForbidden, words)
		refused(t, namespaceAdmin.merge(policies+"/airlock-default-deny", object{"spec": object{"egressDeny": nil}}), http.StatusForbidden, words)
	})
	t.Run("every namespace's own objects still appear", func(t *testing.T) {
		accepted(t, controller("root-ca-cert-publisher").post(sandboxesPath+"/configmaps", object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "kube-root-ca.crt"}}))
		accepted(t, controller("service-account-controller").post(sandboxesPath+"/serviceaccounts", object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": "default"}}))
		accepted(t, controller("namespace-controller").remove(sandboxesPath+"/configmaps/kube-root-ca.crt"))
		accepted(t, controller("namespace-controller").remove(sandboxesPath+"/serviceaccounts/default"))
	})
	t.Run("the publisher of CA certificates publishes nothing else", func(t *testing.T) {
		refused(t, controller("root-ca-cert-publisher").post(sandboxesPath+"/configmaps", object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "inputs"}}), http.StatusForbidden, words)
	})
	accepted(t, operator.remove(sandboxesPath+"/configmaps/"+owned))
}

func TestNobodyBecomesTheOperatorOrASandbox(t *testing.T) {
	token := object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{}}
	secret := object{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
		"metadata": object{"generateName": "t-", "annotations": object{"kubernetes.io/service-account.name": "airlock-operator"}}}
	bind := func(subjects ...any) object {
		return object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": object{"generateName": "b-"}, "subjects": subjects,
			"roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}
	}
	const (
		bindings        = "/apis/rbac.authorization.k8s.io/v1/namespaces/agents/rolebindings"
		clusterBindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
		rbacGroup       = "rbac.authorization.k8s.io"
	)
	account := object{"kind": "ServiceAccount", "name": "airlock-sandbox", "namespace": "airlock-sandboxes"}
	group := object{"kind": "Group", "name": "system:serviceaccounts:airlock-sandboxes", "apiGroup": rbacGroup}
	account2 := object{"kind": "User", "name": "system:serviceaccount:airlock-sandboxes:airlock-sandbox", "apiGroup": rbacGroup}
	clusterWide := bind(group)
	clusterWide["kind"] = "ClusterRoleBinding"
	for name, test := range map[string]struct {
		path  string
		body  object
		words string
	}{
		"a token of the operator":              {"/api/v1/namespaces/airlock-system/serviceaccounts/airlock-operator/token", token, "are issued to kubelets only, not to admin"},
		"a token of a sandbox":                 {sandboxesPath + "/serviceaccounts/airlock-sandbox/token", token, "are issued to kubelets only, not to admin"},
		"a token Secret of the operator":       {"/api/v1/namespaces/airlock-system/secrets", secret, "are not permitted in namespace airlock-system"},
		"a role for a sandbox":                 {bindings, bind(account), "hold no rights: admin may not bind a role to them"},
		"a role for all sandboxes":             {bindings, bind(group), "hold no rights"},
		"a role for a sandbox, as a user":      {bindings, bind(account2), "hold no rights"},
		"a role for a sandbox among others":    {bindings, bind(object{"kind": "User", "name": "alice", "apiGroup": rbacGroup}, account), "hold no rights"},
		"a role in the whole cluster for them": {clusterBindings, clusterWide, "hold no rights"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, admin.post(test.path, test.body), http.StatusForbidden, test.words)
		})
	}
	t.Run("a sandbox added to a binding that stands", func(t *testing.T) {
		path := bindings + "/" + accepted(t, admin.post(bindings, bind(object{"kind": "User", "name": "alice", "apiGroup": rbacGroup}))).object.GetName()
		refused(t, admin.merge(path, object{"subjects": []any{account}}), http.StatusForbidden, "hold no rights")
	})
	t.Run("another server for the API group", func(t *testing.T) {
		body := object{"spec": object{"service": object{"name": "evil", "namespace": "default", "port": 443}, "insecureSkipTLSVerify": true}}
		refused(t, admin.merge("/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.airlock.dev", body), http.StatusForbidden, "served by CustomResourceDefinitions only")
	})
	t.Run("others' tokens and Secrets are nobody's business", func(t *testing.T) {
		accepted(t, admin.post("/api/v1/namespaces/agents/serviceaccounts/bot/token", token))
		accepted(t, admin.post("/api/v1/namespaces/airlock-system/secrets", object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"generateName": "credential-"}, "stringData": object{"k": "v"}}))
	})
}

// What the operator's token could do in the wrong hands.
func TestTheOperatorsOwnRightsAreFew(t *testing.T) {
	for name, got := range map[string]answer{
		"list Secrets of its namespace":     operator.get("/api/v1/namespaces/airlock-system/secrets"),
		"read Secrets elsewhere":            operator.get("/api/v1/namespaces/agents/secrets/x"),
		"list ConfigMaps elsewhere":         operator.get("/api/v1/namespaces/agents/configmaps"),
		"change an admission policy":        operator.merge("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/airlock-pods", object{"spec": object{"failurePolicy": "Ignore"}}),
		"change a CustomResourceDefinition": operator.merge("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/approvals.airlock.dev", object{"metadata": object{"labels": object{"a": "b"}}}),
		"change an ExecutionPolicy":         operator.merge("/apis/airlock.dev/v1alpha1/executionpolicies/data-analysis", object{"spec": object{"description": "x"}}),
		"decide":                            operator.merge(newApproval(t), decide("Approved", "")),
		"create a request":                  operator.post(requestsPath, newRequest()),
		"create a role binding":             operator.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": object{"name": "x"}, "roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}),
		"exec":                              operator.post(sandboxPod(t)+"/exec?command=sh", nil),
		"read the logs of a sandbox":        operator.get(sandboxPods + "/x/log"),
		"remove the default-deny":           operator.remove("/apis/cilium.io/v2/namespaces/airlock-sandboxes/ciliumnetworkpolicies/airlock-default-deny"),
	} {
		t.Run(name, func(t *testing.T) {
			if got.code != http.StatusForbidden {
				t.Errorf("got %s, want it forbidden", got)
			}
		})
	}
	t.Run("and it may not be given to the sandboxes", func(t *testing.T) {
		review := accepted(t, admin.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", object{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
			"spec": object{"user": "system:serviceaccount:airlock-sandboxes:airlock-sandbox", "groups": []any{"system:serviceaccounts", "system:serviceaccounts:airlock-sandboxes", "system:authenticated"},
				"resourceAttributes": object{"verb": "list", "resource": "pods", "namespace": "airlock-sandboxes"}}})).object
		if allowed := review.Object["status"].(object)["allowed"]; allowed != false {
			t.Errorf("a sandbox may list pods: %v", allowed)
		}
	})
}
