// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The limits where neither the request nor the policy names one. A policy
// without a maximum has these as its maxima.
const (
	DefaultTimeoutSeconds = 60
	DefaultCPU            = "500m"
	DefaultMemory         = "512Mi"
)

// EffectiveLimits returns what an execution gets: what the request asks for, at
// most the maximum, and the maximum where it asks for nothing. Values that are
// not positive count as absent. CPU is rounded up to milli-CPU and memory to
// bytes, so that equal limits have one spelling. Every field of the result is set.
func EffectiveLimits(req *v1alpha1.Limits, maxima v1alpha1.Limits) v1alpha1.Limits {
	limits := withDefaults(maxima)
	if req == nil {
		return limits
	}
	if req.TimeoutSeconds > 0 {
		limits.TimeoutSeconds = min(req.TimeoutSeconds, limits.TimeoutSeconds)
	}
	if positive(req.CPU) && req.CPU.Cmp(*limits.CPU) < 0 {
		limits.CPU = canonicalCPU(*req.CPU)
	}
	if positive(req.Memory) && req.Memory.Cmp(*limits.Memory) < 0 {
		limits.Memory = canonicalMemory(*req.Memory)
	}
	return limits
}

// withDefaults fills in what a policy's maxima leave out.
func withDefaults(maxima v1alpha1.Limits) v1alpha1.Limits {
	limits := v1alpha1.Limits{
		TimeoutSeconds: DefaultTimeoutSeconds,
		CPU:            canonicalCPU(resource.MustParse(DefaultCPU)),
		Memory:         canonicalMemory(resource.MustParse(DefaultMemory)),
	}
	if maxima.TimeoutSeconds > 0 {
		limits.TimeoutSeconds = maxima.TimeoutSeconds
	}
	if positive(maxima.CPU) {
		limits.CPU = canonicalCPU(*maxima.CPU)
	}
	if positive(maxima.Memory) {
		limits.Memory = canonicalMemory(*maxima.Memory)
	}
	return limits
}

func positive(q *resource.Quantity) bool { return q != nil && q.Sign() > 0 }

func canonicalCPU(q resource.Quantity) *resource.Quantity {
	return formatted(resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI))
}

func canonicalMemory(q resource.Quantity) *resource.Quantity {
	return formatted(resource.NewQuantity(q.Value(), resource.BinarySI))
}

// formatted fills the cache that Quantity keeps of its spelling, so that equal
// results are also deeply equal.
func formatted(q *resource.Quantity) *resource.Quantity {
	_ = q.String()
	return q
}
