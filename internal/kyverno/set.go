// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kyverno/kyverno/pkg/cel/compiler"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

// Set is the rules that an ExecutionPolicy selects, in the order of their names. The zero Set has none.
type Set struct {
	identities []policy.Rule
	rules      []*rule
	outside    *outside // nil where outside calls are forbidden
}

// Identities name the rules and their content.
func (s Set) Identities() []policy.Rule { return s.identities }

// Tighten lets the rules have their say about a request that the policy does not deny: there is nothing to tighten in one
// that it does, and hostile code would only make the rules work.
func (s Set) Tighten(ctx context.Context, pol *v1alpha1.ExecutionPolicy, req *v1alpha1.ExecutionRequest, report *gate.Report, verdict v1alpha1.Verdict) (v1alpha1.Verdict, error) {
	if len(s.rules) == 0 || verdict.Decision == v1alpha1.Deny {
		return verdict, nil
	}
	findings, err := s.judge(ctx, policy.NewDocument(pol, req, report, verdict))
	if err != nil {
		return v1alpha1.Verdict{}, err
	}
	return policy.Tighten(verdict, pol.Spec.Approval.Required, findings...), nil
}

// TightenExample does the same for an example of a policy.
func (s Set) TightenExample(ctx context.Context, pol *v1alpha1.ExecutionPolicy, example v1alpha1.Example, report *gate.Report, verdict v1alpha1.Verdict) (v1alpha1.Verdict, error) {
	return s.Tighten(ctx, pol, policy.RequestOfNobody(policy.GivenBy(example)), report, verdict)
}

// judge evaluates every rule on the document and returns a finding for each that it violates or that cannot be evaluated.
// An error means that nothing was decided, because ctx ended.
func (s Set) judge(ctx context.Context, document policy.Document) ([]v1alpha1.Finding, error) {
	object, err := objectOf(document)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, evaluationTimeout)
	defer cancel()
	var cost uint64
	var findings []v1alpha1.Finding
	for i, r := range s.rules {
		input := map[string]any{compiler.ObjectKey: object}
		s.outside.bind(limited, input)
		message, err := r.violation(evaluation{ctx: limited, cost: &cost, input: input})
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("evaluate rules: %w", ctx.Err())
		case err != nil:
			findings = append(findings, s.finding(i, v1alpha1.Deny, "could not be evaluated, which denies: "+err.Error()))
		case message != "":
			findings = append(findings, s.finding(i, r.decision, message))
		}
	}
	return findings, nil
}

// finding names the rule, so that its owner can be asked. It has no place in the code.
func (s Set) finding(i int, decision v1alpha1.Decision, why string) v1alpha1.Finding {
	return policy.RuleFinding(s.identities[i], decision, why)
}

// objectOf is the document as decoded JSON, which is also how Kyverno's command line reads one: all numbers are doubles.
func objectOf(document policy.Document) (map[string]any, error) {
	encoded, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode document for rules: %w", err)
	}
	var object map[string]any
	if err := json.Unmarshal(encoded, &object); err != nil {
		return nil, fmt.Errorf("decode document for rules: %w", err)
	}
	return object, nil
}
