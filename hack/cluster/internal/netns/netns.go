// SPDX-License-Identifier: Apache-2.0

// Package netns makes network namespaces that last as long as a mount, and runs code inside them.
package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Create makes a new network namespace and keeps it at path, a file that becomes a mount point.
func Create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600) //nolint:gosec // below the cluster's own state directory
	if err != nil {
		return fmt.Errorf("create the namespace file: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("create the namespace file: %w", err)
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("create a network namespace: %w", err)
		}
		if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("keep the network namespace at %s: %w", path, err)
		}
		return nil
	})
}

// Exists reports whether a namespace is kept at path.
func Exists(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC
}

// Do runs f inside the namespace at path, or in the caller's own when path is empty. What f starts stays in that namespace; goroutines
// that f starts do not run in it.
func Do(path string, f func() error) error {
	if path == "" {
		return f()
	}
	file, err := os.Open(path) //nolint:gosec // below the cluster's own state directory
	if err != nil {
		return fmt.Errorf("open the network namespace: %w", err)
	}
	err = onThread(func() error {
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil { //nolint:gosec // a file descriptor fits an int
			return fmt.Errorf("enter the network namespace %s: %w", path, err)
		}
		return f()
	})
	return errors.Join(err, file.Close())
}

// onThread runs f on an operating system thread that is thrown away after it, because f changes the thread's namespace.
func onThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends the thread with the goroutine
		result <- f()
	}()
	return <-result
}
