// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/network"
)

// world is a cluster as the chart leaves it, open to sabotage.
type world struct {
	objects map[string]*unstructured.Unstructured
	extra   []client.Object
	// refuse is the API server's answer to the canary.
	refuse error
	// read, where set, fails reads of that kind.
	read map[string]error
}

func TestCheck(t *testing.T) {
	forbidden := func(message string) error {
		return apierrors.NewForbidden(schema.GroupResource{Group: "airlock.dev", Resource: "approvals"}, canaryName, errors.New(message))
	}
	for name, test := range map[string]struct {
		sabotage func(w *world)
		want     []string // parts of the one problem, none where all is well
	}{
		"all is well": {sabotage: func(*world) {}},
		"Cilium has accepted the default-deny": {sabotage: func(w *world) {
			w.set("CiliumNetworkPolicy/airlock-default-deny", []any{map[string]any{"type": "Valid", "status": "True"}}, "status", "conditions")
		}},
		"an egress policy of the operator is no foreign policy": {sabotage: func(w *world) {
			w.extra = append(w.extra, egressPolicy(t))
		}},
		"an egress policy has the name of one, and opens more": {
			sabotage: func(w *world) { w.extra = append(w.extra, networkPolicy("airlock-egress-0123")) },
			want:     []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-egress-0123", "not Airlock's"},
		},
		"an egress policy has another one's name": {
			sabotage: func(w *world) {
				policy := egressPolicy(t)
				policy.SetName("airlock-egress-0123")
				w.extra = append(w.extra, policy)
			},
			want: []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-egress-0123", "not Airlock's"},
		},
		"an egress policy is for every sandbox": {
			sabotage: func(w *world) {
				policy := egressPolicy(t)
				unstructured.RemoveNestedField(policy.Object, "spec", "endpointSelector", "matchLabels", "k8s:airlock.dev/egress-profile")
				w.extra = append(w.extra, policy)
			},
			want: []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-egress-", "not Airlock's"},
		},
		"a cluster-wide policy opens every pod": {
			sabotage: func(w *world) {
				w.extra = append(w.extra, clusterPolicy("CiliumClusterwideNetworkPolicy", "cilium.io/v2", `{"endpointSelector":{},"egress":[{"toEntities":["all"]}]}`))
			},
			want: []string{"CiliumClusterwideNetworkPolicy open", "selects sandboxes too", "exclude namespace airlock-sandboxes"},
		},
		"a cluster-wide policy gives every pod DNS, by its second rule": {
			sabotage: func(w *world) {
				policy := clusterPolicy("CiliumClusterwideNetworkPolicy", "cilium.io/v2", `{"endpointSelector":{},"egress":[{}]}`)
				policy.Object["specs"] = []any{map[string]any{"endpointSelector": map[string]any{"matchLabels": map[string]any{"k8s:io.kubernetes.pod.namespace": "airlock-sandboxes"}},
					"egress": []any{map[string]any{"toEndpoints": []any{map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}}}}}}}
				w.extra = append(w.extra, policy)
			},
			want: []string{"CiliumClusterwideNetworkPolicy open", "selects sandboxes too"},
		},
		"a cluster-wide policy leaves sandboxes out, denies, or is for nodes": {sabotage: func(w *world) {
			for name, spec := range map[string]string{
				"others": `{"endpointSelector":{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"NotIn","values":["airlock-sandboxes"]}]},"egress":[{"toEntities":["all"]}]}`,
				"denies": `{"endpointSelector":{},"egress":[{}],"egressDeny":[{"toEntities":["world"]}]}`,
				"nodes":  `{"nodeSelector":{},"egress":[{"toEntities":["all"]}]}`,
			} {
				policy := clusterPolicy("CiliumClusterwideNetworkPolicy", "cilium.io/v2", spec)
				policy.SetName(name)
				w.extra = append(w.extra, policy)
			}
		}},
		"a policy of the admin tier outweighs the default-deny": {
			sabotage: func(w *world) {
				w.extra = append(w.extra, clusterPolicy("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2",
					`{"tier":"Admin","priority":1,"subject":{"namespaces":{}},"egress":[{"action":"Accept","to":[{"networks":["0.0.0.0/0"]}]}]}`))
			},
			want: []string{"ClusterNetworkPolicy open", "outweighs the default-deny"},
		},
		"a policy of the admin tier leaves sandboxes out, or denies": {sabotage: func(w *world) {
			for name, spec := range map[string]string{
				"others": `{"tier":"Admin","subject":{"namespaces":{"matchLabels":{"team":"a"}}},"egress":[{"action":"Accept"}]}`,
				"denies": `{"tier":"Admin","subject":{"namespaces":{}},"egress":[{"action":"Deny"},{"action":"Pass"}]}`,
			} {
				policy := clusterPolicy("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", spec)
				policy.SetName(name)
				w.extra = append(w.extra, policy)
			}
		}},
		"an action of the admin tier is unknown": {
			sabotage: func(w *world) {
				w.extra = append(w.extra, clusterPolicy("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", `{"subject":{"namespaces":{}},"ingress":[{"action":"Perhaps"}]}`))
			},
			want: []string{"AdminNetworkPolicy open", "outweighs the default-deny"},
		},
		"a policy is deleted": {
			sabotage: func(w *world) { delete(w.objects, "ValidatingAdmissionPolicy/airlock-pods") },
			want:     []string{"ValidatingAdmissionPolicy airlock-pods", "is missing", "helm upgrade"},
		},
		"a binding is deleted": {
			sabotage: func(w *world) { delete(w.objects, "ValidatingAdmissionPolicyBinding/airlock-request") },
			want:     []string{"ValidatingAdmissionPolicyBinding airlock-request", "is missing"},
		},
		"the mutating policy's binding is deleted": {
			sabotage: func(w *world) { delete(w.objects, "MutatingAdmissionPolicyBinding/airlock-approval-decide") },
			want:     []string{"MutatingAdmissionPolicyBinding airlock-approval-decide", "is missing"},
		},
		"a policy is paused by auditing only": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicyBinding/airlock-approval", []any{"Audit", "Warn"}, "spec", "validationActions")
			},
			want: []string{"ValidatingAdmissionPolicyBinding airlock-approval", "does not deny", "[Audit, Warn]"},
		},
		"a rule is weakened and the canary kept": {
			sabotage: func(w *world) { w.weaken("ValidatingAdmissionPolicy/airlock-approval", 8) },
			want:     []string{"ValidatingAdmissionPolicy airlock-approval", "changed at spec.validations[8].expression"},
		},
		"a rule is removed": {
			sabotage: func(w *world) {
				w.edit("ValidatingAdmissionPolicy/airlock-pods", "validations", func(l []any) []any { return l[:len(l)-1] })
			},
			want: []string{"airlock-pods", "changed at spec.validations["},
		},
		"failures are ignored": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicy/airlock-request", "Ignore", "spec", "failurePolicy")
			},
			want: []string{"airlock-request", "changed at spec.failurePolicy"},
		},
		"one user is excepted by a match condition": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicy/airlock-approval", []any{map[string]any{"name": "x", "expression": "request.userInfo.username != 'mallory'"}}, "spec", "matchConditions")
			},
			want: []string{"airlock-approval", "changed at spec.matchConditions"},
		},
		"a label opts out": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicyBinding/airlock-request", map[string]any{"matchExpressions": []any{map[string]any{"key": "skip", "operator": "DoesNotExist"}}}, "spec", "matchResources", "objectSelector")
			},
			want: []string{"airlock-request", "changed at spec.matchResources"},
		},
		"a namespace is left out": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicy/airlock-request", map[string]any{"matchLabels": map[string]any{"a": "b"}}, "spec", "matchConstraints", "namespaceSelector")
			},
			want: []string{"airlock-request", "changed at spec.matchConstraints.namespaceSelector.matchLabels"},
		},
		"a field that this build does not know is set": {
			sabotage: func(w *world) {
				w.set("ValidatingAdmissionPolicyBinding/airlock-pods", "Never", "spec", "fromTheFuture")
			},
			want: []string{"airlock-pods", "changed at spec.fromTheFuture"},
		},
		"the immutability of requests is dropped from the schema": {
			sabotage: func(w *world) {
				w.edit("CustomResourceDefinition/executionrequests.airlock.dev", "versions", func(l []any) []any {
					version := l[0].(map[string]any)
					unstructured.RemoveNestedField(version, "schema", "openAPIV3Schema", "properties", "spec", "x-kubernetes-validations")
					return l
				})
			},
			want: []string{"CustomResourceDefinition executionrequests.airlock.dev", "changed at spec.versions[0].schema", "x-kubernetes-validations"},
		},
		"a conversion webhook reads and rewrites approvals": {
			sabotage: func(w *world) {
				w.set("CustomResourceDefinition/approvals.airlock.dev", "Webhook", "spec", "conversion", "strategy")
			},
			want: []string{"approvals.airlock.dev", "changed at spec.conversion.strategy"},
		},
		"Cilium is not installed": {
			sabotage: func(w *world) {
				w.read = map[string]error{"CiliumNetworkPolicy": &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "cilium.io", Kind: "CiliumNetworkPolicy"}}}
			},
			want: []string{"airlock-sandboxes/airlock-default-deny", "does not serve CiliumNetworkPolicy", "install Cilium"},
		},
		"the default-deny is deleted": {
			sabotage: func(w *world) { delete(w.objects, "CiliumNetworkPolicy/airlock-default-deny") },
			want:     []string{"CiliumNetworkPolicy airlock-sandboxes/airlock-default-deny", "is missing"},
		},
		"the default-deny selects other pods": {
			sabotage: func(w *world) {
				w.set("CiliumNetworkPolicy/airlock-default-deny", "other", "spec", "endpointSelector", "matchLabels", "a")
			},
			want: []string{"airlock-default-deny", "changed at spec.endpointSelector"},
		},
		"a second rule is hidden in specs": {
			sabotage: func(w *world) {
				w.set("CiliumNetworkPolicy/airlock-default-deny", []any{map[string]any{}}, "specs")
			},
			want: []string{"airlock-default-deny", "changed at specs"},
		},
		"Cilium rejects the default-deny": {
			sabotage: func(w *world) {
				w.set("CiliumNetworkPolicy/airlock-default-deny", []any{map[string]any{"type": "Valid", "status": "False", "message": "bad rule"}}, "status", "conditions")
			},
			want: []string{"airlock-default-deny", "not accepted by Cilium: bad rule"},
		},
		"another network policy opens the sandboxes": {
			sabotage: func(w *world) { w.extra = append(w.extra, networkPolicy("allow-all")) },
			want:     []string{"CiliumNetworkPolicy airlock-sandboxes/allow-all", "add up", "delete it"},
		},
		"a Kubernetes network policy opens the sandboxes": {
			sabotage: func(w *world) {
				w.extra = append(w.extra, &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: config.SandboxNamespace, Name: "airlock-egress-forged"}})
			},
			want: []string{"NetworkPolicy airlock-sandboxes/airlock-egress-forged", "add up"},
		},
		"the sandbox namespace is missing": {
			sabotage: func(w *world) { delete(w.objects, "Namespace/airlock-sandboxes") },
			want:     []string{"Namespace airlock-sandboxes", "is missing"},
		},
		"the sandbox namespace enforces baseline only": {
			sabotage: func(w *world) {
				w.objects["Namespace/airlock-sandboxes"].SetLabels(map[string]string{enforceLabel: "baseline"})
			},
			want: []string{"Namespace airlock-sandboxes", "does not enforce", `"baseline"`},
		},
		"the sandbox namespace enforces an old version": {
			sabotage: func(w *world) {
				w.objects["Namespace/airlock-sandboxes"].SetLabels(map[string]string{enforceLabel: "restricted", enforceVersionLabel: "v1.0"})
			},
			want: []string{"Namespace airlock-sandboxes", "old Pod Security version"},
		},
		"the admission plugin is switched off": {
			sabotage: func(w *world) { w.refuse = nil },
			want:     []string{"airlock-approval", "not enforced", "accepted a canary"},
		},
		"another revision of the policy is loaded": {
			sabotage: func(w *world) { w.refuse = forbidden(canaryPrefix + "ffffffffffff") },
			want:     []string{"airlock-approval", "another revision", "ffffffffffff"},
		},
		"somebody else refuses the canary": {
			sabotage: func(w *world) { w.refuse = forbidden("quota exceeded") },
			want:     []string{"airlock-approval", "could not be proven", "quota exceeded"},
		},
		"the canary's message comes with another status": {
			sabotage: func(w *world) { w.refuse = errors.New(mustCanary(t)) },
			want:     []string{"airlock-approval", "another revision"},
		},
		"policies cannot be read": {
			sabotage: func(w *world) {
				w.read = map[string]error{"Namespace": errors.New("connection refused")}
			},
			want: []string{"Namespace airlock-sandboxes", "could not be read: connection refused"},
		},
		"network policies cannot be listed": {
			sabotage: func(w *world) {
				w.read = map[string]error{"NetworkPolicyList": errors.New("forbidden")}
			},
			want: []string{"NetworkPolicy objects", "could not be listed: forbidden"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := intact(t)
			w.refuse = forbidden("ValidatingAdmissionPolicy 'airlock-approval' denied request: " + mustCanary(t))
			test.sabotage(w)
			got := w.checker(t).Check(t.Context())
			if len(test.want) == 0 {
				if len(got) != 0 {
					t.Fatalf("problems %+v, want none", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d problems, want 1: %+v", len(got), got)
			}
			text := got[0].What + ": " + got[0].Why + "; " + got[0].Fix
			for _, part := range test.want {
				if !strings.Contains(text, part) {
					t.Errorf("problem %q lacks %q", text, part)
				}
			}
		})
	}
}

