// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

// minExamples is how many examples each policy of the library has at least.
const minExamples = 6

func TestPoliciesOfTheLibraryJudgeTheirExamplesAsExpected(t *testing.T) {
	for file, pol := range library(t) {
		t.Run(file, func(t *testing.T) {
			if got := len(pol.Spec.Examples); got < minExamples {
				t.Errorf("%d examples, want at least %d", got, minExamples)
			}
			if name, message, ok := policy.FailingExample(&pol.Spec, gate.Read, nil); !ok {
				t.Errorf("example %q: %s", name, message)
			}
		})
	}
}

// An example that only repeats what another decision shows proves little: each
// policy has ordinary code that runs, code that it denies, and code that an
// untrusted input drove.
func TestPoliciesOfTheLibraryShowWhatTheyAllowAndWhatTheyDeny(t *testing.T) {
	for file, pol := range library(t) {
		t.Run(file, func(t *testing.T) {
			shown := map[v1alpha1.Decision]bool{}
			deniesUntrusted := false
			for _, e := range pol.Spec.Examples {
				shown[e.Expect] = true
				deniesUntrusted = deniesUntrusted || e.Trust == v1alpha1.Untrusted && e.Expect == v1alpha1.Deny
			}
			if !shown[v1alpha1.Allow] || !shown[v1alpha1.Deny] || !deniesUntrusted {
				t.Errorf("examples show %v, and an injection that is denied: %v; want Allow, Deny and an injection", shown, deniesUntrusted)
			}
			if asks := len(pol.Spec.RequireApproval) > 0; asks != shown[v1alpha1.RequireApproval] {
				t.Errorf("requireApproval has rules: %v; an example asks: %v", asks, shown[v1alpha1.RequireApproval])
			}
		})
	}
}

func TestPoliciesOfTheLibraryGiveTheirReasons(t *testing.T) {
	for file, pol := range library(t) {
		t.Run(file, func(t *testing.T) {
			if pol.Spec.Description == "" {
				t.Error("spec.description is empty")
			}
			blocks := map[string]*v1alpha1.OperationRules{"spec": &pol.Spec.OperationRules, "spec.untrusted": pol.Spec.Untrusted}
			for at, rules := range blocks {
				if rules == nil {
					continue
				}
				for i, rule := range rules.Allow {
					checkReason(t, at+".allow", i, rule)
				}
				for i, rule := range rules.RequireApproval {
					checkReason(t, at+".requireApproval", i, rule.OperationRule)
				}
			}
		})
	}
}

func checkReason(t *testing.T, at string, i int, rule v1alpha1.OperationRule) {
	t.Helper()
	if rule.Description == "" {
		t.Errorf("%s[%d] has no description", at, i)
	}
}

func TestPoliciesOfTheLibraryNameTheLibrariesThatTheGateKnows(t *testing.T) {
	for file, pol := range library(t) {
		for _, r := range pol.Spec.Runtimes {
			if want := gate.Inventory(gate.Language(r.Language)); r.Inventory != want {
				t.Errorf("%s: the %s runtime has inventory %q, want %q", file, r.Language, r.Inventory, want)
			}
		}
	}
}

// What a rule permits by host, the network has to let through, and the other way
// round: a host in one place alone either fails at run time or is never judged.
func TestHostsOfTheLibraryStandInRulesAndInEgress(t *testing.T) {
	pol, ok := library(t)["web-research.yaml"]
	if !ok {
		t.Fatal("no web-research.yaml")
	}
	var hosts, egress []string
	for _, rule := range pol.Spec.Allow {
		hosts = append(hosts, rule.Hosts...)
	}
	for _, e := range pol.Spec.Egress {
		egress = append(egress, e.Host+":443")
		if e.Port != 443 {
			t.Errorf("%s has port %d, want 443", e.Host, e.Port)
		}
	}
	if got, want := strings.Join(egress, " "), strings.Join(hosts, " "); got != want {
		t.Errorf("egress lists %q, the rules %q", got, want)
	}
}

// library reads the ready policies by file name. Each file holds one policy that
// has the file's name and no unknown field.
func library(t *testing.T) map[string]*v1alpha1.ExecutionPolicy {
	t.Helper()
	paths, err := filepath.Glob("samples/policies/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("policies: %v, %v", paths, err)
	}
	policies := map[string]*v1alpha1.ExecutionPolicy{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var pol v1alpha1.ExecutionPolicy
		if err := yaml.UnmarshalStrict(text, &pol); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		file := filepath.Base(path)
		if pol.Kind != "ExecutionPolicy" || pol.APIVersion != v1alpha1.GroupVersion.String() || pol.Name+".yaml" != file {
			t.Errorf("%s holds %s %s %q", path, pol.APIVersion, pol.Kind, pol.Name)
		}
		policies[file] = &pol
	}
	return policies
}
