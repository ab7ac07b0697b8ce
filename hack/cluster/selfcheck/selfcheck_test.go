// SPDX-License-Identifier: Apache-2.0

//go:build cluster

// Package selfcheck runs the cluster from nothing to nothing on this machine, as root: go test -tags cluster ./selfcheck
package selfcheck

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-dev/airlock/hack/cluster/internal/image"
)

const name = "selfcheck"

func TestClusterFromNothingToNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("left out: not root, and a node makes namespaces and mounts")
	}
	c := newCLI(t)
	t.Cleanup(func() { c.must("down") })
	c.must("down")

	c.must("up")
	link := c.hostLink()
	steps := []struct {
		name string
		run  func(*testing.T, *cli)
	}{
		{"up again changes nothing", upAgainChangesNothing},
		{"up repairs what crashed", upRepairsWhatCrashed},
		{"up repairs a node that lost its namespaces, as a restart of the machine does", upRepairsLostNamespaces},
		{"a user has the name and groups of its certificate and no rights", userHasNoRights},
		{"the network lets through what a policy names and nothing else", policiesAreEnforced},
	}
	for _, step := range steps {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c.in(t)) }) {
			return
		}
	}

	// The worst moment for down: shims and containers have lost those who look after them.
	c.kill("kubelet")
	c.kill("containerd")
	c.must("down")
	nothingLeft(t, c.dir, link)
	c.must("down")
}

func upAgainChangesNothing(t *testing.T, c *cli) {
	before := c.pids()
	c.must("up")
	for component, pid := range c.pids() {
		if before[component] != pid {
			t.Errorf("%s was restarted: PID %d became %d", component, before[component], pid)
		}
	}
}

func upRepairsWhatCrashed(t *testing.T, c *cli) {
	c.kubectl("", "create", "namespace", "kept")
	for _, component := range []string{"containerd", "kubelet", "kube-apiserver", "etcd", "cilium-agent", "world"} {
		c.kill(component)
	}
	if out, err := c.run("status"); err == nil || !strings.Contains(out, "dead") {
		t.Errorf("status of a crashed cluster succeeds (%v):\n%s", err, out)
	}
	c.must("up")
	c.kubectl("", "get", "namespace", "kept")
}

func upRepairsLostNamespaces(t *testing.T, c *cli) {
	before := c.pids()
	if err := syscall.Unmount(filepath.Join(c.dir, "ns"), syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	c.must("up")
	for component, pid := range c.pids() {
		if before[component] == pid {
			t.Errorf("%s still runs as %d in namespaces that nobody reaches", component, pid)
		}
	}
	c.kubectl("", "get", "namespace", "kept")
}

func userHasNoRights(t *testing.T, c *cli) {
	path := filepath.Join(t.TempDir(), "alice.kubeconfig")
	c.must("user", "alice", "--group", "approvers", "-o", path)
	who := c.kubectl("", "--kubeconfig", path, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}")
	if want := `alice ["approvers","system:authenticated"]`; who != want {
		t.Errorf("whoami = %s, want %s", who, want)
	}
	if out, err := c.tryKubectl("", "--kubeconfig", path, "get", "secrets", "-A"); err == nil || !strings.Contains(out, "Forbidden") {
		t.Errorf("alice reads secrets (%v): %s", err, out)
	}
}

func policiesAreEnforced(t *testing.T, c *cli) {
	program := filepath.Join(t.TempDir(), "probe")
	build(t, program, "./selfcheck/probe")
	archive := filepath.Join(t.TempDir(), "probe.tar")
	if err := image.Pack(archive, "airlock.dev/cluster-probe:dev", program); err != nil {
		t.Fatal(err)
	}
	probe := strings.TrimSpace(c.must("load", archive))
	c.kubectl(read(t, "testdata/namespaces.yaml"), "apply", "-f", "-")
	c.waitFor("serviceaccount/default", "open", "--for=create")
	c.waitFor("serviceaccount/default", "locked", "--for=create")

	const (
		partner  = "http://api.partner.example/"
		attacker = "http://evil.attacker.example/"
		number   = "http://198.51.100.20/payload.py"
		metadata = "http://169.254.169.254/latest/meta-data/"
		api      = "http://10.96.0.1:443/"
		hello    = partner + " -> hello from api.partner.example at 198.51.100.10"
		attack   = attacker + " -> hello from evil.attacker.example at 198.51.100.20"
	)
	all := []string{partner, attacker, number, metadata, api}
	failed := func(urls ...string) (lines []string) {
		for _, url := range urls {
			lines = append(lines, url+" -> failed: ")
		}
		return lines
	}
	tests := map[string]struct {
		pod  pod
		want []string
	}{
		"without a policy everything answers, so that the failures below are the policies' doing": {
			pod:  pod{Name: "free", Namespace: "open", HostUsers: true, URLs: all},
			want: []string{hello, attack, number + " -> print(", metadata + " -> {", api + " -> Client sent an HTTP request to an HTTPS server"},
		},
		"default-deny drops everything": {
			pod:  pod{Name: "denied", Namespace: "locked", HostUsers: true, URLs: all},
			want: failed(all...),
		},
		"one name is let through": {
			pod:  pod{Name: "partner", Namespace: "locked", Egress: "partner", HostUsers: true, URLs: all},
			want: append([]string{hello}, failed(attacker, number, metadata, api)...),
		},
		"the same in a user namespace": {
			pod:  pod{Name: "userns", Namespace: "locked", Egress: "partner", HostUsers: false, URLs: all},
			want: append([]string{hello}, failed(attacker, number, metadata, api)...),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.pod.Image = probe
			got := c.in(t).runPod(tt.pod)
			lines := strings.Split(strings.TrimSpace(got), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("the pod printed\n%s\nwant %d lines", got, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("the pod printed %q, want %q", lines[i], want)
				}
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
