// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/policy"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// render renders the chart and returns its objects by kind, namespace and name.
func render(t *testing.T, namespace string, values ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	args := []string{"template", "airlock", filepath.Join(root, "charts/airlock"), "--namespace", namespace, "--values", filepath.Join(root, "charts/airlock/ci/values.yaml"),
		"--set", "defaultPolicy.pythonInventory=" + gate.Inventory(gate.Python)}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	out, err := runHelm(args...)
	if err != nil {
		t.Fatalf("helm template: %v\n%s", err, out)
	}
	objects := map[string]*unstructured.Unstructured{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(out)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		text, err := yaml.YAMLToJSON(document)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if string(text) == "null" {
			continue
		}
		if err := object.UnmarshalJSON(text); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		objects[key(object)] = object
	}
}

func key(object *unstructured.Unstructured) string {
	return strings.Join([]string{object.GetKind(), object.GetNamespace(), object.GetName()}, "/")
}

// One source: what the chart installs is what preflight compares with, whatever the names.
func TestTheChartInstallsWhatPreflightWants(t *testing.T) {
	for name, names := range map[string][2]string{
		"the usual names":                    {"airlock-system", "airlock-sandboxes"},
		"other names":                        {"gatehouse", "cells"},
		"names that hold the usual ones":     {"my-airlock-sandboxes-system", "my-airlock-sandboxes"},
		"the operator's name as a namespace": {"airlock-operator", "airlock-operator-sandboxes"},
	} {
		t.Run(name, func(t *testing.T) {
			rendered := render(t, names[0], "sandbox.namespace="+names[1])
			want, err := config.Admission(names[0], names[1], config.ServiceAccount)
			if err != nil {
				t.Fatal(err)
			}
			crds, err := config.CRDs()
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range append(want, crds...) {
				got, ok := rendered[key(object)]
				if !ok {
					t.Errorf("the chart lacks %s", key(object))
					continue
				}
				if diff := cmp.Diff(object.Object["spec"], got.Object["spec"]); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", key(object), diff)
				}
			}
			deny := rendered["CiliumNetworkPolicy/"+names[1]+"/"+network.DefaultDenyName]
			if deny == nil {
				t.Fatal("the chart lacks the default-deny")
			}
			var spec any
			text, err := json.Marshal(network.DefaultDeny(names[1]).Spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &spec); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(spec, deny.Object["spec"]); diff != "" {
				t.Errorf("the default-deny differs (-want +got):\n%s", diff)
			}
			if rendered["ServiceAccount/"+names[1]+"/"+sandbox.ServiceAccount] == nil {
				t.Errorf("the chart lacks ServiceAccount %s of the sandboxes", sandbox.ServiceAccount)
			}
		})
	}
}

