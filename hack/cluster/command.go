// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/airlock-dev/airlock/hack/cluster/internal/build"
	"github.com/airlock-dev/airlock/hack/cluster/internal/cluster"
	"github.com/airlock-dev/airlock/hack/cluster/internal/world"
)

// errNotHealthy makes status exit non-zero; the table has said why.
var errNotHealthy = errors.New("the cluster is not healthy")

func command() *cobra.Command {
	c := &cluster.Cluster{Out: os.Stdout, Now: time.Now()} //nolint:forbidigo // the command itself: everything below takes this time
	root := &cobra.Command{
		Use:   "cluster",
		Short: "A real one-node Kubernetes with Cilium, from pinned Go modules, without a container engine",
		Example: `  go -C hack/cluster run . up
  export KUBECONFIG=$(go -C hack/cluster run . kubeconfig --path)
  go -C hack/cluster run . down`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return cluster.CheckName(c.Name)
		},
	}
	root.PersistentFlags().StringVar(&c.Name, "name", "airlock", "the cluster's name; several run side by side")
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(up(c), down(c), status(c), kubeconfig(c), user(c), load(c), logs(c), bin(c), worldServer())
	return root
}

func up(c *cluster.Cluster) *cobra.Command {
	var controlPlaneOnly, simulatedNodes bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Create the cluster, or repair what died; prints status when everything runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := build.DefaultCache()
			if err != nil {
				return err
			}
			source, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("find the working directory: %w", err)
			}
			if c.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			builder := build.Builder{Source: source, Cache: cache, Out: c.Out}
			kind := cluster.Node
			switch {
			case simulatedNodes:
				kind = cluster.SimulatedNodes
			case controlPlaneOnly:
				kind = cluster.ControlPlaneOnly
			}
			if err := c.Up(cmd.Context(), kind, builder); err != nil {
				return err
			}
			return printStatus(cmd, c)
		},
	}
	cmd.Flags().BoolVar(&controlPlaneOnly, "control-plane-only", false, "only etcd and the API server, on loopback, without root: for integration tests")
	cmd.Flags().BoolVar(&simulatedNodes, "simulated-nodes", false, "a control plane with controller-manager, scheduler and an audit log, without a node: for benchmarks that play the nodes")
	cmd.MarkFlagsMutuallyExclusive("control-plane-only", "simulated-nodes")
	return cmd
}

func down(c *cluster.Cluster) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the cluster and remove everything of it; safe after any crash, and twice",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.Down(cmd.Context()) },
	}
}

func status(c *cluster.Cluster) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the components; exits non-zero unless everything runs",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return printStatus(cmd, c) },
	}
}

func printStatus(cmd *cobra.Command, c *cluster.Cluster) error {
	healthy, err := c.Status(cmd.Context())
	if err == nil && !healthy {
		err = errNotHealthy
	}
	return err
}

func kubeconfig(c *cluster.Cluster) *cobra.Command {
	var path bool
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the administrator's kubeconfig",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := c.Kubeconfig()
			if err != nil {
				return err
			}
			if path {
				text = c.KubeconfigPath() + "\n"
			}
			fmt.Fprint(c.Out, text)
			return nil
		},
	}
	cmd.Flags().BoolVar(&path, "path", false, "print the file's path instead")
	return cmd
}

func user(c *cluster.Cluster) *cobra.Command {
	var groups []string
	var output string
	cmd := &cobra.Command{
		Use:     "user NAME",
		Short:   "Print a kubeconfig with a new client certificate for a user; give the user rights with RBAC",
		Example: "  go -C hack/cluster run . user alice --group approvers -o /tmp/alice.kubeconfig",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := c.User(args[0], groups)
			if err != nil {
				return err
			}
			if output == "" {
				fmt.Fprint(c.Out, text)
				return nil
			}
			if err := os.WriteFile(output, []byte(text), 0o600); err != nil {
				return fmt.Errorf("write the kubeconfig: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&groups, "group", nil, "a group of the user; may be repeated")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this file instead (an absolute path: `go -C` changes the directory)")
	return cmd
}

func load(c *cluster.Cluster) *cobra.Command {
	return &cobra.Command{
		Use:   "load IMAGE.tar...",
		Short: "Give the node images from OCI archives; prints each as NAME@sha256:DIGEST, which a pod can name without a registry",
		Long: `Give the node images from OCI archives.

The name of an image is in the annotation io.containerd.image.name or org.opencontainers.image.ref.name of the archive's index.json and
starts with a registry's host name, for example airlock.dev/sandbox-python:dev. Paths are absolute: go -C changes the directory.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, path := range args {
				references, err := c.LoadImage(cmd.Context(), path)
				if err != nil {
					return err
				}
				for _, reference := range references {
					fmt.Fprintln(c.Out, reference)
				}
			}
			return nil
		},
	}
}

func logs(c *cluster.Cluster) *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs COMPONENT",
		Short: "Print the log of a component, as status names them",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := c.LogPath(args[0])
			if err != nil {
				return err
			}
			tail := []string{"-n", "+1", path}
			if follow {
				tail = append([]string{"-F"}, tail...)
			}
			run := exec.CommandContext(cmd.Context(), "tail", tail...) //nolint:gosec // a log of this cluster
			run.Stdout, run.Stderr = os.Stdout, os.Stderr
			if err := run.Run(); err != nil {
				return fmt.Errorf("print the log: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing what is added")
	return cmd
}

func bin(c *cluster.Cluster) *cobra.Command {
	return &cobra.Command{
		Use:   "bin",
		Short: "Print the directory with the cluster's kubectl and ctr",
		Args:  cobra.NoArgs,
		Run:   func(*cobra.Command, []string) { fmt.Fprintln(c.Out, c.BinDir()) },
	}
}

// worldServer is what `up` starts in the namespace of the outside world.
func worldServer() *cobra.Command {
	return &cobra.Command{
		Use:    "world",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return world.Serve(cmd.Context(), slog.New(slog.NewTextHandler(os.Stdout, nil)))
		},
	}
}
