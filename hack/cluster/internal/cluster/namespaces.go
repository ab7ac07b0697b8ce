// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/hack/cluster/internal/namespace"
)

// kubeletDir is where kubelet puts the sockets of device plugins, whatever its --root-dir.
const kubeletDir = "/var/lib/kubelet"

// createNamespaces makes the networks of node and world and the mounts of the node.
func (c *Cluster) createNamespaces() error {
	for _, dir := range []string{c.dir("ns"), c.dir("kubelet"), kubeletDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create a directory of the node: %w", err)
		}
	}
	if err := namespace.Private(c.dir("ns")); err != nil {
		return err
	}
	for _, path := range []string{c.node().Net, c.outside().Net} {
		if err := namespace.CreateNet(path); err != nil {
			return err
		}
	}
	return namespace.CreateMount(c.node().Mount, c.hideMachine)
}

// hideMachine covers the places that kubelet, Cilium and iptables use whatever they are told, so that clusters side by side and a kubelet
// of the machine do not meet there, and nothing stays behind in them.
func (c *Cluster) hideMachine() error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount an empty /run: %w", err)
	}
	if err := unix.Mount(c.dir("kubelet"), kubeletDir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", kubeletDir, err)
	}
	return nil
}

// removeMountPoint removes the directory that createNamespaces made, unless something else uses it: another cluster, whose own mount on
// it would end with the directory, or a kubelet of the machine.
func (c *Cluster) removeMountPoint() error {
	if c.state.ControlPlaneOnly {
		return nil
	}
	unlock, err := lockFile(addressLock)
	if err != nil {
		return err
	}
	defer unlock()
	clusters, err := usedIndexes()
	if err != nil {
		return err
	}
	delete(clusters, c.state.Index)
	if len(clusters) > 0 {
		return nil
	}
	if err := unix.Rmdir(kubeletDir); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTEMPTY) {
		return fmt.Errorf("remove %s: %w", kubeletDir, err)
	}
	return nil
}
