// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// terminationLog is the container's termination message file. It is opened
// before the code starts, so that the code cannot keep it from being opened.
type terminationLog struct {
	file *os.File
}

// openTerminationLog opens the file that the kubelet made. It is not created
// here: at a path that the kubelet does not read, nobody would see the report.
func openTerminationLog(path string) (terminationLog, error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // The path is the operator's.
	if err != nil {
		return terminationLog{}, fmt.Errorf("open termination log: %w", err)
	}
	return terminationLog{file: file}, nil
}

// write replaces the file's content by the report and closes it. If the report
// cannot be written the file is left empty, which is no report.
func (l terminationLog) write(r Report) error {
	encoded, err := r.Encode()
	if truncErr := l.file.Truncate(0); err == nil {
		err = truncErr
	}
	if err == nil {
		_, err = l.file.WriteAt(encoded, 0)
	}
	if err = errors.Join(err, l.file.Close()); err != nil {
		return fmt.Errorf("write termination log: %w", err)
	}
	return nil
}

// refusal is the report of a run that never began.
func refusal(err error, now func() time.Time) Report {
	r := Report{
		Version:    ReportVersion,
		Reason:     InternalError,
		ExitCode:   ExitRefused,
		FinishedAt: milliseconds(now()),
		Message:    err.Error(),
	}
	if m, ok := errors.AsType[*mismatch](err); ok {
		r.Reason = m.reason
		if m.reason == CodeDigestMismatch {
			r.CodeSHA256 = m.got
		}
	}
	if _, ok := errors.AsType[*errNetworkOpen](err); ok {
		r.Reason = NetworkNotEnforced
	}
	return r
}

func milliseconds(t time.Time) time.Time {
	return t.UTC().Truncate(time.Millisecond)
}
