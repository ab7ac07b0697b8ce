// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The labels of Pod Security admission,
// https://kubernetes.io/docs/concepts/security/pod-security-admission/.
const (
	enforceLabel        = "pod-security.kubernetes.io/enforce"
	enforceVersionLabel = "pod-security.kubernetes.io/enforce-version"
)

// checkNamespace wants a sandbox namespace in which the API server refuses every
// pod that is not "restricted", and returns its labels.
func (c *Checker) checkNamespace(ctx context.Context) ([]Problem, map[string]string) {
	problem := Problem{What: "Namespace " + c.SandboxNamespace, Fix: restore}
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	err := c.Reader.Get(ctx, client.ObjectKey{Name: c.SandboxNamespace}, have)
	labels := have.GetLabels()
	level, version := labels[enforceLabel], labels[enforceVersionLabel]
	switch {
	case apierrors.IsNotFound(err):
		problem.Why = "is missing"
	case err != nil:
		problem.Why = fmt.Sprintf("could not be read: %v", err)
		problem.Fix = "see that the operator can reach the API server and has the chart's ClusterRole"
	case have.GetDeletionTimestamp() != nil:
		problem.Why = "is being deleted"
		problem.Fix = "wait until it is gone, then " + restore
	case level != "restricted":
		problem.Why = fmt.Sprintf("does not enforce Pod Security: label %s is %q, not \"restricted\"", enforceLabel, level)
	case version != "" && version != "latest":
		// Older versions of "restricted" permit more.
		problem.Why = fmt.Sprintf("enforces an old Pod Security version: label %s is %q, not \"latest\"", enforceVersionLabel, version)
	default:
		return nil, labels
	}
	return []Problem{problem}, labels
}
