// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// testInventory is the inventory of testPolicy's Python image.
const testInventory = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// testPolicy is a small data-analysis policy with rules for both trusts.
func testPolicy(edit ...func(*v1alpha1.ExecutionPolicySpec)) *v1alpha1.ExecutionPolicySpec {
	spec := &v1alpha1.ExecutionPolicySpec{
		Runtimes: []v1alpha1.Runtime{{
			Language:  v1alpha1.Python,
			Image:     "registry.example/python@sha256:" + strings.Repeat("a", 64),
			Command:   []string{"/usr/bin/python3", "-I", "-B"},
			Inventory: testInventory,
		}},
		OperationRules: v1alpha1.OperationRules{
			Allow: []v1alpha1.OperationRule{{
				Imports: []string{"pandas", "os"},
				Paths: &v1alpha1.Paths{
					Read:   []string{"/inputs/**", "/workspace/**"},
					Write:  []string{"/workspace/**"},
					Delete: []string{"/workspace/**"},
				},
			}},
			RequireApproval: []v1alpha1.ApprovalRule{{OperationRule: v1alpha1.OperationRule{
				Description: "Deleting data",
				Paths:       &v1alpha1.Paths{Delete: []string{"/data/**"}},
			}}},
		},
		Untrusted: &v1alpha1.OperationRules{
			Allow: []v1alpha1.OperationRule{{
				Imports: []string{"pandas"},
				Paths:   &v1alpha1.Paths{Read: []string{"/inputs/**"}},
			}},
		},
		Limits: v1alpha1.Limits{TimeoutSeconds: 60, CPU: quantity("1"), Memory: quantity("1Gi")},
	}
	for _, e := range edit {
		e(spec)
	}
	return spec
}

// allowing is a policy with one rule under allow and no others.
func allowing(rule v1alpha1.OperationRule) *v1alpha1.ExecutionPolicySpec {
	return testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.OperationRules = v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{rule}}
	})
}

// asking is a policy with one rule under requireApproval and no others.
func asking(rule v1alpha1.OperationRule) *v1alpha1.ExecutionPolicySpec {
	return testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.OperationRules = v1alpha1.OperationRules{RequireApproval: asks(rule)}
	})
}

// asks is a list of one rule under requireApproval, with the schema's defaults.
func asks(rule v1alpha1.OperationRule) []v1alpha1.ApprovalRule {
	return []v1alpha1.ApprovalRule{{OperationRule: rule, Approvals: 1, Applies: v1alpha1.AppliesAlways}}
}

func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}

// complete is a report of a whole Python source.
func complete(ops ...gate.Operation) *gate.Report {
	return &gate.Report{Language: gate.Python, SourceSHA256: strings.Repeat("0", 64), Parser: "test", Operations: ops}
}

// op is a call at line 3.
func op(kind gate.Kind, name string, args gate.Args) gate.Operation {
	return gate.Operation{
		Language: gate.Python, Kind: kind, Form: gate.FormCall, Name: name, Args: args,
		Position: gate.Position{Line: 3, Column: 5, EndLine: 3, EndColumn: 20},
	}
}

func lit(s string) *gate.Fact { return &gate.Fact{Known: gate.FactLiteral, Value: s} }

func pathOp(kind gate.Kind, p string) gate.Operation {
	return op(kind, "some.function", gate.Args{Path: lit(p)})
}

func hostOp(h string) gate.Operation {
	return op(gate.KindNetwork, "urllib.request.urlopen", gate.Args{Host: lit(h)})
}

func argv(words ...string) gate.Operation {
	facts := make([]gate.Fact, 0, len(words))
	for _, w := range words {
		facts = append(facts, *lit(w))
	}
	return op(gate.KindProcess, "subprocess.run", gate.Args{Argv: facts})
}
