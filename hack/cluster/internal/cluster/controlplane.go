// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/airlock-dev/airlock/hack/cluster/internal/pki"
	"github.com/airlock-dev/airlock/hack/cluster/internal/process"
)

// auditPolicy records who did what to which object, once, without contents.
//
//go:embed config/audit.yaml
var auditPolicy string

// AuditLogPath is where the API server of a cluster for simulated nodes writes its audit log, a JSON event a line.
func (c *Cluster) AuditLogPath() string { return c.dir("logs", "audit.log") }

// controlPlanePatience bounds the start of etcd and of the API server, on a machine that builds something else meanwhile.
const controlPlanePatience = 2 * time.Minute

func (c *Cluster) ensureControlPlaneFiles() error {
	p := c.pki()
	ips := []net.IP{net.ParseIP(c.state.nodeIP()), net.ParseIP(loopback)}
	api := pki.Subject{
		CommonName: "kube-apiserver",
		DNSNames:   []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPs:        append(ips, net.ParseIP(apiService)),
	}
	if err := errors.Join(
		p.EnsureCA("airlock-cluster-"+c.Name),
		p.EnsureKey("service-accounts"),
		p.Ensure("etcd", pki.Subject{CommonName: "etcd", DNSNames: []string{"localhost"}, IPs: ips, Client: true}),
		p.Ensure("etcd-client", pki.Subject{CommonName: "kube-apiserver"}),
		p.Ensure("kube-apiserver", api),
		p.Ensure("kubelet-client", pki.Subject{CommonName: "kube-apiserver-kubelet-client"}),
	); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	if err := c.ensureKubeconfig(c.KubeconfigPath(), "admin", pki.Subject{CommonName: "admin", Organizations: []string{"system:masters"}}); err != nil {
		return err
	}
	kubernetes := c.programs.Program("kubernetes", "kubernetes")
	return errors.Join(
		c.writeConfig("audit.yaml", auditPolicy),
		c.link(c.programs.Program("etcd", "etcd"), "etcd"),
		c.link(kubernetes, "kube-apiserver"),
		c.link(kubernetes, "kubectl"),
	)
}

func (c *Cluster) etcd() component {
	p, s := c.pki(), c.state
	client := "https://" + net.JoinHostPort(s.nodeIP(), strconv.Itoa(s.Ports.Etcd))
	peer := "https://" + net.JoinHostPort(s.nodeIP(), strconv.Itoa(s.Ports.EtcdPeer))
	return component{
		Spec: process.Spec{Name: "etcd", Path: c.dir("bin", "etcd"), Namespaces: c.node(), Args: []string{
			"--name=" + c.Name, "--data-dir=" + c.dir("etcd"), "--log-level=warn",
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=" + c.Name + "=" + peer,
			"--client-cert-auth", "--trusted-ca-file=" + p.Cert("ca"), "--cert-file=" + p.Cert("etcd"), "--key-file=" + p.Key("etcd"),
			"--peer-client-cert-auth", "--peer-trusted-ca-file=" + p.Cert("ca"), "--peer-cert-file=" + p.Cert("etcd"), "--peer-key-file=" + p.Key("etcd"),
			"--unsafe-no-fsync", // its data need not outlive a power cut
		}},
		patience: controlPlanePatience,
		ready:    func(ctx context.Context) error { return c.get(ctx, "etcd-client", client+"/health") },
	}
}

func (c *Cluster) apiServer() component {
	p, s := c.pki(), c.state
	args := []string{
		"--etcd-servers=https://" + net.JoinHostPort(s.nodeIP(), strconv.Itoa(s.Ports.Etcd)),
		"--etcd-cafile=" + p.Cert("ca"), "--etcd-certfile=" + p.Cert("etcd-client"), "--etcd-keyfile=" + p.Key("etcd-client"),
		"--bind-address=" + s.nodeIP(), "--advertise-address=" + s.nodeIP(), "--secure-port=" + strconv.Itoa(s.Ports.API),
		"--client-ca-file=" + p.Cert("ca"), "--tls-cert-file=" + p.Cert("kube-apiserver"), "--tls-private-key-file=" + p.Key("kube-apiserver"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--anonymous-auth=false",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + p.Key("service-accounts"), "--service-account-signing-key-file=" + p.Key("service-accounts"),
		"--service-cluster-ip-range=" + serviceCIDR, "--allow-privileged",
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority=" + p.Cert("ca"), "--kubelet-client-certificate=" + p.Cert("kubelet-client"), "--kubelet-client-key=" + p.Key("kubelet-client"),
		"--profiling=false",
	}
	if s.ControlPlaneOnly {
		args = append(args, "--endpoint-reconciler-type=none") // no pod could reach it at a loopback address
	}
	if s.Controllers {
		args = append(args, "--audit-policy-file="+c.dir("config", "audit.yaml"), "--audit-log-path="+c.AuditLogPath(), "--audit-log-mode=batch", "--audit-log-batch-max-wait=1s")
	}
	return component{
		Spec: process.Spec{
			Name: "kube-apiserver", Path: c.dir("bin", "kube-apiserver"), Namespaces: c.node(), Args: args,
			Env: []string{"GOGC=400"}, // starts with half of the CPU time for 200 MB: it publishes many definitions at once
		},
		patience: controlPlanePatience,
		ready:    func(ctx context.Context) error { return c.get(ctx, "admin", s.server()+"/readyz") },
	}
}

// get succeeds when the URL answers 200 to the named certificate.
func (c *Cluster) get(ctx context.Context, certificate, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	p := c.pki()
	pair, err := tls.LoadX509KeyPair(p.Cert(certificate), p.Key(certificate))
	if err != nil {
		return fmt.Errorf("load the %s certificate: %w", certificate, err)
	}
	ca, err := os.ReadFile(p.Cert("ca"))
	if err != nil {
		return fmt.Errorf("read the authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
	}}
	return httpGet(ctx, transport, url)
}

func httpGet(ctx context.Context, transport http.RoundTripper, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make a health request: %w", err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("health request: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing left to read
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 500)) // only to explain the status
		return fmt.Errorf("%s answered %s: %s", url, response.Status, body)
	}
	return nil
}
