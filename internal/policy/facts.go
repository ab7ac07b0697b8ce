// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/internal/gate"
)

// literal returns the whole value of a fact. A prefix is not a value: what
// follows it is computed when the code runs.
func literal(f *gate.Fact) (string, bool) {
	if f == nil || f.Known != gate.FactLiteral || f.Value == "" {
		return "", false
	}
	if !utf8.ValidString(f.Value) || strings.ContainsRune(f.Value, 0) {
		return "", false
	}
	return f.Value, true
}

// literalPath returns a path that means the same file to every reader: absolute
// and clean, without the percent-encodings that some libraries decode before
// they open ("..%2f" leaves a directory once it is decoded).
func literalPath(f *gate.Fact) (string, bool) {
	value, ok := literal(f)
	if !ok || !path.IsAbs(value) || path.Clean(value) != value || hidesPathSyntax(value) {
		return "", false
	}
	return value, true
}

// hidesPathSyntax finds percent-encoded dots, slashes, backslashes, percent
// signs and control characters.
func hidesPathSyntax(value string) bool {
	for {
		_, rest, found := strings.Cut(value, "%")
		if !found {
			return false
		}
		if len(rest) >= 2 {
			b, err := strconv.ParseUint(rest[:2], 16, 8)
			if err == nil && (b < 0x20 || strings.IndexByte(`./\%`, byte(b)) >= 0) {
				return true
			}
		}
		value = rest
	}
}

// target is the destination of a network operation. Port is empty where the
// operation has none, as in a name lookup.
type target struct{ host, port string }

// literalTarget returns a destination whose host is a DNS name or an address in
// its usual spelling, lower case and without the trailing dot.
func literalTarget(f *gate.Fact) (target, bool) {
	value, ok := literal(f)
	if !ok {
		return target{}, false
	}
	t, ok := splitTarget(value)
	if !ok || !isHost(t.host) {
		return target{}, false
	}
	return t, true
}

// splitTarget reads "host", "host:port", "[v6]:port" and "v6".
func splitTarget(value string) (target, bool) {
	value = strings.ToLower(value)
	if addr, err := netip.ParseAddr(value); err == nil {
		return target{host: addr.String()}, true
	}
	host, port, hasPort := strings.Cut(value, ":")
	if addr, err := netip.ParseAddrPort(value); err == nil {
		host, port, hasPort = addr.Addr().String(), strconv.Itoa(int(addr.Port())), true
	}
	t := target{host: strings.TrimSuffix(host, ".")}
	if !hasPort {
		return t, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return target{}, false
	}
	t.port = strconv.FormatUint(n, 10)
	return t, true
}

// isHost accepts letters, digits, hyphens and underscores in labels of at most
// 63 bytes, and addresses. Anything else would be read differently by different
// resolvers.
func isHost(host string) bool {
	if isAddress(host) {
		return true
	}
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// isAddress finds IPv6 addresses and everything that resolvers read as IPv4:
// by the URL standard, whatever ends in a number, such as 127.1, 0x7f.1 or
// 2130706433.
func isAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// isResolvedName says whether a name of an operation is a full dotted name. A
// leading dot marks an attribute of a value that the gate could not resolve.
func isResolvedName(name string) bool {
	if name == "" {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || strings.ContainsAny(part, " *\t\n\x00") {
			return false
		}
	}
	return true
}
