// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	policieskyvernoio "github.com/kyverno/api/api/policies.kyverno.io"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	"github.com/kyverno/kyverno/pkg/cel/compiler"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// rule is a compiled ValidatingPolicy. It is immutable and safe to share.
type rule struct {
	decision    v1alpha1.Decision // of a violation
	matches     []cel.Program
	variables   map[string]cel.Program
	validations []compiler.Validation
}

// compile makes a rule of a ValidatingPolicy. The error says what is wrong with it, and what to do.
func compile(object *unstructured.Unstructured, outside bool) (*rule, error) {
	spec, err := specOf(object)
	if err != nil {
		return nil, err
	}
	if err := fit(spec); err != nil {
		return nil, err
	}
	base, err := environments[outside]()
	if err != nil {
		return nil, err
	}
	// The types of the variables differ from rule to rule.
	types := compiler.NewVariablesProvider(base.CELTypeProvider())
	env, err := base.Extend(cel.CustomTypeProvider(types))
	if err != nil {
		return nil, fmt.Errorf("make the environment of the rule: %w", err)
	}
	at := field.NewPath("spec")
	r := &rule{decision: decisionOf(spec.ValidationAction)}
	var problems, errs field.ErrorList
	r.matches, errs = compiler.CompileMatchConditions(at.Child("matchConditions"), env, spec.MatchConditions...)
	problems = append(problems, errs...)
	r.variables, errs = compiler.CompileVariables(at.Child("variables"), env, types, spec.Variables...)
	problems = append(problems, errs...)
	for i, v := range spec.Validations {
		compiled, errs := compiler.CompileValidation(at.Child("validations").Index(i), env, v)
		problems = append(problems, errs...)
		r.validations = append(r.validations, compiled)
	}
	if len(problems) > 0 {
		return nil, explain(spec, problems, outside)
	}
	return r, nil
}

// specOf decodes strictly: a field that this version does not know may be what makes the rule strict.
func specOf(object *unstructured.Unstructured) (*policiesv1.ValidatingPolicySpec, error) {
	typed := &policiesv1.ValidatingPolicy{}
	content := map[string]any{"spec": object.Object["spec"]}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(content, typed, true); err != nil {
		return nil, fmt.Errorf("it cannot be decoded: %w", err)
	}
	return &typed.Spec, nil
}

// fit checks what the compiler leaves open.
func fit(spec *policiesv1.ValidatingPolicySpec) error {
	switch mode := spec.EvaluationMode(); {
	case mode != policieskyvernoio.EvaluationModeJSON:
		return fmt.Errorf("spec.evaluation.mode is %s: set it to JSON, the code is judged and no Kubernetes object", mode)
	case len(spec.Validations) == 0:
		return errors.New("spec.validations is empty: a rule that checks nothing is a mistake")
	case len(spec.MatchConditions)+len(spec.Variables)+len(spec.Validations) > maxExpressions:
		return fmt.Errorf("it has more than %d expressions: divide it", maxExpressions)
	}
	// The second of two variables of one name may refer to itself through the first one's type, without end.
	names := map[string]bool{}
	for i, v := range spec.Variables {
		if names[v.Name] {
			return fmt.Errorf("spec.variables[%d].name: %q is there twice", i, v.Name)
		}
		names[v.Name] = true
	}
	return nil
}

// decisionOf a violation. Deny unless all that is wanted is that somebody hears of it: then a person decides. No action is
// Kyverno's default, Deny, and so is every action that is not known.
func decisionOf(actions []admissionregistrationv1.ValidationAction) v1alpha1.Decision {
	if len(actions) == 0 {
		return v1alpha1.Deny
	}
	for _, action := range actions {
		switch action {
		case admissionregistrationv1.Audit, admissionregistrationv1.Warn:
		case admissionregistrationv1.Deny:
			return v1alpha1.Deny
		default:
			return v1alpha1.Deny
		}
	}
	return v1alpha1.RequireApproval
}
