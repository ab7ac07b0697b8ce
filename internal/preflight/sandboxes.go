// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"strings"

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
// pod that is not "restricted".
func (c *Checker) checkNamespace(ctx context.Context) []Problem {
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
		return nil
	}
	return []Problem{problem}
}

// The only network policies of the sandbox namespace are the default-deny and
// the egress profiles that the operator makes and compares before each launch.
const (
	defaultDenyName = "airlock-default-deny"
	egressPrefix    = "airlock-egress-"
)

// checkForeignPolicies looks for network policies that are not Airlock's. Those
// that allow add up, so any of them may open what ours keep shut.
func (c *Checker) checkForeignPolicies(ctx context.Context) []Problem {
	var problems []Problem
	for _, kind := range []schema.GroupVersionKind{
		{Group: "cilium.io", Version: "v2", Kind: "CiliumNetworkPolicy"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		err := c.Reader.List(ctx, list, client.InNamespace(c.SandboxNamespace))
		if notServed(err) {
			continue // Without Cilium, the default-deny is the problem that is reported.
		}
		if err != nil {
			problems = append(problems, Problem{
				What: fmt.Sprintf("%s objects of namespace %s", kind.Kind, c.SandboxNamespace),
				Why:  fmt.Sprintf("could not be listed: %v", err),
				Fix:  "see that the operator can reach the API server and has the chart's Role there",
			})
			continue
		}
		for _, item := range list.Items {
			ours := kind.Group == "cilium.io" && (item.GetName() == defaultDenyName || strings.HasPrefix(item.GetName(), egressPrefix))
			if !ours {
				problems = append(problems, Problem{
					What: fmt.Sprintf("%s %s/%s", kind.Kind, c.SandboxNamespace, item.GetName()),
					Why:  "is not Airlock's, and network policies add up: it may open what the default-deny keeps shut",
					Fix:  "delete it",
				})
			}
		}
	}
	return problems
}
