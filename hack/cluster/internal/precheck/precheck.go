// SPDX-License-Identifier: Apache-2.0

// Package precheck finds out, all at once, what this machine lacks for running a node.
package precheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Tool is a program or header that a node needs.
type Tool struct {
	// Program is looked up in PATH; File is a path. One of them is set.
	Program, File string
	// Package is the Debian package that has it.
	Package string
	// Why says what it is for.
	Why string
}

// Tools lists what a full node needs from the distribution.
func Tools() []Tool {
	return []Tool{
		{Program: "ip", Package: "iproute2", Why: "links and routes of the node"},
		{Program: "iptables", Package: "iptables", Why: "Cilium's redirect to its DNS proxy"},
		{Program: "modprobe", Package: "kmod", Why: "kernel modules that iptables needs"},
		{Program: "mount", Package: "mount", Why: "volumes of pods"},
		{Program: "clang-19", Package: "clang-19", Why: "Cilium's BPF programs"},
		{Program: "llc-19", Package: "llvm-19", Why: "Cilium's BPF programs"},
		{Program: "gcc", Package: "gcc", Why: "building runc"},
		{Program: "pkg-config", Package: "pkg-config", Why: "building runc"},
		{File: "/usr/include/stdlib.h", Package: "libc6-dev", Why: "building runc"},
		{File: "/usr/include/seccomp.h", Package: "libseccomp-dev", Why: "building runc"},
	}
}

// Missing is what Full found: problems that only a person can solve, and Debian packages to install.
type Missing struct {
	Problems []string
	Packages []string
}

// ControlPlane checks what etcd and an API server need.
func ControlPlane() error {
	return Missing{Problems: platform()}.Err()
}

// Full checks what a whole node needs.
func Full() Missing {
	m := Missing{Problems: platform()}
	if os.Geteuid() != 0 {
		m.Problems = append(m.Problems, "not root: a node makes network namespaces, mounts and cgroups; run it as root, or use `up --control-plane-only`")
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		m.Problems = append(m.Problems, "the kernel has no BTF (/sys/kernel/btf/vmlinux): Cilium needs a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are")
	}
	if CgroupRoot() == "" {
		m.Problems = append(m.Problems, "no cgroup2 file system: `mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified`")
	}
	for _, t := range Tools() {
		if !t.present() {
			m.Packages = append(m.Packages, t.Package)
		}
	}
	return m
}

// CgroupRoot is where the machine mounts cgroup2: all of it, or beside version 1. It is empty when there is none.
func CgroupRoot() string {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	return ""
}

// Err is nil when nothing is missing.
func (m Missing) Err() error {
	lines := m.Problems
	if len(m.Packages) > 0 {
		lines = append(lines, "missing Debian packages: apt-get install --no-install-recommends "+strings.Join(m.Packages, " "))
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New("this machine cannot run it yet:\n  - " + strings.Join(lines, "\n  - "))
}

// Install adds missing Debian packages when it can: as root, on a machine with apt-get, with no other problem left.
func Install(ctx context.Context, m Missing, out io.Writer) error {
	aptGet, err := exec.LookPath("apt-get")
	if len(m.Problems) > 0 || len(m.Packages) == 0 || err != nil {
		return m.Err()
	}
	fmt.Fprintf(out, "installing Debian packages: %s\n", strings.Join(m.Packages, " "))
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, m.Packages...)
	for _, args := range [][]string{{"update", "-q"}, install} {
		cmd := exec.CommandContext(ctx, aptGet, args...) //nolint:gosec // package names come from Tools
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, output)
		}
	}
	return nil
}

func platform() []string {
	if runtime.GOOS != "linux" {
		return []string{"not Linux: the components are Linux programs; use kind with Cilium instead"}
	}
	return nil
}

func (t Tool) present() bool {
	if t.File != "" {
		_, err := os.Stat(t.File)
		return err == nil
	}
	_, err := exec.LookPath(t.Program)
	return err == nil
}
