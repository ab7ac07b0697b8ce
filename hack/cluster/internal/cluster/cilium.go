// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/hack/cluster/internal/pki"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// llvmDir has Debian's LLVM 19 under the names that Cilium calls.
const llvmDir = "/usr/lib/llvm-19/bin"

//go:embed config/cni.conflist
var cniTemplate string

func (c *Cluster) ciliumSocket() string { return c.dir("run", "cilium", "cilium.sock") }

// ensureCiliumFiles gives Cilium a BPF file system and a view of the cluster's cgroup of its own, a compiler, and sources it may write
// beside.
func (c *Cluster) ensureCiliumFiles() error {
	if _, err := os.Stat(c.dir("cilium", "bpf")); errors.Is(err, os.ErrNotExist) {
		if err := os.CopyFS(c.dir("cilium", "bpf"), os.DirFS(c.programs.Program("cilium", "bpf"))); err != nil {
			return fmt.Errorf("copy Cilium's BPF sources: %w", err)
		}
	}
	return errors.Join(
		c.link(llvmDir+"/clang", "clang"),
		c.link(llvmDir+"/llc", "llc"),
		c.link(llvmDir+"/llvm-objcopy", "llvm-objcopy"),
		c.link(c.programs.Program("cilium", "cilium-agent"), "cilium-agent"),
		c.installCNI(),
		c.ensureKubeconfig(c.dir("config", "cilium.kubeconfig"), "cilium", pki.Subject{CommonName: "cilium", Organizations: []string{"system:masters"}}),
		c.node().Do(func() error {
			return errors.Join(
				ensureMount("bpffs", c.dir("run", "bpf"), "bpf", 0),
				ensureMount(c.cgroup2(), c.dir("run", "cgroup"), "", unix.MS_BIND),
			)
		}),
	)
}

func (c *Cluster) installCNI() error {
	path := c.dir("cni", "bin", "cilium-cni")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the CNI plugin: %w", err)
	}
	if err := os.Symlink(c.programs.Program("cilium", "cilium-cni"), path); err != nil {
		return fmt.Errorf("install the CNI plugin: %w", err)
	}
	return nil
}

// ensureCNIConfig tells containerd that the network is ready, once the agent is. The agent could do so itself, but it renames the file
// into place, and containerd misses that.
func (c *Cluster) ensureCNIConfig(context.Context) error {
	path := c.dir("cni", "net.d", "05-cilium.conflist")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	config, err := render(cniTemplate, map[string]string{"Log": c.log("cilium-cni")})
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return fmt.Errorf("write the CNI configuration: %w", err)
	}
	return nil
}

// ciliumAgent enforces network policies and serves service addresses in place of kube-proxy. It runs without its operator, which a single
// node does not need: kube-controller-manager gives the node its pod addresses, and this tool applies the definitions.
func (c *Cluster) ciliumAgent() component {
	s := c.state
	const healthPort = 9879
	return component{
		Spec: process.Spec{
			Name: "cilium-agent", Path: c.dir("bin", "cilium-agent"), Namespaces: c.node(),
			Env: []string{"K8S_NODE_NAME=" + c.Name},
			Args: []string{
				"--k8s-kubeconfig-path=" + c.dir("config", "cilium.kubeconfig"), "--cluster-name=" + c.Name,
				"--state-dir=" + c.dir("run", "cilium"), "--socket-path=" + c.ciliumSocket(), "--lib-dir=" + c.dir("cilium"),
				"--bpf-root=" + c.dir("run", "bpf"), "--cgroup-root=" + c.dir("run", "cgroup"),
				"--ipam=kubernetes", "--identity-allocation-mode=crd",
				"--routing-mode=native", "--ipv4-native-routing-cidr=" + s.podCIDR(), "--enable-ipv4-masquerade=false", "--enable-ipv6=false",
				"--devices=eth0,world0", "--direct-routing-device=eth0", "--kube-proxy-replacement=true",
				"--enable-l7-proxy=true", "--external-envoy-proxy=true", // the DNS proxy is the agent's own; Envoy is not there
				"--tofqdns-dns-reject-response-code=refused",
				"--enable-health-checking=false", "--enable-endpoint-health-checking=false", "--enable-hubble=false", "--enable-gops=false",
				fmt.Sprintf("--agent-health-port=%d", healthPort),
				// One sandbox pod for each request: the default of one endpoint every two seconds is made for long-lived pods.
				"--api-rate-limit=endpoint-create=rate-limit:20/s,rate-burst:40,parallel-requests:8,auto-adjust:false",
			},
		},
		patience: nodePatience,
		ready: func(ctx context.Context) error {
			return c.getFromNode(ctx, fmt.Sprintf("http://%s:%d/healthz", loopback, healthPort))
		},
	}
}
