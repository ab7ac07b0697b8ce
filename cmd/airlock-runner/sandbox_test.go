// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/internal/runner"
)

// The test binary plays every part: the test itself, the container runtime
// (stage), the runner and the hostile code (payload). argv[1] says which.
const (
	stageRole   = "airlock-test-stage"
	payloadRole = "airlock-test-payload"
)

// sandboxUser is the uid of this test's sandboxes alone: limits on the number of
// processes count all processes of a user on the machine.
var sandboxUser = 1<<20 + os.Getpid()

// self is a copy of the test binary that the sandbox user can execute.
var self string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case stageRole:
			fmt.Fprintln(os.Stderr, "stage:", stage(os.Args[2], os.Args[3:]))
			os.Exit(1)
		case "prepare", "run":
			main()
		case payloadRole:
			os.Exit(payload(os.Args[2], os.Args[3:]))
		}
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "airlock-runner")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // Best effort.
	self = filepath.Join(dir, "airlock-runner")
	binary, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.WriteFile(self, binary, 0o755), os.Chmod(dir, 0o755))
	}
	if err != nil {
		panic(err)
	}
	return m.Run()
}

// stage does what a container runtime does: it mounts the /proc of its new PID
// namespace, gives up root and becomes the runner as PID 1.
func stage(user string, argv []string) error {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
		return fmt.Errorf("give up root: %w", err)
	}
	return unix.Exec(argv[0], argv, os.Environ())
}

// sandbox is one run of the runner as PID 1, as the uid of a real pod.
type sandbox struct {
	t         *testing.T
	dir       string
	code      runner.File
	inputs    []runner.File
	timeout   time.Duration
	maxOutput int
	// apiServer is what the kubelet would say; it stays silent.
	apiServer netip.AddrPort
	env       []string // more of the runner's environment
	flags     []string // more flags of the runner
	writable  string   // directory that the code may write to
	// whenItPrints is called with the runner's process id once the code has
	// written its first output.
	whenItPrints func(runnerPID int)
}

// newSandbox lays a code file down.
func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("left out: PID namespaces with a second uid need root")
	}
	dir, err := os.MkdirTemp("", "airlock-sandbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &sandbox{t: t, dir: dir, timeout: 5 * time.Minute, maxOutput: 1 << 20}
	s.code = s.file("main.py", "print('judged')\n")
	s.apiServer, s.writable = silence(t), s.dir
	return s
}

// file writes a file and returns it with its digest.
func (s *sandbox) file(name, content string) runner.File {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	return runner.File{Path: path, SHA256: hex.EncodeToString(sum[:])}
}

// result is what a container runtime would have seen.
type result struct {
	exitCode       int
	stdout, stderr string
	message        []byte // termination message
	report         runner.Report
	maxRSS         int64 // bytes, of the runner and the code
}

// payload runs a hostile payload of the test binary.
func (s *sandbox) payload(name string, args ...string) result {
	s.t.Helper()
	return s.run(append([]string{self, payloadRole, name}, args...)...)
}

// run runs a command and fails the test unless the report is whole and agrees
// with the exit code.
func (s *sandbox) run(command ...string) result {
	s.t.Helper()
	log := filepath.Join(s.dir, "termination-log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(log, 0o666); err != nil { // As the kubelet makes it.
		s.t.Fatal(err)
	}
	args := []string{
		stageRole, strconv.Itoa(sandboxUser), self, "run", "--code=" + s.code.Path, "--code-sha256=" + s.code.SHA256,
		"--timeout=" + s.timeout.String(), fmt.Sprintf("--max-output=%d", s.maxOutput), "--termination-log=" + log,
		"--env=PATH", "--env=TERMINATION_LOG", "--env=MARKER", "--env=ABSENT", "--writable=" + s.writable, "--canary-wait=10ms",
	}
	args = append(args, s.flags...)
	for _, input := range s.inputs {
		args = append(args, "--input="+input.Path+"="+input.SHA256)
	}
	cmd := exec.Command(self, append(append(args, "--"), command...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "TERMINATION_LOG=" + log, "MARKER=sandbox", "HOSTNAME=sandbox", "LD_LIBRARY_PATH=/injected",
		"KUBERNETES_SERVICE_HOST=" + s.apiServer.Addr().String(), fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", s.apiServer.Port()),
	}, s.env...)
	stdout, stderr := newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if s.whenItPrints != nil {
		<-stdout.begun
		s.whenItPrints(cmd.Process.Pid)
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	message, err := os.ReadFile(log)
	if err != nil {
		s.t.Fatal(err)
	}
	r := result{exitCode: cmd.ProcessState.ExitCode(), stdout: stdout.text.String(), stderr: stderr.text.String(), message: message}
	r.maxRSS = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if r.report, err = runner.ParseReport(message); err != nil {
		s.t.Fatalf("exit code %d, %v in %q; stderr: %s", r.exitCode, err, message, r.stderr)
	}
	if err := r.report.CheckExit(int32(r.exitCode), "Completed"); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// want fails the test unless the run ended for the reason with the exit code.
func (r result) want(t *testing.T, reason runner.Reason, exitCode int) {
	t.Helper()
	if r.report.Reason != reason || r.exitCode != exitCode {
		t.Fatalf("ended with %s, exit code %d, want %s, %d\nreport: %s\nstderr: %s",
			r.report.Reason, r.exitCode, reason, exitCode, r.message, r.stderr)
	}
}

// wantRefused fails the test unless every attempt that the payload names was
// made and refused, and nothing else was printed.
func (r result) wantRefused(t *testing.T, attempts ...string) {
	t.Helper()
	r.want(t, runner.Completed, 0)
	var want strings.Builder
	for _, attempt := range attempts {
		want.WriteString(attempt + ": refused\n")
	}
	if r.stdout != want.String() {
		t.Errorf("got:\n%s\nwant:\n%s", r.stdout, want.String())
	}
}

// output collects what a process prints and says when it begins.
type output struct {
	text  bytes.Buffer // Not embedded: its ReadFrom would bypass Write.
	once  sync.Once
	begun chan struct{}
}

func newOutput() *output { return &output{begun: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.once.Do(func() { close(o.begun) })
	return o.text.Write(p)
}

// bare runs a payload as the same user without the runner, and returns what it
// prints: the control of an attack.
func (s *sandbox) bare(name string) string {
	s.t.Helper()
	log := filepath.Join(s.dir, "termination-log")
	cmd := exec.Command(self, stageRole, strconv.Itoa(sandboxUser), self, payloadRole, name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	cmd.Env = []string{"TERMINATION_LOG=" + log}
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out)
}
