// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/internal/runner"
)

func TestTheCodeGetsExactlyWhatItWasGiven(t *testing.T) {
	s := newSandbox(t)
	s.inputs = []runner.File{s.file("data.csv", "a,b\n1,2\n")}
	r := s.payload("describe", "--", "a b", "")
	r.want(t, runner.Completed, 0)
	directory, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := `args=["--" "a b" ""] env=["PATH=/usr/bin:/bin" "TERMINATION_LOG=` + filepath.Join(s.dir, "termination-log") + `" "MARKER=sandbox"]` +
		` dir=` + directory + ` stdin="" leader=true CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2` + "\n"
	if r.stdout != want {
		t.Errorf("got  %swant %s", r.stdout, want)
	}
	if r.report.CodeSHA256 != s.code.SHA256 || r.report.Stdout.Tail != want {
		t.Errorf("report: %s", r.message)
	}
}

func TestTheReportSaysHowTheCodeEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		command  []string
		reason   runner.Reason
		exitCode int
		signal   string
	}{
		"exit code 0":             {[]string{"exit", "0"}, runner.Completed, 0, ""},
		"exit code 3":             {[]string{"exit", "3"}, runner.Completed, 3, ""},
		"exit code like deadline": {[]string{"exit", "124"}, runner.Completed, 124, ""},
		"exit code like SIGKILL":  {[]string{"exit", "137"}, runner.Completed, 137, ""},
		"SIGKILL":                 {[]string{"die", "9"}, runner.Signaled, 137, "SIGKILL"},
		"real-time signal":        {[]string{"die", "40"}, runner.Signaled, 168, "SIG40"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSandbox(t).payload(tc.command[0], tc.command[1:]...)
			r.want(t, tc.reason, tc.exitCode)
			if r.report.Signal != tc.signal {
				t.Errorf("signal %q, want %q", r.report.Signal, tc.signal)
			}
		})
	}
}

func TestACommandThatCannotBeExecutedIsReported(t *testing.T) {
	s := newSandbox(t)
	for name, tc := range map[string]struct {
		command  string
		exitCode int
	}{
		"absent":         {"/no/such/python3", runner.ExitNotFound},
		"not in PATH":    {"no-such-python3", runner.ExitNotFound},
		"not executable": {s.code.Path, runner.ExitCannotExecute},
		"a directory":    {s.dir, runner.ExitCannotExecute},
	} {
		t.Run(name, func(t *testing.T) {
			s.run(tc.command).want(t, runner.StartFailed, tc.exitCode)
		})
	}
}

func TestSwappedCodeIsRefusedAndNothingRuns(t *testing.T) {
	swap := func(s *sandbox) { s.code.SHA256 = s.file("main.py", "import os").SHA256[:63] + "0" }
	for name, tc := range map[string]struct {
		attack func(s *sandbox)
		reason runner.Reason
	}{
		"other code":       {swap, runner.CodeDigestMismatch},
		"no digest given":  {func(s *sandbox) { s.code.SHA256 = "" }, runner.CodeDigestMismatch},
		"code is absent":   {func(s *sandbox) { _ = os.Remove(s.code.Path) }, runner.CodeDigestMismatch},
		"code is a FIFO":   {func(s *sandbox) { _ = os.Remove(s.code.Path); _ = unix.Mkfifo(s.code.Path, 0o666) }, runner.CodeDigestMismatch},
		"code is a device": {func(s *sandbox) { s.code.Path = "/dev/zero" }, runner.CodeDigestMismatch},
		"other input": {func(s *sandbox) {
			s.inputs = []runner.File{s.file("a.csv", "1"), s.file("b.csv", "2")}
			s.inputs[1].SHA256 = s.inputs[0].SHA256
		}, runner.InputDigestMismatch},
		"input is absent": {func(s *sandbox) {
			s.inputs = []runner.File{s.file("a.csv", "1")}
			_ = os.Remove(s.inputs[0].Path)
		}, runner.InputDigestMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			tc.attack(s)
			marker := filepath.Join(writable(t, s), "it-ran")
			s.payload("touch", marker).want(t, tc.reason, runner.ExitRefused)
			if _, err := os.Stat(marker); err == nil {
				t.Error("the code ran")
			}
		})
	}
}

