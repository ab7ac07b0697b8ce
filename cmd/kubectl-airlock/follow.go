// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

// columns is the width of text that is not shown in a terminal interface.
const columns = 100

// errTimeout ends following when --timeout is over.
var errTimeout = errors.New("the time is over")

// rewatch is how long to wait before a watch that ended is opened again.
const rewatch = 500 * time.Millisecond

// follow reports each change of a request's state once, until it is finished.
// It returns the request as last seen, also with an error.
func (c *cluster) follow(ctx context.Context, progress io.Writer, req *v1alpha1.ExecutionRequest) (*v1alpha1.ExecutionRequest, error) {
	told := ""
	tell := func(now *v1alpha1.ExecutionRequest) {
		req = now
		if text := standing(req); text != told {
			told = text
			fmt.Fprint(progress, text)
		}
	}
	for {
		now, err := c.request(ctx, req.Namespace, req.Name)
		if err != nil {
			return req, causeOf(ctx, err)
		}
		if now.UID != req.UID {
			return req, gone(req)
		}
		tell(now)
		if finished(req) {
			return req, nil
		}
		if err := c.watchUntilClosed(ctx, req, tell); err != nil {
			return req, err
		}
		if finished(req) {
			return req, nil
		}
		select {
		case <-ctx.Done():
			return req, context.Cause(ctx)
		case <-time.After(rewatch):
		}
	}
}

// watchUntilClosed tells every change, until the request is finished or the API server ends the watch.
func (c *cluster) watchUntilClosed(ctx context.Context, req *v1alpha1.ExecutionRequest, tell func(*v1alpha1.ExecutionRequest)) error {
	w, err := c.watchRequest(ctx, req)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		now, ok := event.Object.(*v1alpha1.ExecutionRequest)
		switch {
		case event.Type == watch.Deleted:
			return gone(req)
		case !ok: // an error or a bookmark: read it again
			return nil
		}
		tell(now)
		if finished(now) {
			return nil
		}
	}
	return nil
}

func gone(req *v1alpha1.ExecutionRequest) error {
	return fmt.Errorf("the request %s was deleted, which ends its run", req.Name)
}

// causeOf gives why the context ended, where that is why a call failed.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !apierrors.IsNotFound(err) {
		return cause
	}
	return err
}

func finished(req *v1alpha1.ExecutionRequest) bool {
	return meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionFinished)
}

// standing says where a request stands: its state, why, and what people can do now.
func standing(req *v1alpha1.ExecutionRequest) string {
	var b strings.Builder
	switch state := stateOf(req); state {
	case v1alpha1.StateAwaitingApproval:
		fmt.Fprintf(&b, "%s: %s\n", state, tally(req))
		writeFindings(&b, req)
		fmt.Fprintf(&b, "  Somebody who may approve under policy %s, and is not the requester, types one of:\n", review.SafeString(req.Spec.PolicyName))
		for _, command := range []string{"review %s -n %s", "approve %s -n %s --reason '...'", "deny %s -n %s --reason '...'"} {
			fmt.Fprintf(&b, "    kubectl airlock "+command+"\n", req.Status.ApprovalName, req.Namespace)
		}
	case v1alpha1.StateDenied:
		fmt.Fprintf(&b, "%s: %s\n", state, review.SafeString(reasonOf(req)))
		writeFindings(&b, req)
	case v1alpha1.StateRunning:
		fmt.Fprintf(&b, "%s: pod %s in namespace %s\n", state, req.Status.PodName, req.Status.PodNamespace)
		if without := review.Without(req.Status.Dropped); without != "" {
			fmt.Fprintf(&b, "  approvers took away: %s\n", review.SafeString(without))
		}
	case v1alpha1.StateJudged:
		fmt.Fprintf(&b, "%s: %s, nothing was run\n", state, decisionOf(req))
		writeFindings(&b, req)
	case v1alpha1.StatePending, v1alpha1.StateSucceeded, v1alpha1.StateFailed:
		fmt.Fprintf(&b, "%s: %s\n", state, review.SafeString(reasonOf(req)))
	default:
		fmt.Fprintf(&b, "%s: %s\n", review.SafeString(string(state)), review.SafeString(reasonOf(req)))
	}
	return b.String()
}

