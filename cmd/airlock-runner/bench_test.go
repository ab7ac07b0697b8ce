// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkRunner starts a program bare and under the runner, in turns, each as
// PID 1 of namespaces of its own, and reports the medians. The canary's wait is
// left out: it is 1 ms here. peak-MB is the runner's own, beside the code's.
func BenchmarkRunner(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("left out: PID namespaces with a second uid need root")
	}
	dir := b.TempDir()
	built := filepath.Join(dir, "runner")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", built, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for path := dir; path != "/" && path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	code, log := filepath.Join(dir, "main.py"), filepath.Join(dir, "log")
	if err := os.WriteFile(code, []byte("judged"), 0o644); err != nil {
		b.Fatal(err)
	}
	server := silence(b)
	// VmHWM of PID 1, from inside: the only process that is not the code's.
	program := []string{"/usr/bin/grep", "VmHWM", "/proc/1/status"}
	runner := append([]string{
		built, "run", "--code=" + code, "--code-sha256=" + hexDigest("judged"), "--termination-log=" + log, "--canary-wait=1ms", "--env=PATH", "--writable=" + dir, "--",
	}, program...)
	start := func(argv []string) (time.Duration, string) {
		b.Helper()
		if err := os.WriteFile(log, nil, 0o666); err != nil {
			b.Fatal(err)
		}
		if err := os.Chmod(log, 0o666); err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(self, append([]string{stageRole, strconv.Itoa(sandboxUser)}, argv...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
		cmd.Env = []string{"PATH=/usr/bin:/bin", "KUBERNETES_SERVICE_HOST=" + server.Addr().String(), fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", server.Port())}
		var out bytes.Buffer
		cmd.Stdout = &out
		began := time.Now()
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began), out.String()
	}
	var bare, under []time.Duration
	var peak float64
	for b.Loop() {
		took, _ := start(program)
		bare = append(bare, took)
		took, out := start(runner)
		under = append(under, took)
		kB, err := strconv.ParseFloat(strings.Fields(out)[1], 64)
		if err != nil {
			b.Fatal(err)
		}
		peak = max(peak, kB/1024)
	}
	slices.Sort(bare)
	slices.Sort(under)
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(milliseconds(bare[len(bare)/2]), "bare-ms")
	b.ReportMetric(milliseconds(under[len(under)/2]), "runner-ms")
	b.ReportMetric(milliseconds(under[len(under)/2]-bare[len(bare)/2]), "added-ms")
	b.ReportMetric(peak, "peak-MB")
}
