// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

// Server lets auditors read the log's files over HTTP. It is to listen on the
// loopback address of the pod only: who may reach it there is who may forward
// ports to the pod, which RBAC says.
type Server struct {
	// Address to listen on, empty for none.
	Address string
	// Dir is the log's folder.
	Dir string
}

// NeedLeaderElection lets a standby serve too.
func (s *Server) NeedLeaderElection() bool { return false }

// Start serves until the context is done.
func (s *Server) Start(ctx context.Context) error {
	if s.Address == "" {
		return nil
	}
	if !strings.HasPrefix(s.Address, "127.0.0.1:") && !strings.HasPrefix(s.Address, "[::1]:") {
		return fmt.Errorf("the audit log holds the code of all requests: serve it on a loopback address, not on %q", s.Address)
	}
	server := &http.Server{Addr: s.Address, Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the audit log: %w", err)
	}
	return nil
}

// published are the files that readers get: no state, and nothing that is half written.
var published = regexp.MustCompile(`^/(checkpoint|tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?|content/[0-9a-f]{2}/[0-9a-f]{64})$`)

// Handler serves the files of the log.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !published.MatchString(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		root, err := os.OpenRoot(s.Dir)
		if err != nil {
			http.Error(w, "the audit log's folder cannot be read", http.StatusServiceUnavailable)
			return
		}
		defer func() { _ = root.Close() }()
		text, err := root.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, "the file cannot be read", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(text) //nolint:gosec // G705: octets of the log, never shown as a page
		}
	})
}
