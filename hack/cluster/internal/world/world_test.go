// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandlerAnswersAsTheAddressThatWasCalled(t *testing.T) {
	tests := map[string]struct {
		address, path string
		wantCode      int
		want          string
	}{
		"the partner":                         {PartnerIP, "/", http.StatusOK, "hello from api.partner.example at 198.51.100.10"},
		"the attacker":                        {AttackerIP, "/anything", http.StatusOK, "hello from evil.attacker.example at 198.51.100.20"},
		"a payload":                           {AttackerIP, "/payload.py", http.StatusOK, `print("payload ran")`},
		"credentials of the metadata service": {MetadataIP, "/latest/meta-data/", http.StatusOK, "EXAMPLE-NOT-A-KEY"},
		"the metadata service only is one":    {PartnerIP, "/latest/meta-data/", http.StatusNotFound, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			request := httptest.NewRequest(http.MethodGet, tt.path, nil)
			request = request.WithContext(context.WithValue(request.Context(), http.LocalAddrContextKey,
				&net.TCPAddr{IP: net.ParseIP(tt.address), Port: 80}))
			answer := httptest.NewRecorder()
			Handler(slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(answer, request)
			if answer.Code != tt.wantCode || !strings.Contains(answer.Body.String(), tt.want) {
				t.Errorf("answer %d %q, want %d %q", answer.Code, answer.Body, tt.wantCode, tt.want)
			}
			if want := "at=" + tt.address; !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s: %s", want, log.String())
			}
		})
	}
}
