// SPDX-License-Identifier: Apache-2.0

// Command kubectl-airlock is the kubectl plugin of Airlock: put it on the PATH
// and call it as `kubectl airlock`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/airlock-dev/airlock/internal/review"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes the command line and gives the exit code: what the command
// decided, or exitError when it could not decide.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "kubectl-airlock",
		Short:         "Work with Airlock, the gate for code that AI agents write",
		SilenceUsage:  true,
		SilenceErrors: true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl airlock"},
	}
	root.AddCommand(newRunCommand(), newListCommand(), newExplainCommand(), newLogsCommand(),
		newReviewCommand(), newApproveCommand(), newDenyCommand(), newRevokeCommand(), newCheckCommand(), newAuditCommand())
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if decided, ok := errors.AsType[exitCode](err); ok {
		return int(decided)
	}
	if err != nil {
		for line := range strings.SplitSeq("error: "+err.Error(), "\n") {
			fmt.Fprintln(stderr, review.SafeString(line))
		}
		return exitError
	}
	return 0
}

// exitCode ends the command with a code that is an answer and not an error.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// The exit codes.
const (
	exitError    = 1
	exitApproval = 2
	exitDeny     = 3

	exitInterrupted = 130 // as shells count an interrupt
)
