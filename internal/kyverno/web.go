// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/kyverno/sdk/extensions/cel/libs/http"
)

// maxAnswer bounds what a rule may be told by a server, in bytes.
const maxAnswer = 1 << 20

// web is Kyverno's `http` with what it lacks: an end, and a bound of the answer. It refuses the addresses that Kyverno
// refuses by default (loopback, private networks, metadata services), at the moment of the connection, so that a name that
// resolves otherwise the second time does not help (DNS rebinding).
type web struct {
	ctx     context.Context
	blocked []netip.Prefix
	hosts   []string
	roots   *x509.CertPool
}

func newWeb(ctx context.Context, cidrs, hosts []string) *web {
	w := &web{ctx: ctx, hosts: hosts}
	for _, cidr := range cidrs {
		w.blocked = append(w.blocked, netip.MustParsePrefix(cidr))
	}
	return w
}

// Get requests a URL.
func (w *web) Get(url string, headers map[string]string) (any, error) {
	return w.do(nethttp.MethodGet, url, nil, headers)
}

// Post sends data as JSON.
func (w *web) Post(url string, data any, headers map[string]string) (any, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode what is sent: %w", err)
	}
	return w.do(nethttp.MethodPost, url, body, headers)
}

// Client is the same with other roots of trust, in PEM.
func (w *web) Client(roots string) (http.ContextInterface, error) {
	if roots == "" {
		return w, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(roots)) {
		return nil, errors.New("the CA bundle is not PEM")
	}
	return &web{ctx: w.ctx, blocked: w.blocked, hosts: w.hosts, roots: pool}, nil
}

func (w *web) do(method, url string, body []byte, headers map[string]string) (any, error) {
	request, err := nethttp.NewRequestWithContext(w.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	client := w.client()
	defer client.CloseIdleConnections()
	if err := w.permitted(request, nil); err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return answer(response)
}

// answer has the form that Kyverno gives it: the JSON object with statusCode, and anything else below body.
func answer(response *nethttp.Response) (any, error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(content) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	var decoded any
	if err := json.Unmarshal(content, &decoded); err != nil {
		decoded = nil
	}
	if object, ok := decoded.(map[string]any); ok {
		object["statusCode"] = response.StatusCode
		return object, nil
	}
	return map[string]any{"body": decoded, "statusCode": response.StatusCode}, nil
}

// client uses no proxy: it would be the proxy's address that is checked.
func (w *web) client() *nethttp.Client {
	dialer := &net.Dialer{Control: w.mayConnect}
	return &nethttp.Client{
		CheckRedirect: w.permitted,
		Transport: &nethttp.Transport{
			DialContext:     dialer.DialContext,
			TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12},
		},
	}
}

// permitted checks the name of every hop.
func (w *web) permitted(request *nethttp.Request, via []*nethttp.Request) error {
	host := strings.ToLower(strings.TrimSuffix(request.URL.Hostname(), "."))
	switch {
	case len(via) >= 10:
		return errors.New("too many redirects")
	case slices.Contains(w.hosts, host):
		return fmt.Errorf("%s is a metadata service", host)
	default:
		return nil
	}
}

// mayConnect checks the address of every connection, after the name was resolved.
func (w *web) mayConnect(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	for _, ip := range embedded(target.Addr()) {
		if i := slices.IndexFunc(w.blocked, func(p netip.Prefix) bool { return p.Contains(ip) }); i >= 0 {
			return fmt.Errorf("rules may not connect to %s, which is in %s", ip, w.blocked[i])
		}
	}
	return nil
}

// embedded gives an address and the IPv4 address within it: mapped, compatible, NAT64 or 6to4.
func embedded(ip netip.Addr) []netip.Addr {
	ip = ip.Unmap().WithZone("")
	found := []netip.Addr{ip}
	if ip.Is4() {
		return found
	}
	b := ip.As16()
	inside := func(at int) netip.Addr { return netip.AddrFrom4([4]byte(b[at : at+4])) }
	switch {
	case netip.MustParsePrefix("::/96").Contains(ip), netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return append(found, inside(12))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return append(found, inside(2))
	default:
		return found
	}
}
