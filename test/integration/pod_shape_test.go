// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/sandbox"
	"github.com/airlock-dev/airlock/internal/sandbox/sandboxtest"
)

// shapedPod is a pod as the operator makes it, of a run that was granted everything.
func shapedPod(t *testing.T, edits ...func(*sandbox.Params)) *corev1.Pod {
	t.Helper()
	digest := "sha256:" + strings.Repeat("1", 64)
	params := sandbox.Params{
		Request: &v1alpha1.ExecutionRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: "agents", Name: "shape", UID: uuid.NewUUID()},
			Spec: v1alpha1.ExecutionRequestSpec{
				Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "print('é')\n"}, Args: []string{"a,b", "7:é\u2028\U0001f600", "$(HOME)", ""},
				Env:         []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("x=y")}, {Name: "EMPTY"}},
				Inputs:      []v1alpha1.Input{{Name: "sales.csv", ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "data", Key: "sales"}}},
				Egress:      []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
				Credentials: []string{"partner"},
			},
		},
		EnvelopeDigest: digest, InputDigests: map[string]string{"sales.csv": digest}, EgressProfile: "abc",
		Runtime:       v1alpha1.Runtime{Language: v1alpha1.Python, Image: "airlock.example/python@" + digest, Command: []string{"/usr/bin/python3", "-I"}},
		Limits:        v1alpha1.Limits{TimeoutSeconds: 30, CPU: new(resource.MustParse("10m")), Memory: new(resource.MustParse("32Mi"))},
		OperatorImage: options().OperatorImage, Namespace: config.SandboxNamespace, ServiceAccountName: sandbox.ServiceAccount,
	}
	for _, edit := range edits {
		edit(&params)
	}
	pod, err := sandbox.Pod(params)
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func toJSON(t *testing.T, pod *corev1.Pod) object {
	t.Helper()
	encoded, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		t.Fatal(err)
	}
	delete(encoded, "status")
	delete(encoded["metadata"].(object), "creationTimestamp")
	return encoded
}

const (
	tryPod  = sandboxPods + "?dryRun=All"
	changed = "a sandbox pod was changed on its way in"
)

func TestAPodThatIsAsItWasAskedForIsAdmitted(t *testing.T) {
	pod := shapedPod(t)
	accepted(t, operator.post(tryPod, toJSON(t, pod)))
	t.Run("wherever the cluster places it", func(t *testing.T) {
		pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		pod.Spec.NodeSelector = map[string]string{"pool": "sandboxes"}
		pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry"}}
		pod.Spec.Containers[0].ImagePullPolicy = corev1.PullAlways
		accepted(t, operator.post(tryPod, toJSON(t, pod)))
	})
}

// What a webhook changes arrives at the validating policies exactly as if the operator had sent it.
func TestAPodChangedInAnyPropertyIsRefused(t *testing.T) {
	// The API server sets or ignores these; the operator compares the last three, and the digest of the code is the runner's.
	elsewhere := []string{".apiVersion", ".kind", ".metadata.namespace",
		".metadata.annotations.airlock.dev/code", ".metadata.annotations.airlock.dev/envelope", ".metadata.annotations.airlock.dev/request "}
	object := toJSON(t, shapedPod(t))
	tried := 0
	for name, mutant := range sandboxtest.Mutations(object) {
		if slices.ContainsFunc(elsewhere, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		tried++
		got := operator.post(tryPod, mutant)
		if got.ok() && !same(t, object, got.object.Object) {
			t.Errorf("accepted: %s", name)
		}
	}
	if tried < 300 {
		t.Errorf("only %d mutants", tried)
	}
}

// same says whether the API server's own defaults made a mutant the asked-for pod again.
func same(t *testing.T, want, have object) bool {
	t.Helper()
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(want, pod); err != nil {
		t.Fatal(err)
	}
	at, err := sandbox.Changed(pod, have)
	if err != nil {
		t.Fatal(err)
	}
	return at == ""
}

func TestAPodWithAnyAdditionIsRefused(t *testing.T) {
	placement := []string{"a toleration of control planes", "another scheduler", "a priority over others"}
	restricted, more := sandboxtest.Weakenings()
	maps.Copy(restricted, more)
	for name, weaken := range restricted {
		if slices.Contains(placement, name) {
			continue
		}
		pod := shapedPod(t)
		weaken(pod)
		if got := operator.post(tryPod, toJSON(t, pod)); got.ok() {
			t.Errorf("accepted: %s", name)
		}
	}
	for name, change := range map[string]func(p *corev1.Pod){
		"another network by annotation": func(p *corev1.Pod) { p.Annotations["k8s.v1.cni.cncf.io/networks"] = "open" },
		"another label":                 func(p *corev1.Pod) { p.Labels["app"] = "web" },
		"a finalizer":                   func(p *corev1.Pod) { p.Finalizers = []string{"evil.example/hold"} },
		"an owner": func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "x", UID: "x"}}
		},
		"a sidecar beside the code": func(p *corev1.Pod) {
			p.Spec.Containers = append(p.Spec.Containers, *p.Spec.Containers[0].DeepCopy())
			p.Spec.Containers[1].Name = "proxy"
		},
		"a variable": func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: "LD_PRELOAD", Value: "/x"})
		},
		"a variable for the preparation": func(p *corev1.Pod) { p.Spec.InitContainers[0].Env = []corev1.EnvVar{{Name: "GODEBUG", Value: "x"}} },
		"the API server's address": func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: "KUBERNETES_SERVICE_HOST", Value: "192.0.2.1"})
		},
		"a token": func(p *corev1.Pod) {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}})
		},
		"another image": func(p *corev1.Pod) {
			p.Spec.Containers[0].Image = "evil.example/x@sha256:" + strings.Repeat("2", 64)
		},
		"an image by tag": func(p *corev1.Pod) { p.Spec.Containers[0].Image = "airlock.example/python:latest" },
	} {
		t.Run(name, func(t *testing.T) {
			pod := shapedPod(t)
			change(pod)
			refused(t, operator.post(tryPod, toJSON(t, pod)), http.StatusForbidden, changed)
		})
	}
}

