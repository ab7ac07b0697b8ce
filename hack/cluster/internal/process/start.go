// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/airlock-dev/airlock/hack/cluster/internal/namespace"
)

// Spec says how to start a long-running program.
type Spec struct {
	// Name is the component's name, Log the file that receives its output.
	Name, Log string
	// Path is the executable.
	Path string
	Args []string
	// Env is the whole environment: nothing of the caller's, such as a proxy setting or a credential, is handed on.
	Env []string
	// Namespaces are those to start in.
	Namespaces namespace.Set
	// Cgroup is the cgroup2 directory to start in, the caller's own when empty.
	Cgroup string
}

// Process is a program that this process started.
type Process struct {
	Record
	// Exited is closed when the program has ended.
	Exited <-chan struct{}
}

// Start runs the program in a session of its own, so that it outlives the caller and its terminal.
func Start(s Spec) (Process, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return Process{}, fmt.Errorf("open the log of %s: %w", s.Name, err)
	}
	defer log.Close()                      //nolint:errcheck // the program holds its own copy
	cmd := exec.Command(s.Path, s.Args...) //nolint:gosec // the programs that this tool built
	cmd.Env = s.Env
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.Cgroup != "" {
		cgroup, err := os.Open(s.Cgroup)
		if err != nil {
			return Process{}, fmt.Errorf("open the cgroup of %s: %w", s.Name, err)
		}
		defer cgroup.Close() //nolint:errcheck // opened for its descriptor only
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(cgroup.Fd())
	}
	if err := s.Namespaces.Do(cmd.Start); err != nil {
		return Process{}, fmt.Errorf("start %s: %w", s.Name, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	record, err := Identify(cmd.Process.Pid)
	if err != nil {
		<-exited
		return Process{}, fmt.Errorf("%s ended at once, see %s: %w", s.Name, s.Log, err)
	}
	return Process{Record: record, Exited: exited}, nil
}
