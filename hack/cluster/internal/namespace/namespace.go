// SPDX-License-Identifier: Apache-2.0

// Package namespace makes network and mount namespaces that last as long as a file they are mounted on, and runs code inside them.
package namespace

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Set names the namespaces to be in by the files that keep them; the caller's own where empty.
type Set struct {
	Net, Mount string
}

// Private makes dir a mount of its own that shares nothing with others. The kernel keeps mount namespaces only at such places.
func Private(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s on itself: %w", dir, err)
	}
	if err := unix.Mount("", dir, "", unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make %s private: %w", dir, err)
	}
	return nil
}

// CreateNet makes a network namespace and keeps it at path.
func CreateNet(path string) error {
	return create(path, unix.CLONE_NEWNET, "net", func() error { return nil })
}

// CreateMount makes a mount namespace, runs setup in it and keeps it at path, a file in a Private directory. What is mounted in it later
// is not seen outside and ends with it.
func CreateMount(path string, setup func() error) error {
	return create(path, unix.CLONE_NEWNS, "mnt", func() error {
		// Mounts of the machine still appear inside, and those made inside are shared among the containers in it, as kubelet wants.
		for _, propagation := range []uintptr{unix.MS_SLAVE, unix.MS_SHARED} {
			if err := unix.Mount("", "/", "", propagation|unix.MS_REC, ""); err != nil {
				return fmt.Errorf("set mount propagation: %w", err)
			}
		}
		return setup()
	})
}

func create(path string, flag int, name string, setup func() error) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("create the namespace file: %w", err)
	}
	// The thread inside the new namespace lives until the namespace is kept from outside of it.
	inside, kept := make(chan int), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(inside)
		failed <- onThread(func() error {
			if err := unix.Unshare(flag); err != nil {
				return fmt.Errorf("create a namespace: %w", err)
			}
			if err := setup(); err != nil {
				return err
			}
			inside <- unix.Gettid()
			<-kept
			return nil
		})
	}()
	tid, ok := <-inside
	if !ok {
		return <-failed
	}
	err := unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/%s", tid, name), path, "", unix.MS_BIND, "")
	close(kept)
	if err != nil {
		return fmt.Errorf("keep the namespace at %s: %w", path, err)
	}
	return <-failed
}

// Exists reports whether a namespace is kept at path.
func Exists(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC
}

// Do runs f inside the namespaces. What f starts stays in them; goroutines that f starts do not run in them.
func (s Set) Do(f func() error) error {
	if s == (Set{}) {
		return f()
	}
	return onThread(func() error {
		if err := errors.Join(enter(s.Net, unix.CLONE_NEWNET), enterMount(s.Mount)); err != nil {
			return err
		}
		return f()
	})
}

func enterMount(path string) error {
	if path == "" {
		return nil
	}
	// Threads of a process share their working directory, which a mount namespace does not allow (setns(2)).
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the shared working directory: %w", err)
	}
	return enter(path, unix.CLONE_NEWNS)
}

func enter(path string, flag int) error {
	if path == "" {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the namespace %s: %w", path, err)
	}
	if err := unix.Setns(fd, flag); err != nil {
		return errors.Join(fmt.Errorf("enter the namespace %s: %w", path, err), unix.Close(fd))
	}
	return unix.Close(fd)
}

// onThread runs f on an operating system thread that is thrown away after it, because f changes the thread's namespaces.
func onThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends the thread with the goroutine
		result <- f()
	}()
	return <-result
}
