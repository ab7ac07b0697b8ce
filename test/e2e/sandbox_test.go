// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// sleeper runs long enough to be looked at.
const sleeper = `
import time
for _ in range(120):
    time.sleep(0.5)
print("done")
`

// TestTheSandboxHasNothing looks at the process of the code from the node, where a manifest cannot lie.
func TestTheSandboxHasNothing(t *testing.T) {
	req := submit(t, sleeper)
	pod := awaitSandbox(t, req)
	pid := processOf(t, string(pod.UID))

	status := fields(t, fmt.Sprintf("/proc/%d/status", pid))
	got := map[string]string{}
	for _, key := range []string{"Uid", "Gid", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"} {
		got[key] = strings.Join(strings.Fields(status[key]), " ")
	}
	const none = "0000000000000000"
	user := int(*pod.Spec.SecurityContext.RunAsUser)
	ids := strings.TrimSpace(strings.Repeat(strconv.Itoa(user)+" ", 4))
	want := map[string]string{
		"Uid": ids, "Gid": ids,
		"CapPrm": none, "CapEff": none, "CapBnd": none, "CapAmb": none, "NoNewPrivs": "1", "Seccomp": "2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("process of the code (-want +got):\n%s", diff)
	}

	for target, options := range mountsOf(t, pid) {
		if target != "/workspace" && target != "/tmp" && strings.HasPrefix(options, "rw") && writable(pid, user, target) {
			t.Errorf("%s can be written (%s)", target, options)
		}
		if strings.Contains(target, "serviceaccount") {
			t.Errorf("a service account token is mounted at %s", target)
		}
	}
	for _, path := range []string{"bin/sh", "usr/bin/sh", "bin/bash", "var/run/secrets/kubernetes.io"} {
		if _, err := os.Lstat(filepath.Join("/proc", strconv.Itoa(pid), "root", path)); err == nil {
			t.Errorf("/%s exists in the sandbox", path)
		}
	}
}

// writable says whether the sandbox's user may write at the top of a mount that is not read-only. What the runtime mounts
// below /dev (terminals, shared memory, message queues, the termination message) lives and dies with the container.
func writable(pid, user int, target string) bool {
	if strings.HasPrefix(target, "/dev/") {
		return false
	}
	var at unix.Stat_t
	if err := unix.Stat(filepath.Join("/proc", strconv.Itoa(pid), "root", target), &at); err != nil {
		return true
	}
	if at.Mode&unix.S_IFMT == unix.S_IFCHR {
		return false // a file of /proc that the runtime masks with /dev/null
	}
	return at.Mode&0o002 != 0 || int(at.Uid) == user && at.Mode&0o200 != 0 || int(at.Gid) == user && at.Mode&0o020 != 0
}

// processOf waits for the interpreter of a pod, which starts behind the canary: the process in the pod's cgroup that is
// neither the runner nor the pause container.
func processOf(t *testing.T, podUID string) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(pollEvery) {
		for pid, command := range processesOf(t, podUID) {
			if strings.HasPrefix(command, "/usr/bin/python3 ") {
				return pid
			}
		}
	}
	t.Fatalf("no process of pod %s on this machine: these tests run on the node itself", podUID)
	return 0
}

// fields reads a file of "Key:\tvalue" lines.
func fields(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			out[key] = value
		}
	}
	return out
}

// mountsOf returns mount points with their options, as the process sees them (proc_pid_mountinfo(5)).
func mountsOf(t *testing.T, pid int) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		f := strings.Fields(line)
		out[f[4]] = f[5]
	}
	if len(out) == 0 {
		t.Fatal("no mounts found")
	}
	return out
}
