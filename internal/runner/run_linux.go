// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"
)

// RunOptions say what Run executes and within which bounds.
type RunOptions struct {
	// Code is the file that the command executes, on a mount that the code cannot
	// write to, and the digest that it must have.
	Code File
	// Inputs are the request's inputs, read only as well.
	Inputs []File
	// Timeout is how long the code may run, more than zero.
	Timeout time.Duration
	// MaxOutput is how many bytes of stdout, and of stderr, are forwarded. All
	// bytes are hashed and counted.
	MaxOutput int64
	// TerminationLog is the existing file that takes the report.
	TerminationLog string
	// Env names the variables of the runner's environment that the code gets. The
	// image, the runtime and the kubelet add variables that nobody judged.
	Env []string
	// Writable are the directories that the code may write to.
	Writable []string
	// MaxFile is the size in bytes that no file of the code may exceed, more than zero.
	MaxFile int64
	// MaxProcesses is how many processes and threads the user of the sandbox may
	// have, the runner's own included; more than zero. The user has to be the
	// sandbox's alone.
	MaxProcesses int64
	// CanaryWait is how long the API server has to stay silent, more than zero.
	CanaryWait time.Duration
	// Command is the program, looked up in PATH if it has no slash, and its arguments.
	Command []string
}

// Run executes the command as PID 1 of a sandbox, writes the Report as its last
// act and returns the exit code of the process. Output is forwarded to stdout
// and stderr.
func Run(o RunOptions, stdout, stderr io.Writer, now func() time.Time) int {
	log, err := openTerminationLog(o.TerminationLog)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "airlock-runner: refused: %v\n", err)
		return ExitRefused
	}
	report := o.run(stdout, stderr, now)
	if report.StartedAt.IsZero() {
		_, _ = fmt.Fprintf(stderr, "airlock-runner: refused: %s\n", Sanitize(report.Message))
	}
	if err := log.write(report); err != nil {
		_, _ = fmt.Fprintf(stderr, "airlock-runner: %v\n", err)
		return ExitRefused
	}
	return report.ExitCode
}

func (o RunOptions) run(stdout, stderr io.Writer, now func() time.Time) Report {
	if err := o.check(); err != nil {
		return refusal(err, now)
	}
	stop, err := harden(o.MaxFile, o.MaxProcesses)
	if err != nil {
		return refusal(err, now)
	}
	canary := startCanary(o.CanaryWait)
	// The digests are computed while the canary waits; both have to hold.
	if err := o.verify(); err != nil {
		return refusal(err, now)
	}
	if err := <-canary; err != nil {
		return refusal(err, now)
	}
	p, err := o.start(newCapture(stdout, o.MaxOutput), newCapture(stderr, o.MaxOutput))
	if err != nil {
		return o.startFailed(err, now)
	}
	report := Report{Version: ReportVersion, StartedAt: milliseconds(now()), CodeSHA256: o.Code.SHA256, Landlock: p.landlock}
	ending, err := p.wait(o.Timeout, stop)
	report.FinishedAt = milliseconds(now())
	if err != nil {
		return refusal(err, now)
	}
	report.Reason, report.ExitCode = ending.reason, ending.exitCode
	report.Signal, report.Message = ending.signal, ending.message
	report.Stdout, report.Stderr = p.stdout.output(), p.stderr.output()
	return report
}

// check refuses options that leave something unbounded.
func (o RunOptions) check() error {
	if o.Timeout <= 0 || o.MaxOutput < 0 || o.MaxFile <= 0 || o.MaxProcesses <= 0 || o.CanaryWait <= 0 || len(o.Command) == 0 {
		return errors.New("a timeout, an output limit, a file limit, a process limit, a wait and a command are needed")
	}
	return nil
}

// verify refuses every byte that is not the byte that was judged.
func (o RunOptions) verify() error {
	if err := o.Code.verify(CodeDigestMismatch, io.Discard); err != nil {
		return err
	}
	for _, input := range o.Inputs {
		if err := input.verify(InputDigestMismatch, io.Discard); err != nil {
			return err
		}
	}
	return nil
}

// startFailed separates a command that cannot be executed from a sandbox that
// could not be closed.
func (o RunOptions) startFailed(err error, now func() time.Time) Report {
	r := refusal(err, now)
	r.CodeSHA256 = o.Code.SHA256
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		r.Reason, r.ExitCode = StartFailed, ExitNotFound
	case errors.As(err, &pathErr), errors.Is(err, fs.ErrPermission):
		r.Reason, r.ExitCode = StartFailed, ExitCannotExecute
	}
	return r
}

// process is the running code.
type process struct {
	pid            int
	landlock       int // version of the interface, 0 for none
	stdout, stderr *capture
	drained        sync.WaitGroup
}

// start executes the command confined, in a process group of its own, with the
// named variables, the runner's working directory and an empty stdin.
func (o RunOptions) start(stdout, stderr *capture) (*process, error) {
	cmd := exec.Command(o.Command[0], o.Command[1:]...) //nolint:gosec // Executing it is the purpose; the argv was judged.
	cmd.SysProcAttr = newProcessGroup()
	cmd.Env = o.environment()
	outPipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make stdout pipe: %w", err)
	}
	errPipe, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("make stderr pipe: %w", err)
	}
	version, err := startConfined(cmd, o.Writable)
	if err != nil {
		return nil, err
	}
	p := &process{pid: cmd.Process.Pid, landlock: version, stdout: stdout, stderr: stderr}
	p.drain(outPipe, stdout)
	p.drain(errPipe, stderr)
	return p, nil
}

// environment returns the named variables, as an empty list and not as nil where
// there are none: nil would mean all.
func (o RunOptions) environment() []string {
	env := []string{}
	for _, name := range o.Env {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// drain reads a pipe until every process that holds its other end is gone.
func (p *process) drain(pipe io.ReadCloser, c *capture) {
	p.drained.Go(func() {
		// The wrapping structs keep io.Copy from splicing past the capture.
		_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{pipe})
		_ = pipe.Close()
	})
}
