// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/airlock-dev/airlock/hack/cluster/internal/precheck"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// cgroupName is the cgroup below which everything of this cluster runs, in every hierarchy.
func (c *Cluster) cgroupName() string { return "airlock-" + c.Name }

// cgroup2 is the cluster's directory in the cgroup2 hierarchy. Cilium attaches its socket programs there, so that they see this
// cluster's sockets and no others of the machine.
func (c *Cluster) cgroup2() string { return filepath.Join(precheck.CgroupRoot(), c.cgroupName()) }

// daemonCgroup is a leaf: cgroup2 allows processes only where no controllers are handed on.
func (c *Cluster) daemonCgroup() string { return filepath.Join(c.cgroup2(), "daemons") }

// hierarchies lists the cgroup mounts of the machine: one with version 2, several with version 1.
func hierarchies() ([]string, error) {
	root := precheck.CgroupRoot()
	if root == "/sys/fs/cgroup" {
		return []string{root}, nil
	}
	dirs, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err != nil {
		return nil, fmt.Errorf("list cgroup hierarchies: %w", err)
	}
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs, nil
}

// checkCgroup refuses a name whose cgroup belongs to a cluster in another AIRLOCK_CLUSTER_DIR: down of one would end both.
func (c *Cluster) checkCgroup() error {
	if _, err := os.Stat(c.cgroup2()); err == nil {
		return fmt.Errorf("cgroup %s exists, of a cluster with the same name in another AIRLOCK_CLUSTER_DIR: take that one down or use another --name", c.cgroup2())
	}
	return nil
}

// ensureCgroups makes the cluster's cgroup in every hierarchy; kubelet wants its root cgroup to exist.
func (c *Cluster) ensureCgroups() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, c.cgroupName()), 0o755); err != nil { //nolint:gosec // the kernel's own mode
			return fmt.Errorf("make a cgroup: %w", err)
		}
	}
	if err := os.MkdirAll(c.daemonCgroup(), 0o755); err != nil { //nolint:gosec // the kernel's own mode
		return fmt.Errorf("make a cgroup: %w", err)
	}
	return nil
}

// removeCgroups ends whatever runs in the cluster's cgroups, shims and containers too, and removes them. Removing is part of it: Linux 6.18
// kills every process that is later started straight into a cgroup that was killed once.
func (c *Cluster) removeCgroups(ctx context.Context) error {
	if c.state.ControlPlaneOnly {
		return nil
	}
	if err := process.KillCgroup(ctx, c.cgroup2()); err != nil {
		return err
	}
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := process.RemoveCgroup(filepath.Join(root, c.cgroupName())); err != nil {
			return err
		}
	}
	return nil
}
