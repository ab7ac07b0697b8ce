// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	_ "embed"

	"github.com/airlock-dev/airlock/hack/cluster/internal/world"
)

//go:embed config/coredns.yaml
var corednsTemplate string

// coreDNS is the cluster's DNS as an ordinary workload with the labels it has everywhere, so that network policies can name it.
func (c *Cluster) coreDNS() (string, error) {
	return render(corednsTemplate, map[string]any{"Image": corednsImage, "DNSService": dnsService, "Hosts": world.Hosts})
}
