// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"math"
	"regexp"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/library"
)

// Bounds of rules and of their evaluation.
const (
	// MaxRules is how many rules one ExecutionPolicy may select.
	MaxRules = 64
	// maxExpressions bounds match conditions, variables and validations of one rule together.
	maxExpressions = 128
	// costPerExpression is what Kubernetes grants to one expression, about 0.1 s.
	costPerExpression = celconfig.PerCallLimit
	// costPerJudgement bounds all expressions of all rules together, about 0.5 s: half of what Kubernetes grants to them.
	costPerJudgement = celconfig.RuntimeCELCostBudget / 2
	// evaluationTimeout ends what cost does not count, waiting for answers above all.
	evaluationTimeout = 10 * time.Second
	// cachedRules is how many compiled rules are kept.
	cachedRules = 256
)

// bounds hold for every expression. Kyverno sets neither an interrupt nor a price for its own functions.
func bounds() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostLimit(costPerExpression),
		cel.CostTracking(prices{}),
		cel.InterruptCheckFrequency(celconfig.CheckFrequency),
	}
}

// oneStep refuses calls that make gigabytes of a few characters at once: their cost would be told when it is too late.
type oneStep struct{}

// Name identifies the validator.
func (oneStep) Name() string { return "airlock.dev/one-step" }

// writtenOut is a format without a precision of more than two digits.
var writtenOut = regexp.MustCompile(`^([^%]|%%|%(\.[0-9]{1,2})?[a-zA-Z])*$`)

// Validate looks at every call, whether it is reached or not.
func (oneStep) Validate(_ *cel.Env, _ cel.ValidatorConfig, checked *ast.AST, issues *cel.Issues) {
	root := ast.NavigateAST(checked)
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher("lists.range")) {
		issues.ReportErrorAtID(call.ID(), "lists.range is not for rules: nothing bounds it")
	}
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher("format")) {
		if text, ok := literal(call.AsCall().Target()); !ok || !writtenOut.MatchString(text) {
			issues.ReportErrorAtID(call.ID(), "a format has to be written out, with precisions below 100: nothing else bounds it")
		}
	}
}

func literal(e ast.Expr) (string, bool) {
	if e == nil || e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().Value().(string)
	return text, ok
}

// prices are Kubernetes' prices, and those of Kyverno's functions, which would cost 1 whatever they are given.
type prices struct{ library.CostEstimator }

// CallCost is the price of one call. It is told after the call was made.
func (p prices) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case "marshal", "unmarshal", "parse", "listObjToMap", "transform.listObjToMap", "x509.decode",
		"md5", "sha1", "sha256", "hash.md5", "hash.sha1", "hash.sha256",
		"base64.decode", "base64.encode", "replace":
		cost := size(result)
		for _, arg := range args {
			cost += size(arg)
		}
		return &cost
	default:
		return p.CostEstimator.CallCost(function, overload, args, result)
	}
}

// size of a value: characters or bytes at the price that CEL has for them, entries at one each, one level deep.
func size(value ref.Val) uint64 {
	sized, ok := value.(traits.Sizer)
	if !ok {
		return 1
	}
	n, ok := sized.Size().(types.Int)
	if !ok || n < 0 {
		return 1
	}
	switch value.(type) {
	case types.String, types.Bytes:
		return uint64(math.Ceil(float64(n) / 10))
	default:
		return 1 + uint64(n)
	}
}
