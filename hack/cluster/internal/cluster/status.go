// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// Status writes a table of the components and how to use the cluster. It returns whether everything runs.
func (c *Cluster) Status(ctx context.Context) (healthy bool, err error) {
	if err := c.load(); err != nil {
		return false, err
	}
	healthy = true
	table := tabwriter.NewWriter(c.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tPID\tSTATE\tSINCE")
	for _, name := range c.components() {
		running, err := c.componentRow(table, name)
		if err != nil {
			return false, err
		}
		healthy = healthy && running
	}
	if err := table.Flush(); err != nil {
		return false, fmt.Errorf("write the table: %w", err)
	}
	if !c.state.ControlPlaneOnly && healthy {
		ready, err := c.nodeReady(ctx)
		if err != nil {
			return false, err
		}
		healthy = ready
		fmt.Fprintf(c.Out, "\nnode %s: %s\n", c.Name, map[bool]string{true: "Ready", false: "NotReady"}[ready])
	}
	fmt.Fprintf(c.Out, "\nAPI server   %s\nkubeconfig   %s\nlogs         %s\n", c.state.server(), c.KubeconfigPath(), c.dir("logs"))
	if !c.state.ControlPlaneOnly {
		fmt.Fprintf(c.Out, "inside       nsenter --net=%s --mount=%s\n", c.node().Net, c.node().Mount)
	}
	if !healthy {
		fmt.Fprintln(c.Out, "\nNot everything runs: `up` repairs it.")
		return false, nil
	}
	fmt.Fprintf(c.Out, "\nexport KUBECONFIG=%s PATH=%s:$PATH\n", c.KubeconfigPath(), c.BinDir())
	return true, nil
}

// componentRow writes a component's row of the table and returns whether it runs.
func (c *Cluster) componentRow(table io.Writer, name string) (running bool, err error) {
	record, err := process.Load(c.records(), name)
	if err != nil {
		return false, err
	}
	if !record.Alive() {
		fmt.Fprintf(table, "%s\t-\tdead\t-\n", name)
		return false, nil
	}
	age, err := record.Age()
	if err != nil {
		return false, err
	}
	fmt.Fprintf(table, "%s\t%d\trunning\t%s\n", name, record.PID, age.Truncate(time.Second))
	return true, nil
}

// components lists what runs in this kind of cluster, in starting order.
func (c *Cluster) components() []string {
	names := []string{"etcd", "kube-apiserver"}
	if c.state.Controllers {
		names = append(names, "kube-controller-manager", "kube-scheduler")
	}
	if !c.state.ControlPlaneOnly {
		names = append(names, "world", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet", "cilium-agent")
	}
	return names
}

// nodeReady asks the API server for the node's Ready condition.
func (c *Cluster) nodeReady(ctx context.Context) (bool, error) {
	out, err := c.kubectl(ctx, "", "get", "nodes", "-o", `jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}`)
	return out == "True", err
}

// kubectl runs kubectl as the administrator and returns what it prints.
func (c *Cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.dir("bin", "kubectl"), append([]string{"--kubeconfig", c.KubeconfigPath()}, args...)...) //nolint:gosec // the program that this tool built
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// LogPath is where a component's output goes.
func (c *Cluster) LogPath(component string) (string, error) {
	if err := c.load(); err != nil {
		return "", err
	}
	if !slices.Contains(c.components(), component) {
		return "", fmt.Errorf("no component %q: there are %s", component, strings.Join(c.components(), ", "))
	}
	return c.log(component), nil
}
