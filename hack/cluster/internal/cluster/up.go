// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/airlock-dev/airlock/hack/cluster/internal/build"
	"github.com/airlock-dev/airlock/hack/cluster/internal/precheck"
)

// Kind says how much of a cluster there is.
type Kind int

const (
	// Node is a whole node with everything on it.
	Node Kind = iota
	// ControlPlaneOnly is etcd and the API server, on loopback, without root.
	ControlPlaneOnly
	// SimulatedNodes is ControlPlaneOnly with controller-manager and scheduler, and with an audit log of the API server. Whoever uses it plays the nodes.
	SimulatedNodes
)

func (k Kind) String() string {
	switch k {
	case ControlPlaneOnly:
		return "a control plane only"
	case SimulatedNodes:
		return "a control plane for simulated nodes"
	case Node:
		return "a full node"
	default:
		return "of no known kind"
	}
}

// Up brings the cluster to where everything runs: it creates what does not exist, starts what does not run and leaves alone what does.
// An existing cluster of another kind is an error.
func (c *Cluster) Up(ctx context.Context, kind Kind, builder build.Builder) error {
	if err := prepare(ctx, c, kind); err != nil {
		return err
	}
	components := build.ControlPlane()
	if kind == Node {
		components = build.Node()
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
	if err := c.open(kind); err != nil {
		return err
	}
	if kind == Node {
		return c.upNode(ctx)
	}
	return c.upControlPlane(ctx)
}

// prepare checks the machine before minutes are spent on building.
func prepare(ctx context.Context, c *Cluster, kind Kind) error {
	if kind != Node {
		return precheck.ControlPlane()
	}
	if longest := c.dir("s"); len(longest) > maxSocketDir {
		return fmt.Errorf("the path %s is longer than %d characters, too long for containerd's sockets: choose a shorter --name or AIRLOCK_CLUSTER_DIR", longest, maxSocketDir)
	}
	return precheck.Install(ctx, precheck.Full(), c.Out)
}

// open loads the cluster's state, or creates it.
func (c *Cluster) open(kind Kind) error {
	err := c.load()
	if errors.Is(err, ErrNotFound) {
		return c.create(kind)
	}
	if err != nil {
		return err
	}
	if have := c.state.kind(); have != kind {
		return fmt.Errorf("cluster %s exists and is %s: take it down first, or use another --name", c.Name, have)
	}
	return nil
}

func (s state) kind() Kind {
	switch {
	case !s.ControlPlaneOnly:
		return Node
	case s.Controllers:
		return SimulatedNodes
	default:
		return ControlPlaneOnly
	}
}

func (c *Cluster) upControlPlane(ctx context.Context) error {
	if err := c.ensureControlPlaneFiles(); err != nil {
		return err
	}
	if err := c.run(ctx, c.etcd()); err != nil {
		return err
	}
	if err := c.run(ctx, c.apiServer()); err != nil {
		return err
	}
	if !c.state.Controllers {
		return nil
	}
	if err := c.ensureControllerFiles(); err != nil {
		return err
	}
	return c.run(ctx, c.controllerManager(), c.scheduler())
}
