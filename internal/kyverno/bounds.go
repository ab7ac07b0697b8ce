// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"math"
	"time"

	"github.com/google/cel-go/cel"
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
	// costPerJudgement is what Kubernetes grants to all expressions about one object, about 1 s.
	costPerJudgement = celconfig.RuntimeCELCostBudget
	// evaluationTimeout ends what cost does not count, waiting for answers above all.
	evaluationTimeout = 5 * time.Second
	// cachedRules is how many compiled rules are kept.
	cachedRules = 256
)

// bounds hold for every expression. Kyverno sets neither an interrupt nor a price for its own functions.
func bounds() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostLimit(costPerExpression),
		cel.CostTracking(prices{}),
		cel.InterruptCheckFrequency(1), // each pass of a loop may wait for an answer
	}
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
