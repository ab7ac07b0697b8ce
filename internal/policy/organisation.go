// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Rule names an organisation rule that judges beside a policy, and its content.
type Rule struct {
	Name string `json:"name"`
	// Digest of the rule's spec, "sha256:" and hex.
	Digest string `json:"digest"`
}

// EffectiveDigest identifies everything that a policy decides by: its spec, and
// the organisation rules that it selects, in the order given. Without rules it
// is the Digest of the spec. A rule that is changed, renamed, added or removed
// makes another one, so no approval or verdict outlives it.
func EffectiveDigest(spec *v1alpha1.ExecutionPolicySpec, rules []Rule) (string, error) {
	digest, err := Digest(spec)
	if err != nil || len(rules) == 0 {
		return digest, err
	}
	encoded, err := json.Marshal(map[string]any{"policy": digest, "rules": rules})
	if err != nil {
		return "", fmt.Errorf("encode rules: %w", err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return "", fmt.Errorf("make rules canonical: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// RuleFinding says what an organisation rule has against a request. Any decision
// but RequireApproval is Deny: a rule cannot allow. The message may repeat what
// the agent wrote, so it is bounded and made safe to print (CWE-150).
func RuleFinding(rule Rule, decision v1alpha1.Decision, message string) v1alpha1.Finding {
	if decision != v1alpha1.RequireApproval {
		decision = v1alpha1.Deny
	}
	return v1alpha1.Finding{
		Decision: decision, Operation: "organisation rule",
		Reason: clip(fmt.Sprintf("ValidatingPolicy %s: %s", quoted(rule.Name), printable(message)), maxReason),
	}
}
