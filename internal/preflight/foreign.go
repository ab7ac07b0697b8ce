// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"strings"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/internal/difference"
	"github.com/airlock-dev/airlock/internal/network"
)

const (
	ciliumGroup = "cilium.io"
	tierGroup   = "policy.networking.k8s.io"
)

// foreignKinds are the network policies that can select a sandbox pod. What
// allows adds up, so each of them may open what ours keep shut.
var foreignKinds = []schema.GroupVersionKind{
	{Group: ciliumGroup, Version: "v2", Kind: "CiliumNetworkPolicy"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: ciliumGroup, Version: "v2", Kind: "CiliumClusterwideNetworkPolicy"},
	{Group: tierGroup, Version: "v1alpha2", Kind: "ClusterNetworkPolicy"},
	{Group: tierGroup, Version: "v1alpha1", Kind: "AdminNetworkPolicy"},
	{Group: tierGroup, Version: "v1alpha1", Kind: "BaselineAdminNetworkPolicy"},
}

// checkForeignPolicies looks for network policies that are not Airlock's and may
// let sandboxes reach more than they were granted.
func (c *Checker) checkForeignPolicies(ctx context.Context, namespaceLabels map[string]string) []Problem {
	sandboxes := network.Sandboxes{Namespace: c.SandboxNamespace, NamespaceLabels: namespaceLabels}
	var problems []Problem
	for _, kind := range foreignKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		// The cluster-wide kinds are in no namespace, and this is ignored for them.
		err := c.Reader.List(ctx, list, client.InNamespace(namespaceOf(kind, c.SandboxNamespace)))
		if notServed(err) {
			continue // Without Cilium, the default-deny is the problem that is reported.
		}
		if err != nil {
			problems = append(problems, Problem{
				What: fmt.Sprintf("%s objects", kind.Kind),
				Why:  fmt.Sprintf("could not be listed: %v", err),
				Fix:  "see that the operator can reach the API server and has the chart's roles",
			})
			continue
		}
		for i := range list.Items {
			problems = append(problems, judgePolicy(&list.Items[i], sandboxes)...)
		}
	}
	return problems
}

func namespaceOf(kind schema.GroupVersionKind, sandboxes string) string {
	if kind.Kind == "CiliumNetworkPolicy" || kind.Kind == "NetworkPolicy" {
		return sandboxes
	}
	return ""
}

// judgePolicy says why a policy must not be there, nothing where it may.
func judgePolicy(policy *unstructured.Unstructured, sandboxes network.Sandboxes) []Problem {
	problem := Problem{
		What: describe(policy),
		Why:  "is not Airlock's, and network policies add up: it may open what the default-deny keeps shut",
		Fix:  "delete it",
	}
	switch policy.GetKind() {
	case "CiliumNetworkPolicy":
		if policy.GetName() == network.DefaultDenyName || isEgressPolicy(policy) {
			return nil
		}
	case "NetworkPolicy":
	case "CiliumClusterwideNetworkPolicy":
		clusterwide := &ciliumv2.CiliumClusterwideNetworkPolicy{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(policy.Object, clusterwide); err == nil && !sandboxes.OpensClusterwide(clusterwide) {
			return nil
		}
		problem.Why = "selects sandboxes too, and lets them reach what it allows"
		problem.Fix = exclude(sandboxes.Namespace)
	default:
		if !sandboxes.OpensByTier(policy.Object) {
			return nil
		}
		problem.Why = "selects sandboxes too, and what it accepts outweighs the default-deny"
		problem.Fix = exclude(sandboxes.Namespace)
	}
	return []Problem{problem}
}

func exclude(namespace string) string {
	return "exclude namespace " + namespace + " in its selector"
}

// isEgressPolicy says whether a policy is exactly what the operator makes for the
// destinations in it: a name alone proves nothing.
func isEgressPolicy(have *unstructured.Unstructured) bool {
	typed := &ciliumv2.CiliumNetworkPolicy{}
	if !strings.HasPrefix(have.GetName(), network.EgressPolicyName("")) ||
		runtime.DefaultUnstructuredConverter.FromUnstructured(have.Object, typed) != nil {
		return false
	}
	made := network.EgressPolicy(have.GetNamespace(), network.EgressTargets(typed))
	if made == nil || made.Name != have.GetName() {
		return false
	}
	want, err := toUnstructured(made)
	return err == nil && have.Object["specs"] == nil && difference.Path(want.Object["spec"], have.Object["spec"], "spec") == ""
}
