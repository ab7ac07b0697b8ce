// SPDX-License-Identifier: Apache-2.0

package network

import (
	"strconv"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// DefaultDenyName is the name of the standing policy of a sandbox namespace.
const DefaultDenyName = "airlock-default-deny"

// EgressPolicyName returns the name of the policy of a profile.
func EgressPolicyName(profile string) string { return "airlock-egress-" + profile }

// metadata are the addresses at which clouds hand out the node's or the pod's
// credentials to whoever asks: all of them; AWS; AWS's agents for containers and
// pods; Alibaba; Azure's host; Oracle; Google by IPv6.
var metadata = api.CIDRSlice{
	"169.254.169.254/32", "fd00:ec2::254/128",
	"169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::23/128",
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd20:ce::254/128",
}

// DefaultDeny returns the standing policy of a sandbox namespace. It selects
// every pod of the namespace and not only those labelled as sandboxes: nothing
// else belongs there, and a pod that loses or never had the label gets no
// network either.
//
// Cilium adds the allow rules of all policies up, but no allow rule outweighs a
// deny rule. So what no sandbox may ever have is denied by rule: connections
// from anywhere, the metadata services, the API server, the nodes, and QUIC, in
// which a proxy could not tell one host from another. Cluster DNS has to be pods;
// a resolver on the node's own address is not reachable.
func DefaultDeny(namespace string) *ciliumv2.CiliumNetworkPolicy {
	rule := api.NewRule().
		WithEndpointSelector(selector(nil)).
		WithEnableDefaultDeny(true, true).
		WithIngressDenyRules([]api.IngressDenyRule{{
			IngressCommonRule: api.IngressCommonRule{FromEntities: api.EntitySlice{api.EntityAll}},
		}}).
		WithEgressDenyRules([]api.EgressDenyRule{
			{EgressCommonRule: api.EgressCommonRule{ToCIDR: metadata}},
			{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{
				api.EntityKubeAPIServer, api.EntityHost, api.EntityRemoteNode,
			}}},
			{
				EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{api.EntityAll}},
				ToPorts:          api.PortDenyRules{{Ports: []api.PortProtocol{{Port: "443", Protocol: api.ProtoUDP}}}},
			},
		})
	rule.Description = "Sandboxes reach nothing and are reached by nothing, unless an egress policy of Airlock grants it."
	return inNamespace(namespace, DefaultDenyName, rule)
}

// EgressPolicy returns the policy of a profile, or nil for none: lookups of
// exactly the listed names at the cluster's DNS, and TCP to the addresses that
// these lookups gave, at the listed port of each name.
func EgressPolicy(namespace string, egress []v1alpha1.EgressTarget) *ciliumv2.CiliumNetworkPolicy {
	if len(egress) == 0 {
		return nil
	}
	profile := Profile(egress)
	targets := normalized(egress)
	rules := []api.EgressRule{lookups(targets)}
	for start := 0; start < len(targets); {
		end := start
		for end < len(targets) && targets[end].Port == targets[start].Port {
			end++
		}
		rules = append(rules, connections(targets[start:end]))
		start = end
	}
	rule := api.NewRule().
		WithEndpointSelector(selector(map[string]string{
			k8s + sandbox.LabelSandbox:       "true",
			k8s + sandbox.LabelEgressProfile: profile,
		})).
		WithEnableDefaultDeny(true, true).
		WithEgressRules(rules)
	rule.Description = "Sandboxes of this egress profile reach the hosts below and nothing else."
	return inNamespace(namespace, EgressPolicyName(profile), rule)
}

// lookups permits the listed names and no others: any other name that is asked
// could carry data out.
func lookups(targets []v1alpha1.EgressTarget) api.EgressRule {
	names := make(api.PortRulesDNS, 0, len(targets))
	seen := map[string]bool{}
	for _, t := range targets {
		if !seen[t.Host] {
			names = append(names, api.PortRuleDNS{MatchName: t.Host})
		}
		seen[t.Host] = true
	}
	return api.EgressRule{
		EgressCommonRule: api.EgressCommonRule{ToEndpoints: []api.EndpointSelector{selector(map[string]string{
			k8s + "io.kubernetes.pod.namespace": "kube-system",
			k8s + "k8s-app":                     "kube-dns",
		})}},
		ToPorts: api.PortRules{{
			Ports: []api.PortProtocol{{Port: "53", Protocol: api.ProtoUDP}, {Port: "53", Protocol: api.ProtoTCP}},
			Rules: &api.L7Rules{DNS: names},
		}},
	}
}

// connections permits one port of the given targets, which all have it.
func connections(targets []v1alpha1.EgressTarget) api.EgressRule {
	hosts := make(api.FQDNSelectorSlice, 0, len(targets))
	for _, t := range targets {
		hosts = append(hosts, api.FQDNSelector{MatchName: t.Host})
	}
	return api.EgressRule{
		ToFQDNs: hosts,
		ToPorts: api.PortRules{{
			Ports: []api.PortProtocol{{Port: strconv.Itoa(int(targets[0].Port)), Protocol: api.ProtoTCP}},
		}},
	}
}

// k8s marks labels that come from Kubernetes. Without it Cilium takes a label of
// any source.
const k8s = "k8s:"

func selector(labels map[string]string) api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slimv1.LabelSelector{MatchLabels: labels}}
}

func inNamespace(namespace, name string, rule *api.Rule) *ciliumv2.CiliumNetworkPolicy {
	return &ciliumv2.CiliumNetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CNPKindDefinition},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      name,
			Labels:    map[string]string{"app.kubernetes.io/managed-by": "airlock"},
		},
		Spec: rule,
	}
}
