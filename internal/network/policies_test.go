// SPDX-License-Identifier: Apache-2.0

package network

import (
	"flag"
	"log/slog"
	"os"
	"strings"
	"testing"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

const namespace = "airlock-sandboxes"

func targets(list ...v1alpha1.EgressTarget) []v1alpha1.EgressTarget { return list }

func target(host string, port int32) v1alpha1.EgressTarget {
	return v1alpha1.EgressTarget{Host: host, Port: port}
}

var (
	oneHost  = targets(target("api.partner.example", 443))
	manyHost = targets(target("db.partner.example", 5432), target("api.partner.example", 443), target("api.partner.example", 80), target("files.partner.example", 443))
)

func TestGolden(t *testing.T) {
	for name, policy := range map[string]*ciliumv2.CiliumNetworkPolicy{
		"default-deny": DefaultDeny(namespace),
		"egress-one":   EgressPolicy(namespace, oneHost),
		"egress-many":  EgressPolicy(namespace, manyHost),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := yaml.Marshal(policy)
			if err != nil {
				t.Fatal(err)
			}
			file := "testdata/" + name + ".yaml"
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// parse reads a policy as the Cilium agent does: from JSON, checked by Sanitize.
func parse(t *testing.T, policy *ciliumv2.CiliumNetworkPolicy) api.Rules {
	t.Helper()
	encoded, err := yaml.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	var read ciliumv2.CiliumNetworkPolicy
	if err := yaml.UnmarshalStrict(encoded, &read); err != nil {
		t.Fatal(err)
	}
	rules, err := read.Parse(slog.New(slog.DiscardHandler), "")
	if err != nil {
		t.Fatalf("Cilium refuses the policy: %v", err)
	}
	return rules
}

func TestCiliumAcceptsThePolicies(t *testing.T) {
	for name, policy := range map[string]*ciliumv2.CiliumNetworkPolicy{
		"default deny": DefaultDeny(namespace),
		"one host":     EgressPolicy(namespace, oneHost),
		"many hosts":   EgressPolicy(namespace, manyHost),
	} {
		t.Run(name, func(t *testing.T) {
			rules := parse(t, policy)
			if len(rules) != 1 {
				t.Fatalf("%d rules, want 1", len(rules))
			}
			deny := rules[0].EnableDefaultDeny
			if deny.Ingress == nil || !*deny.Ingress || deny.Egress == nil || !*deny.Egress {
				t.Error("what the policy does not name is not denied")
			}
		})
	}
}

func TestNoEgressHasNoPolicy(t *testing.T) {
	for _, egress := range [][]v1alpha1.EgressTarget{nil, {}} {
		if got := EgressPolicy(namespace, egress); got != nil {
			t.Errorf("policy %s, want none", got.Name)
		}
		if got := Profile(egress); got != ProfileNone {
			t.Errorf("profile %q, want %q", got, ProfileNone)
		}
	}
}

func TestProfile(t *testing.T) {
	want := Profile(manyHost)
	tests := map[string]struct {
		egress []v1alpha1.EgressTarget
		same   bool
	}{
		"another order":     {targets(manyHost[3], manyHost[1], manyHost[0], manyHost[2]), true},
		"a repetition":      {append(targets(manyHost[0]), manyHost...), true},
		"one host less":     {manyHost[1:], false},
		"another port":      {append(targets(target("db.partner.example", 5433)), manyHost[1:]...), false},
		"ports exchanged":   {targets(target("db.partner.example", 443), target("api.partner.example", 5432), manyHost[2], manyHost[3]), false},
		"another host":      {append(targets(target("db2.partner.example", 5432)), manyHost[1:]...), false},
		"a name cut in two": {targets(target("db.partner.example:5432\napi.partner.example", 443), manyHost[2], manyHost[3]), false},
		"no egress":         {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Profile(tt.egress)
			if (got == want) != tt.same {
				t.Errorf("profile %s, of the base %s; same should be %v", got, want, tt.same)
			}
			if errs := validation.IsValidLabelValue(got); len(errs) > 0 {
				t.Errorf("profile %q is no label value: %v", got, errs)
			}
		})
	}
	if errs := validation.IsDNS1123Subdomain(EgressPolicyName(want)); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestProfileLeavesTheCallersListAlone(t *testing.T) {
	list := targets(target("b.example", 1), target("a.example", 1))
	Profile(list)
	EgressPolicy(namespace, list)
	if list[0].Host != "b.example" {
		t.Error("the caller's list was sorted in place")
	}
}

// Every pod of the namespace is selected: taking a label away frees nothing.
func TestRemovingALabelDoesNotEscapeTheDefaultDeny(t *testing.T) {
	rule := parse(t, DefaultDeny(namespace))[0]
	for key := range rule.EndpointSelector.MatchLabels {
		if !strings.HasSuffix(key, "io.kubernetes.pod.namespace") {
			t.Errorf("the default deny selects by %s", key)
		}
	}
	if len(rule.EndpointSelector.MatchExpressions) > 0 || len(rule.Ingress) > 0 || len(rule.Egress) > 0 {
		t.Error("the default deny selects by expression or allows something")
	}
}

// An egress policy must only reach pods that Airlock labelled, with a label that
// comes from Kubernetes.
func TestAnEgressPolicySelectsItsProfileOnly(t *testing.T) {
	got := parse(t, EgressPolicy(namespace, oneHost))[0].EndpointSelector.MatchLabels
	want := map[string]string{
		"k8s:airlock.dev/egress-profile":  Profile(oneHost),
		"k8s:airlock.dev/sandbox":         "true",
		"k8s:io.kubernetes.pod.namespace": namespace,
	}
	if diff := cmp.Diff(want, map[string]string(got)); diff != "" {
		t.Error(diff)
	}
}

// DNS is a channel out of the sandbox: only the listed names may be asked, of
// the cluster's resolver.
func TestOnlyListedNamesAreLookedUpAndReached(t *testing.T) {
	rule := parse(t, EgressPolicy(namespace, manyHost))[0]
	listed := map[string]bool{"api.partner.example": true, "db.partner.example": true, "files.partner.example": true}
	looked, reached := map[string]bool{}, map[string]bool{}
	for _, egress := range rule.Egress {
		if egress.ToEntities != nil || egress.ToCIDR != nil || egress.ToCIDRSet != nil || egress.ToServices != nil || egress.ToNodes != nil || egress.ICMPs != nil {
			t.Errorf("a rule has destinations that no request can name: %+v", egress)
		}
		if (egress.ToEndpoints == nil) == (egress.ToFQDNs == nil) || len(egress.ToPorts) != 1 {
			t.Errorf("a rule is neither for DNS nor for hosts: %+v", egress)
		}
		for _, port := range egress.ToPorts {
			if len(port.Ports) == 0 {
				t.Error("a rule has no port, so it permits all of them")
			}
			if egress.ToEndpoints != nil && port.Rules == nil {
				t.Error("any name may be asked")
			}
			if port.Rules == nil {
				continue
			}
			for _, name := range port.Rules.DNS {
				looked[name.MatchName] = true
				if name.MatchPattern != "" {
					t.Errorf("a pattern may be asked: %s", name.MatchPattern)
				}
			}
		}
		for _, name := range egress.ToFQDNs {
			reached[strings.TrimSuffix(name.MatchName, ".")] = true
			if name.MatchPattern != "" {
				t.Errorf("a pattern may be reached: %s", name.MatchPattern)
			}
		}
	}
	trimmed := map[string]bool{}
	for name := range looked {
		trimmed[strings.TrimSuffix(name, ".")] = true
	}
	if diff := cmp.Diff(listed, trimmed); diff != "" {
		t.Errorf("names asked: %s", diff)
	}
	if diff := cmp.Diff(listed, reached); diff != "" {
		t.Errorf("names reached: %s", diff)
	}
}

// Two hosts with two ports must not become four destinations.
func TestAPortOfOneHostIsNotOpenOnAnother(t *testing.T) {
	rule := parse(t, EgressPolicy(namespace, manyHost))[0]
	got := map[string]bool{}
	for _, egress := range rule.Egress {
		for _, host := range egress.ToFQDNs {
			for _, port := range egress.ToPorts[0].Ports {
				got[strings.TrimSuffix(host.MatchName, ".")+" "+port.Port+" "+string(port.Protocol)] = true
			}
		}
	}
	want := map[string]bool{
		"api.partner.example 80 TCP": true, "api.partner.example 443 TCP": true,
		"files.partner.example 443 TCP": true, "db.partner.example 5432 TCP": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
