// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func input(name string, origin v1alpha1.Origin, trust v1alpha1.Trust) v1alpha1.Input {
	return v1alpha1.Input{Name: name, Origin: origin, Trust: trust}
}

func TestTrustIsTheLeastOfAllInputs(t *testing.T) {
	in := func(name string, trust v1alpha1.Trust) v1alpha1.Input { return input(name, v1alpha1.OriginUser, trust) }
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
			got := Trust(testPolicy(), tt.inputs, nil)
			if got.Trust != tt.want || got.DecidedBy != tt.decided || got.Reason == "" {
				t.Errorf("Trust() = %+v, want %s by %q", got, tt.want, tt.decided)
			}
		})
	}
}

func TestAnOriginIsACeilingForClaims(t *testing.T) {
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.Provenance = &v1alpha1.Provenance{Origins: []v1alpha1.OriginTrust{
			{Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted},
			{Origin: v1alpha1.OriginTool, Trust: v1alpha1.Internal},
			{Origin: v1alpha1.OriginMemory, Trust: "Whatever"},
		}}
	})
	for name, tc := range map[string]struct {
		input  v1alpha1.Input
		want   v1alpha1.Trust
		reason string
	}{
		"a claim above the ceiling":        {input("page", v1alpha1.OriginRetrieved, v1alpha1.Trusted), v1alpha1.Untrusted, `Input "page" of origin Retrieved is Untrusted at most`},
		"a claim at the ceiling":           {input("out", v1alpha1.OriginTool, v1alpha1.Internal), v1alpha1.Internal, "as the request says"},
		"a ceiling raises nothing":         {input("out", v1alpha1.OriginTool, v1alpha1.Untrusted), v1alpha1.Untrusted, "as the request says"},
		"an origin without a ceiling":      {input("word", v1alpha1.OriginUser, v1alpha1.Trusted), v1alpha1.Trusted, "as the request says"},
		"an invented ceiling is the least": {input("past", v1alpha1.OriginMemory, v1alpha1.Trusted), v1alpha1.Untrusted, "Untrusted at most"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Trust(spec, []v1alpha1.Input{tc.input}, nil)
			if got.Trust != tc.want || !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("%+v, want %s and %q", got, tc.want, tc.reason)
			}
		})
	}
}

// testSigner signs statements of one predicate type as an attestor.
type testSigner ed25519.PrivateKey

const reviewed = "https://example.com/reviewed/v1"

func newSigner(seed byte) testSigner {
	return testSigner(ed25519.NewKeyFromSeed(append(make([]byte, 31), seed)))
}

