// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ending is how the code's own process ended.
type ending struct {
	reason   Reason
	exitCode int
	signal   string
	message  string
}

// wait returns when the code has ended, nothing that it started is left and its
// output is drained. It kills everything at the deadline or when asked to stop.
func (p *process) wait(timeout time.Duration, stop <-chan os.Signal) (ending, error) {
	var expired, stopped atomic.Bool
	deadline := time.AfterFunc(timeout, func() {
		expired.Store(true)
		killAll()
	})
	defer deadline.Stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-stop:
			stopped.Store(true)
			killAll()
		case <-done:
		}
	}()

	status, err := reap(p.pid)
	if err != nil {
		return ending{}, err
	}
	end := describe(status, timeout, expired.Load(), stopped.Load())
	if err := endAll(); err != nil {
		return ending{}, err
	}
	p.drained.Wait()
	return end, nil
}

func describe(status unix.WaitStatus, timeout time.Duration, expired, stopped bool) ending {
	switch {
	case status.Exited():
		return ending{reason: Completed, exitCode: status.ExitStatus()}
	case expired:
		return ending{reason: DeadlineExceeded, exitCode: ExitDeadline, message: fmt.Sprintf("killed after %s", timeout)}
	case stopped:
		return signaled(unix.SIGTERM, "the sandbox was asked to stop")
	default:
		return signaled(status.Signal(), "")
	}
}

func signaled(sig unix.Signal, message string) ending {
	name := unix.SignalName(sig)
	if name == "" {
		name = fmt.Sprintf("SIG%d", int(sig)) // Real-time signals have no name.
	}
	return ending{reason: Signaled, exitCode: 128 + int(sig), signal: name, message: message}
}

// reap collects orphans until the process pid has ended.
func reap(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for the code: %w", err)
		case got == pid:
			return status, nil
		}
	}
}

// endAll kills and reaps every process in the PID namespace. Only then can
// nobody hold the output pipes open or write to the termination log any more.
func endAll() error {
	for {
		killAll()
		_, err := unix.Wait4(-1, nil, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.ECHILD):
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for left processes: %w", err)
		}
	}
}

// killAll kills every process in the PID namespace but PID 1. The kernel walks
// them under one lock and lets no fork slip through, so a fork bomb ends too.
func killAll() {
	// The only error is ESRCH, that there is nobody left.
	_ = unix.Kill(-1, unix.SIGKILL)
}
