// SPDX-License-Identifier: Apache-2.0

// Package controllers wires the reconcilers of the four kinds into a manager.
package controllers

import (
	"fmt"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/airlock-dev/airlock/controllers/approval"
	"github.com/airlock-dev/airlock/controllers/executiongrant"
	"github.com/airlock-dev/airlock/controllers/executionpolicy"
	"github.com/airlock-dev/airlock/controllers/executionrequest"
	"github.com/airlock-dev/airlock/internal/kyverno"
)

// Setup registers every controller with the manager.
func Setup(mgr ctrl.Manager, clk clock.PassiveClock, guard executionrequest.Guard, log executionrequest.AuditLog, opts executionrequest.Options) error {
	rules := kyverno.NewEngine(mgr.GetAPIReader(), mgr.GetRESTMapper())
	requests := &executionrequest.Reconciler{
		Client:   mgr.GetClient(),
		Live:     mgr.GetAPIReader(),
		Clock:    clk,
		Guard:    guard,
		Rules:    rules,
		Audit:    log,
		Recorder: mgr.GetEventRecorder("airlock"),
		Options:  opts,
	}
	if err := requests.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up the ExecutionRequest controller: %w", err)
	}
	if err := (&approval.Reconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: clk}).SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up the Approval controller: %w", err)
	}
	if err := (&executiongrant.Reconciler{Client: mgr.GetClient(), Clock: clk}).SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up the ExecutionGrant controller: %w", err)
	}
	if err := (&executionpolicy.Reconciler{Client: mgr.GetClient(), Rules: rules, Audit: log, Clock: clk}).SetupWithManager(mgr); err != nil {
		return fmt.Errorf("set up the ExecutionPolicy controller: %w", err)
	}
	return nil
}