func (s testSigner) attestor(name string, trust v1alpha1.Trust) v1alpha1.Attestor {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PrivateKey(s).Public())
	if err != nil {
		panic(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return v1alpha1.Attestor{Name: name, PublicKey: key, Trust: trust, PredicateTypes: []string{reviewed}}
}

// attest returns an attestation of content.
func (s testSigner) attest(content string) string {
	const payloadType = "application/vnd.in-toto+json"
	payload := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`,
		strings.TrimPrefix(sha256Of(content), "sha256:"), reviewed)
	text, err := json.Marshal(dsse.Envelope{
		PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString([]byte(payload)),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.PrivateKey(s), dsse.PAE(payloadType, []byte(payload))))}},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func sha256Of(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestAnAttestationRaisesTrustToTheAttestors(t *testing.T) {
	lab, board, stranger := newSigner(1), newSigner(2), newSigner(3)
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.Provenance = &v1alpha1.Provenance{
			Origins: []v1alpha1.OriginTrust{{Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted}},
			Attestors: []v1alpha1.Attestor{
				lab.attestor("lab", v1alpha1.Internal), board.attestor("board", v1alpha1.Trusted),
				{Name: "broken", PublicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", Trust: v1alpha1.Trusted, PredicateTypes: []string{reviewed}},
			},
		}
	})
	mounted := map[string]string{"data": sha256Of("rows")}
	for name, tc := range map[string]struct {
		claim    v1alpha1.Trust
		by       string
		contents map[string]string
		want     v1alpha1.Trust
		reason   string
	}{
		"to Internal":                            {v1alpha1.Untrusted, lab.attest("rows"), mounted, v1alpha1.Internal, `Attestor "lab" signed for the content of input "data"`},
		"to Trusted, above the origin's ceiling": {v1alpha1.Untrusted, board.attest("rows"), mounted, v1alpha1.Trusted, `Attestor "board"`},
		"and the claim is still a claim":         {v1alpha1.Trusted, lab.attest("rows"), mounted, v1alpha1.Internal, `Attestor "lab"`},
		"not by a stranger":                      {v1alpha1.Untrusted, stranger.attest("rows"), mounted, v1alpha1.Untrusted, "no attestor of the policy signed it"},
		"not for other content":                  {v1alpha1.Untrusted, board.attest("other rows"), mounted, v1alpha1.Untrusted, "about other content"},
		"not for content that nobody read":       {v1alpha1.Untrusted, board.attest("rows"), nil, v1alpha1.Untrusted, "no content that it could be about"},
		"not for an input without digest":        {v1alpha1.Untrusted, board.attest(""), map[string]string{"data": ""}, v1alpha1.Untrusted, "no content"},
		"not for another input's content":        {v1alpha1.Untrusted, board.attest("rows"), map[string]string{"other": sha256Of("rows"), "data": sha256Of("evil")}, v1alpha1.Untrusted, "about other content"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input("data", v1alpha1.OriginRetrieved, tc.claim)
			in.Attestation, in.Digest = tc.by, sha256Of("rows")
			got := Trust(spec, []v1alpha1.Input{in}, tc.contents)
			if got.Trust != tc.want || !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("%+v, want %s and %q", got, tc.want, tc.reason)
			}
		})
	}

	t.Run("and another input is as little trusted as before", func(t *testing.T) {
		in := input("data", v1alpha1.OriginRetrieved, v1alpha1.Untrusted)
		in.Attestation = board.attest("rows")
		got := Trust(spec, []v1alpha1.Input{in, input("page", v1alpha1.OriginRetrieved, v1alpha1.Untrusted)}, mounted)
		if got.Trust != v1alpha1.Untrusted || got.DecidedBy != "page" || !strings.Contains(got.Reason, "2 inputs") {
			t.Errorf("%+v, want Untrusted by page", got)
		}
	})
	t.Run("and an attestor that was removed counts no more", func(t *testing.T) {
		in := input("data", v1alpha1.OriginUser, v1alpha1.Untrusted)
		in.Attestation = board.attest("rows")
		without := spec.DeepCopy()
		without.Provenance.Attestors = without.Provenance.Attestors[:1]
		if got := Trust(without, []v1alpha1.Input{in}, mounted); got.Trust != v1alpha1.Untrusted {
			t.Errorf("%+v, want Untrusted", got)
		}
	})
}

func TestCheckRefusesAttestorsThatCannotBeMeant(t *testing.T) {
	lab := newSigner(1)
	for name, tc := range map[string]struct {
		attestors []v1alpha1.Attestor
		want      string
	}{
		"a key":                     {[]v1alpha1.Attestor{lab.attestor("lab", v1alpha1.Internal), newSigner(2).attestor("board", v1alpha1.Trusted)}, ""},
		"a key that cannot be read": {[]v1alpha1.Attestor{{Name: "lab", PublicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}}, "spec.provenance.attestors[0].publicKey"},
		"one key for two attestors": {[]v1alpha1.Attestor{lab.attestor("lab", v1alpha1.Internal), lab.attestor("board", v1alpha1.Trusted)}, "spec.provenance.attestors[1].publicKey: Duplicate value"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Provenance = &v1alpha1.Provenance{Attestors: tc.attestors} })
			err := Check(spec).ToAggregate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// A ceiling names origins of the closed set, so another one must not be a way around it.
func TestAnOriginThatIsNotKnownIsUntrusted(t *testing.T) {
	for _, origin := range []v1alpha1.Origin{"", "Mail", "user", "User "} {
		if got := Trust(testPolicy(), []v1alpha1.Input{input("mail", origin, v1alpha1.Trusted)}, nil); got.Trust != v1alpha1.Untrusted || got.DecidedBy != "mail" {
			t.Errorf("%q: %+v, want Untrusted", origin, got)
		}
	}
}
