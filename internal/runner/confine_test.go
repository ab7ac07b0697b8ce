// SPDX-License-Identifier: Apache-2.0

//go:build linux

package runner

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// decide runs the filter on one system call. The virtual machine loads words as
// big endian, like network packets, so they are laid out that way for it.
func decide(t *testing.T, arch, call, arg0 uint32) uint32 {
	t.Helper()
	filter, err := seccompFilter()
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]bpf.RawInstruction, len(filter))
	for i, f := range filter {
		raw[i] = bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter has an instruction that does not exist")
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64) // sizeof(struct seccomp_data)
	binary.BigEndian.PutUint32(data[offsetCall:], call)
	binary.BigEndian.PutUint32(data[offsetArch:], arch)
	binary.BigEndian.PutUint32(data[offsetArg0:], arg0)
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

func TestTheFilterDeniesWhatReachesIntoTheRunner(t *testing.T) {
	native, err := auditArch()
	if err != nil {
		t.Fatal(err)
	}
	const (
		denied  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	for name, tc := range map[string]struct{ arch, call, arg0, want uint32 }{
		"an ordinary call":                      {native, unix.SYS_READ, 1, unix.SECCOMP_RET_ALLOW},
		"ptrace":                                {native, unix.SYS_PTRACE, 0, denied},
		"io_uring":                              {native, unix.SYS_IO_URING_SETUP, 0, denied},
		"limits of the process itself":          {native, unix.SYS_PRLIMIT64, 0, unix.SECCOMP_RET_ALLOW},
		"limits of the runner":                  {native, unix.SYS_PRLIMIT64, 1, denied},
		"ptrace in the x32 table":               {native, x32Calls | 521, 0, unknown},
		"an ordinary call in the x32 table":     {native, x32Calls, 0, unknown},
		"ptrace by the 32-bit gate of amd64":    {unix.AUDIT_ARCH_I386, 26, 0, unix.SECCOMP_RET_KILL_PROCESS},
		"prlimit64 by the 32-bit gate of amd64": {unix.AUDIT_ARCH_I386, 340, 1, unix.SECCOMP_RET_KILL_PROCESS},
		"the 32-bit gate of arm64":              {unix.AUDIT_ARCH_ARM, 26, 0, unix.SECCOMP_RET_KILL_PROCESS},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decide(t, tc.arch, tc.call, tc.arg0); got != tc.want {
				t.Errorf("verdict %#x, want %#x", got, tc.want)
			}
		})
	}
}
