// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const pollInterval = 20 * time.Millisecond

// Kill ends the process and waits until it is gone. It is not an error when it is gone already, and a process that merely has the same
// number is left alone: the signal goes through a file descriptor that was checked to belong to the recorded process.
func (r Record) Kill(ctx context.Context) error {
	if !r.Alive() {
		return nil
	}
	fd, err := unix.PidfdOpen(r.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open process %d: %w", r.PID, err)
	}
	defer unix.Close(fd) //nolint:errcheck // opened for the signal only
	if !r.Alive() {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end process %d: %w", r.PID, err)
	}
	return wait(ctx, fmt.Sprintf("process %d", r.PID), func() (bool, error) { return !r.Alive(), nil })
}

// KillCgroup ends every process in a cgroup2 directory and the groups below it, whoever started it. A missing directory is no error.
func KillCgroup(ctx context.Context, dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("end the processes of %s: %w", dir, err)
	}
	return wait(ctx, "processes in "+dir, func() (bool, error) {
		content, err := os.ReadFile(filepath.Join(dir, "cgroup.events")) //nolint:gosec // a cgroup of this tool
		if err != nil {
			return false, fmt.Errorf("read the state of %s: %w", dir, err)
		}
		return strings.Contains(string(content), "populated 0"), nil
	})
}

// RemoveCgroup removes a cgroup directory with the empty groups below it, in any cgroup version. A missing directory is no error.
func RemoveCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list cgroup %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := RemoveCgroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove cgroup %s: %w", dir, err)
	}
	return nil
}

// wait polls until done, because the kernel gives no event for the end of a process that is nobody's child.
func wait(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not end: %w", what, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}
