// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/runner"
)

func TestCodeCannotReachIntoTheRunner(t *testing.T) {
	newSandbox(t).payload("reach-runner").wantRefused(t,
		"ptrace", "open mem", "open environ", "open maps", "open fd/1", "open cwd/.", "read memory",
		"take a descriptor", "limit its CPU time", "limit its file size", "set up io_uring", "be traced", "ask it to stop")
}

func TestCodeLeavesNothingOutsideOfItsDirectories(t *testing.T) {
	s := newSandbox(t)
	s.writable = writable(t, s)
	r := s.payload("reach-files")
	if r.report.Landlock == 0 {
		t.Skip("left out: this kernel has no Landlock")
	}
	log := "write " + filepath.Base(s.dir)
	r.wantRefused(t, "write shm", log, "be killed first when memory is short", "list /sys/fs", "list /dev")

	control := s.bare("reach-files")
	if refused := strings.Count(control, "refused"); refused > 0 {
		t.Errorf("the attack proves nothing, without the runner this is refused too:\n%s", control)
	}
}

func TestAFileCannotFillTheNodesDisk(t *testing.T) {
	s := newSandbox(t)
	s.flags = []string{"--max-file=4096"}
	if got, want := s.payload("grow-file", filepath.Join(writable(t, s), "big"), "4096").stdout, "up to the limit: <nil>\nbeyond: true\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLimitsAreHardForTheCode(t *testing.T) {
	s := newSandbox(t)
	s.flags = []string{"--max-file=4096"}
	got := strings.Split(strings.TrimSpace(s.payload("limits").stdout), "\n")
	slices.Sort(got)
	if want := []string{"core 0 0", "fsize 4096 4096", "nofile 4096 4096", "nproc 128 128"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoSignalFromTheCodeEndsTheRunner(t *testing.T) {
	r := newSandbox(t).payload("signal-runner")
	r.want(t, runner.Completed, 0)
	if r.report.Stdout.Tail != "sent\n" {
		t.Errorf("the attack was not carried out: %q", r.report.Stdout.Tail)
	}
}

func TestAForgedReportIsReplaced(t *testing.T) {
	s := newSandbox(t)
	r := s.payload("forge", "3")
	r.want(t, runner.Completed, 3)
	if r.report.CodeSHA256 != s.code.SHA256 {
		t.Errorf("report: %s", r.message)
	}
}

func TestTheForgedReportWouldBeBelievedOtherwise(t *testing.T) {
	if _, err := runner.ParseReport([]byte(forgedReport)); err != nil {
		t.Errorf("the attack above proves nothing: %v", err)
	}
}

func TestADaemonThatKeepsForgingAndHoldsStdoutIsEnded(t *testing.T) {
	s := newSandbox(t)
	r := s.payload("leave-forger")
	r.want(t, runner.Completed, 0)
	if r.report.CodeSHA256 != s.code.SHA256 || r.report.Stdout.Bytes != 0 {
		t.Errorf("report: %s", r.message)
	}
}

func TestAForkBombLeftBehindIsEnded(t *testing.T) {
	s := newSandbox(t)
	s.flags = []string{"--max-processes=64"}
	r := s.payload("fork-bomb")
	r.want(t, runner.Completed, 0)
	if r.report.Stdout.Bytes != 1<<20 {
		t.Errorf("drained %d bytes", r.report.Stdout.Bytes)
	}
}
