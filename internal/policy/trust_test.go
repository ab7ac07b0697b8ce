// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func TestTrust(t *testing.T) {
	in := func(name string, trust v1alpha1.Trust) v1alpha1.Input {
		return v1alpha1.Input{Name: name, Origin: v1alpha1.OriginUser, Trust: trust}
	}
	tests := map[string]struct {
		inputs  []v1alpha1.Input
		want    v1alpha1.Trust
		decided string
	}{
		"no provenance is untrusted":           {nil, v1alpha1.Untrusted, ""},
		"one trusted input":                    {[]v1alpha1.Input{in("a", v1alpha1.Trusted)}, v1alpha1.Trusted, "a"},
		"the least trusted decides":            {[]v1alpha1.Input{in("a", v1alpha1.Trusted), in("b", v1alpha1.Untrusted), in("c", v1alpha1.Internal)}, v1alpha1.Untrusted, "b"},
		"the first of equals is named":         {[]v1alpha1.Input{in("a", v1alpha1.Internal), in("b", v1alpha1.Internal)}, v1alpha1.Internal, "a"},
		"internal is below trusted":            {[]v1alpha1.Input{in("a", v1alpha1.Trusted), in("b", v1alpha1.Internal)}, v1alpha1.Internal, "b"},
		"an invented trust is untrusted":       {[]v1alpha1.Input{in("a", "Certified")}, v1alpha1.Untrusted, "a"},
		"an invented trust is below the known": {[]v1alpha1.Input{in("a", v1alpha1.Internal), in("b", "trusted")}, v1alpha1.Untrusted, "b"},
		"an empty trust is untrusted":          {[]v1alpha1.Input{in("a", v1alpha1.Trusted), in("b", "")}, v1alpha1.Untrusted, "b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, decided := Trust(tt.inputs)
			if got != tt.want || decided != tt.decided {
				t.Errorf("Trust() = %s by %q, want %s by %q", got, decided, tt.want, tt.decided)
			}
		})
	}
}
