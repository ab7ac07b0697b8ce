// SPDX-License-Identifier: Apache-2.0

// Package envelope defines what a verdict and an approval bind to: everything
// about an execution that was judged, in one canonical form. What is not in the
// envelope is not approved. The package is pure.
package envelope

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/gowebpki/jcs"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Version is the version of the canonical form. A change of any field or of its
// meaning needs a new one.
const Version = 2

// Envelope is what was judged. Lists whose order has no meaning are sorted in
// the canonical form, and absent and empty are the same.
type Envelope struct {
	// Version is Version.
	Version int `json:"version"`
	// Request is the request that this is about, and no other of the same name.
	Request Request `json:"request"`
	// Requester is who asked, as the API server authenticated it.
	Requester v1alpha1.Requester `json:"requester"`
	// Task is the intent that approvers read.
	Task string `json:"task,omitempty"`
	// Agent is what the agent claimed of itself.
	Agent v1alpha1.Agent `json:"agent,omitzero"`
	// Policy is the policy that judged, with its content.
	Policy Policy `json:"policy"`
	// Code is the program.
	Code Code `json:"code"`
	// Args are the program's arguments, in order.
	Args []string `json:"args,omitempty"`
	// Env are the environment variables that the request sets.
	Env []EnvVar `json:"env,omitempty"`
	// Inputs are what drove the code and what it reads.
	Inputs []Input `json:"inputs,omitempty"`
	// Runtime is the image and command that run the program.
	Runtime Runtime `json:"runtime"`
	// RuntimeClassName is the RuntimeClass of the pod, empty for the cluster's default.
	RuntimeClassName string `json:"runtimeClassName,omitempty"`
	// Egress is what the program may reach.
	Egress []v1alpha1.EgressTarget `json:"egress,omitempty"`
	// Credentials are the names of the secrets that the program gets.
	Credentials []string `json:"credentials,omitempty"`
	// Limits are what the program gets.
	Limits Limits `json:"limits"`
	// VerdictTrust is the trust under which the code was judged.
	VerdictTrust v1alpha1.Trust `json:"verdictTrust"`
}

// Request identifies one ExecutionRequest for all time.
type Request struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

// Policy identifies the content of one ExecutionPolicy.
type Policy struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Code identifies the program by its bytes.
type Code struct {
	Language v1alpha1.Language `json:"language"`
	Dialect  string            `json:"dialect,omitempty"`
	// SHA256 of the source's bytes, in hex.
	SHA256 string `json:"sha256"`
	// Bytes is the size of the source.
	Bytes int `json:"bytes"`
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Input is one input with its provenance.
type Input struct {
	Name   string          `json:"name"`
	Origin v1alpha1.Origin `json:"origin"`
	Trust  v1alpha1.Trust  `json:"trust"`
	// Digest of the content that is mounted, as "sha256:" and hex. Empty for an
	// input that only tells provenance.
	Digest string `json:"digest,omitempty"`
	// ClaimedDigest is the digest that the request gives, which an approver reads.
	ClaimedDigest string `json:"claimedDigest,omitempty"`
	// AttestationDigest identifies what was signed about the content, as
	// "sha256:" and hex. It may have set VerdictTrust.
	AttestationDigest string `json:"attestationDigest,omitempty"`
}

// Runtime is the image and command that run the program.
type Runtime struct {
	Image   string   `json:"image"`
	Command []string `json:"command"`
}

// Limits are resource limits in their canonical spelling.
type Limits struct {
	TimeoutSeconds int32  `json:"timeoutSeconds"`
	CPU            string `json:"cpu"`
	Memory         string `json:"memory"`
}

// Canonical returns the envelope in canonical JSON (RFC 8785). An envelope that
// JSON cannot carry without loss, for example a string that is not UTF-8, is an
// error: two envelopes must never share their bytes.
func (e Envelope) Canonical() ([]byte, error) {
	e = e.sorted()
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return nil, fmt.Errorf("make envelope canonical: %w", err)
	}
	var back Envelope
	dec := json.NewDecoder(bytes.NewReader(canonical))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&back); err != nil {
		return nil, fmt.Errorf("read canonical envelope back: %w", err)
	}
	if !reflect.DeepEqual(back.sorted(), e) {
		return nil, errors.New("envelope has text that is not UTF-8 or a number beyond JSON's range")
	}
	return canonical, nil
}

// Digest returns "sha256:" and the SHA-256, in hex, of the canonical form.
func (e Envelope) Digest() (string, error) {
	canonical, err := e.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// sorted returns a copy whose lists have one order and are nil when empty.
func (e Envelope) sorted() Envelope {
	e.Requester.Groups = sortedCopy(e.Requester.Groups, cmp.Compare[string])
	e.Args = sortedCopy(e.Args, nil)
	e.Env = sortedCopy(e.Env, func(a, b EnvVar) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	e.Inputs = sortedCopy(e.Inputs, func(a, b Input) int { return cmp.Compare(a.Name, b.Name) })
	e.Runtime.Command = sortedCopy(e.Runtime.Command, nil)
	e.Egress = sortedCopy(e.Egress, func(a, b v1alpha1.EgressTarget) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	e.Credentials = sortedCopy(e.Credentials, cmp.Compare[string])
	return e
}

// sortedCopy copies a list and sorts it where compare is given. An empty list is nil.
func sortedCopy[T any](list []T, compare func(a, b T) int) []T {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	if compare != nil {
		slices.SortStableFunc(list, compare)
	}
	return list
}
