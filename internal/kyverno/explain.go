// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"errors"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// missing says of names that Kyverno knows elsewhere why a rule cannot use them. It explains and does not decide: what is
// not in the environment does not compile, however it is spelled.
var missing = map[string]string{
	"globalContext":   "it uses globalContext, which only Kyverno's own controllers hold",
	"image":           "it uses image data, which would be fetched from registries",
	"generator":       "it uses generator, which would create objects",
	"gzip.compress":   "it uses gzip, which may use up the operator's memory",
	"gzip.decompress": "it uses gzip, which may use up the operator's memory",
	"request":         "it uses request, which JSON evaluation mode does not set; what is judged is in object",
	"oldObject":       "it uses oldObject, which JSON evaluation mode does not set",
	"namespaceObject": "it uses namespaceObject, which JSON evaluation mode does not set",
	"exceptions":      "it uses exceptions: PolicyExceptions do not apply to code",
	"images":          "it uses images, which JSON evaluation mode does not set",
	"random":          "it uses random: a request has to be judged at its launch as it was judged before",
	"random.random":   "it uses random: a request has to be judged at its launch as it was judged before",
	"authorizer":      "it uses authorizer, which reaches outside",
	"http":            "it reaches outside with http; do without, or set spec.kyverno.outsideCalls of the ExecutionPolicy to Allowed",
	"resource":        "it reaches outside with resource; do without, or set spec.kyverno.outsideCalls of the ExecutionPolicy to Allowed",
}

// explain turns the errors of the compiler into one that says what to change.
func explain(spec *policiesv1.ValidatingPolicySpec, problems field.ErrorList, outside bool) error {
	for _, name := range names(spec) {
		if outside && (name == "http" || name == "resource") {
			continue
		}
		if why := missing[name]; why != "" {
			return errors.New(why)
		}
	}
	return errors.New("it does not compile: " + problems.ToAggregate().Error())
}

// names are the identifiers and functions in the expressions of a rule, as far as they can be parsed.
func names(spec *policiesv1.ValidatingPolicySpec) (found []string) {
	env, err := cel.NewEnv()
	if err != nil {
		return nil
	}
	for _, expression := range expressions(spec) {
		parsed, issues := env.Parse(expression)
		if issues.Err() != nil {
			continue
		}
		celast.PreOrderVisit(parsed.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
			switch e.Kind() {
			case celast.IdentKind:
				found = append(found, strings.TrimPrefix(e.AsIdent(), "."))
			case celast.CallKind:
				call := e.AsCall()
				switch {
				case !call.IsMemberFunction():
					found = append(found, call.FunctionName())
				case call.Target().Kind() == celast.IdentKind:
					found = append(found, call.Target().AsIdent()+"."+call.FunctionName())
				}
			default:
			}
		}))
	}
	return found
}

func expressions(spec *policiesv1.ValidatingPolicySpec) (all []string) {
	for _, c := range spec.MatchConditions {
		all = append(all, c.Expression)
	}
	for _, v := range spec.Variables {
		all = append(all, v.Expression)
	}
	for _, v := range spec.Validations {
		all = append(all, v.Expression, v.MessageExpression)
	}
	return all
}
