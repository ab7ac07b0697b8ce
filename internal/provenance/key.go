// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"context" //nolint:depguard // dsse's interface has one; nothing here waits
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The sizes of RSA keys that count, in bits. Larger ones cost too much to verify.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// Key is the public key of an attestor. The zero Key verifies nothing.
type Key struct {
	public crypto.PublicKey
}

// ParseKey reads one public key in PEM (PKIX, "BEGIN PUBLIC KEY"), with nothing
// before or behind it: Ed25519, ECDSA on P-256, or RSA of MinRSABits to MaxRSABits.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil || !strings.HasPrefix(text, "-----BEGIN "):
		return Key{}, errors.New("it is not PEM")
	case block.Type != "PUBLIC KEY" || len(block.Headers) > 0:
		return Key{}, fmt.Errorf("its PEM block is %q, give a PUBLIC KEY without headers", block.Type)
	case len(strings.TrimSpace(string(rest))) > 0:
		return Key{}, errors.New("there is something behind the key; give one key")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, errors.New("the PEM block does not hold a public key that can be read")
	}
	if err := checkKind(public); err != nil {
		return Key{}, err
	}
	return Key{public: public}, nil
}

// checkKind accepts the kinds that Verify knows.
func checkKind(public crypto.PublicKey) error {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return fmt.Errorf("its curve is %s, use P-256", k.Params().Name)
		}
		return nil
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
			return fmt.Errorf("it has %d bits, an RSA key needs %d to %d", bits, MinRSABits, MaxRSABits)
		}
		return nil
	default:
		return errors.New("use Ed25519, ECDSA on P-256 or RSA")
	}
}

var errSignature = errors.New("the signature is not by this key")

// Verify implements dsse.Verifier: Ed25519 (RFC 8032), ECDSA with SHA-256 in
// ASN.1, and RSA-PSS with SHA-256. What the envelope says of the algorithm is not
// asked: the key decides.
func (k Key) Verify(_ context.Context, message, signature []byte) error {
	digest := sha256.Sum256(message)
	valid := false
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		valid = ed25519.Verify(public, message, signature)
	case *ecdsa.PublicKey:
		valid = ecdsa.VerifyASN1(public, digest[:], signature)
	case *rsa.PublicKey:
		valid = rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, nil) == nil
	}
	if !valid {
		return errSignature
	}
	return nil
}

// Equal says whether two keys are the same.
func (k Key) Equal(other Key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.public)
}

// KeyID implements dsse.Verifier. Keys have no name: the one in an envelope is
// not signed, and names nothing.
func (Key) KeyID() (string, error) { return "", nil }

// Public implements dsse.Verifier.
func (k Key) Public() crypto.PublicKey { return k.public }
