// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/provenance"
)

// Provenance is how far a request's inputs may steer its code.
type Provenance struct {
	// Trust is the least of all inputs, Untrusted without any.
	Trust v1alpha1.Trust
	// DecidedBy is the name of the first input that has it, empty without inputs.
	DecidedBy string
	// Reason says in a sentence why the trust is what it is.
	Reason string
}

// Trust weighs a request's inputs under a policy. contents has the digest
// ("sha256:" and hex) of the content of every input that is mounted, as it was
// read and not as the request claims it, by the input's name.
//
// What a request claims is bounded by the ceiling of the input's origin. A claim
// is no evidence, and a signature is: where an attestor of the policy signed for
// the content, the input has at least that attestor's trust, whatever its origin.
func Trust(spec *v1alpha1.ExecutionPolicySpec, inputs []v1alpha1.Input, contents map[string]string) Provenance {
	if spec == nil || len(inputs) == 0 {
		return Provenance{Trust: v1alpha1.Untrusted, Reason: "The request names no input, so that nothing is known of what drove the code."}
	}
	attestors := attestorsOf(spec.Provenance)
	least := trustOf(spec.Provenance, attestors, inputs[0], contents[inputs[0].Name])
	for _, in := range inputs[1:] {
		if p := trustOf(spec.Provenance, attestors, in, contents[in.Name]); trustRank(p.Trust) < trustRank(least.Trust) {
			least = p
		}
	}
	if len(inputs) > 1 {
		least.Reason += fmt.Sprintf(" No other of the %d inputs is less trusted.", len(inputs))
	}
	least.Reason = clip(least.Reason, maxReason)
	return least
}

// trustOf weighs one input.
func trustOf(terms *v1alpha1.Provenance, attestors []provenance.Attestor, in v1alpha1.Input, content string) Provenance {
	trust, reason := claimed(terms, in)
	if in.Attestation != "" {
		attested, why := attestation(terms, attestors, in, content)
		if trustRank(attested) > trustRank(trust) {
			trust, reason = attested, ""
		}
		reason = strings.TrimSpace(reason + " " + why)
	}
	return Provenance{Trust: trust, DecidedBy: in.Name, Reason: reason}
}

// claimed is the trust that a request claims, at most the ceiling of the origin.
func claimed(terms *v1alpha1.Provenance, in v1alpha1.Input) (v1alpha1.Trust, string) {
	trust := knownTrust(in.Trust)
	at := fmt.Sprintf("Input %s of origin %s", quoted(in.Name), printable(string(in.Origin)))
	if !knownOrigin(in.Origin) {
		return v1alpha1.Untrusted, at + " is Untrusted: this version does not know the origin."
	}
	if terms != nil {
		i := slices.IndexFunc(terms.Origins, func(o v1alpha1.OriginTrust) bool { return o.Origin == in.Origin })
		if i >= 0 && trustRank(terms.Origins[i].Trust) < trustRank(trust) {
			return knownTrust(terms.Origins[i].Trust), fmt.Sprintf("%s is %s at most under this policy (spec.provenance.origins), the request says %s.", at, knownTrust(terms.Origins[i].Trust), trust)
		}
	}
	return trust, fmt.Sprintf("%s is %s, as the request says.", at, trust)
}

// attestation is the highest trust that signatures on the content give, empty
// where none counts, with the reason.
func attestation(terms *v1alpha1.Provenance, attestors []provenance.Attestor, in v1alpha1.Input, content string) (v1alpha1.Trust, string) {
	digest, mounted := strings.CutPrefix(content, "sha256:")
	if !mounted {
		// A digest that nobody compares with content would make anything Trusted that somebody once signed.
		return "", "Its attestation does not count: the input has no content that it could be about."
	}
	names, err := provenance.Verify([]byte(in.Attestation), digest, attestors)
	if err != nil {
		return "", fmt.Sprintf("Its attestation does not count: %s.", clip(printable(err.Error()), 240))
	}
	var most v1alpha1.Attestor
	for _, a := range terms.Attestors {
		if slices.Contains(names, a.Name) && (most.Name == "" || trustRank(a.Trust) > trustRank(most.Trust)) {
			most = a
		}
	}
	return knownTrust(most.Trust), fmt.Sprintf("Attestor %s signed for the content of input %s, for which the policy gives %s.", quoted(most.Name), quoted(in.Name), knownTrust(most.Trust))
}

// attestorsOf leaves out attestors whose key cannot be used; Check refuses them.
func attestorsOf(terms *v1alpha1.Provenance) []provenance.Attestor {
	if terms == nil {
		return nil
	}
	var attestors []provenance.Attestor
	for _, a := range terms.Attestors {
		if key, err := provenance.ParseKey(a.PublicKey); err == nil {
			attestors = append(attestors, provenance.Attestor{Name: a.Name, Key: key, PredicateTypes: a.PredicateTypes})
		}
	}
	return attestors
}

// checkProvenance refuses keys that verify nothing, and a key that is given
// twice, by which one signer would be two attestors.
func checkProvenance(terms *v1alpha1.Provenance, at *field.Path) (errs field.ErrorList) {
	if terms == nil {
		return nil
	}
	var keys []provenance.Key
	for i, a := range terms.Attestors {
		key, err := provenance.ParseKey(a.PublicKey)
		at := at.Child("attestors").Index(i).Child("publicKey")
		switch {
		case err != nil:
			errs = append(errs, field.Invalid(at, a.Name, err.Error()))
		case slices.ContainsFunc(keys, key.Equal):
			errs = append(errs, field.Duplicate(at, a.Name))
		default:
			keys = append(keys, key)
		}
	}
	return errs
}

// knownOrigin says whether an origin is in the closed set: no ceiling can be given
// for one that is not.
func knownOrigin(o v1alpha1.Origin) bool {
	switch o {
	case v1alpha1.OriginUser, v1alpha1.OriginRetrieved, v1alpha1.OriginTool, v1alpha1.OriginAgent, v1alpha1.OriginMemory, v1alpha1.OriginOperator:
		return true
	default:
		return false
	}
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
