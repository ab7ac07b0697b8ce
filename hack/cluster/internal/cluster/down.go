// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/mounts"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// endPatience bounds how long the processes of a cluster may take to vanish after they were killed.
const endPatience = 30 * time.Second

// Down ends every process of the cluster and removes its mounts, links, namespaces, cgroups and files. A cluster that does not exist is
// no error, and every step does its work whatever crashed before it. The state directory goes last, so that a failed Down can be repeated.
func (c *Cluster) Down(ctx context.Context) error {
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.load(); errors.Is(err, ErrNotFound) {
		fmt.Fprintf(c.Out, "%v, nothing to do\n", err)
		return nil
	}
	// A damaged state still names the cluster, which is all that the steps below need but for the host's link, and that one ends with its
	// namespace.
	if err := c.stop(ctx); err != nil {
		return err
	}
	if err := mounts.RemoveBelow(c.dir()); err != nil {
		return err
	}
	if err := c.removeHostLink(ctx); err != nil {
		return err
	}
	if err := c.removeMountPoint(); err != nil {
		return err
	}
	if err := os.RemoveAll(c.dir()); err != nil {
		return fmt.Errorf("remove the state directory: %w", err)
	}
	fmt.Fprintf(c.Out, "cluster %s is gone\n", c.Name)
	return nil
}

// stop ends the recorded processes and whatever else runs in the cluster's cgroups.
func (c *Cluster) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endPatience)
	defer cancel()
	names, err := c.recorded()
	if err != nil {
		return err
	}
	for _, name := range names {
		record, err := process.Load(c.records(), name)
		if err != nil {
			return err
		}
		if err := record.Kill(ctx); err != nil {
			return fmt.Errorf("end %s: %w", name, err)
		}
	}
	return c.removeCgroups(ctx)
}

// recorded lists the components that have a process record.
func (c *Cluster) recorded() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(c.records(), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names, nil
}
