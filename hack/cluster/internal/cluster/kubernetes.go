// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/airlock-dev/airlock/hack/cluster/internal/pki"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

//go:embed config/kubelet.yaml
var kubeletTemplate string

func (c *Cluster) kubeletConfig() (string, error) {
	p := c.pki()
	return render(kubeletTemplate, map[string]string{
		"Dir": c.dir(), "NodeIP": c.state.nodeIP(), "Cert": p.Cert("node"), "Key": p.Key("node"), "CA": p.Cert("ca"),
		"ResolvConf": c.dir("config", "resolv.conf"), "DNSService": dnsService, "CgroupRoot": "/" + c.cgroupName(),
	})
}

// ensureControllerFiles makes what controller-manager and scheduler read.
func (c *Cluster) ensureControllerFiles() error {
	kubernetes := c.programs.Program("kubernetes", "kubernetes")
	node := pki.Subject{CommonName: c.Name, IPs: []net.IP{net.ParseIP(c.state.nodeIP()), net.ParseIP(loopback)}, DNSNames: []string{c.Name}}
	return errors.Join(
		c.pki().Ensure("node", node),
		c.ensureKubeconfig(c.dir("config", "controller-manager.kubeconfig"), "controller-manager", pki.Subject{CommonName: "system:kube-controller-manager"}),
		c.ensureKubeconfig(c.dir("config", "scheduler.kubeconfig"), "scheduler", pki.Subject{CommonName: "system:kube-scheduler"}),
		c.link(kubernetes, "kube-controller-manager"),
		c.link(kubernetes, "kube-scheduler"),
	)
}

// ensureKubernetesFiles makes what controller-manager, scheduler and kubelet read.
func (c *Cluster) ensureKubernetesFiles() error {
	kubelet, err := c.kubeletConfig()
	if err != nil {
		return err
	}
	kubernetes := c.programs.Program("kubernetes", "kubernetes")
	return errors.Join(
		c.ensureControllerFiles(),
		c.ensureKubeconfig(c.dir("config", "kubelet.kubeconfig"), "kubelet", pki.Subject{
			CommonName: "system:node:" + c.Name, Organizations: []string{"system:nodes"},
		}),
		c.link(kubernetes, "kubelet"),
		c.writeConfig("kubelet.yaml", kubelet),
		c.writeConfig("resolv.conf", ""), // what pods with dnsPolicy Default inherit: no name server outside of the cluster
	)
}

func (c *Cluster) writeConfig(name, content string) error {
	if err := os.WriteFile(c.dir("config", name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) controllerManager() component {
	p, kubeconfig := c.pki(), c.dir("config", "controller-manager.kubeconfig")
	return c.kubernetesDaemon("kube-controller-manager", c.state.Ports.ControllerManager, append(c.fastClient(),
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--bind-address="+c.state.nodeIP(), "--secure-port="+strconv.Itoa(c.state.Ports.ControllerManager), "--tls-cert-file="+p.Cert("node"), "--tls-private-key-file="+p.Key("node"),
		"--leader-elect=false", "--use-service-account-credentials", "--profiling=false",
		"--allocate-node-cidrs", "--cluster-cidr="+c.state.podCIDR(), "--node-cidr-mask-size=24", "--service-cluster-ip-range="+serviceCIDR,
		"--cluster-signing-cert-file="+p.Cert("ca"), "--cluster-signing-key-file="+p.Key("ca"),
		"--root-ca-file="+p.Cert("ca"), "--service-account-private-key-file="+p.Key("service-accounts"),
	))
}

// fastClient lifts the limit of a component's own client: in a benchmark, the API server is to be the bound.
func (c *Cluster) fastClient() []string {
	if !c.state.Controllers {
		return nil
	}
	return []string{"--kube-api-qps=5000", "--kube-api-burst=10000"}
}

func (c *Cluster) scheduler() component {
	p, kubeconfig := c.pki(), c.dir("config", "scheduler.kubeconfig")
	return c.kubernetesDaemon("kube-scheduler", c.state.Ports.Scheduler, append(c.fastClient(),
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--bind-address="+c.state.nodeIP(), "--secure-port="+strconv.Itoa(c.state.Ports.Scheduler), "--tls-cert-file="+p.Cert("node"), "--tls-private-key-file="+p.Key("node"),
		"--leader-elect=false", "--profiling=false",
	))
}

func (c *Cluster) kubelet() component {
	return c.kubernetesDaemon("kubelet", 10250, []string{
		"--config=" + c.dir("config", "kubelet.yaml"), "--kubeconfig=" + c.dir("config", "kubelet.kubeconfig"),
		"--root-dir=" + c.dir("kubelet"), "--cert-dir=" + c.dir("kubelet", "pki"),
		"--hostname-override=" + c.Name, "--node-ip=" + c.state.nodeIP(),
	})
}

// kubernetesDaemon is ready when its secure port answers /healthz.
func (c *Cluster) kubernetesDaemon(name string, port int, args []string) component {
	return component{
		Spec:     process.Spec{Name: name, Path: c.dir("bin", name), Namespaces: c.node(), Args: args},
		patience: nodePatience,
		ready: func(ctx context.Context) error {
			return c.get(ctx, "admin", fmt.Sprintf("https://%s:%d/healthz", c.state.nodeIP(), port))
		},
	}
}