func TestAnUnreachableAPIServerIsAProblemForEveryObject(t *testing.T) {
	w := intact(t)
	w.read = map[string]error{"*": errors.New("connection refused")}
	w.refuse = errors.New("connection refused")
	checker := w.checker(t)
	if got, want := len(checker.Check(t.Context())), len(checker.standing)+len(foreignKinds)+2; got != want {
		t.Errorf("%d problems, want %d: one for each object, the namespace, each kind of network policy and the canary", got, want)
	}
}

func TestNewRefusesAnIncompleteConfiguration(t *testing.T) {
	valid := intact(t).checker(t).Config
	for name, change := range map[string]func(*Config){
		"no reader":                        func(c *Config) { c.Reader = nil },
		"no writer":                        func(c *Config) { c.Writer = nil },
		"no default-deny":                  func(c *Config) { c.DefaultDeny = nil },
		"a default-deny without a kind":    func(c *Config) { c.DefaultDeny = &corev1.ConfigMap{} },
		"no service account":               func(c *Config) { c.ServiceAccount = "" },
		"sandboxes beside the operator":    func(c *Config) { c.SandboxNamespace = c.OperatorNamespace },
		"a namespace that ends a CEL text": func(c *Config) { c.SandboxNamespace = "a'" },
	} {
		t.Run(name, func(t *testing.T) {
			c := valid
			change(&c)
			if _, err := New(c); err == nil {
				t.Error("New succeeded, want an error")
			}
		})
	}
}

