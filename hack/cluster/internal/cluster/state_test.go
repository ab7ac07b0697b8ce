// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// testCluster is the third full cluster of a machine, in a directory that is the same in every run.
func testCluster(t *testing.T) *Cluster {
	t.Helper()
	t.Setenv("AIRLOCK_CLUSTER_DIR", "/state")
	return &Cluster{
		Name: "test", Now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		state: state{Index: 2, Ports: ports{Etcd: etcdPort, EtcdPeer: etcdPeer, API: apiPort, ControllerManager: controllerManagerPort, Scheduler: schedulerPort}},
	}
}

func TestCheckName(t *testing.T) {
	tests := map[string]struct {
		name string
		want bool
	}{
		"a word":                     {"airlock", true},
		"letters, digits, dashes":    {"dev-a2", true},
		"fifteen characters":         {"a23456789012345", true},
		"sixteen characters":         {"a234567890123456", false},
		"nothing":                    {"", false},
		"a way out of the directory": {"../etc", false},
		"a slash":                    {"a/b", false},
		"upper case":                 {"Dev", false},
		"a leading digit":            {"1a", false},
		"a trailing dash":            {"a-", false},
		"a line break":               {"a\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := CheckName(tt.name); (err == nil) != tt.want {
				t.Errorf("CheckName(%q) = %v, want valid: %t", tt.name, err, tt.want)
			}
		})
	}
}

func TestAddressesOfClustersDoNotOverlap(t *testing.T) {
	seen := map[string]int{}
	for index := range maxClusters {
		s := state{Index: index}
		for _, cidr := range []string{s.nodeCIDR(), s.podCIDR()} {
			if other, ok := seen[cidr]; ok {
				t.Errorf("clusters %d and %d both have %s", other, index, cidr)
			}
			seen[cidr] = index
		}
		_, node, err := net.ParseCIDR(s.nodeCIDR())
		if err != nil {
			t.Fatal(err)
		}
		if !node.Contains(net.ParseIP(s.nodeIP())) || !node.Contains(net.ParseIP(s.hostIP())) {
			t.Errorf("cluster %d: %s and %s are not in %s", index, s.nodeIP(), s.hostIP(), node)
		}
	}
}

func TestOverlaps(t *testing.T) {
	const cidr = "10.250.0.0/24"
	tests := map[string]struct {
		address string
		want    bool
	}{
		"another network":   {"192.0.2.1/24", false},
		"an address inside": {"10.250.0.7/32", true},
		"a network around":  {"10.1.2.3/8", true},
		"the next network":  {"10.250.1.1/24", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ip, network, err := net.ParseCIDR(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			network.IP = ip
			if got := overlaps([]net.Addr{network}, cidr); got != tt.want {
				t.Errorf("overlaps(%s, %s) = %t, want %t", tt.address, cidr, got, tt.want)
			}
		})
	}
}

func TestStateIsKeptAndKindsAreNotMixed(t *testing.T) {
	t.Setenv("AIRLOCK_CLUSTER_DIR", t.TempDir())
	c := &Cluster{Name: "test"}
	if err := c.load(); !errors.Is(err, ErrNotFound) {
		t.Fatalf("load() = %v, want ErrNotFound", err)
	}
	if err := c.open(ControlPlaneOnly); err != nil {
		t.Fatal(err)
	}
	again := &Cluster{Name: "test"}
	if err := again.open(ControlPlaneOnly); err != nil {
		t.Fatal(err)
	}
	if again.state != c.state {
		t.Errorf("state is %+v, want %+v", again.state, c.state)
	}
	if err := again.open(Node); err == nil || !strings.Contains(err.Error(), "a control plane only") {
		t.Errorf("a control plane becomes a node: %v", err)
	}
}

func TestDownAfterACrash(t *testing.T) {
	tests := map[string]func(*testing.T, *Cluster){
		"nothing was started": func(*testing.T, *Cluster) {},
		"a process has ended": func(t *testing.T, c *Cluster) {
			if err := (process.Record{PID: 1 << 22, StartTicks: 1, BootID: "x"}).Save(c.records(), "etcd"); err != nil {
				t.Fatal(err)
			}
		},
		"another process has the PID now": func(t *testing.T, c *Cluster) {
			self, err := process.Identify(os.Getpid())
			if err != nil {
				t.Fatal(err)
			}
			self.StartTicks--
			if err := self.Save(c.records(), "etcd"); err != nil { // would end this test
				t.Fatal(err)
			}
		},
		"the directories are gone": func(t *testing.T, c *Cluster) {
			if err := os.RemoveAll(c.dir("run")); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, crash := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AIRLOCK_CLUSTER_DIR", t.TempDir())
			var out bytes.Buffer
			c := &Cluster{Name: "test", Out: &out}
			if err := c.create(ControlPlaneOnly); err != nil {
				t.Fatal(err)
			}
			crash(t, c)
			for range 2 {
				if err := c.Down(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(c.dir()); !os.IsNotExist(err) {
				t.Errorf("%s is left", filepath.Base(c.dir()))
			}
		})
	}
}
