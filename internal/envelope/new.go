// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/policy"
)

// New makes the envelope of a request under a policy and the organisation rules
// that it selects. inputDigests has the digest ("sha256:" and hex) of the content
// of every input with a configMapRef, by the input's name, and of no other.
//
// It is an error where the envelope would not name one execution: a request
// without UID, a language without runtime, content without digest.
func New(req *v1alpha1.ExecutionRequest, pol *v1alpha1.ExecutionPolicy, rules []policy.Rule, inputDigests map[string]string) (Envelope, error) {
	switch {
	case req == nil || pol == nil:
		return Envelope{}, errors.New("an envelope needs a request and a policy")
	case req.Namespace == "" || req.Name == "" || req.UID == "":
		return Envelope{}, errors.New("the request has no namespace, name or UID")
	case req.Spec.PolicyName != pol.Name:
		return Envelope{}, fmt.Errorf("the request names policy %q, not %q", req.Spec.PolicyName, pol.Name)
	case req.Spec.Requester.Username == "":
		return Envelope{}, errors.New("the request has no requester")
	}
	runtime, err := runtimeFor(req.Spec.Code.Language, pol.Spec.Runtimes)
	if err != nil {
		return Envelope{}, err
	}
	inputs, err := inputsOf(req.Spec.Inputs, inputDigests)
	if err != nil {
		return Envelope{}, err
	}
	policyDigest, err := policy.EffectiveDigest(&pol.Spec, rules)
	if err != nil {
		return Envelope{}, err
	}
	limits := policy.EffectiveLimits(req.Spec.Limits, pol.Spec.Limits)
	return Envelope{
		Version:          Version,
		Request:          Request{Namespace: req.Namespace, Name: req.Name, UID: string(req.UID)},
		Requester:        req.Spec.Requester,
		Task:             req.Spec.Task,
		Agent:            agentOf(req.Spec.Agent),
		Policy:           Policy{Name: pol.Name, Digest: policyDigest},
		Code:             codeOf(req.Spec.Code),
		Args:             req.Spec.Args,
		Env:              envOf(req.Spec.Env),
		Inputs:           inputs,
		Runtime:          runtime,
		RuntimeClassName: pol.Spec.RuntimeClassName,
		Egress:           req.Spec.Egress,
		Credentials:      req.Spec.Credentials,
		Limits:           Limits{TimeoutSeconds: limits.TimeoutSeconds, CPU: limits.CPU.String(), Memory: limits.Memory.String()},
		VerdictTrust:     policy.Trust(&pol.Spec, req.Spec.Inputs, inputDigests).Trust,
	}.sorted(), nil
}

func runtimeFor(lang v1alpha1.Language, runtimes []v1alpha1.Runtime) (Runtime, error) {
	switch lang {
	case v1alpha1.Python, v1alpha1.Bash, v1alpha1.JavaScript, v1alpha1.TypeScript, v1alpha1.SQL:
	default:
		return Runtime{}, fmt.Errorf("unknown language %q", lang)
	}
	i := slices.IndexFunc(runtimes, func(r v1alpha1.Runtime) bool { return r.Language == lang })
	if i < 0 {
		return Runtime{}, fmt.Errorf("the policy has no runtime for %s", lang)
	}
	return Runtime{Image: runtimes[i].Image, Command: runtimes[i].Command}, nil
}

func agentOf(a *v1alpha1.Agent) v1alpha1.Agent {
	if a == nil {
		return v1alpha1.Agent{}
	}
	return *a
}

func codeOf(c v1alpha1.Code) Code {
	sum := sha256.Sum256([]byte(c.Source))
	return Code{Language: c.Language, Dialect: string(c.Dialect), SHA256: hex.EncodeToString(sum[:]), Bytes: len(c.Source)}
}

func envOf(env []v1alpha1.EnvVar) []EnvVar {
	vars := make([]EnvVar, 0, len(env))
	for _, e := range env {
		v := EnvVar{Name: e.Name}
		if e.Value != nil {
			v.Value = *e.Value
		}
		vars = append(vars, v)
	}
	return vars
}

// inputsOf joins each input with the digest of its content.
func inputsOf(inputs []v1alpha1.Input, digests map[string]string) ([]Input, error) {
	joined := make([]Input, 0, len(inputs))
	mounted := 0
	for _, in := range inputs {
		digest, has := digests[in.Name]
		switch {
		case has != (in.ConfigMapRef != nil):
			return nil, fmt.Errorf("input %q has content without a digest or a digest without content", in.Name)
		case has && !isDigest(digest):
			return nil, fmt.Errorf("input %q: %q is not a SHA-256 digest", in.Name, digest)
		case has && in.Digest != "" && in.Digest != digest:
			return nil, fmt.Errorf("input %q has the digest %s, the request says %s", in.Name, digest, in.Digest)
		}
		if has {
			mounted++
		}
		joined = append(joined, Input{
			Name: in.Name, Origin: in.Origin, Trust: in.Trust,
			Digest: digest, ClaimedDigest: in.Digest, AttestationDigest: attestationDigest(in.Attestation),
		})
	}
	if mounted != len(digests) {
		return nil, errors.New("there are digests of inputs that the request does not have")
	}
	return joined, nil
}

// attestationDigest identifies an attestation by its bytes, empty where there is none.
func attestationDigest(attestation string) string {
	if attestation == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(attestation))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// isDigest accepts "sha256:" and 64 lower-case hex digits.
func isDigest(s string) bool {
	digits, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(digits) == 2*sha256.Size && strings.Trim(digits, "0123456789abcdef") == ""
}
