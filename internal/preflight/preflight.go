// SPDX-License-Identifier: Apache-2.0

// Package preflight answers one question before anything is launched: is
// everything that Airlock's promises lean on there, unchanged and enforced?
//
// It compares the stored admission policies, CustomResourceDefinitions and the
// standing network policy with what this build of the operator carries, and has
// the API server refuse a canary, because a stored policy that is not loaded
// protects nothing. What cannot be read counts as a problem.
package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/config"
)

// timeout bounds one Check. About thirty small reads take 50 ms.
const timeout = 10 * time.Second

// Problem is one reason why nothing may be launched.
type Problem struct {
	// What is concerned, for example "ValidatingAdmissionPolicy airlock-pods".
	What string
	// Why it is a problem, in words that continue What.
	Why string
	// Fix is what a cluster administrator does about it.
	Fix string
}

// Config is what a Checker needs. All fields are required.
type Config struct {
	// Reader reads from the API server and not from a cache: a cache may lag
	// behind, or hold its last state when the watch is gone.
	Reader client.Reader
	// Writer creates the canary, as a dry run.
	Writer client.Writer
	// DefaultDeny is the network policy that has to stand in the sandbox namespace.
	DefaultDeny client.Object
	// OperatorNamespace, SandboxNamespace and ServiceAccount are the names in the
	// admission policies, as config.Admission takes them.
	OperatorNamespace, SandboxNamespace, ServiceAccount string
}

// Checker checks. It keeps nothing between two checks.
type Checker struct {
	Config
	// standing are the objects that have to exist with exactly this spec.
	standing []*unstructured.Unstructured
	// canary is the message with which the API server has to refuse the canary.
	canary string
}

// New returns a Checker, or an error where the configuration is incomplete.
func New(c Config) (*Checker, error) {
	if c.Reader == nil || c.Writer == nil || c.DefaultDeny == nil {
		return nil, errors.New("preflight needs a reader, a writer and the default-deny network policy")
	}
	admission, err := config.Admission(c.OperatorNamespace, c.SandboxNamespace, c.ServiceAccount)
	if err != nil {
		return nil, fmt.Errorf("load admission policies: %w", err)
	}
	crds, err := config.CRDs()
	if err != nil {
		return nil, fmt.Errorf("load CustomResourceDefinitions: %w", err)
	}
	for _, crd := range crds {
		// The API server writes this default out; a conversion webhook would see, and
		// could change, every request and approval.
		if err := unstructured.SetNestedField(crd.Object, "None", "spec", "conversion", "strategy"); err != nil {
			return nil, fmt.Errorf("complete CustomResourceDefinition %s: %w", crd.GetName(), err)
		}
	}
	defaultDeny, err := toUnstructured(c.DefaultDeny)
	if err != nil {
		return nil, fmt.Errorf("encode the default-deny network policy: %w", err)
	}
	canary, err := canaryMessage(admission)
	if err != nil {
		return nil, err
	}
	return &Checker{
		Config:   c,
		standing: append(append(admission, crds...), defaultDeny),
		canary:   canary,
	}, nil
}

// Check returns everything that speaks against launching, nothing where all is well.
func (c *Checker) Check(ctx context.Context) []Problem {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var problems []Problem
	for _, want := range c.standing {
		problems = append(problems, c.checkStanding(ctx, want)...)
	}
	namespace, labels := c.checkNamespace(ctx)
	problems = append(problems, namespace...)
	problems = append(problems, c.checkForeignPolicies(ctx, labels)...)
	return append(problems, c.checkCanary(ctx)...)
}

func toUnstructured(object client.Object) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("marshal: %w", err)
	}
	result := &unstructured.Unstructured{}
	if err := result.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("unmarshal (are apiVersion and kind set?): %w", err)
	}
	return result, nil
}
