// SPDX-License-Identifier: Apache-2.0

// Package provenance verifies what others signed about the content of an input:
// DSSE envelopes (https://github.com/secure-systems-lab/dsse) that hold in-toto
// Statements v1 (https://github.com/in-toto/attestation). The package is pure:
// bytes and keys in, names of attestors out.
//
// DSSE has no expiry and no revocation: a signature counts for as long as its key
// is in the policy.
package provenance

import (
	"context" //nolint:depguard // dsse's interface has one; nothing here waits
	"errors"
	"fmt"
	"slices"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"
)

// The bounds of an attestation.
const (
	MaxBytes      = 16384 // of the envelope's JSON, as the schema has it
	MaxSignatures = 8
	MaxSubjects   = 64
)

// payloadType is what in-toto Statements are signed as.
const payloadType = "application/vnd.in-toto+json"

// Attestor is somebody whose signature says something about content.
type Attestor struct {
	Name string
	Key  Key
	// PredicateTypes are the statements of the attestor that count.
	PredicateTypes []string
}

// Verify returns the names of the attestors who signed a statement of one of
// their predicate types about the content with this SHA-256 (64 lower-case hex
// digits), in their order. The error says in one phrase why there is none.
//
// One good signature is enough, and each counts for its own attestor alone. What
// an envelope claims of itself (key IDs, further signatures) raises nothing.
func Verify(envelope []byte, contentSHA256 string, attestors []Attestor) ([]string, error) {
	env, err := readEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	signers, payload := signersOf(env, attestors)
	if len(signers) == 0 {
		return nil, errors.New("no attestor of the policy signed it")
	}
	statement, err := readStatement(payload)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(statement.GetSubject(), func(s *intoto.ResourceDescriptor) bool {
		// The name of the algorithm is compared too: a digest under another name is another function's.
		return s.GetDigest()["sha256"] == contentSHA256 && len(contentSHA256) == 64
	}) {
		return nil, errors.New("it is about other content: no subject has this SHA-256")
	}
	var names []string
	for _, a := range signers {
		if slices.Contains(a.PredicateTypes, statement.GetPredicateType()) {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the predicate type %q is not one that the policy accepts of attestor %q", statement.GetPredicateType(), signers[0].Name)
	}
	return names, nil
}

// readEnvelope reads the JSON of a DSSE envelope, whose payload is not trusted yet.
func readEnvelope(text []byte) (*dsse.Envelope, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("it has more than %d bytes", MaxBytes)
	}
	var env dsse.Envelope
	if err := decode(text, &env); err != nil {
		return nil, fmt.Errorf("it is not a DSSE envelope: %w", err)
	}
	switch {
	case env.PayloadType != payloadType:
		return nil, fmt.Errorf("its payload is %q, not %s", env.PayloadType, payloadType)
	case len(env.Signatures) == 0 || len(env.Signatures) > MaxSignatures:
		return nil, fmt.Errorf("it has %d signatures, and 1 to %d are read", len(env.Signatures), MaxSignatures)
	}
	for i := range env.Signatures {
		env.Signatures[i].KeyID = "" // a hint that nobody signed; every key is tried
	}
	return &env, nil
}

// signersOf tries every attestor's key alone, so that no signature stands in for
// another, and returns the payload that they signed.
func signersOf(env *dsse.Envelope, attestors []Attestor) (signers []Attestor, payload []byte) {
	for _, a := range attestors {
		verifier, err := dsse.NewEnvelopeVerifier(a.Key)
		if err != nil {
			continue
		}
		if _, signed, err := verifier.VerifyAndDecode(context.Background(), env); err == nil {
			signers, payload = append(signers, a), signed
		}
	}
	return signers, payload
}

// readStatement reads a payload whose signature stands.
func readStatement(payload []byte) (*intoto.Statement, error) {
	statement := &intoto.Statement{}
	if err := decode(payload, nil); err != nil {
		return nil, fmt.Errorf("its payload is not an in-toto statement: %w", err)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, statement); err != nil {
		return nil, errors.New("its payload is not an in-toto statement")
	}
	switch {
	case statement.GetType() != intoto.StatementTypeUri: // Validate takes v0.1 as well
		return nil, fmt.Errorf("its statement is a %q, not %s", statement.GetType(), intoto.StatementTypeUri)
	case len(statement.GetSubject()) > MaxSubjects:
		return nil, fmt.Errorf("its statement has more than %d subjects", MaxSubjects)
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("its statement is not valid: %w", err)
	}
	return statement, nil
}
