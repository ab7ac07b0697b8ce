// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/internal/runner"
)

// silence returns an address whose packets are dropped, as an enforced policy
// does: a listener with a filter (socket(7), SO_ATTACH_FILTER) that keeps none.
func silence(t testing.TB) netip.AddrPort {
	t.Helper()
	listener := listen(t)
	raw, err := listener.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	var filterErr error
	err = raw.Control(func(fd uintptr) {
		filterErr = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	if err != nil || filterErr != nil {
		t.Fatal(err, filterErr)
	}
	return addressOf(t, listener)
}

func listen(t testing.TB) *net.TCPListener {
	t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false) // It takes no filter.
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.(*net.TCPListener)
}

func addressOf(t testing.TB, listener net.Listener) netip.AddrPort {
	t.Helper()
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestOnANetworkThatIsNotProvenToBeClosedNothingRuns(t *testing.T) {
	open := listen(t)
	closing := listen(t)
	resets := addressOf(t, closing)
	if err := closing.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env  []string
		at   netip.AddrPort
		want string
	}{
		"the API server answers":                   {at: addressOf(t, open), want: "answers: no network policy is enforced"},
		"its node answers that it does not listen": {at: resets, want: "not proven to be closed"},
		"there is no way to it":                    {env: []string{"KUBERNETES_SERVICE_HOST=255.255.255.255"}, want: "cannot be tested"},
		"there is no address":                      {env: []string{"KUBERNETES_SERVICE_HOST="}, want: "no address of the API server"},
		"the address is a name":                    {env: []string{"KUBERNETES_SERVICE_HOST=kubernetes"}, want: "no address of the API server"},
		"there is no port":                         {env: []string{"KUBERNETES_SERVICE_PORT="}, want: "no port of the API server"},
		"the port is none":                         {env: []string{"KUBERNETES_SERVICE_PORT=0"}, want: "no port of the API server"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSandbox(t)
			s.env = tc.env
			if tc.at.IsValid() {
				s.apiServer = tc.at
			}
			marker := filepath.Join(writable(t, s), "it-ran")
			r := s.payload("touch", marker)
			r.want(t, runner.NetworkNotEnforced, runner.ExitRefused)
			if !strings.Contains(r.report.Message, tc.want) {
				t.Errorf("message %q, want a part %q", r.report.Message, tc.want)
			}
			if _, err := os.Stat(marker); err == nil {
				t.Error("the code ran")
			}
		})
	}
}
