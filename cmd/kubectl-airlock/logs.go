// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

const logsHelp = `Print what the code of a request wrote.

While its pod is there, that is the pod's log, for whoever may read the logs of
the sandbox namespace. Afterwards, and for everybody else, it is the end of both
streams as the status of the request keeps it. Standard error says which it is.

With --follow, the request is followed to its end first, and the exit code is
that of kubectl airlock run.`

// maxLog bounds what is read of a pod's log.
const maxLog = 16 << 20

type logs struct {
	flags          *genericclioptions.ConfigFlags
	follow         bool
	timeout        time.Duration
	stdout, stderr io.Writer
}

func newLogsCommand() *cobra.Command {
	l := logs{flags: newFlags()}
	cmd := &cobra.Command{
		Use:               "logs REQUEST",
		Short:             "Print what the code wrote",
		Long:              logsHelp,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNames(l.flags, "ExecutionRequest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l.stdout, l.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return l.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVarP(&l.follow, "follow", "f", false, "follow the request to its end")
	cmd.Flags().DurationVar(&l.timeout, "timeout", 0, "with --follow, leave after this long (default: follow to the end)")
	addFlags(cmd, l.flags)
	return cmd
}

func (l *logs) run(ctx context.Context, name string) error {
	c, err := connect(l.flags, l.stderr)
	if err != nil {
		return err
	}
	req, err := c.findRequest(ctx, name)
	if err != nil {
		return err
	}
	if l.follow {
		return (&runner{stdout: l.stdout, stderr: l.stderr, timeout: l.timeout, output: "text"}).follow(ctx, c, req)
	}
	if req.Status.PodName != "" {
		log, err := c.podLog(ctx, req.Status.PodNamespace, req.Status.PodName, sandbox.ContainerName, maxLog)
		if err == nil {
			writeOutput(l.stdout, string(log))
			return nil
		}
		fmt.Fprintf(l.stderr, "%s\n", whyNoPodLog(err))
	}
	return l.kept(req)
}

// whyNoPodLog says why the status is shown in place of the pod's log.
func whyNoPodLog(err error) string {
	switch {
	case apierrors.IsNotFound(err):
		return "(the pod is gone: this is the end of the output as the request's status keeps it)"
	case apierrors.IsForbidden(err):
		return "(you may not read logs in the sandbox namespace: this is the end of the output as the request's status keeps it)"
	default:
		return fmt.Sprintf("(the pod's log cannot be read: %s)", review.SafeString(err.Error()))
	}
}

// kept prints what the status keeps.
func (l *logs) kept(req *v1alpha1.ExecutionRequest) error {
	if req.Status.Result == nil {
		fmt.Fprintf(l.stderr, "There is no output: the request is %s. %s\n", stateOf(req), review.SafeString(reasonOf(req)))
		return nil
	}
	writeResult(l.stdout, l.stderr, req.Status.Result)
	return nil
}
