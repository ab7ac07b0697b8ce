// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/airlock-dev/airlock/hack/cluster/internal/image"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

const (
	// maxSocketDir is containerd's own limit for the directory of shim sockets, in bytes.
	maxSocketDir = 42
	pauseImage   = "airlock.dev/cluster-pause:dev"
	corednsImage = "airlock.dev/cluster-coredns:dev"
)

//go:embed config/containerd.toml
var containerdTemplate string

func (c *Cluster) containerdSocket() string { return c.dir("run", "containerd.sock") }

func (c *Cluster) containerdConfig() (string, error) {
	return render(containerdTemplate, map[string]string{"Dir": c.dir(), "PauseImage": pauseImage})
}

func (c *Cluster) ensureContainerdFiles() error {
	config, err := c.containerdConfig()
	if err != nil {
		return err
	}
	errs := []error{c.writeConfig("containerd.toml", config), c.link(c.programs.Program("runc", "runc"), "runc")}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		errs = append(errs, c.link(c.programs.Program("containerd", name), name))
	}
	return errors.Join(errs...)
}

func (c *Cluster) containerd() component {
	return component{
		Spec: process.Spec{
			Name: "containerd", Path: c.dir("bin", "containerd"), Namespaces: c.node(),
			Args: []string{"--config", c.dir("config", "containerd.toml")},
			Env:  []string{"CILIUM_SOCK=" + c.ciliumSocket()}, // for the CNI plugin, which inherits it
		},
		patience: nodePatience,
		ready: func(ctx context.Context) error {
			_, err := c.ctr(ctx, "version")
			return err
		},
	}
}

// ctr runs containerd's own client in the namespace of the kubelet's images and containers.
func (c *Cluster) ctr(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.dir("bin", "ctr"), append([]string{"--address", c.containerdSocket(), "--namespace", "k8s.io"}, args...)...) //nolint:gosec // the program that this tool built
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", args[0], err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}

// LoadImage gives the node the images of an OCI archive and returns their references by digest. The kubelet finds an image by the exact
// reference in the pod, so that each gets its digest as a second name.
func (c *Cluster) LoadImage(ctx context.Context, archive string) ([]string, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	if c.state.ControlPlaneOnly {
		return nil, fmt.Errorf("cluster %s is a control plane only: there is no node to load images into", c.Name)
	}
	references, err := image.References(archive)
	if err != nil {
		return nil, err
	}
	if _, err := c.ctr(ctx, "images", "import", archive); err != nil {
		return nil, err
	}
	pinned := make([]string, 0, len(references))
	for _, r := range references {
		if _, err := c.ctr(ctx, "images", "tag", "--force", r.Name, r.Pinned()); err != nil {
			return nil, err
		}
		pinned = append(pinned, r.Pinned())
	}
	return pinned, nil
}

// ensureImages packs and loads the images that the node itself needs.
func (c *Cluster) ensureImages(ctx context.Context) error {
	present, err := c.ctr(ctx, "images", "list", "--quiet")
	if err != nil {
		return err
	}
	for name, program := range map[string]string{
		pauseImage:   c.programs.Program("pause", "pause"),
		corednsImage: c.programs.Program("coredns", "coredns"),
	} {
		if strings.Contains(present, name+"\n") {
			continue
		}
		archive := c.dir("images", "packed.tar")
		if err := image.Pack(archive, name, program); err != nil {
			return fmt.Errorf("pack image %s: %w", name, err)
		}
		if _, err := c.LoadImage(ctx, archive); err != nil {
			return err
		}
	}
	return nil
}
