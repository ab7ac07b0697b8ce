// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// component is one long-running program of the cluster.
type component struct {
	process.Spec
	// ready returns nil once the component does its work.
	ready func(context.Context) error
	// patience is how long a start may take.
	patience time.Duration
}

func (c *Cluster) records() string { return c.dir("run", "processes") }

// ensure starts a component that does not run. It does not wait for it.
func (c *Cluster) ensure(comp component) (process.Process, error) {
	record, err := process.Load(c.records(), comp.Name)
	if err != nil {
		return process.Process{}, err
	}
	if record.Alive() {
		return process.Process{Record: record}, nil
	}
	comp.Log = c.log(comp.Name)
	comp.Env = append([]string{"PATH=" + c.dir("bin") + ":" + systemPath, "HOME=" + c.dir()}, comp.Env...)
	if !c.state.ControlPlaneOnly {
		comp.Cgroup = c.daemonCgroup()
	}
	started, err := process.Start(comp.Spec)
	if err != nil {
		return process.Process{}, err
	}
	if err := started.Save(c.records(), comp.Name); err != nil {
		return process.Process{}, err
	}
	return started, nil
}

// run starts components that do not run, all at once, and waits until each is ready.
func (c *Cluster) run(ctx context.Context, components ...component) error {
	started := make([]process.Process, len(components))
	for i, comp := range components {
		var err error
		if started[i], err = c.ensure(comp); err != nil {
			return err
		}
	}
	for i, comp := range components {
		if err := process.WaitReady(ctx, comp.Name, c.log(comp.Name), started[i], comp.patience, comp.ready); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "  ready: %s\n", comp.Name)
	}
	return nil
}

// link places a program in the cluster's bin directory under a name.
func (c *Cluster) link(program, name string) error {
	path := c.dir("bin", name)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := os.Symlink(program, path); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}
