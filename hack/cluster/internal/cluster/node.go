// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
	"github.com/airlock-dev/airlock/hack/cluster/internal/world"
)

// nodePatience bounds the start of each component of the node: Cilium compiles its BPF programs when it starts.
const nodePatience = 5 * time.Minute

//go:embed config/rbac.yaml
var rbacManifest string

// upNode starts what does not run of a whole node, in the order in which the parts need each other.
func (c *Cluster) upNode(ctx context.Context) error {
	if err := c.ensureNamespaces(ctx); err != nil {
		return err
	}
	if err := c.ensureCgroups(); err != nil {
		return err
	}
	if err := c.ensureNodeFiles(); err != nil {
		return err
	}
	start := func(components ...component) step {
		return func(ctx context.Context) error { return c.run(ctx, components...) }
	}
	return inOrder(
		start(c.world(), c.etcd()),
		start(c.apiServer()),
		together(
			start(c.controllerManager(), c.scheduler()),
			inOrder(start(c.containerd()), c.ensureImages, start(c.kubelet())),
			inOrder(c.ensureManifests, start(c.ciliumAgent()), c.ensureCNIConfig),
		),
		c.waitNode,
	)(ctx)
}

// step is a part of starting a node.
type step func(context.Context) error

func inOrder(steps ...step) step {
	return func(ctx context.Context) error {
		for _, s := range steps {
			if err := s(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// together takes the steps at the same time and ends the others when one fails.
func together(steps ...step) step {
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, s := range steps {
			group.Go(func() error { return s(ctx) })
		}
		return group.Wait()
	}
}

// ensureNodeFiles makes the certificates, links and configuration files of the node, and the mounts that Cilium works in.
func (c *Cluster) ensureNodeFiles() error {
	if err := c.ensureControlPlaneFiles(); err != nil {
		return err
	}
	for _, sub := range []string{"kubelet", "cni/bin", "cni/net.d", "s", "run/cilium", "images"} {
		if err := os.MkdirAll(c.dir(sub), 0o700); err != nil {
			return fmt.Errorf("create a directory of the node: %w", err)
		}
	}
	return errors.Join(
		c.ensureKubernetesFiles(),
		c.ensureContainerdFiles(),
		c.ensureCiliumFiles(),
	)
}

// world is the outside world: it shares only a link with the node.
func (c *Cluster) world() component {
	return component{
		Spec:     process.Spec{Name: "world", Path: c.Self, Args: []string{"world"}, Namespaces: c.outside()},
		patience: time.Minute,
		ready: func(context.Context) error {
			connection, err := c.dialFromNode("tcp4", world.LastListener)
			if err != nil {
				return err
			}
			return connection.Close()
		},
	}
}

// ensureManifests applies what the node needs in the API server.
func (c *Cluster) ensureManifests(ctx context.Context) error {
	dns, err := c.coreDNS()
	if err != nil {
		return err
	}
	crds := c.programs.Program("cilium", "crds")
	_, err = c.kubectl(ctx, rbacManifest+"---\n"+dns, "apply", "--server-side", "--force-conflicts", "--field-manager=airlock-cluster",
		"-f", "-", "-f", crds+"/v2", "-f", crds+"/v2alpha1")
	return err
}

// waitNode waits until the node is Ready and names resolve in it.
func (c *Cluster) waitNode(ctx context.Context) error {
	if _, err := c.kubectl(ctx, "", "wait", "--for=condition=Ready", "--timeout="+nodePatience.String(), "node/"+c.Name); err != nil {
		return fmt.Errorf("node is not Ready (see `logs kubelet` and `logs cilium-agent`): %w", err)
	}
	if _, err := c.kubectl(ctx, "", "-n", "kube-system", "rollout", "status", "--timeout="+nodePatience.String(), "deployment/coredns"); err != nil {
		return fmt.Errorf("cluster DNS is not available: %w", err)
	}
	return nil
}

// dialFromNode connects from inside the node's network namespace, to an IP address and port.
func (c *Cluster) dialFromNode(network, address string) (connection net.Conn, err error) {
	err = c.nodeNet().Do(func() error {
		dialer := net.Dialer{Timeout: 2 * time.Second}
		connection, err = dialer.Dial(network, address)
		if err != nil {
			return fmt.Errorf("connect from the node: %w", err)
		}
		return nil
	})
	return connection, err
}

// getFromNode succeeds when a URL with an IP address answers 200 inside the node's network namespace.
func (c *Cluster) getFromNode(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return httpGet(ctx, &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return c.dialFromNode(network, address)
		},
	}, url)
}

// ensureMount mounts source at a directory of the cluster unless something is mounted there.
func ensureMount(source, target, kind string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o700); err != nil {
		return fmt.Errorf("create a mount point: %w", err)
	}
	var at, above unix.Stat_t
	if err := errors.Join(unix.Stat(target, &at), unix.Stat(target+"/..", &above)); err != nil {
		return fmt.Errorf("look at mount point %s: %w", target, err)
	}
	if at.Dev != above.Dev {
		return nil
	}
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}
