// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math/rand/v2"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// Spec is the policy that a sequence starts with.
func Spec(namespace string) v1alpha1.ExecutionPolicySpec {
	return variant{required: 1, ruleApprovals: 1, timeout: 60, grants: &v1alpha1.GrantTerms{MaxUses: 3, TTLSeconds: 1800}}.spec(namespace)
}

func randomVariant(r *rand.Rand) variant {
	v := variant{
		required: 1 + r.Int32N(2), ruleApprovals: 1 + r.Int32N(2), timeout: 59 + r.Int32N(2),
		checker: r.IntN(4) == 0, serviceAccounts: r.IntN(4) == 0,
	}
	if r.IntN(4) != 0 {
		v.grants = &v1alpha1.GrantTerms{MaxUses: 1 + r.Int32N(3), TTLSeconds: 1800}
	}
	return v
}

func (v variant) spec(namespace string) v1alpha1.ExecutionPolicySpec {
	nobody := int32(0)
	secret := v1alpha1.SecretKey{Name: SecretName, Key: "password"}
	spec := v1alpha1.ExecutionPolicySpec{
		Runtimes: []v1alpha1.Runtime{{
			Language: v1alpha1.Python, Image: "airlock.example/python@sha256:" + strings.Repeat("1", 64), Command: []string{"/usr/bin/python3", "-I", "-B"},
			Inventory: gate.Inventory(gate.Python),
		}},
		OperationRules: v1alpha1.OperationRules{
			Allow: []v1alpha1.OperationRule{{Imports: []string{"builtins", "os"}}},
			RequireApproval: []v1alpha1.ApprovalRule{{
				OperationRule: v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/**"}}, Unresolved: []v1alpha1.OperationKind{"FileDelete"}},
				Approvals:     v.ruleApprovals, Applies: v1alpha1.AppliesAlways,
			}},
		},
		Approval:    v1alpha1.ApprovalTerms{Required: v.required, TTLSeconds: 3600, ServiceAccounts: v1alpha1.ServiceAccountsForbidden, Grants: v.grants},
		Egress:      hosts,
		Credentials: []v1alpha1.Credential{{Name: credentials[0], SecretKeyRef: secret}, {Name: credentials[1], SecretKeyRef: secret, Approvals: &nobody}},
		Limits:      v1alpha1.Limits{TimeoutSeconds: v.timeout, CPU: new(resource.MustParse("1")), Memory: new(resource.MustParse("256Mi"))},
	}
	if v.checker {
		spec.Approval.Checkers = []v1alpha1.ServiceAccountRef{{Namespace: namespace, Name: "bot"}}
	}
	if v.serviceAccounts {
		spec.Approval.ServiceAccounts = v1alpha1.ServiceAccountsAllowed
	}
	return spec
}
