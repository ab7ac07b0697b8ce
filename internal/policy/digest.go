// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Digest identifies the content of a policy: "sha256:" and the SHA-256, in hex,
// of its spec in canonical JSON (RFC 8785). Absent and empty are the same.
func Digest(spec *v1alpha1.ExecutionPolicySpec) (string, error) {
	if spec == nil {
		return "", errors.New("digest policy: no policy given")
	}
	encoded, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("encode policy: %w", err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return "", fmt.Errorf("make policy canonical: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