func TestTheOperatorsOwnPodIsRestricted(t *testing.T) {
	deployment := render(t, "airlock-system")["Deployment/airlock-system/airlock-operator"]
	pod, _, err := unstructured.NestedMap(deployment.Object, "spec", "template", "spec")
	if err != nil {
		t.Fatal(err)
	}
	restricted := admin.post("/api/v1/namespaces", object{"apiVersion": "v1", "kind": "Namespace",
		"metadata": object{"generateName": "restricted-", "labels": object{"pod-security.kubernetes.io/enforce": "restricted"}}})
	path := "/api/v1/namespaces/" + accepted(t, restricted).object.GetName()
	accepted(t, admin.post(path+"/serviceaccounts", object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": pod["serviceAccountName"]}}))
	accepted(t, admin.post(path+"/pods?dryRun=All", object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": "dry"}, "spec": pod}))
	container := pod["containers"].([]any)[0].(object)
	if container["securityContext"].(object)["readOnlyRootFilesystem"] != true {
		t.Error("the operator's root file system can be written to")
	}
	image := container["image"].(string)
	if !strings.Contains(image, "@sha256:") || !slices.Contains(container["args"].([]any), any("--operator-image="+image)) {
		t.Errorf("image %q and args %v, want the image by digest in both", image, container["args"])
	}
}

func TestTheDefaultPolicyJudgesItsExamplesAsExpected(t *testing.T) {
	xpol := render(t, "airlock-system")["ExecutionPolicy//data-analysis"]
	text, err := xpol.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var p v1alpha1.ExecutionPolicy
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	decisions := map[v1alpha1.Decision]int{}
	for _, example := range p.Spec.Examples {
		decisions[example.Expect]++
	}
	for _, decision := range []v1alpha1.Decision{v1alpha1.Allow, v1alpha1.RequireApproval, v1alpha1.Deny} {
		if decisions[decision] == 0 {
			t.Errorf("no example expects %s", decision)
		}
	}
	if name, message, ok := policy.FailingExample(&p.Spec, gate.Read, nil); !ok {
		t.Errorf("example %q: %s", name, message)
	}
}

func TestValuesThatTheChartRefuses(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		namespace string
		values    []string
		words     string
	}{
		"no image":                                   {"airlock-system", []string{"image.ref="}, "image.ref is required: the operator's image by digest"},
		"an image by tag":                            {"airlock-system", []string{"image.ref=registry.example/operator:v1"}, "image/ref"},
		"no sandbox image":                           {"airlock-system", []string{"defaultPolicy.pythonImage="}, "defaultPolicy.pythonImage is required"},
		"no inventory":                               {"airlock-system", []string{"defaultPolicy.pythonInventory="}, "defaultPolicy.pythonInventory is required"},
		"an inventory that is no digest":             {"airlock-system", []string{"defaultPolicy.pythonInventory=latest"}, "defaultPolicy/pythonInventory"},
		"a sandbox image by tag":                     {"airlock-system", []string{"defaultPolicy.pythonImage=python:3"}, "defaultPolicy/pythonImage"},
		"sandboxes in the operator's namespace":      {"gatehouse", []string{"sandbox.namespace=gatehouse"}, "sandboxes need a namespace apart from the operator"},
		"a sandbox namespace that would be replaced": {"gatehouse", []string{"sandbox.namespace=x-airlock-system"}, "sandbox/namespace"},
		"a sandbox namespace that ends a CEL text":   {"gatehouse", []string{"sandbox.namespace=x' || true || 'x"}, "sandbox/namespace"},
		"a misspelt key":                             {"airlock-system", []string{"operator.replica=2"}, "replica"},
		"a key of another chart":                     {"airlock-system", []string{"networkPolicy.enabled=false"}, "networkPolicy"},
		"an egress wildcard":                         {"airlock-system", []string{"defaultPolicy.egress[0].host=*.example", "defaultPolicy.egress[0].port=80"}, "defaultPolicy/egress/0/host"},
		"a line break in the image":                  {"airlock-system", []string{"image.ref=a\nb" + digest}, "image/ref"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"template", "airlock", filepath.Join(root, "charts/airlock"), "--namespace", test.namespace, "--values", filepath.Join(root, "charts/airlock/ci/values.yaml")}
			for _, value := range test.values {
				args = append(args, "--set", value)
			}
			out, err := runHelm(args...)
			if err == nil || !strings.Contains(out, test.words) {
				t.Errorf("helm template: %v, want it refused with %q; it said:\n%.600s", err, test.words, out)
			}
		})
	}
}

func TestOlderClustersAreRefused(t *testing.T) {
	out, err := runHelm("template", "airlock", filepath.Join(root, "charts/airlock"), "--kube-version", "1.35.4", "--values", filepath.Join(root, "charts/airlock/ci/values.yaml"))
	if err == nil || !strings.Contains(out, ">=1.36.0-0") {
		t.Errorf("helm template for 1.35: %v, want it refused; it said:\n%.600s", err, out)
	}
}

func TestCustomResourcesAreKeptUnlessToldOtherwise(t *testing.T) {
	for setting, want := range map[string]string{"true": "keep", "false": ""} {
		crd := render(t, "airlock-system", "crds.keep="+setting)["CustomResourceDefinition//approvals.airlock.dev"]
		if got := crd.GetAnnotations()["helm.sh/resource-policy"]; got != want {
			t.Errorf("crds.keep=%s: resource policy %q, want %q", setting, got, want)
		}
	}
}
