// SPDX-License-Identifier: Apache-2.0

// Package world plays the world outside the cluster for tests: web servers at fixed addresses in a network namespace of their own. Every
// request is logged, so that a test can also prove that none arrived.
package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// LastListener is the address that listens after all others do.
const LastListener = MetadataIP + ":8080"

// The addresses are from TEST-NET-2 (RFC 5737), and the metadata address that cloud providers use (RFC 3927).
const (
	PartnerIP  = "198.51.100.10"
	AttackerIP = "198.51.100.20"
	MetadataIP = "169.254.169.254"
)

// Hosts are the names that the cluster's DNS knows outside of itself.
var Hosts = map[string]string{
	"api.partner.example":   PartnerIP,
	"evil.attacker.example": AttackerIP,
}

// Serve answers on ports 80 and 8080 of every address until ctx ends.
func Serve(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var listeners []net.Listener
	for _, ip := range []string{PartnerIP, AttackerIP, MetadataIP} {
		for _, port := range []string{"80", "8080"} {
			l, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(ip, port))
			if err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			listeners = append(listeners, l)
		}
	}
	server := &http.Server{Handler: Handler(log), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
		return server.Close()
	}
}

// Handler answers as the host whose address was called.
func Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", hello)
	mux.HandleFunc("GET /payload.py", payload)
	mux.HandleFunc("GET /latest/meta-data/", metadata)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Info("request", "at", localIP(r), "from", r.RemoteAddr, "host", r.Host, "method", r.Method, "path", r.URL.Path)
		mux.ServeHTTP(w, r)
	})
}

func hello(w http.ResponseWriter, r *http.Request) {
	ip := localIP(r)
	name := ip
	for host, address := range Hosts {
		if address == ip {
			name = host
		}
	}
	fmt.Fprintf(w, "hello from %s at %s\n", name, ip) //nolint:gosec // plain text for test clients
}

func payload(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/x-python")
	fmt.Fprintln(w, `print("payload ran")`)
}

// metadata answers as a cloud's metadata service does, with credentials that are none.
func metadata(w http.ResponseWriter, r *http.Request) {
	if localIP(r) != MetadataIP {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintln(w, `{"AccessKeyId":"EXAMPLE-NOT-A-KEY","SecretAccessKey":"example-not-a-secret"}`)
}

func localIP(r *http.Request) string {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return host
}
