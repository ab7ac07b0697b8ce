// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ReportVersion is the only version of Report that is written and accepted.
const ReportVersion = 1

// MaxReportBytes is the size that an encoded Report never exceeds. The kubelet
// keeps the last 4096 bytes of a termination message.
const MaxReportBytes = 4096

// MaxMessageBytes bounds Report.Message.
const MaxMessageBytes = 512

// Exit codes of the runner itself, in the convention of timeout(1) and POSIX
// shells. Every other code is the code's own, or 128 plus the signal's number.
const (
	ExitDeadline      = 124
	ExitRefused       = 125
	ExitCannotExecute = 126
	ExitNotFound      = 127
)

// Reason says how a run ended. The zero value and every unknown value mean that
// it did not succeed.
type Reason string

const (
	// Completed: the code ran and exited by itself, with any exit code.
	Completed Reason = "Completed"
	// DeadlineExceeded: the code was still running at its deadline and was killed.
	DeadlineExceeded Reason = "DeadlineExceeded"
	// Signaled: a signal ended the code, or the runner was asked to stop.
	Signaled Reason = "Signaled"
	// CodeDigestMismatch: the code was not the code that was judged; nothing ran.
	CodeDigestMismatch Reason = "CodeDigestMismatch"
	// InputDigestMismatch: an input was not the input that was declared; nothing ran.
	InputDigestMismatch Reason = "InputDigestMismatch"
	// NetworkNotEnforced: the network was not proven to be closed; nothing ran.
	NetworkNotEnforced Reason = "NetworkNotEnforced"
	// StartFailed: the command could not be executed; nothing ran.
	StartFailed Reason = "StartFailed"
	// InternalError: the runner could not do its work.
	InternalError Reason = "InternalError"
)

// Report is how the runner says what happened, as JSON in the container's
// termination message. See ParseReport for how far it can be trusted.
type Report struct {
	// Version is ReportVersion.
	Version int `json:"v"`
	// Reason is how the run ended.
	Reason Reason `json:"reason"`
	// ExitCode is the exit code of the container, 0 to 255.
	ExitCode int `json:"exitCode"`
	// Signal is the name of the signal that ended the code ("SIGKILL"); only with Signaled.
	Signal string `json:"signal,omitempty"`
	// StartedAt is when the code was started, UTC in milliseconds; absent if it never was.
	StartedAt time.Time `json:"startedAt,omitzero"`
	// FinishedAt is when the report was made, UTC in milliseconds.
	FinishedAt time.Time `json:"finishedAt"`
	// CodeSHA256 is the digest of the code bytes that were found, in hex; absent
	// if they could not be read.
	CodeSHA256 string `json:"codeSHA256,omitempty"`
	// Landlock is the version of the kernel's interface that held the code to its
	// files, from 1; absent where the kernel has none.
	Landlock int `json:"landlock,omitempty"`
	// Stdout and Stderr are zero if the code was never started.
	Stdout Output `json:"stdout,omitzero"`
	Stderr Output `json:"stderr,omitzero"`
	// Message explains the reason to a person, at most MaxMessageBytes.
	Message string `json:"message,omitempty"`
}

// Output is what is known of one output stream.
type Output struct {
	// SHA256 is the digest, in hex, of all bytes that were written.
	SHA256 string `json:"sha256"`
	// Bytes is the number of all bytes that were written.
	Bytes int64 `json:"bytes"`
	// Tail is the end of the stream, made safe for a terminal by Sanitize.
	Tail string `json:"tail"`
	// Truncated says that Tail is not the whole stream.
	Truncated bool `json:"truncated"`
}

// Succeeded says whether the code ran to its end and exited with code 0.
func (r Report) Succeeded() bool {
	return r.Version == ReportVersion && r.Reason == Completed && r.ExitCode == 0
}

// Encode returns the report as JSON of at most MaxReportBytes, cutting the
// longer tail from its front until it fits.
func (r Report) Encode() ([]byte, error) {
	r.Message = clip(Sanitize(r.Message), MaxMessageBytes)
	for {
		encoded, err := r.marshal()
		if err != nil {
			return nil, err
		}
		excess := len(encoded) - MaxReportBytes
		if excess <= 0 {
			return encoded, nil
		}
		longer := &r.Stdout
		if len(r.Stderr.Tail) > len(r.Stdout.Tail) {
			longer = &r.Stderr
		}
		if longer.Tail == "" {
			return nil, fmt.Errorf("report without tails is %d bytes, more than %d", len(encoded), MaxReportBytes)
		}
		// A byte of text is at most six of JSON (\u0000), so a sixth is never too much.
		longer.Tail = dropFront(longer.Tail, excess/6+1)
		longer.Truncated = true
	}
}

