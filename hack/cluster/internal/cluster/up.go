// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/airlock-dev/airlock/hack/cluster/internal/build"
	"github.com/airlock-dev/airlock/hack/cluster/internal/precheck"
)

// Up brings the cluster to where everything runs: it creates what does not exist, starts what does not run and leaves alone what does.
// An existing cluster of the other kind is an error.
func (c *Cluster) Up(ctx context.Context, controlPlaneOnly bool, builder build.Builder) error {
	if err := prepare(ctx, c, controlPlaneOnly); err != nil {
		return err
	}
	components := build.Node()
	if controlPlaneOnly {
		components = build.ControlPlane()
	}
	var err error
	if c.programs, err = builder.Ensure(ctx, components); err != nil {
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.open(controlPlaneOnly); err != nil {
		return err
	}
	if controlPlaneOnly {
		return c.upControlPlane(ctx)
	}
	return c.upNode(ctx)
}

// prepare checks the machine before minutes are spent on building.
func prepare(ctx context.Context, c *Cluster, controlPlaneOnly bool) error {
	if controlPlaneOnly {
		return precheck.ControlPlane()
	}
	if longest := c.dir("s"); len(longest) > maxSocketDir {
		return fmt.Errorf("the path %s is longer than %d characters, too long for containerd's sockets: choose a shorter --name or AIRLOCK_CLUSTER_DIR", longest, maxSocketDir)
	}
	return precheck.Install(ctx, precheck.Full(), c.Out)
}

// open loads the cluster's state, or creates it.
func (c *Cluster) open(controlPlaneOnly bool) error {
	err := c.load()
	if errors.Is(err, ErrNotFound) {
		return c.create(controlPlaneOnly)
	}
	if err != nil {
		return err
	}
	if c.state.ControlPlaneOnly != controlPlaneOnly {
		return fmt.Errorf("cluster %s exists and is %s: take it down first, or use another --name", c.Name, kind(c.state.ControlPlaneOnly))
	}
	return nil
}

func kind(controlPlaneOnly bool) string {
	if controlPlaneOnly {
		return "a control plane only"
	}
	return "a full node"
}

func (c *Cluster) upControlPlane(ctx context.Context) error {
	if err := c.ensureControlPlaneFiles(); err != nil {
		return err
	}
	if err := c.run(ctx, c.etcd()); err != nil {
		return err
	}
	return c.run(ctx, c.apiServer())
}
