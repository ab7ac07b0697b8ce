// SPDX-License-Identifier: Apache-2.0

package network

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/airlock-dev/airlock/internal/sandbox"
)

// datapath is Cilium's own policy repository, with the identities that it would
// give to a sandbox and to what a sandbox may try to reach.
type datapath struct {
	repository *policy.Repository
	manager    identitymanager.IDManager
	peers      map[string]*identity.Identity
}

var logger = slog.New(slog.DiscardHandler)

// podOf is the labels of a pod as Cilium sees it.
func podOf(namespace string, more ...string) []string {
	return append([]string{"k8s:io.kubernetes.pod.namespace=" + namespace}, more...)
}

func newDatapath(t *testing.T, policies ...*ciliumv2.CiliumNetworkPolicy) *datapath {
	t.Helper()
	manager := identitymanager.NewIDManager(logger)
	d := &datapath{manager: manager, peers: map[string]*identity.Identity{}, repository: policy.NewPolicyRepository(logger, nil, nil,
		envoypolicy.NewEnvoyL7RulesTranslator(logger, certificatemanager.NewMockSecretManagerInline()), manager, testpolicy.NewPolicyMetricsNoop())}
	sandboxLabels := func(profile string) []string {
		return podOf(namespace, "k8s:"+sandbox.LabelSandbox+"=true", "k8s:"+sandbox.LabelEgressProfile+"="+profile)
	}
	added := identity.IdentityMap{}
	number := identity.NumericIdentity(20000)
	for name, list := range map[string][]string{
		"sandbox":         sandboxLabels(Profile(oneHost)),
		"another sandbox": sandboxLabels(Profile(manyHost)),
		"closed sandbox":  sandboxLabels(ProfileNone),
		"unlabelled pod":  podOf(namespace),
		"pod elsewhere":   podOf("shop", "k8s:app=web"),
		"pretender":       podOf("shop", "k8s:"+sandbox.LabelSandbox+"=true", "k8s:"+sandbox.LabelEgressProfile+"="+Profile(oneHost)),
		"dns":             podOf("kube-system", "k8s:k8s-app=kube-dns"),
		"another DNS":     podOf("shop", "k8s:k8s-app=kube-dns"),
		"node":            {"reserved:host"},
		"other node":      {"reserved:remote-node"},
		"API server":      {"reserved:kube-apiserver", "reserved:host"},
		"the Internet":    {"reserved:world", "reserved:world-ipv4", "cidr:203.0.113.9/32"},
		"api.partner":     {"reserved:world", "reserved:world-ipv4", "fqdn:api.partner.example", "cidr:198.51.100.10/32"},
		"db.partner":      {"reserved:world", "reserved:world-ipv4", "fqdn:db.partner.example", "cidr:198.51.100.11/32"},
		"metadata":        {"reserved:world", "reserved:world-ipv4", "cidr:169.254.169.254/32"},
		// A name that was allowed and that answers with the address of a metadata service (DNS rebinding).
		"rebound": {"reserved:world", "reserved:world-ipv4", "fqdn:api.partner.example", "cidr:169.254.169.254/32"},
	} {
		number++
		d.peers[name] = identity.NewIdentityFromLabelArray(number, labels.NewLabelsFromModel(list).LabelArray())
		added[number] = d.peers[name].LabelArray
	}
	var wg sync.WaitGroup
	d.repository.GetSelectorCache().UpdateIdentities(added, nil, &wg)
	d.repository.GetSubjectSelectorCache().UpdateIdentities(added, nil, &wg)
	wg.Wait()
	for _, p := range policies {
		d.repository.MustAddList(parse(t, p))
	}
	return d
}

// passes says whether Cilium lets a connection from one to the other pass.
func (d *datapath) passes(t *testing.T, from, to string, port uint16, protocol u8proto.U8proto) bool {
	t.Helper()
	if d.peers[from] == nil || d.peers[to] == nil {
		t.Fatalf("unknown: %s or %s", from, to)
	}
	verdict, _, _, err := policy.LookupFlow(logger, d.repository, d.manager, types.Flow{
		From: d.peers[from], To: d.peers[to], Dport: port, Proto: protocol,
	})
	if err != nil {
		t.Fatal(err)
	}
	return verdict.Egress == types.DecisionAllowed && verdict.Ingress == types.DecisionAllowed
}

func ours() []*ciliumv2.CiliumNetworkPolicy {
	return []*ciliumv2.CiliumNetworkPolicy{DefaultDeny(namespace), EgressPolicy(namespace, oneHost), EgressPolicy(namespace, manyHost)}
}

type flow struct {
	from, to string
	port     uint16
	protocol u8proto.U8proto
}

