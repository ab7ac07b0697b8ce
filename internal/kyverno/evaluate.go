// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/kyverno/kyverno/pkg/cel/compiler"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// evaluation is one rule on one document. It counts what all expressions cost together.
type evaluation struct {
	ctx   context.Context
	cost  *uint64
	input map[string]any
}

// violation says why a rule does not let the document pass, "" where it does. An error means that the rule could not be
// evaluated, which is no pass.
func (r *rule) violation(e evaluation) (string, error) {
	applies, err := r.applies(e)
	if err != nil || !applies {
		return "", err
	}
	e.input[compiler.VariablesKey] = r.lazyVariables(e)
	for i, v := range r.validations {
		holds, err := e.boolean(v.Program)
		if err != nil {
			return "", fmt.Errorf("spec.validations[%d]: %w", i, err)
		}
		if !holds {
			return e.message(v, i), nil
		}
	}
	return "", nil
}

// applies is false where a match condition is, as in Kubernetes. Kyverno's failurePolicy Ignore would make it false for
// errors too; here an error is one.
func (r *rule) applies(e evaluation) (bool, error) {
	var errs []error
	for i, condition := range r.matches {
		holds, err := e.boolean(condition)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("spec.matchConditions[%d]: %w", i, err))
		case !holds:
			return false, nil
		}
	}
	return len(errs) == 0, errors.Join(errs...)
}

// lazyVariables are evaluated when they are first used, and once.
func (r *rule) lazyVariables(e evaluation) *lazy.MapValue {
	values := lazy.NewMapValue(compiler.VariablesType)
	for name, program := range r.variables {
		values.Append(name, func(*lazy.MapValue) ref.Val {
			value, err := e.value(program)
			if err != nil {
				return types.WrapErr(fmt.Errorf("variable %s: %w", name, err))
			}
			return value
		})
	}
	return values
}

// message of a violation. An agent may have steered what it is made of: it is data.
func (e evaluation) message(v compiler.Validation, index int) string {
	if v.MessageExpression != nil {
		if value, err := e.value(v.MessageExpression); err == nil {
			if text, ok := value.(types.String); ok && text != "" {
				return string(text)
			}
		}
	}
	if v.Message != "" {
		return v.Message
	}
	return fmt.Sprintf("spec.validations[%d] does not hold", index)
}

// boolean evaluates a condition. Anything but true and false is an error.
func (e evaluation) boolean(program cel.Program) (bool, error) {
	value, err := e.value(program)
	if err != nil {
		return false, err
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("it is neither true nor false but of type %s", value.Type().TypeName())
	}
	return bool(holds), nil
}

func (e evaluation) value(program cel.Program) (ref.Val, error) {
	if *e.cost > costPerJudgement {
		return nil, errors.New("the rules together cost more than a judgement may")
	}
	if err := e.ctx.Err(); err != nil {
		return nil, err
	}
	value, details, err := program.ContextEval(e.ctx, e.input)
	if details != nil && details.ActualCost() != nil {
		*e.cost += *details.ActualCost()
	}
	switch {
	case err != nil:
		return nil, err
	case value == nil, types.IsUnknownOrError(value):
		return nil, errors.New("it has no value")
	}
	return value, nil
}
