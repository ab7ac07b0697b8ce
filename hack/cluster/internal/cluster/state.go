// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real one-node Kubernetes: it starts what does not run, repairs what died, and takes everything away again.
package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/build"
	"github.com/airlock-dev/airlock/hack/cluster/internal/pki"
)

// Cluster is one cluster on this machine, known by its name.
type Cluster struct {
	// Name is a DNS label of at most 15 characters, which keeps the path of containerd's shim sockets under its limit.
	Name string
	// Out receives progress for a person to read.
	Out io.Writer
	// Now is the time that new certificates are valid from.
	Now time.Time
	// Self is the path of this program, which also plays the outside world.
	Self string

	state    state
	programs build.Entries
}

// state is what is fixed when a cluster is made, kept in cluster.json.
type state struct {
	// Index numbers the clusters of this machine and selects their addresses.
	Index int `json:"index"`
	// ControlPlaneOnly says that there is no node.
	ControlPlaneOnly bool `json:"controlPlaneOnly"`
	// Controllers says that controller-manager and scheduler run although there is no node, and that the API server keeps an audit log.
	Controllers bool `json:"controllers,omitempty"`
	// Ports that were free when a control plane without a network namespace was made.
	Ports ports `json:"ports"`
}

type ports struct {
	Etcd     int `json:"etcd"`
	EtcdPeer int `json:"etcdPeer"`
	API      int `json:"api"`
	// ControllerManager and Scheduler are their secure ports.
	ControllerManager int `json:"controllerManager"`
	Scheduler         int `json:"scheduler"`
}

// ErrNotFound says that no cluster has this name.
var ErrNotFound = errors.New("no such cluster")

var validName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$`)

// CheckName refuses names that cannot be used for a node, a directory and a cgroup.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("cluster name %q: use 1 to 15 lower-case letters, digits and dashes, starting with a letter", name)
	}
	return nil
}

// baseDir is where all clusters of this user are: ${AIRLOCK_CLUSTER_DIR:-/var/lib/airlock-cluster}, for others than root below their
// home directory.
func baseDir() string {
	if dir := os.Getenv("AIRLOCK_CLUSTER_DIR"); dir != "" {
		return filepath.Clean(dir)
	}
	if home, err := os.UserHomeDir(); err == nil && os.Geteuid() != 0 {
		return filepath.Join(home, ".local", "state", "airlock-cluster")
	}
	return "/var/lib/airlock-cluster"
}

// dir returns a path inside the state directory.
func (c *Cluster) dir(elem ...string) string {
	return filepath.Join(append([]string{baseDir(), c.Name}, elem...)...)
}

func (c *Cluster) log(component string) string { return c.dir("logs", component+".log") }

func (c *Cluster) pki() pki.Dir { return pki.Dir{Path: c.dir("pki"), Now: c.Now} }

// lock keeps two commands from changing this cluster at the same time; other clusters are not held up.
func (c *Cluster) lock() (unlock func(), err error) { return lockFile("." + c.Name + ".lock") }

// addressLock guards what clusters share: address ranges, and the directory that all kubelets use.
const addressLock = ".addresses.lock"

func lockFile(name string) (unlock func(), err error) {
	if err := os.MkdirAll(baseDir(), 0o755); err != nil { //nolint:gosec // secrets are in directories below that are closed
		return nil, fmt.Errorf("create the state directory: %w", err)
	}
	return build.Lock(filepath.Join(baseDir(), name))
}

// load reads the fixed state; ErrNotFound when there is none.
func (c *Cluster) load() error {
	content, err := os.ReadFile(c.dir("cluster.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s (in %s)", ErrNotFound, c.Name, baseDir())
	}
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if err := json.Unmarshal(content, &c.state); err != nil {
		return fmt.Errorf("the state of %s is damaged, run down and up: %w", c.Name, err)
	}
	return nil
}

// makeDirs makes the directories of every cluster. The way to a container's root file system can be passed by everybody: root in a pod with
// a user namespace is not root here.
func (c *Cluster) makeDirs() error {
	for _, sub := range []string{"", "run"} {
		if err := os.MkdirAll(c.dir(sub), 0o711); err != nil { //nolint:gosec // what is secret is in closed directories below
			return fmt.Errorf("create the state directory: %w", err)
		}
	}
	for _, sub := range []string{"logs", "pki", "run/processes", "bin", "config"} {
		if err := os.MkdirAll(c.dir(sub), 0o700); err != nil {
			return fmt.Errorf("create the state directory: %w", err)
		}
	}
	return nil
}

// clearRun removes what does not outlive the processes, as a restart of the machine does with /run, and the CNI configuration: pods wait for
// it until Cilium is ready again.
func (c *Cluster) clearRun() error {
	if err := errors.Join(os.RemoveAll(c.dir("run")), os.RemoveAll(c.dir("s")), os.RemoveAll(c.dir("cni", "net.d"))); err != nil {
		return fmt.Errorf("clear what ran before: %w", err)
	}
	return c.makeDirs()
}

// create records a new cluster before anything of it exists, so that down always finds it.
func (c *Cluster) create(kind Kind) error {
	c.state = state{ControlPlaneOnly: kind != Node, Controllers: kind == SimulatedNodes}
	unlock, err := lockFile(addressLock)
	if err != nil {
		return err
	}
	defer unlock()
	if c.state.ControlPlaneOnly {
		err = c.state.Ports.choose()
	} else {
		c.state.Ports = ports{Etcd: etcdPort, EtcdPeer: etcdPeer, API: apiPort, ControllerManager: controllerManagerPort, Scheduler: schedulerPort}
		if c.state.Index, err = freeIndex(); err == nil {
			err = c.checkCgroup()
		}
	}
	if err != nil {
		return err
	}
	if err := c.makeDirs(); err != nil {
		return err
	}
	content, err := json.Marshal(c.state)
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	tmp := c.dir("cluster.json.tmp")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := os.Rename(tmp, c.dir("cluster.json")); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}
