// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The canary tries to reach what every pod reaches unless a policy is enforced:
// the API server's service, whose address the kubelet puts into every container's
// environment. One answer proves that the network is open.
//
// Only silence, or a router's "administratively prohibited" (RFC 1812, 5.2.7.1:
// Cilium with policy-deny-response=icmp), counts as enforcement. Everything else
// fails closed: a reset is an answer of the API server's own node, and "no such
// backend" says nothing about what is enforced.

// canaryAttempts are connections, started one after the other within the wait, so
// that one lost packet does not pass for enforcement.
const canaryAttempts = 2

// errNetworkOpen is the refusal of a network that is not proven to be closed.
type errNetworkOpen struct{ message string }

func (e *errNetworkOpen) Error() string { return e.message }

func networkOpen(format string, args ...any) error {
	return &errNetworkOpen{message: fmt.Sprintf(format, args...)}
}

// startCanary looks for an open network for as long as wait. The channel
// receives nil where every attempt met silence.
func startCanary(wait time.Duration) <-chan error {
	result := make(chan error, 1)
	to, err := apiServer()
	if err != nil {
		result <- err
		return result
	}
	go func() { result <- probe(to, wait) }()
	return result
}

// apiServer reads the address from the environment. A request cannot set these
// variables: they are reserved.
func apiServer() (netip.AddrPort, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, networkOpen("the network cannot be tested: no address of the API server in KUBERNETES_SERVICE_HOST (%.64q)", host)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return netip.AddrPort{}, networkOpen("the network cannot be tested: no port of the API server in KUBERNETES_SERVICE_PORT (%.64q)", port)
	}
	return netip.AddrPortFrom(address, uint16(number)), nil
}

// probe returns nil if the address stays silent, else what it met. It looks at
// the sockets once more when the time is up, so that a process that was held up
// (CPU quota) does not miss an answer that the kernel has.
func probe(to netip.AddrPort, wait time.Duration) error {
	var sockets []unix.PollFd
	defer func() {
		for _, s := range sockets {
			_ = unix.Close(int(s.Fd))
		}
	}()
	for range canaryAttempts {
		fd, err := connect(to)
		if fd >= 0 {
			sockets = append(sockets, unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}) //nolint:gosec // File descriptors are small.
		}
		if err != nil {
			return networkOpen("the network cannot be tested: connect to the API server at %s: %v", to, err)
		}
		if err := awaitAnswer(sockets, wait/canaryAttempts); err != nil {
			return networkOpen("the network cannot be tested: %v", err)
		}
		for _, s := range sockets {
			if err := answered(int(s.Fd), to); err != nil {
				return err
			}
		}
	}
	return nil
}

// connect starts a connection without waiting for it.
func connect(to netip.AddrPort) (int, error) {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Unmap().Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("make a socket: %w", err)
	}
	if err := unix.Connect(fd, address); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fd, err
	}
	return fd, nil
}

// awaitAnswer waits until a socket has something to say or the time is up.
func awaitAnswer(sockets []unix.PollFd, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; { //nolint:forbidigo // the network answers in real time
		left := max(0, time.Until(deadline)) //nolint:forbidigo // the network answers in real time
		n, err := unix.Poll(sockets, int((left+time.Millisecond-1)/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		if n > 0 || left == 0 {
			return nil
		}
	}
}

// answered says what a connection met, nil for silence.
func answered(fd int, to netip.AddrPort) error {
	if _, err := unix.Getpeername(fd); err == nil {
		return networkOpen("the API server at %s answers: no network policy is enforced on this pod", to)
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return networkOpen("the network cannot be tested: ask a socket for its error: %v", err)
	case code == 0, unix.Errno(code) == unix.EHOSTUNREACH:
		return nil
	default:
		return networkOpen("the network is not proven to be closed: the API server's address %s answers with %q", to, unix.Errno(code).Error())
	}
}
