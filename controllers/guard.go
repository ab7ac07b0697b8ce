// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/airlock-dev/airlock/internal/audit"
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
	// Audit is the log: launches stop where it cannot be written, and what stops them is recorded there.
	Audit interface {
		Problems() []string
		Later(records ...audit.Record)
	}
	Clock clock.PassiveClock

	mu       sync.Mutex
	checked  time.Time
	found    []string // by the checker
	problems []string // and by the log, as they were last recorded
}

// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings;mutatingadmissionpolicies;mutatingadmissionpolicybindings,verbs=get
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=cilium.io,resources=ciliumclusterwidenetworkpolicies,verbs=list
// +kubebuilder:rbac:groups=policy.networking.k8s.io,resources=clusternetworkpolicies;adminnetworkpolicies;baselineadminnetworkpolicies,verbs=list
// +kubebuilder:rbac:groups=networking.k8s.io,namespace=sandboxes,resources=networkpolicies,verbs=list

// Problems implements executionrequest.Guard.
func (g *Guard) Problems(ctx context.Context) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.checked.IsZero()
	g.check(ctx)
	problems := slices.Concat(g.found, g.Audit.Problems())
	if first || !slices.Equal(problems, g.problems) {
		ctrl.Log.WithName("preflight").Info("what holds launches back", "problems", problems)
		g.Audit.Later(audit.PreflightRecord(problems, g.Clock.Now()))
	}
	g.problems = problems
	return problems
}

// check asks the checker, unless it was asked a moment ago.
func (g *Guard) check(ctx context.Context) {
	// A result from the future is none: the clock was set back.
	if age := g.Clock.Since(g.checked); !g.checked.IsZero() && age >= 0 && age < preflightTTL {
		return
	}
	g.found = nil
	// Not with the caller's cancellation: a probe that gave up must not hold launches back.
	for _, p := range g.Checker.Check(context.WithoutCancel(ctx)) {
		g.found = append(g.found, fmt.Sprintf("%s: %s; %s", p.What, p.Why, p.Fix))
	}
	g.checked = g.Clock.Now()
}

// Ready is a readiness check: an operator that may not launch is not ready, and says why.
func (g *Guard) Ready(r *http.Request) error {
	if problems := g.Problems(r.Context()); len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}
