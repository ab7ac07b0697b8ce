// SPDX-License-Identifier: Apache-2.0

// Package pki makes the certificates of one cluster: a certificate authority, and server and client certificates signed by it.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of certificates; a development cluster is not meant to live longer.
const lifetime = 365 * 24 * time.Hour

// skew allows for clients whose clock is slow.
const skew = 5 * time.Minute

// Dir holds PEM files NAME.crt and NAME.key; the authority is named "ca".
type Dir struct {
	// Path is the directory.
	Path string
	// Now is the time that certificates start to be valid at.
	Now time.Time
}

// Subject says whom a certificate is for. One with names or addresses is a server's, every other a client's.
type Subject struct {
	// CommonName is the user name in Kubernetes, Organizations are its groups.
	CommonName    string
	Organizations []string
	// DNSNames and IPs are what a server is called by.
	DNSNames []string
	IPs      []net.IP
	// Client also lets a server certificate be used by a client, as etcd does with its own.
	Client bool
}

// Cert and Key are the paths of a certificate and its private key.
func (d Dir) Cert(name string) string { return filepath.Join(d.Path, name+".crt") }

// Key is the path of a private key.
func (d Dir) Key(name string) string { return filepath.Join(d.Path, name+".key") }

// EnsureCA makes the authority unless it exists.
func (d Dir) EnsureCA(commonName string) error {
	if exists(d.Cert("ca")) {
		return nil
	}
	template := d.template(Subject{CommonName: commonName})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = nil
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generate the authority's key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("sign the authority: %w", err)
	}
	return d.write("ca", der, key)
}

// Ensure makes a certificate unless it exists.
func (d Dir) Ensure(name string, s Subject) error {
	if exists(d.Cert(name)) {
		return nil
	}
	cert, key, err := d.Sign(s)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", name, err)
	}
	return d.writePEM(name, cert, key)
}

// EnsureKey makes a private key without a certificate unless it exists; the API server signs service account tokens with one.
func (d Dir) EnsureKey(name string) error {
	if exists(d.Key(name)) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generate key %s: %w", name, err)
	}
	text, err := encodeKey(key)
	if err != nil {
		return err
	}
	return writeFile(d.Key(name), text)
}

// Sign returns a new certificate and private key in PEM.
func (d Dir) Sign(s Subject) (certPEM, keyPEM []byte, err error) {
	ca, caKey, err := d.authority()
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, d.template(s), ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign: %w", err)
	}
	keyPEM, err = encodeKey(key)
	return encodeCert(der), keyPEM, err
}

func (d Dir) template(s Subject) *x509.Certificate {
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(s.DNSNames)+len(s.IPs) > 0 {
		usage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if s.Client {
			usage = append(usage, x509.ExtKeyUsageClientAuth)
		}
	}
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial()),
		Subject:      pkix.Name{CommonName: s.CommonName, Organization: s.Organizations},
		NotBefore:    d.Now.Add(-skew),
		NotAfter:     d.Now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  usage,
		DNSNames:     s.DNSNames,
		IPAddresses:  s.IPs,
	}
}

// serial is 126 random bits (RFC 5280 allows at most 20 bytes and wants them positive).
func serial() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	b[0] = b[0]&0x3f | 0x20
	return b
}

func (d Dir) authority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readPEM(d.Cert("ca"))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("parse the authority: %w", err)
	}
	keyDER, err := readPEM(d.Key("ca"))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	if err != nil {
		return nil, nil, fmt.Errorf("parse the authority's key: %w", err)
	}
	return cert, key, nil
}

func (d Dir) write(name string, der []byte, key *ecdsa.PrivateKey) error {
	text, err := encodeKey(key)
	if err != nil {
		return err
	}
	return d.writePEM(name, encodeCert(der), text)
}

// writePEM writes the key first: a certificate that exists has its key.
func (d Dir) writePEM(name string, cert, key []byte) error {
	if err := writeFile(d.Key(name), key); err != nil {
		return err
	}
	return writeFile(d.Cert(name), cert)
}

func writeFile(path string, content []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func readPEM(path string) ([]byte, error) {
	content, err := os.ReadFile(path) //nolint:gosec // below the cluster's own state directory
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("read %s: no PEM block", path)
	}
	return block.Bytes, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
