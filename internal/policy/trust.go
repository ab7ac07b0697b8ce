// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Trust returns the least trust of all inputs and the name of the first input
// that has it. Without inputs nothing is known of what drove the code, which is
// Untrusted with no name, and so is every trust that is not in the closed set.
func Trust(inputs []v1alpha1.Input) (trust v1alpha1.Trust, decidedBy string) {
	if len(inputs) == 0 {
		return v1alpha1.Untrusted, ""
	}
	least := inputs[0]
	for _, input := range inputs[1:] {
		if trustRank(input.Trust) < trustRank(least.Trust) {
			least = input
		}
	}
	return knownTrust(least.Trust), least.Name
}

// knownTrust replaces what is not in the closed set by Untrusted.
func knownTrust(t v1alpha1.Trust) v1alpha1.Trust {
	if trustRank(t) == 0 {
		return v1alpha1.Untrusted
	}
	return t
}

// trustRank orders Untrusted < Internal < Trusted; an unknown value is Untrusted.
func trustRank(t v1alpha1.Trust) int {
	switch t {
	case v1alpha1.Trusted:
		return 2
	case v1alpha1.Internal:
		return 1
	case v1alpha1.Untrusted:
		return 0
	default:
		return 0
	}
}
