// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// warmThreads is how many threads exist before the code starts: the runner's
// blocking calls (wait, two forwarded streams), the collector and spares.
const warmThreads = 8

// Limits that the code inherits. The container's cgroup bounds memory and
// processes; nothing else bounds these.
const (
	maxOpenFiles = 4096 // of a process: the node's table of open files is shared by all pods
	maxProcesses = 1024 // of a user, where the user is the pod's alone
)

// harden makes this process unreachable for code with the same uid, and sets the
// limits that the code inherits. The channel receives the request to stop.
func harden(maxFile int64) (<-chan os.Signal, error) {
	// Only PID 1 is safe from SIGKILL by its neighbours, ends with all of them
	// and can find all of them.
	if os.Getpid() != 1 {
		return nil, errors.New("the runner must be PID 1 of its own PID namespace")
	}
	// No ptrace, no /proc/1/mem, /proc/1/environ or /proc/1/fd for the same uid.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set undumpable: %w", err)
	}
	if err := limitResources(maxFile); err != nil {
		return nil, err
	}
	runtime.GOMAXPROCS(2)
	startThreads(warmThreads)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	// A closed log must be an error of write, not the end of the runner.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	return stop, dropSignalHandlers()
}

// limitResources sets soft and hard limits (getrlimit(2)). Processes are counted
// by user over the whole node, unless the pod has a user namespace of its own: a
// limit there would let one sandbox starve another.
func limitResources(maxFile int64) error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: uint64(maxFile), unix.RLIMIT_NOFILE: maxOpenFiles} //nolint:gosec // Checked to be positive.
	own, err := ownUsers()
	if err != nil {
		return err
	}
	if own {
		limits[unix.RLIMIT_NPROC] = maxProcesses
	}
	for resource, limit := range limits {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(resource, &now); err != nil {
			return fmt.Errorf("read resource limit %d: %w", resource, err)
		}
		limit = min(limit, now.Max) // Only root may raise it.
		// Not unix.Setrlimit: the syscall package has to know of it, or it gives the code the limit that the runner was started with.
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set resource limit %d: %w", resource, err)
		}
	}
	return nil
}

// ownUsers says whether the pod has a user namespace (user_namespaces(7)): the
// initial one maps every user to itself.
func ownUsers() (bool, error) {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false, fmt.Errorf("read user map: %w", err)
	}
	return !slices.Equal(strings.Fields(string(text)), []string{"0", "0", "4294967295"}), nil
}

// keptHandlers are the request to stop, the Go scheduler's own signal, and two
// that have no handlers.
var keptHandlers = []unix.Signal{unix.SIGTERM, unix.SIGURG, unix.SIGKILL, unix.SIGSTOP}

// dropSignalHandlers takes the Go runtime's handlers away. The kernel
// discards what a neighbour sends to a PID 1 without a handler; Go's handlers
// would exit on SIGQUIT, and take a SIGSEGV sent by sigqueue(3) for a fault and
// crash.
func dropSignalHandlers() error {
	const lastSignal, maskBytes = 64, 8
	var defaultAction [4]uint64 // The kernel's sigaction: handler SIG_DFL, no flags, restorer or mask.
	for sig := unix.Signal(1); sig <= lastSignal; sig++ {
		if slices.Contains(keptHandlers, sig) {
			continue
		}
		action := uintptr(unsafe.Pointer(&defaultAction)) //nolint:gosec // rt_sigaction has no wrapper.
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), action, 0, maskBytes, 0, 0)
		if errno != 0 {
			return fmt.Errorf("drop handler of signal %d: %w", sig, errno)
		}
	}
	return nil
}

// startThreads makes the Go runtime hold n idle threads. A thread that cannot be
// made is fatal to it, and a fork bomb leaves no process ids for threads.
func startThreads(n int) {
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	ready.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread() // One thread each.
			ready.Done()
			<-release
			runtime.UnlockOSThread()
		})
	}
	ready.Wait()
	close(release)
	done.Wait()
}

func newProcessGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