func TestJudgedCodeRuns(t *testing.T) {
	s := newSandbox(t)
	marker := filepath.Join(writable(t, s), "it-ran")
	s.payload("touch", marker).want(t, runner.Completed, 0)
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the control of the attack above did not run: %v", err)
	}
}

// writable makes a directory in which the sandbox user can write.
func writable(t *testing.T, s *sandbox) string {
	t.Helper()
	dir := filepath.Join(s.dir, "workspace")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheDeadlineEndsCodeThatIgnoresSignals(t *testing.T) {
	s := newSandbox(t)
	s.timeout = 300 * time.Millisecond
	s.payload("hang").want(t, runner.DeadlineExceeded, runner.ExitDeadline)
}

func TestTheDeadlineEndsEndlessOutput(t *testing.T) {
	s := newSandbox(t)
	s.timeout, s.maxOutput = 300*time.Millisecond, 1000
	r := s.run("/usr/bin/yes")
	r.want(t, runner.DeadlineExceeded, runner.ExitDeadline)
	if len(r.stdout) != s.maxOutput || r.report.Stdout.Bytes <= int64(s.maxOutput) {
		t.Errorf("forwarded %d of %d bytes, want %d", len(r.stdout), r.report.Stdout.Bytes, s.maxOutput)
	}
}

func TestARequestToStopEndsTheRun(t *testing.T) {
	s := newSandbox(t)
	s.whenItPrints = func(runnerPID int) { _ = unix.Kill(runnerPID, unix.SIGTERM) }
	r := s.payload("hang")
	r.want(t, runner.Signaled, 143)
	if r.report.Signal != "SIGTERM" {
		t.Errorf("signal %q", r.report.Signal)
	}
}

func TestAnOutputFloodTakesBoundedMemory(t *testing.T) {
	s := newSandbox(t)
	s.maxOutput = 1000
	r := s.payload("flood")
	r.want(t, runner.Completed, 0)
	hash := sha256.New()
	chunk := bytes.Repeat([]byte{0xff, 0x00, 0x1b, '['}, 1<<18)
	for range floodBytes / len(chunk) {
		hash.Write(chunk)
	}
	for name, o := range map[string]runner.Output{"stdout": r.report.Stdout, "stderr": r.report.Stderr} {
		if o.Bytes != floodBytes || o.SHA256 != hex.EncodeToString(hash.Sum(nil)) || !o.Truncated {
			t.Errorf("%s: %d bytes, digest %s, truncated %t", name, o.Bytes, o.SHA256, o.Truncated)
		}
		if want := "\ufffd[\ufffd["; !strings.HasSuffix(o.Tail, want) || strings.ContainsAny(o.Tail, "\x00\x1b") {
			t.Errorf("%s: unsafe tail %q", name, o.Tail)
		}
	}
	if len(r.stdout) != s.maxOutput || len(r.stderr) != s.maxOutput {
		t.Errorf("forwarded %d and %d bytes, want %d each", len(r.stdout), len(r.stderr), s.maxOutput)
	}
	// A child's peak is at least its parent's at the fork, here that of the test itself, which must not count.
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	const bound = 32 << 20 // a sixth of what was written
	if r.maxRSS > max(bound, own.Maxrss<<10) {
		t.Errorf("took %d MB of memory, the test itself %d", r.maxRSS>>20, own.Maxrss>>10)
	}
}

func TestTerminalEscapesDoNotReachTheReport(t *testing.T) {
	r := newSandbox(t).payload("print", "ok\x1b[2J\x1b]0;approved\a\rsafe\u202e\n")
	r.want(t, runner.Completed, 0)
	if want := "ok[2J]0;approvedsafe\n"; r.report.Stdout.Tail != want {
		t.Errorf("tail %q, want %q", r.report.Stdout.Tail, want)
	}
}

func TestTheRunnerRefusesToBeAnythingButPID1(t *testing.T) {
	log := filepath.Join(t.TempDir(), "termination-log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join(t.TempDir(), "it-ran")
	cmd := exec.Command(self, "run", "--code="+self, "--code-sha256=", "--termination-log="+log, "--", self, payloadRole, "touch", marker)
	_ = cmd.Run()
	message, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.ParseReport(message)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.ProcessState.ExitCode() != runner.ExitRefused || report.Reason != runner.InternalError {
		t.Errorf("exit code %d, report %s", cmd.ProcessState.ExitCode(), message)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the code ran")
	}
}
