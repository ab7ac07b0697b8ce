// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// The reference policies are what the gate is measured with, and what
// `kubectl airlock check` judges by when it is given no policy. They judge code
// in every language and name no image: nothing runs under them.

// Compute permits what has no effect outside the process, and nothing else.
func Compute(dialect gate.Dialect) *v1alpha1.ExecutionPolicySpec {
	return reference(dialect, v1alpha1.OperationRule{Imports: []string{"*"}})
}

// Workspace permits files below the directories that a sandbox may write, and
// reading its inputs, as well. Known effects elsewhere, and those whose path or
// host cannot be read off the code, need an approval.
func Workspace(dialect gate.Dialect) *v1alpha1.ExecutionPolicySpec {
	own := []string{"/workspace/**", "/tmp/**"}
	spec := reference(dialect, v1alpha1.OperationRule{
		Imports: []string{"*"},
		Paths:   &v1alpha1.Paths{Read: append([]string{"/inputs/**"}, own...), Write: own, Delete: own},
	})
	spec.RequireApproval = []v1alpha1.ApprovalRule{{OperationRule: v1alpha1.OperationRule{
		Unresolved: []v1alpha1.OperationKind{"FileRead", "FileWrite", "FileDelete", "Network", "Process", "SQL", "Environment"},
		Hosts:      []string{"**"},
	}}}
	return spec
}

// Analyst permits reading every table of a database as well as computing.
func Analyst(dialect gate.Dialect) *v1alpha1.ExecutionPolicySpec {
	return reference(dialect, v1alpha1.OperationRule{
		Imports: []string{"*"},
		SQL:     []v1alpha1.SQLOperation{{Verbs: []string{"SELECT"}, Tables: []string{"*", "*.*"}}},
	})
}

// reference allows one rule, whatever drove the code.
func reference(dialect gate.Dialect, allow v1alpha1.OperationRule) *v1alpha1.ExecutionPolicySpec {
	rules := v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{allow}}
	spec := &v1alpha1.ExecutionPolicySpec{OperationRules: rules, Untrusted: &rules}
	for _, lang := range []v1alpha1.Language{v1alpha1.Python, v1alpha1.Bash, v1alpha1.JavaScript, v1alpha1.TypeScript, v1alpha1.SQL} {
		spec.Runtimes = append(spec.Runtimes, v1alpha1.Runtime{Language: lang, Inventory: gate.Inventory(gate.Python)})
	}
	spec.Runtimes[len(spec.Runtimes)-1].Dialect = v1alpha1.SQLDialect(dialect)
	return spec
}
