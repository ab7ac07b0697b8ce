// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// errExited says that a program ended before it was ready.
var errExited = errors.New("it ended")

// WaitReady calls check until it succeeds, the program ends or the time is over. The error names the component, its log and the last
// lines in it.
func WaitReady(ctx context.Context, name, log string, p Process, timeout time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not ready after %s", timeout))
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.Exited:
			return failure(name, log, errExited)
		case <-ctx.Done():
			return failure(name, log, fmt.Errorf("%w: %w", context.Cause(ctx), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func failure(name, log string, cause error) error {
	const lines = 15
	content, err := os.ReadFile(log) //nolint:gosec // a log of this cluster
	if err != nil {
		return fmt.Errorf("%s: %w (log %s: %w)", name, cause, log, err)
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return fmt.Errorf("%s: %w\nlast lines of %s:\n%s", name, cause, log, strings.Join(all[max(0, len(all)-lines):], "\n"))
}
