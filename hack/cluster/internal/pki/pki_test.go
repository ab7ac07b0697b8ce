// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func newDir(t *testing.T) Dir {
	t.Helper()
	d := Dir{Path: t.TempDir(), Now: now}
	if err := d.EnsureCA("test"); err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	der, err := readPEM(path)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func verify(t *testing.T, d Dir, cert *x509.Certificate, usage x509.ExtKeyUsage) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, d.Cert("ca")))
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

func TestClientCertificateNamesUserAndGroupsAndIsNoServers(t *testing.T) {
	d := newDir(t)
	if err := d.Ensure("alice", Subject{CommonName: "alice", Organizations: []string{"approvers"}}); err != nil {
		t.Fatal(err)
	}
	cert := parse(t, d.Cert("alice"))
	if diff := cmp.Diff([]string{"approvers"}, cert.Subject.Organization); diff != "" || cert.Subject.CommonName != "alice" {
		t.Errorf("subject %s, groups (-want +got):\n%s", cert.Subject.CommonName, diff)
	}
	if err := verify(t, d, cert, x509.ExtKeyUsageClientAuth); err != nil {
		t.Errorf("not valid for a client: %v", err)
	}
	if err := verify(t, d, cert, x509.ExtKeyUsageServerAuth); err == nil {
		t.Error("a user's certificate is valid for a server")
	}
	if cert.IsCA {
		t.Error("a user's certificate may sign others")
	}
}

func TestServerCertificate(t *testing.T) {
	d := newDir(t)
	if err := d.Ensure("api", Subject{CommonName: "api", DNSNames: []string{"kubernetes"}, IPs: []net.IP{net.ParseIP("10.96.0.1")}}); err != nil {
		t.Fatal(err)
	}
	cert := parse(t, d.Cert("api"))
	if err := verify(t, d, cert, x509.ExtKeyUsageServerAuth); err != nil {
		t.Errorf("not valid for a server: %v", err)
	}
	if err := cert.VerifyHostname("10.96.0.1"); err != nil {
		t.Error(err)
	}
	if err := verify(t, d, cert, x509.ExtKeyUsageClientAuth); err == nil {
		t.Error("a server's certificate is valid for a client")
	}
}

func TestEnsureKeepsWhatExists(t *testing.T) {
	d := newDir(t)
	subject := Subject{CommonName: "alice"}
	if err := d.Ensure("alice", subject); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(d.Cert("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.EnsureCA("test"); err != nil {
		t.Fatal(err)
	}
	if err := d.Ensure("alice", subject); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(d.Cert("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the certificate changed:\n%s", diff)
	}
}

func TestKeysAreReadableByTheOwnerOnly(t *testing.T) {
	d := newDir(t)
	info, err := os.Stat(d.Key("ca"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode of the authority's key = %o, want 600", got)
	}
}