// marshal encodes without HTML escaping: it would spend six bytes on each "<".
func (r Report) marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ParseReport reads a termination message. It accepts only what Encode writes,
// byte for byte: duplicate or unknown keys, other spellings, unknown reasons,
// out of bounds values and unsafe text are errors.
//
// The message comes from a file that the code can write to until the runner has
// ended it. A runner that was killed from outside (out of memory, node failure)
// leaves whatever the code wrote, so callers must also compare the container's
// own exit code by CheckExit before they believe a report.
func ParseReport(message []byte) (Report, error) {
	if len(message) > MaxReportBytes {
		return Report{}, fmt.Errorf("report is %d bytes, more than %d", len(message), MaxReportBytes)
	}
	var r Report
	dec := json.NewDecoder(bytes.NewReader(message))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Report{}, fmt.Errorf("decode report: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Report{}, errors.New("report has trailing data")
	}
	if err := r.validate(); err != nil {
		return Report{}, fmt.Errorf("invalid report: %w", err)
	}
	canonical, err := r.marshal()
	if err != nil {
		return Report{}, err
	}
	if !bytes.Equal(canonical, message) {
		return Report{}, errors.New("report is not in canonical form")
	}
	return r, nil
}

// CheckExit compares the report with what the container runtime saw: the
// container's exit code and the runtime's reason ("Completed", "Error",
// "OOMKilled"). An error means that the runner did not write the report as its
// last act, so the report says nothing.
func (r Report) CheckExit(containerExitCode int32, runtimeReason string) error {
	if runtimeReason == "OOMKilled" {
		return errors.New("the container ran out of memory")
	}
	if int64(r.ExitCode) != int64(containerExitCode) {
		return fmt.Errorf("report says exit code %d, the container exited with %d", r.ExitCode, containerExitCode)
	}
	return nil
}

func (r Report) validate() error {
	if r.Version != ReportVersion {
		return fmt.Errorf("version %d is not %d", r.Version, ReportVersion)
	}
	if err := r.validateExit(); err != nil {
		return err
	}
	if err := r.validateRun(); err != nil {
		return err
	}
	if r.Landlock < 0 {
		return errors.New("landlock is negative")
	}
	if r.CodeSHA256 != "" && !isDigest(r.CodeSHA256) {
		return errors.New("codeSHA256 is not a SHA-256 digest")
	}
	if len(r.Message) > MaxMessageBytes || Sanitize(r.Message) != r.Message {
		return errors.New("message is too long or not plain text")
	}
	return nil
}

// validateExit holds the reason, the exit code and the signal together.
func (r Report) validateExit() error {
	ok := false
	switch r.Reason {
	case Completed:
		ok = r.ExitCode >= 0 && r.ExitCode <= 255
	case Signaled:
		ok = r.ExitCode > 128 && r.ExitCode <= 128+64
	case DeadlineExceeded:
		ok = r.ExitCode == ExitDeadline
	case StartFailed:
		ok = r.ExitCode == ExitCannotExecute || r.ExitCode == ExitNotFound
	case CodeDigestMismatch, InputDigestMismatch, NetworkNotEnforced, InternalError:
		ok = r.ExitCode == ExitRefused
	default:
		return fmt.Errorf("unknown reason %.40q", r.Reason)
	}
	if !ok {
		return fmt.Errorf("exit code %d does not belong to reason %s", r.ExitCode, r.Reason)
	}
	if (r.Reason == Signaled) != isSignalName(r.Signal) {
		return fmt.Errorf("signal %.40q does not belong to reason %s", r.Signal, r.Reason)
	}
	return nil
}

// validateRun checks what a report says about a run, and that one that says the
// code never ran says nothing else about it.
func (r Report) validateRun() error {
	if r.FinishedAt.IsZero() || r.FinishedAt.Before(r.StartedAt) {
		return errors.New("finishedAt is absent or before startedAt")
	}
	if !isMillisecondUTC(r.StartedAt) || !isMillisecondUTC(r.FinishedAt) {
		return errors.New("a time is not UTC in milliseconds")
	}
	switch r.Reason {
	case Completed, Signaled, DeadlineExceeded:
		if r.StartedAt.IsZero() || r.CodeSHA256 == "" {
			return errors.New("a run without startedAt or codeSHA256")
		}
		return errors.Join(r.Stdout.validate("stdout"), r.Stderr.validate("stderr"))
	default:
		if !r.StartedAt.IsZero() || r.Stdout != (Output{}) || r.Stderr != (Output{}) {
			return fmt.Errorf("reason %s does not go with a run", r.Reason)
		}
		return nil
	}
}

func (o Output) validate(name string) error {
	if !isDigest(o.SHA256) {
		return fmt.Errorf("%s: sha256 is not a SHA-256 digest", name)
	}
	if o.Bytes < 0 {
		return fmt.Errorf("%s: negative size", name)
	}
	if Sanitize(o.Tail) != o.Tail {
		return fmt.Errorf("%s: tail is not plain text", name)
	}
	return nil
}

func isSignalName(s string) bool {
	return len(s) >= 5 && len(s) <= 16 && strings.HasPrefix(s, "SIG")
}

func isMillisecondUTC(t time.Time) bool {
	return t.Equal(t.Truncate(time.Millisecond)) && t.Location() == time.UTC
}
