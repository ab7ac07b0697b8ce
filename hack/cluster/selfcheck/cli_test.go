// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package selfcheck

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
)

// cli calls the cluster program as a person would.
type cli struct {
	t    *testing.T
	path string
	// dir is the cluster's state directory.
	dir string
}

// pod fills in testdata/pod.yaml.
type pod struct {
	Name, Namespace, Egress, Image string
	HostUsers                      bool
	URLs                           []string
}

// build compiles a static program of this module.
func build(t *testing.T, output, pkg string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", output, pkg)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cluster")
	build(t, path, ".")
	base := os.Getenv("AIRLOCK_CLUSTER_DIR")
	if base == "" {
		base = "/var/lib/airlock-cluster"
	}
	return &cli{t: t, path: path, dir: filepath.Join(base, name)}
}

// in returns the same for a subtest.
func (c *cli) in(t *testing.T) *cli { return &cli{t: t, path: c.path, dir: c.dir} }

func (c *cli) run(args ...string) (string, error) {
	cmd := exec.Command(c.path, append([]string{"--name", name}, args...)...) //nolint:noctx // also cleans up when the test's context has ended
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *cli) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("cluster %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c *cli) tryKubectl(stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(c.dir, "bin", "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(c.dir, "kubeconfig"))
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *cli) kubectl(stdin string, args ...string) string {
	c.t.Helper()
	out, err := c.tryKubectl(stdin, args...)
	if err != nil {
		c.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c *cli) waitFor(object, namespace, condition string) {
	c.t.Helper()
	c.kubectl("", "wait", object, "-n", namespace, condition, "--timeout=5m")
}

// runPod runs a pod to its end and returns what it printed.
func (c *cli) runPod(p pod) string {
	c.t.Helper()
	manifest, err := template.ParseFiles("testdata/pod.yaml")
	if err != nil {
		c.t.Fatal(err)
	}
	var text strings.Builder
	if err := manifest.Execute(&text, p); err != nil {
		c.t.Fatal(err)
	}
	c.kubectl(text.String(), "apply", "-f", "-")
	c.waitFor("pod/"+p.Name, p.Namespace, "--for=jsonpath={.status.phase}=Succeeded")
	return c.kubectl("", "logs", "-n", p.Namespace, p.Name)
}

// pids reads the status table.
func (c *cli) pids() map[string]int {
	c.t.Helper()
	pids := map[string]int{}
	for line := range strings.Lines(c.must("status")) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[2] != "running" {
			continue
		}
		pid, err := strconv.Atoi(fields[1])
		if err != nil {
			c.t.Fatal(err)
		}
		pids[fields[0]] = pid
	}
	if len(pids) == 0 {
		c.t.Fatal("status lists no running component")
	}
	return pids
}

// kill crashes a component.
func (c *cli) kill(component string) {
	c.t.Helper()
	out, _ := c.run("status") // fails once the first component is dead
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[0] == component {
			pid, err := strconv.Atoi(fields[1])
			if err != nil {
				c.t.Fatalf("%s does not run: %s", component, line)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				c.t.Fatal(err)
			}
			return
		}
	}
	c.t.Fatalf("no component %s in\n%s", component, out)
}

// hostLink finds the machine's end of the link to the node: the interface in the subnet of the API server's address.
func (c *cli) hostLink() string {
	c.t.Helper()
	server := c.kubectl("", "config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")
	host, _, err := net.SplitHostPort(strings.TrimPrefix(server, "https://"))
	if err != nil {
		c.t.Fatal(err)
	}
	links, err := net.Interfaces()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, link := range links {
		addresses, err := link.Addrs()
		if err != nil {
			c.t.Fatal(err)
		}
		for _, a := range addresses {
			if subnet, ok := a.(*net.IPNet); ok && subnet.Contains(net.ParseIP(host)) {
				return link.Name
			}
		}
	}
	c.t.Fatalf("no interface leads to %s", host)
	return ""
}
