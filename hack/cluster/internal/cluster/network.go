// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/airlock-dev/airlock/hack/cluster/internal/mounts"
	"github.com/airlock-dev/airlock/hack/cluster/internal/namespace"
	"github.com/airlock-dev/airlock/hack/cluster/internal/world"
)

// worldGateway is the node's address on its link to the outside world.
const worldGateway = "198.51.100.1"

// node is where all components of the node run; a control plane without a node runs in the machine's own namespaces.
func (c *Cluster) node() namespace.Set {
	if c.state.ControlPlaneOnly {
		return namespace.Set{}
	}
	return namespace.Set{Net: c.dir("ns", c.Name+"-node"), Mount: c.dir("ns", c.Name+"-mounts")}
}

// nodeNet is the node's network without its mounts, for programs of the machine.
func (c *Cluster) nodeNet() namespace.Set { return namespace.Set{Net: c.node().Net} }

// outside is the network of the world outside the cluster.
func (c *Cluster) outside() namespace.Set { return namespace.Set{Net: c.dir("ns", c.Name+"-world")} }

// ensureNamespaces makes the namespaces and links unless they are whole. Namespaces that lost a part take the processes in them down first:
// what they bound to is gone.
func (c *Cluster) ensureNamespaces(ctx context.Context) error {
	_, err := net.InterfaceByName(c.state.hostLink())
	if err == nil && namespace.Exists(c.node().Net) && namespace.Exists(c.node().Mount) && namespace.Exists(c.outside().Net) {
		return nil
	}
	if err := c.stop(ctx); err != nil {
		return err
	}
	if err := mounts.RemoveBelow(c.dir()); err != nil {
		return err
	}
	if err := c.removeHostLink(ctx); err != nil {
		return err
	}
	if err := c.clearRun(); err != nil {
		return err
	}
	if err := c.createNamespaces(); err != nil {
		return err
	}
	return c.connect(ctx)
}

// connect joins host, node and world with two veth pairs. The node's way to everything else ends in the world, which answers for its own
// addresses and forwards nothing.
func (c *Cluster) connect(ctx context.Context) error {
	s := c.state
	steps := []struct {
		in       namespace.Set
		commands []string
	}{
		{namespace.Set{}, []string{
			"link add " + s.hostLink() + " type veth peer name eth0 netns " + c.nodeNet().Net,
			"address add " + s.hostIP() + "/24 dev " + s.hostLink(),
			"link set " + s.hostLink() + " up",
		}},
		{c.nodeNet(), []string{
			"link set lo up",
			"address add " + s.nodeIP() + "/24 dev eth0",
			"link set eth0 up",
			"link add world0 type veth peer name eth0 netns " + c.outside().Net,
			"address add " + worldGateway + "/24 dev world0",
			"link set world0 up",
		}},
		{c.outside(), []string{
			"link set lo up",
			"address add " + world.PartnerIP + "/24 dev eth0",
			"address add " + world.AttackerIP + "/24 dev eth0",
			"address add " + world.MetadataIP + "/32 dev lo",
			"link set eth0 up",
			"route add " + s.podCIDR() + " via " + worldGateway,
			"route add " + s.nodeCIDR() + " via " + worldGateway,
		}},
		{c.nodeNet(), []string{"route add default via " + world.PartnerIP + " dev world0"}},
		{namespace.Set{}, []string{"route add " + s.podCIDR() + " via " + s.nodeIP()}},
	}
	for _, step := range steps {
		for _, command := range step.commands {
			if err := ip(ctx, step.in, command); err != nil {
				return err
			}
		}
	}
	return c.nodeNet().Do(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			return fmt.Errorf("let the node forward packets: %w", err)
		}
		return nil
	})
}

// removeHostLink removes the host's end of the veth pair; it is gone already when the namespace of the other end is.
func (c *Cluster) removeHostLink(ctx context.Context) error {
	if c.state.ControlPlaneOnly {
		return nil
	}
	if _, err := net.InterfaceByName(c.state.hostLink()); err != nil {
		return nil //nolint:nilerr // no such link: that is what is wanted
	}
	err := ip(ctx, namespace.Set{}, "link delete "+c.state.hostLink())
	if _, still := net.InterfaceByName(c.state.hostLink()); still != nil {
		return nil //nolint:nilerr // the kernel removed it with its namespace meanwhile
	}
	return err
}

// ip runs one ip(8) command, given as words, inside a namespace.
func ip(ctx context.Context, in namespace.Set, command string) error {
	cmd := exec.CommandContext(ctx, "ip", strings.Fields(command)...) //nolint:gosec // built from checked names and numbers
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	err := in.Do(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", command, err, strings.TrimSpace(output.String()))
	}
	return nil
}
