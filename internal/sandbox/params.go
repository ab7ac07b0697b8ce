// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Params are what a sandbox is made from. Everything but RuntimeClassName is
// required; what the request does not name, the sandbox does not have.
type Params struct {
	// Request that was judged.
	Request *v1alpha1.ExecutionRequest
	// EnvelopeDigest identifies what was judged, as "sha256:" and hex.
	EnvelopeDigest string
	// Runtime of the request's language.
	Runtime v1alpha1.Runtime
	// RuntimeClassName of the policy, empty for the cluster's default.
	RuntimeClassName string
	// Limits that are in effect, all of them positive.
	Limits v1alpha1.Limits
	// InputDigests has the digest ("sha256:" and hex) of each input with content, by name.
	InputDigests map[string]string
	// EgressProfile is the value of LabelEgressProfile: network.Profile of the request's egress.
	EgressProfile string
	// OperatorImage carries the runner, at /airlock-runner.
	OperatorImage string
	// Namespace of the sandbox.
	Namespace string
	// ServiceAccountName is a service account without rights. Its token is never mounted.
	ServiceAccountName string
}

var profilePattern = regexp.MustCompile(`^[a-z0-9]{1,63}$`)

// check refuses parameters from which no pod could be made that does exactly
// what was judged.
func (p Params) check() error {
	if p.Request == nil || p.Request.UID == "" || p.Request.Name == "" || p.Request.Namespace == "" {
		return errors.New("the request has no namespace, name or UID")
	}
	if p.Namespace == "" || p.ServiceAccountName == "" || p.OperatorImage == "" {
		return errors.New("the namespace, service account or operator image is missing")
	}
	return errors.Join(p.checkJudged(), p.checkEgress(), p.checkLimits(), p.checkInputs(), p.checkEnv())
}

// checkJudged demands the code and what it was judged to run with.
func (p Params) checkJudged() error {
	switch {
	case !digest.MatchString(p.EnvelopeDigest):
		return fmt.Errorf("the envelope's digest %q is none", p.EnvelopeDigest)
	case p.Runtime.Language != p.Request.Spec.Code.Language:
		return fmt.Errorf("the runtime is for %q, the code is %q", p.Runtime.Language, p.Request.Spec.Code.Language)
	case p.Runtime.Image == "" || len(p.Runtime.Command) == 0:
		return errors.New("the runtime has no image or command")
	case p.Request.Spec.Code.Source == "":
		return errors.New("the request has no code")
	default:
		return nil
	}
}

// ProfileNone is the egress profile of requests that may reach nothing.
const ProfileNone = "none"

func (p Params) checkEgress() error {
	if !profilePattern.MatchString(p.EgressProfile) {
		return fmt.Errorf("%q is no egress profile", p.EgressProfile)
	}
	if (p.EgressProfile == ProfileNone) != (len(p.Request.Spec.Egress) == 0) {
		return errors.New("the egress profile does not fit the request's egress")
	}
	return nil
}

func (p Params) checkLimits() error {
	l := p.Limits
	if l.TimeoutSeconds <= 0 || l.CPU == nil || l.CPU.Sign() <= 0 || l.Memory == nil || l.Memory.Sign() <= 0 {
		return errors.New("the limits are not all positive")
	}
	return nil
}

func (p Params) checkInputs() error {
	mounted := 0
	for _, in := range p.Request.Spec.Inputs {
		if in.ConfigMapRef == nil {
			continue
		}
		mounted++
		if !fileName.MatchString(in.Name) {
			return fmt.Errorf("input %q: the name is no file name", in.Name)
		}
		if !digest.MatchString(p.InputDigests[in.Name]) {
			return fmt.Errorf("input %q: its digest %q is none", in.Name, p.InputDigests[in.Name])
		}
	}
	if mounted != len(p.InputDigests) {
		return errors.New("there are digests of inputs that the request does not mount")
	}
	return nil
}

// fileName keeps an input in its directory: the name becomes a path and a flag.
var fileName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func (p Params) checkEnv() error {
	for _, e := range p.Request.Spec.Env {
		if ReservedEnv(e.Name) {
			return fmt.Errorf("the environment variable %q is reserved", e.Name)
		}
	}
	return nil
}

// mountedInputs returns the names of the inputs with content, sorted.
func (p Params) mountedInputs() []string {
	var names []string
	for _, in := range p.Request.Spec.Inputs {
		if in.ConfigMapRef != nil {
			names = append(names, in.Name)
		}
	}
	slices.Sort(names)
	return names
}

const digestPrefix = "sha256:"

var digest = regexp.MustCompile("^" + digestPrefix + "[a-f0-9]{64}$")
