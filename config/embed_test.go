// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

var update = flag.Bool("update", false, "write the revision of the Approval policy into its file")

func TestEveryPolicyIsFollowedByABindingThatDenies(t *testing.T) {
	objects, err := Admission(OperatorNamespace, SandboxNamespace, ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := 0; i+1 < len(objects); i += 2 {
		policy, binding := objects[i], objects[i+1]
		names = append(names, policy.GetKind()+"/"+policy.GetName())
		if want := policy.GetKind() + "Binding"; binding.GetKind() != want {
			t.Errorf("after %s comes a %s, want a %s", policy.GetName(), binding.GetKind(), want)
		}
		if got := text(t, binding, "spec", "policyName"); got != policy.GetName() {
			t.Errorf("binding of %s is for policy %q", policy.GetName(), got)
		}
		if policy.GetKind() == "ValidatingAdmissionPolicy" {
			actions, _, err := unstructured.NestedStringSlice(binding.Object, "spec", "validationActions")
			if err != nil || !slices.Contains(actions, "Deny") {
				t.Errorf("binding %s has actions %v (%v), want Deny among them", binding.GetName(), actions, err)
			}
		}
	}
	want := []string{
		"MutatingAdmissionPolicy/airlock-approval-decide",
		"ValidatingAdmissionPolicy/airlock-approval",
		"ValidatingAdmissionPolicy/airlock-connect",
		"ValidatingAdmissionPolicy/airlock-grant",
		"ValidatingAdmissionPolicy/airlock-guard",
		"ValidatingAdmissionPolicy/airlock-pods",
		"ValidatingAdmissionPolicy/airlock-pod-shape",
		"ValidatingAdmissionPolicy/airlock-request",
		"ValidatingAdmissionPolicy/airlock-sandbox-objects",
		"ValidatingAdmissionPolicy/airlock-status",
		"MutatingAdmissionPolicy/airlock-stamp-requester",
	}
	slices.Sort(names)
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

// What the API server would default has to be written out, or the live object
// differs from ours; and a policy that is ignored on failure protects nothing.
func TestPoliciesFailClosedAndLeaveNothingToDefaults(t *testing.T) {
	objects, err := Admission(OperatorNamespace, SandboxNamespace, ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if strings.HasSuffix(object.GetKind(), "Binding") {
			continue
		}
		t.Run(object.GetKind()+"/"+object.GetName(), func(t *testing.T) {
			if got := text(t, object, "spec", "failurePolicy"); got != "Fail" {
				t.Errorf("failurePolicy is %q, want Fail", got)
			}
			var typed struct {
				Spec struct {
					MatchConstraints admissionv1.MatchResources `json:"matchConstraints"`
				} `json:"spec"`
			}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &typed); err != nil {
				t.Fatal(err)
			}
			match := typed.Spec.MatchConstraints
			if match.MatchPolicy == nil || match.NamespaceSelector == nil || match.ObjectSelector == nil {
				t.Errorf("matchConstraints leave matchPolicy, namespaceSelector or objectSelector to a default: %+v", match)
			}
			for i, rule := range match.ResourceRules {
				if rule.Scope == nil {
					t.Errorf("resourceRules[%d] leaves scope to a default", i)
				}
			}
		})
	}
}

func TestRefusalsAreForbiddenAndSayWhy(t *testing.T) {
	objects, err := Admission(OperatorNamespace, SandboxNamespace, ServiceAccount)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GetKind() != "ValidatingAdmissionPolicy" {
			continue
		}
		validations, found, err := unstructured.NestedSlice(object.Object, "spec", "validations")
		if err != nil || !found {
			t.Fatalf("%s: validations: found %v, %v", object.GetName(), found, err)
		}
		for i, item := range validations {
			validation := item.(map[string]any)
			if validation["reason"] != "Forbidden" {
				t.Errorf("%s: validations[%d] has reason %v, want Forbidden", object.GetName(), i, validation["reason"])
			}
			if (validation["message"] == nil) == (validation["messageExpression"] == nil) {
				t.Errorf("%s: validations[%d] needs either message or messageExpression", object.GetName(), i)
			}
		}
	}
}

func TestNamesAreReplacedEverywhere(t *testing.T) {
	objects, err := Admission("ops", "cells", "warden")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		json, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{OperatorNamespace, SandboxNamespace, "system:serviceaccount:ops:airlock-operator"} {
			if strings.Contains(string(json), name) {
				t.Errorf("%s %s still holds %q", object.GetKind(), object.GetName(), name)
			}
		}
	}
}

func TestNamesCannotInjectCEL(t *testing.T) {
	for name, arguments := range map[string][3]string{
		"a quote in the operator namespace":          {"x' || true || 'x", "cells", "warden"},
		"a quote in the sandbox namespace":           {"ops", "x' || true || 'x", "warden"},
		"a quote in the service account":             {"ops", "cells", "x' || true || 'x"},
		"an empty service account":                   {"ops", "cells", ""},
		"one namespace for operator and sandboxes":   {"same", "same", "warden"},
		"an upper-case name, which Kubernetes lacks": {"Ops", "cells", "warden"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Admission(arguments[0], arguments[1], arguments[2]); err == nil {
				t.Errorf("Admission(%q) succeeded, want an error", arguments)
			}
		})
	}
}

// The canary's message identifies the policy that the API server has loaded, so
// it has to change with it. `go test ./config -update` writes it.
func TestTheCanaryCarriesTheRevisionOfTheApprovalPolicy(t *testing.T) {
	const path = "admission/approval.yaml"
	revision := regexp.MustCompile(`airlock-canary revision [0-9a-f]{12}`)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := revision.FindAll(file, -1); len(found) != 1 {
		t.Fatalf("found %d revisions in %s, want 1", len(found), path)
	}
	sum := sha256.Sum256(revision.ReplaceAll(file, nil))
	want := "airlock-canary revision " + hex.EncodeToString(sum[:6])
	if *update {
		if err := os.WriteFile(path, revision.ReplaceAll(file, []byte(want)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := string(revision.Find(file)); got != want {
		t.Errorf("%s says %q, want %q: run go test ./config -update", path, got, want)
	}
}

func TestCRDsAreThoseOfTheFourKinds(t *testing.T) {
	objects, err := CRDs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, object := range objects {
		got = append(got, object.GetName())
	}
	want := []string{"approvals.airlock.dev", "executiongrants.airlock.dev", "executionpolicies.airlock.dev", "executionrequests.airlock.dev"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CRDs (-want +got):\n%s", diff)
	}
}

func text(t *testing.T, object *unstructured.Unstructured, path ...string) string {
	t.Helper()
	value, _, err := unstructured.NestedString(object.Object, path...)
	if err != nil {
		t.Fatalf("%s: %v", object.GetName(), err)
	}
	return value
}
