// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// PrepareOptions say what Prepare verifies and lays down.
type PrepareOptions struct {
	// Source is the code as it arrived, on a mount that somebody may change, and
	// the digest that it must have.
	Source File
	// Code is where the verified bytes are written, mode 0444.
	Code string
	// Inputs are the request's inputs as they arrived.
	Inputs []File
	// InputsTo is the directory to which the verified bytes of each input are
	// written under its own base name, mode 0444. Empty verifies them only.
	InputsTo string
	// Runner is where the running executable copies itself to, mode 0555.
	Runner string
	// TerminationLog is the existing file that takes the report of a refusal.
	TerminationLog string
}

// Prepare lays the judged bytes down and returns the exit code of the process:
// 0, or ExitRefused after a Report was written. It may run again after a crash.
func Prepare(o PrepareOptions, stderr io.Writer, now func() time.Time) int {
	err := o.prepare()
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "airlock-runner: refused: %v\n", err)
	log, logErr := openTerminationLog(o.TerminationLog)
	if logErr == nil {
		logErr = log.write(refusal(err, now))
	}
	if logErr != nil {
		_, _ = fmt.Fprintf(stderr, "airlock-runner: %v\n", logErr)
	}
	return ExitRefused
}

func (o PrepareOptions) prepare() error {
	if o.Code == "" || o.Runner == "" {
		return errors.New("the code or runner path is missing")
	}
	// The bytes are read once: what is hashed is what is written.
	var code bytes.Buffer
	if err := o.Source.verify(CodeDigestMismatch, &code); err != nil {
		return err
	}
	for _, input := range o.Inputs {
		if err := o.prepareInput(input); err != nil {
			return err
		}
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("open own executable: %w", err)
	}
	defer self.Close() //nolint:errcheck // Read only.
	if err := place(o.Runner, self, 0o555); err != nil {
		return err
	}
	return place(o.Code, &code, 0o444)
}

func (o PrepareOptions) prepareInput(input File) error {
	if o.InputsTo == "" {
		return input.verify(InputDigestMismatch, io.Discard)
	}
	var data bytes.Buffer
	if err := input.verify(InputDigestMismatch, &data); err != nil {
		return err
	}
	return place(filepath.Join(o.InputsTo, filepath.Base(input.Path)), &data, 0o444)
}

// place writes a file under a temporary name and renames it, so that a crash
// leaves no half file and an earlier attempt's file is replaced, not followed.
func place(path string, from io.Reader, mode os.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".airlock-*")
	if err != nil {
		return fmt.Errorf("place %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("place %s: %w", path, err), os.Remove(file.Name()))
		}
	}()
	_, err = io.Copy(file, from)
	if err = errors.Join(err, file.Chmod(mode), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
