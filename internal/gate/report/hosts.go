// SPDX-License-Identifier: Apache-2.0

package report

import (
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// urlPattern matches the URLs that all clients take apart in the same way: no
// backslash (urllib3 ends the authority there, others do not), no blanks or
// controls (some strip them), one optional userinfo, one host, one optional port.
var urlPattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f\\/?#@:\[\]%]+)(?::([0-9]{1,5}))?((?:[/?#][^\x00-\x20\x7f\\]*)?)$`)

var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}

// URLScheme gives the lower-case scheme of a URL, or "" when value has none.
func URLScheme(value string) string {
	scheme, _, ok := strings.Cut(value, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/?#") {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(scheme))
}

// URLHost gives the "host:port" that a client of the URL connects to. A Prefix
// tells the host only when the URL goes on behind it.
func URLHost(f Fact) Fact {
	m := urlPattern.FindStringSubmatch(f.Value)
	if m == nil || f.Known != Literal && (f.Known != Prefix || m[4] == "") {
		return Fact{Known: UnknownValue}
	}
	port := m[3]
	if port == "" {
		port = defaultPorts[strings.ToLower(m[1])]
	}
	return HostPort(strings.Trim(m[2], "[]"), port)
}

// HostPort joins a host and a port as they are compared: lower case, IDNA
// encoded, without a trailing dot, IPv6 in brackets.
func HostPort(host, port string) Fact {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Is6() {
			host = "[" + address.String() + "]"
		}
	} else if host, err = idna.Lookup.ToASCII(host); err != nil {
		return Fact{Known: UnknownValue}
	}
	if host == "" || port == "" {
		return Fact{Known: UnknownValue}
	}
	return Fact{Known: Literal, Value: host + ":" + strings.TrimLeft(port, "0")}
}
