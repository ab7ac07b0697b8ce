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
	"github.com/airlock-dev/airlock/hack/cluster/internal/netns"
	"github.com/airlock-dev/airlock/hack/cluster/internal/world"
)

// worldGateway is the node's address on its link to the outside world.
const worldGateway = "198.51.100.1"

// nodeNetns and worldNetns are the files that keep the namespaces of the node and of the world outside.
func (c *Cluster) nodeNetns() string {
	if c.state.ControlPlaneOnly {
		return ""
	}
	return c.dir("netns", c.Name+"-node")
}

func (c *Cluster) worldNetns() string { return c.dir("netns", c.Name+"-world") }

// ensureNetwork makes the namespaces and links unless they are whole. A network that lost a part takes the processes in it down first:
// what they bound to is gone.
func (c *Cluster) ensureNetwork(ctx context.Context) error {
	_, err := net.InterfaceByName(c.state.hostLink())
	if err == nil && netns.Exists(c.nodeNetns()) && netns.Exists(c.worldNetns()) {
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
	if err := os.MkdirAll(c.dir("netns"), 0o700); err != nil {
		return fmt.Errorf("create the namespace directory: %w", err)
	}
	for _, path := range []string{c.nodeNetns(), c.worldNetns()} {
		if err := netns.Create(path); err != nil {
			return err
		}
	}
	return c.connect(ctx)
}

// connect joins host, node and world with two veth pairs. The node's way to everything else ends in the world, which answers for its own
// addresses and forwards nothing.
func (c *Cluster) connect(ctx context.Context) error {
	s := c.state
	steps := []struct {
		netns    string
		commands []string
	}{
		{"", []string{
			"link add " + s.hostLink() + " type veth peer name eth0 netns " + c.nodeNetns(),
			"address add " + s.hostIP() + "/24 dev " + s.hostLink(),
			"link set " + s.hostLink() + " up",
		}},
		{c.nodeNetns(), []string{
			"link set lo up",
			"address add " + s.nodeIP() + "/24 dev eth0",
			"link set eth0 up",
			"link add world0 type veth peer name eth0 netns " + c.worldNetns(),
			"address add " + worldGateway + "/24 dev world0",
			"link set world0 up",
		}},
		{c.worldNetns(), []string{
			"link set lo up",
			"address add " + world.PartnerIP + "/24 dev eth0",
			"address add " + world.AttackerIP + "/24 dev eth0",
			"address add " + world.MetadataIP + "/32 dev lo",
			"link set eth0 up",
			"route add " + s.podCIDR() + " via " + worldGateway,
			"route add " + s.nodeCIDR() + " via " + worldGateway,
		}},
		{c.nodeNetns(), []string{"route add default via " + world.PartnerIP + " dev world0"}},
		{"", []string{"route add " + s.podCIDR() + " via " + s.nodeIP()}},
	}
	for _, step := range steps {
		for _, command := range step.commands {
			if err := ip(ctx, step.netns, command); err != nil {
				return err
			}
		}
	}
	return netns.Do(c.nodeNetns(), func() error {
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
	err := ip(ctx, "", "link delete "+c.state.hostLink())
	if _, still := net.InterfaceByName(c.state.hostLink()); still != nil {
		return nil //nolint:nilerr // the kernel removed it with its namespace meanwhile
	}
	return err
}

// ip runs one ip(8) command, given as words, inside a namespace.
func ip(ctx context.Context, namespace, command string) error {
	cmd := exec.CommandContext(ctx, "ip", strings.Fields(command)...) //nolint:gosec // built from checked names and numbers
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	err := netns.Do(namespace, func() error { return cmd.Start() })
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", command, err, strings.TrimSpace(output.String()))
	}
	return nil
}
