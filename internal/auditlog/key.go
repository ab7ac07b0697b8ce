// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The files in the folder of the signing key, as the chart's Secret has them.
const (
	keyFile    = "signing-key"
	originFile = "origin"
)

// maxOrigin is the length of an origin that a request's status can name.
const maxOrigin = 253

// Key signs checkpoints in the name of an origin.
type Key struct {
	Signer   note.Signer
	Verifier note.Verifier
	// Public is the verifier key (https://c2sp.org/signed-note), for auditors.
	Public string
}

// Origin is the first line of the log's checkpoints.
func (k *Key) Origin() string { return k.Signer.Name() }

// LoadKey reads an Ed25519 key (PKCS #8 in PEM) and the origin from a folder.
// Errors never contain what the file holds.
func LoadKey(dir string) (*Key, error) {
	text, err := os.ReadFile(filepath.Join(dir, keyFile)) //nolint:gosec // G304: the administrator names the folder
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	origin, err := os.ReadFile(filepath.Join(dir, originFile)) //nolint:gosec // G304: the administrator names the folder
	if err != nil {
		return nil, fmt.Errorf("read origin: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the signing key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the signing key is not PKCS #8")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the signing key is not Ed25519")
	}
	return NewKey(private, strings.TrimSpace(string(origin)))
}

// NewKey returns the key of an origin.
func NewKey(private ed25519.PrivateKey, origin string) (*Key, error) {
	if origin == "" || len(origin) > maxOrigin {
		return nil, fmt.Errorf("the origin has %d characters, want 1 to %d", len(origin), maxOrigin)
	}
	public, err := note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("make verifier key: %w", err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("the origin cannot name a key: %w", err)
	}
	// The encoding of golang.org/x/mod/sumdb/note: the algorithm, 1 for Ed25519, and the seed.
	seed := append([]byte{1}, private.Seed()...)
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, verifier.KeyHash(), base64.StdEncoding.EncodeToString(seed)))
	if err != nil {
		return nil, errors.New("the signing key cannot be used")
	}
	return &Key{Signer: signer, Verifier: verifier, Public: public}, nil
}
