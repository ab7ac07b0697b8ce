// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// warmThreads is how many threads exist before the code starts: the runner's
// blocking calls (wait, two forwarded streams), the collector and spares.
const warmThreads = 8

// maxOpenFiles of a process: the node's table of open files is shared by all pods.
const maxOpenFiles = 4096

// harden makes this process unreachable for code with the same uid, and sets the
// limits that the code inherits. The channel receives the request to stop.
func harden(maxFile, maxProcesses int64) (<-chan os.Signal, error) {
	// Only PID 1 is safe from SIGKILL by its neighbours, ends with all of them
	// and can find all of them.
	if os.Getpid() != 1 {
		return nil, errors.New("the runner must be PID 1 of its own PID namespace")
	}
	// No ptrace, no /proc/1/mem, /proc/1/environ or /proc/1/fd for the same uid.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set undumpable: %w", err)
	}
	runtime.GOMAXPROCS(2)
	startThreads(warmThreads)
	if err := limitResources(maxFile, maxProcesses); err != nil {
		return nil, err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	// A closed log must be an error of write, not the end of the runner.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	return stop, dropSignalHandlers()
}

// limitResources sets soft and hard limits (getrlimit(2)). The container's cgroup
// bounds memory; these bound what it does not. A fork bomb that fills the memory
// keeps the kernel so busy that not even its end gets a turn.
func limitResources(maxFile, maxProcesses int64) error {
	for resource, limit := range map[int]int64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: maxFile, unix.RLIMIT_NOFILE: maxOpenFiles, unix.RLIMIT_NPROC: maxProcesses,
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(resource, &now); err != nil {
			return fmt.Errorf("read resource limit %d: %w", resource, err)
		}
		allowed := min(uint64(limit), now.Max) //nolint:gosec // Checked to be positive. Only root may raise it.
		// Not unix.Setrlimit: the syscall package has to know of it, or it gives the code the limit that the runner was started with.
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: allowed, Max: allowed}); err != nil {
			return fmt.Errorf("set resource limit %d: %w", resource, err)
		}
	}
	return nil
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