func TestASandboxReachesWhatItWasGrantedAndNothingElse(t *testing.T) {
	d := newDatapath(t, ours()...)
	for name, tt := range map[string]struct {
		flow
		want bool
	}{
		"a granted host at its port":             {flow{"sandbox", "api.partner", 443, u8proto.TCP}, true},
		"the cluster's DNS":                      {flow{"sandbox", "dns", 53, u8proto.UDP}, true},
		"another port of the host":               {flow{"sandbox", "api.partner", 80, u8proto.TCP}, false},
		"a host of another profile":              {flow{"sandbox", "db.partner", 5432, u8proto.TCP}, false},
		"the other profile's host":               {flow{"another sandbox", "db.partner", 5432, u8proto.TCP}, true},
		"one host at the other's port":           {flow{"another sandbox", "db.partner", 443, u8proto.TCP}, false},
		"QUIC to a granted host":                 {flow{"sandbox", "api.partner", 443, u8proto.UDP}, false},
		"an address without a name":              {flow{"sandbox", "the Internet", 443, u8proto.TCP}, false},
		"a resolver on the Internet":             {flow{"sandbox", "the Internet", 53, u8proto.UDP}, false},
		"a resolver of somebody else's":          {flow{"sandbox", "another DNS", 53, u8proto.UDP}, false},
		"another port of the DNS":                {flow{"sandbox", "dns", 9153, u8proto.TCP}, false},
		"the metadata service":                   {flow{"sandbox", "metadata", 80, u8proto.TCP}, false},
		"the metadata service by a granted name": {flow{"sandbox", "rebound", 443, u8proto.TCP}, false},
		"the API server":                         {flow{"sandbox", "API server", 6443, u8proto.TCP}, false},
		"the kubelet":                            {flow{"sandbox", "node", 10250, u8proto.TCP}, false},
		"a node port":                            {flow{"sandbox", "other node", 30080, u8proto.TCP}, false},
		"a pod elsewhere":                        {flow{"sandbox", "pod elsewhere", 80, u8proto.TCP}, false},
		"another sandbox":                        {flow{"sandbox", "another sandbox", 80, u8proto.TCP}, false},
		"DNS of a sandbox without egress":        {flow{"closed sandbox", "dns", 53, u8proto.UDP}, false},
		"a host of a sandbox without egress":     {flow{"closed sandbox", "api.partner", 443, u8proto.TCP}, false},
		"a host of a pod without our labels":     {flow{"unlabelled pod", "api.partner", 443, u8proto.TCP}, false},
		"into a sandbox from a pod":              {flow{"pod elsewhere", "sandbox", 80, u8proto.TCP}, false},
		"into a sandbox from its node":           {flow{"node", "sandbox", 80, u8proto.TCP}, false},
		"into a sandbox from the API server":     {flow{"API server", "sandbox", 80, u8proto.TCP}, false},
		"into a sandbox from the Internet":       {flow{"the Internet", "sandbox", 80, u8proto.TCP}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := d.passes(t, tt.from, tt.to, tt.port, tt.protocol); got != tt.want {
				t.Errorf("passes: %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever somebody adds beside our policies, as a policy of the same tier.
func TestNoAllowRuleOutweighsWhatIsDeniedByRule(t *testing.T) {
	open := api.NewRule().WithEndpointSelector(selector(nil)).
		WithIngressRules([]api.IngressRule{{IngressCommonRule: api.IngressCommonRule{FromEntities: api.EntitySlice{api.EntityAll}}}}).
		WithEgressRules([]api.EgressRule{{EgressCommonRule: api.EgressCommonRule{ToEntities: api.EntitySlice{api.EntityAll}}}})
	d := newDatapath(t, append(ours(), inNamespace(namespace, "open", open))...)
	for _, f := range []flow{
		{"sandbox", "metadata", 80, u8proto.TCP},
		{"sandbox", "rebound", 443, u8proto.TCP},
		{"sandbox", "API server", 6443, u8proto.TCP},
		{"sandbox", "node", 10250, u8proto.TCP},
		{"sandbox", "other node", 30080, u8proto.TCP},
		{"sandbox", "api.partner", 443, u8proto.UDP},
		{"pod elsewhere", "sandbox", 80, u8proto.TCP},
	} {
		if d.passes(t, f.from, f.to, f.port, f.protocol) {
			t.Errorf("%+v passes", f)
		}
	}
	// The control, and the reason why preflight looks for such policies.
	if !d.passes(t, "sandbox", "the Internet", 443, u8proto.TCP) {
		t.Error("the added policy opens nothing, so the test proves nothing")
	}
}

// Pods of other namespaces cannot take part in a profile by wearing its labels.
func TestLabelsOutsideOfTheNamespaceGrantNothing(t *testing.T) {
	d := newDatapath(t, EgressPolicy(namespace, oneHost), inNamespace("shop", "deny", api.NewRule().WithEndpointSelector(selector(nil)).
		WithEnableDefaultDeny(true, true).WithEgressRules([]api.EgressRule{{}})))
	if d.passes(t, "pretender", "api.partner", 443, u8proto.TCP) {
		t.Error("a pod of another namespace reaches what a sandbox was granted")
	}
}
