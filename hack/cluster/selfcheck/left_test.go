// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package selfcheck

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nothingLeft looks for what a cluster could leave behind on the machine. Namespaces end with the last process in them and the last mount
// of them, so that those two are what is looked for.
func nothingLeft(t *testing.T, dir, link string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("the state directory %s is left", dir)
	}
	if _, err := net.InterfaceByName(link); err == nil {
		t.Errorf("the link %s is left", link)
	}
	for line := range strings.Lines(read(t, "/proc/self/mountinfo")) {
		if strings.Contains(line, dir+"/") || strings.Contains(line, dir+" ") {
			t.Errorf("a mount is left: %s", line)
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/airlock-" + name, "/sys/fs/cgroup/*/airlock-" + name} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("cgroups are left: %v %v", left, err)
		}
	}
	noProcessLeft(t, dir)
}

// noProcessLeft finds processes by what they were called with, and shims and containers by their cgroup and root directory.
func noProcessLeft(t *testing.T, dir string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		cmdline, _ := os.ReadFile(filepath.Join(process, "cmdline")) // a process that ended meanwhile is not left
		if len(cmdline) == 0 {
			continue // a zombie, which runs nothing and waits for the machine's init; or a thread of the kernel
		}
		cgroup, _ := os.ReadFile(filepath.Join(process, "cgroup"))
		if strings.Contains(string(cmdline), dir+"/") || strings.Contains(string(cgroup), "/airlock-"+name) {
			t.Errorf("process %s is left: %s", filepath.Base(process), strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
}
