// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

const (
	content   = "region,amount\nnorth,3\n"
	predicate = "https://example.com/reviewed/v1"
)

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// signer holds a private key of one kind.
type signer struct {
	name    string
	private crypto.Signer
}

func ed25519Signer(t *testing.T, name string) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{name, private}
}

func ecdsaSigner(t *testing.T, name string, curve elliptic.Curve) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{name, private}
}

func rsaSigner(t *testing.T, name string, bits int) signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return signer{name, private}
}

func (s signer) pem(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(s.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (s signer) attestor(t *testing.T) Attestor {
	t.Helper()
	key, err := ParseKey(s.pem(t))
	if err != nil {
		t.Fatal(err)
	}
	return Attestor{Name: s.name, Key: key, PredicateTypes: []string{predicate}}
}

// sign returns a DSSE signature in base64.
func (s signer) sign(t *testing.T, payloadType, payload string) string {
	t.Helper()
	message := dsse.PAE(payloadType, []byte(payload))
	var options crypto.SignerOpts = crypto.SHA256
	digest := sha256.Sum256(message)
	signed := digest[:]
	switch s.private.(type) {
	case ed25519.PrivateKey:
		options, signed = crypto.Hash(0), message
	case *rsa.PrivateKey:
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	signature, err := s.private.Sign(rand.Reader, signed, options)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// statement about content, with edits of its fields.
func statement(edits ...func(map[string]any)) string {
	s := map[string]any{
		"_type":         intoto.StatementTypeUri,
		"subject":       []any{map[string]any{"name": "sales.csv", "digest": map[string]any{"sha256": sha(content)}}},
		"predicateType": predicate,
		"predicate":     map[string]any{"reviewer": "jo"},
	}
	for _, edit := range edits {
		edit(s)
	}
	return encode(s)
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// envelope around a payload of the usual type, signed by all.
func envelope(t *testing.T, payload string, signers ...signer) string {
	t.Helper()
	var signatures []any
	for _, s := range signers {
		signatures = append(signatures, map[string]any{"keyid": s.name, "sig": s.sign(t, payloadType, payload)})
	}
	return rawEnvelope(payloadType, payload, signatures...)
}

func rawEnvelope(payloadType, payload string, signatures ...any) string {
	return encode(map[string]any{
		"payloadType": payloadType,
		"payload":     base64.StdEncoding.EncodeToString([]byte(payload)),
		"signatures":  signatures,
	})
}

func subjects(digests ...map[string]any) func(map[string]any) {
	return func(s map[string]any) {
		var list []any
		for i, d := range digests {
			list = append(list, map[string]any{"name": fmt.Sprint(i), "digest": d})
		}
		s["subject"] = list
	}
}