// injector is a MutatingAdmissionPolicy, which changes pods as a webhook does, on the pods of one test.
func injector(w *world, name, patch string) {
	w.Helper()
	name = w.namespace + "-" + name
	const path = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolic"
	made := admin.post(path+"ies", object{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": object{"name": name},
		"spec": object{"failurePolicy": "Fail", "reinvocationPolicy": "Never",
			"matchConstraints": object{"resourceRules": []any{object{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"}}}},
			"matchConditions": []any{object{"name": "of-this-test",
				"expression": fmt.Sprintf("object.metadata.?annotations[?'airlock.dev/request'].orValue('').startsWith('%s/')", w.namespace)}},
			"mutations": []any{object{"patchType": "JSONPatch", "jsonPatch": object{"expression": patch}}}}})
	bound := admin.post(path+"ybindings", object{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
		"metadata": object{"name": name}, "spec": object{"policyName": name}})
	if !made.ok() || !bound.ok() {
		w.Fatal(made, bound)
	}
	w.Cleanup(func() {
		admin.remove(path + "ies/" + name)
		admin.remove(path + "ybindings/" + name)
	})
	probe := shapedPod(w.T)
	probe.Annotations[sandbox.AnnotationRequest] = w.namespace + "/probe"
	w.eventually("the injector works", func() error {
		got := operator.post(tryPod, toJSON(w.T, probe))
		if got.ok() && same(w.T, toJSON(w.T, probe), got.object.Object) {
			return errors.New("not yet")
		}
		return nil
	})
}

func TestAWebhookThatChangesThePodHoldsTheLaunchBack(t *testing.T) {
	for name, patch := range map[string]string{
		"sidecar": `[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "proxy", image: "evil.example/proxy:1",
			securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false,
			capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}}}}]`,
		"variable": `[JSONPatch{op: "add", path: "/spec/containers/0/env/-", value: Object.spec.containers.env{name: "PYTHONSTARTUP", value: "/tmp/x"}}]`,
		"token":    `[JSONPatch{op: "replace", path: "/spec/automountServiceAccountToken", value: true}]`,
		"code":     `[JSONPatch{op: "replace", path: "/spec/containers/0/args/2", value: "--code-sha256=" + "0000000000000000000000000000000000000000000000000000000000000000"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			injector(w, name, patch)
			w.operate()
			req := w.request(allowedSource)
			w.eventually("the launch is held back", func() error {
				w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(req), req))
				c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionLaunched)
				if c == nil || c.Reason != v1alpha1.ReasonPodRefused || !strings.Contains(c.Message, changed) {
					return fmt.Errorf("conditions %+v", req.Status.Conditions)
				}
				return nil
			})
			if objects := w.sandboxObjects(); len(objects) > 0 {
				t.Errorf("there is %s", objects[0].GetName())
			}
		})
	}
}

// A webhook that knows Airlock's annotation gets past the policy; the operator compares the answer with what it sent.
func TestAWebhookThatForgesWhatWasAskedForEndsTheRequest(t *testing.T) {
	w := newWorld(t)
	injector(w, "forger", `[JSONPatch{op: "replace", path: "/spec/containers/0/env/0/value", value: "/evil"},
		JSONPatch{op: "replace", path: "/metadata/annotations/airlock.dev~1asked-for",
		value: object.metadata.annotations["airlock.dev/asked-for"].replace("15:HOME=/workspace", "10:HOME=/evil")}]`)
	w.operate()
	req := w.request(allowedSource)
	w.eventually("the request ends", func() error {
		w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(req), req))
		c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished)
		if c == nil || c.Reason != v1alpha1.ReasonPodChanged || !strings.Contains(c.Message, "pod.metadata.annotations.airlock.dev/asked-for") {
			return fmt.Errorf("conditions %+v", req.Status.Conditions)
		}
		return nil
	})
	w.nothingLeft()
}
