// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/preflight"
)

// scriptedChecker finds the problems that the test sets, and counts.
type scriptedChecker struct {
	problems []preflight.Problem
	checks   int
}

func (c *scriptedChecker) Check(ctx context.Context) []preflight.Problem {
	c.checks++
	if err := ctx.Err(); err != nil {
		return []preflight.Problem{{What: "preflight", Why: err.Error()}}
	}
	return c.problems
}

// auditNotes is what the guard tells the log, and the log the guard.
type auditNotes struct {
	problems []string
	recorded []audit.Type
}

func (n *auditNotes) Problems() []string { return n.problems }

func (n *auditNotes) Later(records ...audit.Record) {
	for _, r := range records {
		n.recorded = append(n.recorded, r.Type)
	}
}

func TestALogThatCannotBeWrittenStopsLaunchesAtOnceAndChangesAreRecordedOnce(t *testing.T) {
	notes := &auditNotes{}
	guard := &Guard{Checker: &scriptedChecker{}, Clock: clocktesting.NewFakePassiveClock(time.Unix(1, 0)), Audit: notes}
	for _, problems := range [][]string{nil, {"full"}, {"full"}, nil, nil} {
		notes.problems = problems
		if diff := cmp.Diff(problems, guard.Problems(t.Context())); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
	want := []audit.Type{audit.PreflightBack, audit.PreflightLost, audit.PreflightBack}
	if diff := cmp.Diff(want, notes.recorded); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestABurstOfLaunchesCostsOnePreflightAndAChangeIsSeenSoon(t *testing.T) {
	clk := clocktesting.NewFakePassiveClock(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC))
	checker := &scriptedChecker{}
	guard := &Guard{Checker: checker, Clock: clk, Audit: &auditNotes{}}
	for range 100 {
		if got := guard.Problems(t.Context()); len(got) != 0 {
			t.Fatalf("problems %v, want none", got)
		}
	}
	if checker.checks != 1 {
		t.Errorf("%d checks for a burst, want 1", checker.checks)
	}
	checker.problems = []preflight.Problem{{What: "Namespace x", Why: "is missing", Fix: "restore it"}}
	clk.SetTime(clk.Now().Add(preflightTTL))
	if diff := cmp.Diff([]string{"Namespace x: is missing; restore it"}, guard.Problems(t.Context())); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAProbeThatGaveUpDoesNotHoldLaunchesBack(t *testing.T) {
	guard := &Guard{Checker: &scriptedChecker{}, Clock: clocktesting.NewFakePassiveClock(time.Unix(1, 0)), Audit: &auditNotes{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := guard.Ready(httptest.NewRequestWithContext(ctx, "GET", "/readyz", nil)); err != nil {
		t.Errorf("ready: %v", err)
	}
	if got := guard.Problems(t.Context()); len(got) != 0 {
		t.Errorf("problems %v, want none", got)
	}
}

func TestAnOperatorThatMayNotLaunchIsNotReady(t *testing.T) {
	guard := &Guard{Checker: &scriptedChecker{problems: []preflight.Problem{{What: "Cilium", Why: "is absent", Fix: "install it"}}}, Clock: clocktesting.NewFakePassiveClock(time.Unix(1, 0)), Audit: &auditNotes{}}
	if err := guard.Ready(httptest.NewRequest("GET", "/readyz", nil)); err == nil || !strings.Contains(err.Error(), "Cilium: is absent; install it") {
		t.Errorf("ready gives %v, want the problem", err)
	}
}

func TestAGuardWithoutClockTimeChecksAgain(t *testing.T) {
	checker := &scriptedChecker{}
	guard := &Guard{Checker: checker, Clock: clocktesting.NewFakePassiveClock(time.Unix(100, 0)), Audit: &auditNotes{}}
	guard.Problems(t.Context())
	guard.Clock = clocktesting.NewFakePassiveClock(time.Unix(0, 0)) // set back
	guard.Problems(t.Context())
	if checker.checks != 2 {
		t.Errorf("%d checks, want 2: a result from the future is none", checker.checks)
	}
}
