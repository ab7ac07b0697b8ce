// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// ProfileNone is the profile of requests that may reach nothing.
const ProfileNone = sandbox.ProfileNone

// profileBytes of the digest name a profile. Whoever chooses the destinations
// must not find two sets with one name, so it is 160 bits and not fewer.
const profileBytes = 20

// Profile returns the name of a set of destinations, as a label value: "none",
// or 40 hex digits. Order and repetition do not matter.
func Profile(egress []v1alpha1.EgressTarget) string {
	if len(egress) == 0 {
		return ProfileNone
	}
	hash := sha256.New()
	for _, t := range normalized(egress) {
		_, _ = fmt.Fprintf(hash, "%s:%d\n", t.Host, t.Port)
	}
	return hex.EncodeToString(hash.Sum(nil)[:profileBytes])
}

// normalized returns the set in one order.
func normalized(egress []v1alpha1.EgressTarget) []v1alpha1.EgressTarget {
	sorted := slices.Clone(egress)
	slices.SortFunc(sorted, func(a, b v1alpha1.EgressTarget) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Host, b.Host))
	})
	return slices.Compact(sorted)
}
