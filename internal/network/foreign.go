// SPDX-License-Identifier: Apache-2.0

package network

import (
	"strconv"
	"strings"

	k8sconst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// EgressTargets reads the destinations back from an egress policy. EgressPolicy
// of them is the policy, if the operator made it and nobody changed it.
func EgressTargets(policy *ciliumv2.CiliumNetworkPolicy) []v1alpha1.EgressTarget {
	if policy.Spec == nil {
		return nil
	}
	var targets []v1alpha1.EgressTarget
	for _, rule := range policy.Spec.Egress {
		for _, host := range rule.ToFQDNs {
			for _, ports := range rule.ToPorts {
				for _, port := range ports.Ports {
					number, err := strconv.ParseUint(port.Port, 10, 16)
					if err != nil {
						return nil
					}
					targets = append(targets, v1alpha1.EgressTarget{Host: host.MatchName, Port: int32(number)})
				}
			}
		}
	}
	return targets
}

// Sandboxes says which labels a sandbox pod has in the eyes of network policies.
type Sandboxes struct {
	// Namespace of the sandboxes, and its labels.
	Namespace       string
	NamespaceLabels map[string]string
}

// OpensClusterwide says whether a cluster-wide policy of Cilium lets sandboxes
// reach more. Ingress does not count: no allow rule outweighs the default-deny's
// ingress rule, which is of the same tier.
func (s Sandboxes) OpensClusterwide(policy *ciliumv2.CiliumClusterwideNetworkPolicy) bool {
	rules := policy.Specs
	if policy.Spec != nil {
		rules = append(api.Rules{policy.Spec}, rules...)
	}
	for _, rule := range rules {
		if rule != nil && grantsEgress(rule.Egress) && s.selected(rule.EndpointSelector) {
			return true
		}
	}
	return false
}

// grantsEgress tells a rule that grants something from the empty rule, which only
// turns a default deny on.
func grantsEgress(rules []api.EgressRule) bool {
	for i := range rules {
		if !rules[i].DeepEqual(&api.EgressRule{}) {
			return true
		}
	}
	return false
}

// selected is true also where it cannot be known: which egress profiles there are,
// and what the cluster is called in Cilium.
func (s Sandboxes) selected(es api.EndpointSelector) bool {
	if es.LabelSelector == nil {
		return false // It is a policy for nodes.
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for key, value := range es.MatchLabels {
		if key = withoutSource(key); !unknowable(key) {
			selector.MatchLabels[key] = value
		}
	}
	for _, e := range es.MatchExpressions {
		if key := withoutSource(e.Key); !unknowable(key) {
			selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
				Key: key, Operator: metav1.LabelSelectorOperator(e.Operator), Values: e.Values,
			})
		}
	}
	return matches(selector, s.podLabels())
}

// podLabels are the labels of a sandbox pod, and those that Cilium adds.
func (s Sandboxes) podLabels() labels.Set {
	set := labels.Set{
		sandbox.LabelSandbox:               "true",
		"io.kubernetes.pod.namespace":      s.Namespace,
		k8sconst.PolicyLabelServiceAccount: sandbox.ServiceAccount,
	}
	for key, value := range s.NamespaceLabels {
		set[k8sconst.PodNamespaceMetaLabelsPrefix+key] = value
	}
	return set
}

// withoutSource takes the source off a label key in Cilium's notation; both name
// the labels that come from Kubernetes.
func withoutSource(key string) string {
	for _, source := range []string{"k8s.", "any.", "k8s:", "any:"} {
		if rest, ok := strings.CutPrefix(key, source); ok {
			return rest
		}
	}
	return key
}

func unknowable(key string) bool {
	return key == sandbox.LabelEgressProfile || key == k8sconst.PolicyLabelCluster
}

// matches is true for a selector that cannot be read.
func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err != nil || parsed.Matches(set)
}

// OpensByTier says whether a policy of the Network Policy API's tiers
// (ClusterNetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy, as JSON)
// accepts connections of sandboxes. Cilium judges the admin tier before its own
// policies: an accept there outweighs every deny of the default-deny.
func (s Sandboxes) OpensByTier(policy map[string]any) bool {
	spec, _ := policy["spec"].(map[string]any)
	return (accepts(spec["egress"]) || accepts(spec["ingress"])) && s.isSubject(spec["subject"])
}

// accepts is true for every action that is not known to grant nothing.
func accepts(rules any) bool {
	list, ok := rules.([]any)
	for _, item := range list {
		rule, _ := item.(map[string]any)
		if action, _ := rule["action"].(string); action != "Deny" && action != "Pass" {
			return true
		}
	}
	return rules != nil && !ok
}

// isSubject looks at the namespaces that a subject selects, and takes all of
// their pods for selected.
func (s Sandboxes) isSubject(subject any) bool {
	fields, _ := subject.(map[string]any)
	selector := fields["namespaces"]
	if pods, ok := fields["pods"].(map[string]any); ok {
		selector = pods["namespaceSelector"]
	}
	encoded, ok := selector.(map[string]any)
	if !ok {
		return true
	}
	return matches(selectorOf(encoded), s.NamespaceLabels)
}

// selectorOf decodes a label selector; one that cannot be decoded selects everything.
func selectorOf(encoded map[string]any) *metav1.LabelSelector {
	selector := &metav1.LabelSelector{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(encoded, selector); err != nil {
		return &metav1.LabelSelector{}
	}
	return selector
}
