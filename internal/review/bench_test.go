// SPDX-License-Identifier: Apache-2.0

package review

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The largest code that a request can carry, as one line and as very many.
func BenchmarkCode(b *testing.B) {
	for name, source := range map[string]string{
		"one line":    strings.Repeat("x", 250_000),
		"short lines": strings.Repeat("x\n", 125_000),
		"hidden":      strings.Repeat("\u202e", 250_000),
		"wide":        strings.Repeat("漢", 250_000),
		"marks":       strings.Repeat("\u0301", 250_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Code(v1alpha1.Code{Language: v1alpha1.Python, Source: source}, v1alpha1.Verdict{}, 80, nil)
			}
		})
	}
}