// tally is "0/1 approvals on NAME", the first words of the condition, without
// the command that follows in it.
func tally(req *v1alpha1.ExecutionRequest) string {
	text, _, _ := strings.Cut(reasonOf(req), " To decide:")
	return review.SafeString(text)
}

func decisionOf(req *v1alpha1.ExecutionRequest) v1alpha1.Decision {
	if req.Status.Verdict == nil {
		return v1alpha1.Deny
	}
	return req.Status.Verdict.Decision
}

// reasonOf is the message of the condition that the request has come to.
func reasonOf(req *v1alpha1.ExecutionRequest) string {
	for _, t := range []string{v1alpha1.ConditionFinished, v1alpha1.ConditionLaunched, v1alpha1.ConditionApproved, v1alpha1.ConditionValidated} {
		if c := meta.FindStatusCondition(req.Status.Conditions, t); c != nil {
			return c.Message
		}
	}
	return "the operator has not looked at it yet"
}

func writeFindings(b *strings.Builder, req *v1alpha1.ExecutionRequest) {
	v := req.Status.Verdict
	if v == nil {
		return
	}
	for _, f := range v.Findings {
		writeLines(b, review.Finding(f, columns))
	}
	if more := int(review.Total(*v)) - len(v.Findings); more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
}

func writeLines(b *strings.Builder, lines []review.Line) {
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.String(), " "))
		b.WriteByte('\n')
	}
}

// exitOf is the exit code for where a request stands: the code's own where it
// ran, else what was decided.
func exitOf(req *v1alpha1.ExecutionRequest) error {
	switch stateOf(req) {
	case v1alpha1.StateSucceeded, v1alpha1.StateFailed:
		return exitOfCode(req)
	case v1alpha1.StateDenied:
		return exitCode(exitDeny)
	case v1alpha1.StateJudged:
		return codeFor(decisionOf(req))
	case v1alpha1.StatePending, v1alpha1.StateAwaitingApproval, v1alpha1.StateRunning:
		return exitCode(exitApproval)
	default:
		return exitCode(exitError)
	}
}

// exitOfCode never gives 0 for a run that failed.
func exitOfCode(req *v1alpha1.ExecutionRequest) error {
	result := req.Status.Result
	switch {
	case stateOf(req) == v1alpha1.StateSucceeded:
		return nil
	case result == nil || result.ExitCode == nil || *result.ExitCode == 0:
		return exitCode(exitError)
	default:
		return exitCode(*result.ExitCode)
	}
}

// writeResult prints what the code wrote, to the streams that it wrote it to.
// The tails were made safe when they were recorded; they are made safe again.
func writeResult(stdout, stderr io.Writer, result *v1alpha1.Result) {
	if result == nil {
		return
	}
	for _, s := range []struct {
		to   io.Writer
		name string
		out  *v1alpha1.Output
	}{{stdout, "stdout", result.Stdout}, {stderr, "stderr", result.Stderr}} {
		if s.out == nil || s.out.Tail == "" {
			continue
		}
		if s.out.Truncated != nil && *s.out.Truncated && s.out.Bytes != nil {
			fmt.Fprintf(stderr, "(only the end of %s is kept: it had %d bytes)\n", s.name, *s.out.Bytes)
		}
		writeOutput(s.to, s.out.Tail)
	}
}

// writeOutput prints the output of code, line by line: it must not steer the terminal (CWE-150).
func writeOutput(to io.Writer, text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintln(to, review.SafeString(strings.TrimSuffix(line, "\r")))
	}
}
