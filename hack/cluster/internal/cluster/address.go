// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// Addresses inside a node's own network namespace, the same in every cluster.
const (
	serviceCIDR = "10.96.0.0/16"
	apiService  = "10.96.0.1"
	dnsService  = "10.96.0.10"
	loopback    = "127.0.0.1"
	apiPort     = 6443
	etcdPort    = 2379
	etcdPeer    = 2380

	controllerManagerPort = 10257
	schedulerPort         = 10259
)

// maxClusters is how many full clusters have addresses on one machine.
const maxClusters = 32

func (s state) hostIP() string   { return fmt.Sprintf("10.250.%d.1", s.Index) }
func (s state) nodeCIDR() string { return fmt.Sprintf("10.250.%d.0/24", s.Index) }
func (s state) podCIDR() string  { return fmt.Sprintf("10.244.%d.0/24", s.Index) }
func (s state) hostLink() string { return fmt.Sprintf("airlock%d", s.Index) }

// nodeIP is where the control plane and kubelet listen.
func (s state) nodeIP() string {
	if s.ControlPlaneOnly {
		return loopback
	}
	return fmt.Sprintf("10.250.%d.2", s.Index)
}

func (s state) server() string {
	return "https://" + net.JoinHostPort(s.nodeIP(), strconv.Itoa(s.Ports.API))
}

// choose takes ports that are free now.
func (p *ports) choose() error {
	for _, port := range []*int{&p.Etcd, &p.EtcdPeer, &p.API, &p.ControllerManager, &p.Scheduler} {
		l, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0")) //nolint:noctx // local and at once
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() //nolint:errcheck // held until all ports are chosen, so that they differ
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return fmt.Errorf("find a free port: listener has address %s", l.Addr())
		}
		*port = address.Port
	}
	return nil
}

// freeIndex finds addresses that no other cluster and no interface of this machine uses.
func freeIndex() (int, error) {
	used, err := usedIndexes()
	if err != nil {
		return 0, err
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return 0, fmt.Errorf("list the machine's addresses: %w", err)
	}
	for index := range maxClusters {
		if s := (state{Index: index}); !used[index] && !overlaps(addresses, s.nodeCIDR()) && !overlaps(addresses, s.podCIDR()) {
			return index, nil
		}
	}
	return 0, fmt.Errorf("all %d address ranges for clusters are in use: take down one of those in %s", maxClusters, baseDir())
}

func usedIndexes() (map[int]bool, error) {
	states, err := filepath.Glob(filepath.Join(baseDir(), "*", "cluster.json"))
	if err != nil {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	used := map[int]bool{}
	for _, path := range states {
		other := Cluster{Name: filepath.Base(filepath.Dir(path))}
		if err := other.load(); err != nil {
			return nil, err
		}
		if !other.state.ControlPlaneOnly {
			used[other.state.Index] = true
		}
	}
	return used, nil
}

func overlaps(addresses []net.Addr, cidr string) bool {
	_, want, err := net.ParseCIDR(cidr)
	if err != nil {
		return true
	}
	for _, a := range addresses {
		if have, ok := a.(*net.IPNet); ok && (want.Contains(have.IP) || have.Contains(want.IP)) {
			return true
		}
	}
	return false
}
