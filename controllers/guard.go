// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/airlock-dev/airlock/internal/preflight"
)

// preflightTTL is how long a preflight result is used again. A change of the admission policies takes about a second to be
// enforced by the API server in any case.
const preflightTTL = 2 * time.Second

// Guard remembers the preflight for preflightTTL, so that a burst of launches costs one check.
type Guard struct {
	Checker interface {
		Check(ctx context.Context) []preflight.Problem
	}
	Clock clock.PassiveClock

	mu       sync.Mutex
	checked  time.Time
	problems []string
}

// Problems implements executionrequest.Guard.
func (g *Guard) Problems(ctx context.Context) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.checked.IsZero() && g.Clock.Since(g.checked) < preflightTTL {
		return g.problems
	}
	g.problems = nil
	// Not with the caller's cancellation: a probe that gave up must not hold launches back.
	for _, p := range g.Checker.Check(context.WithoutCancel(ctx)) {
		g.problems = append(g.problems, fmt.Sprintf("%s: %s; %s", p.What, p.Why, p.Fix))
	}
	g.checked = g.Clock.Now()
	return g.problems
}

// Ready is a readiness check: an operator that may not launch is not ready, and says why.
func (g *Guard) Ready(r *http.Request) error {
	if problems := g.Problems(r.Context()); len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}
