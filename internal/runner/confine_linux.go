// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// startConfined starts cmd from a thread that has given up new privileges,
// entered a Landlock domain and installed the filter; the child inherits all
// three. The thread is never unlocked, so it ends with its goroutine and the
// runner itself is not confined. It returns the version of Landlock's interface.
func startConfined(cmd *exec.Cmd, writable []string) (version int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if version, err = confineThread(writable); err == nil {
			err = cmd.Start()
		}
	}()
	<-done
	return version, err
}

// errConfine hides the errno: it must not be taken for a failed exec.
func errConfine(what string, err error) error {
	return fmt.Errorf("%s: %s", what, err.Error())
}

func confineThread(writable []string) (int, error) {
	// Set-user-ID programs and file capabilities lose their effect.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, errConfine("set no_new_privs", err)
	}
	version, err := restrictFiles(writable)
	if err != nil {
		return 0, err
	}
	return version, filterCalls()
}

func filterCalls() error {
	filter, err := seccompFilter()
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // A few dozen instructions.
	pointer := uintptr(unsafe.Pointer(&program))                            //nolint:gosec // seccomp has no wrapper.
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, pointer); errno != 0 {
		return errConfine("install seccomp filter", errno)
	}
	runtime.KeepAlive(filter)
	return nil
}

// deniedCalls reach into other processes of the same uid, the runner first, or
// do work in the kernel that a seccomp filter does not see.
var deniedCalls = []uint32{
	unix.SYS_PTRACE,
	unix.SYS_PROCESS_VM_READV,
	unix.SYS_PROCESS_VM_WRITEV,
	unix.SYS_PROCESS_MADVISE,
	unix.SYS_PIDFD_GETFD,
	unix.SYS_KCMP,
	unix.SYS_MIGRATE_PAGES,
	unix.SYS_MOVE_PAGES,
	unix.SYS_IO_URING_SETUP,
	unix.SYS_IO_URING_ENTER,
	unix.SYS_IO_URING_REGISTER,
}

// x32Calls is the bit that marks amd64's second system call table.
const x32Calls = 0x40000000

// Offsets in struct seccomp_data (seccomp(2)); args[0] by its low half, which is
// all of a pid_t on the little-endian machines supported.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArg0 = 16
)

// seccompFilter adds to the pod's own profile what protects the runner. Besides
// deniedCalls it denies prlimit64 on other processes: it asks for nothing but the
// same uid, and a CPU limit of zero on PID 1 makes the kernel kill it.
func seccompFilter() ([]unix.SockFilter, error) {
	arch, err := auditArch()
	if err != nil {
		return nil, err
	}
	filter := []unix.SockFilter{
		load(offsetArch),
		jumpEqual(arch, 1, 0),
		result(unix.SECCOMP_RET_KILL_PROCESS), // Another table, in which every number below means something else.
		load(offsetCall),
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: x32Calls, Jt: 0, Jf: 1},
		result(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)),
	}
	for _, call := range deniedCalls {
		filter = append(filter, jumpEqual(call, 0, 1), result(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)))
	}
	return append(filter,
		jumpEqual(unix.SYS_PRLIMIT64, 0, 3),
		load(offsetArg0),
		jumpEqual(0, 1, 0),
		result(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)),
		result(unix.SECCOMP_RET_ALLOW),
	), nil
}

func auditArch() (uint32, error) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, nil
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, nil
	default:
		return 0, errors.New("no seccomp filter for " + runtime.GOARCH)
	}
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jumpEqual(value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: yes, Jf: no}
}

func result(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}