func intact(t *testing.T) *world {
	t.Helper()
	w := &world{objects: map[string]*unstructured.Unstructured{}}
	admission, err := config.Admission(config.OperatorNamespace, config.SandboxNamespace, config.ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	crds, err := config.CRDs()
	if err != nil {
		t.Fatal(err)
	}
	namespace := &unstructured.Unstructured{}
	namespace.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	namespace.SetName(config.SandboxNamespace)
	namespace.SetLabels(map[string]string{enforceLabel: "restricted", enforceVersionLabel: "latest"})
	for _, object := range append(append(admission, crds...), namespace, networkPolicy(network.DefaultDenyName)) {
		w.objects[object.GetKind()+"/"+object.GetName()] = object
	}
	for _, crd := range crds { // as the API server defaults it
		w.set("CustomResourceDefinition/"+crd.GetName(), "None", "spec", "conversion", "strategy")
	}
	return w
}

func networkPolicy(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"endpointSelector": map[string]any{}, "enableDefaultDeny": map[string]any{"egress": true, "ingress": true}},
	}}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "cilium.io", Version: "v2", Kind: "CiliumNetworkPolicy"})
	object.SetNamespace(config.SandboxNamespace)
	object.SetName(name)
	return object
}

// egressPolicy is one of the operator's, as the API server returns it.
func egressPolicy(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	policy, err := toUnstructured(network.EgressPolicy(config.SandboxNamespace, []v1alpha1.EgressTarget{
		{Host: "api.partner.example", Port: 443}, {Host: "api.partner.example", Port: 80}, {Host: "db.partner.example", Port: 5432},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// clusterPolicy is a policy of a kind without namespaces.
func clusterPolicy(kind, version, spec string) *unstructured.Unstructured {
	policy := &unstructured.Unstructured{Object: map[string]any{}}
	if err := policy.UnmarshalJSON(fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"name":"open"},"spec":%s}`, version, kind, spec)); err != nil {
		panic(err)
	}
	return policy
}

func (w *world) set(key string, value any, path ...string) {
	if err := unstructured.SetNestedField(w.objects[key].Object, value, path...); err != nil {
		panic(err)
	}
}

func (w *world) edit(key, list string, change func([]any) []any) {
	items, found, err := unstructured.NestedSlice(w.objects[key].Object, "spec", list)
	if err != nil || !found {
		panic(key + " has no " + list)
	}
	w.set(key, change(items), "spec", list)
}

func (w *world) weaken(key string, rule int) {
	w.edit(key, "validations", func(rules []any) []any {
		rules[rule].(map[string]any)["expression"] = "true"
		return rules
	})
}

func (w *world) checker(t *testing.T) *Checker {
	t.Helper()
	// Admission types stay out of the scheme, or the fake would drop fields that they lack.
	scheme := runtime.NewScheme()
	if err := errors.Join(networkingv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range foreignKinds {
		if !scheme.Recognizes(kind) {
			scheme.AddKnownTypeWithName(kind, &unstructured.Unstructured{})
			scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind(kind.Kind+"List"), &unstructured.UnstructuredList{})
		}
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(w.extra...)
	for _, object := range w.objects {
		builder = builder.WithObjects(object)
	}
	failure := func(kind string) error { return errors.Join(w.read["*"], w.read[kind]) }
	cluster := builder.WithInterceptorFuncs(interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, _ client.Object, options ...client.CreateOption) error {
			if got := (&client.CreateOptions{}).ApplyOptions(options).DryRun; len(got) != 1 || got[0] != metav1.DryRunAll {
				t.Errorf("the canary is created for real: dry run %v", got)
			}
			return w.refuse
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if err := failure(object.GetObjectKind().GroupVersionKind().Kind); err != nil {
				return err
			}
			return c.Get(ctx, key, object, options...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			kind := list.GetObjectKind().GroupVersionKind().Kind
			if err := failure(strings.TrimSuffix(kind, "List") + "List"); err != nil {
				return err
			}
			return c.List(ctx, list, options...)
		},
	}).Build()
	checker, err := New(Config{
		Reader: cluster, Writer: cluster, DefaultDeny: networkPolicy(network.DefaultDenyName),
		OperatorNamespace: config.OperatorNamespace, SandboxNamespace: config.SandboxNamespace, ServiceAccount: config.ServiceAccount,
	})
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

func mustCanary(t *testing.T) string {
	t.Helper()
	admission, err := config.Admission(config.OperatorNamespace, config.SandboxNamespace, config.ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	message, err := canaryMessage(admission)
	if err != nil {
		t.Fatal(err)
	}
	return message
}
