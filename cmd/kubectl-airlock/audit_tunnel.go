// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // SA1019: the dialers of client-go give this type
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// auditPort is where the operator serves the log, on the loopback address of its pod.
const auditPort = "8082"

// maxFile bounds a file of the log: 256 records of 64 KiB.
const maxFile = 32 << 20

// tunnel carries HTTP to a pod's loopback address through the API server. It does
// not listen here: whoever else uses this machine does not get to the log.
type tunnel struct {
	connection httpstream.Connection
	client     *http.Client
	requests   atomic.Int64
}

// tunnelTo connects to the first of the pods that has a log.
func tunnelTo(ctx context.Context, c *cluster, config *rest.Config, pods []corev1.Pod) (*tunnel, error) {
	last := errors.New("no pod of the operator is running")
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodRunning {
			continue
		}
		t, err := dialPod(c, config, &pods[i])
		if err == nil {
			if _, err = t.readContext(ctx, "checkpoint"); err == nil {
				return t, nil
			}
			t.close()
		}
		last = fmt.Errorf("pod %s: %w", pods[i].Name, err)
	}
	return nil, fmt.Errorf("reach the audit log: %w", last)
}

func dialPod(c *cluster, config *rest.Config, pod *corev1.Pod) (*tunnel, error) {
	url := c.core.Post().Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	overSPDY := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	overWebSocket, err := portforward.NewSPDYOverWebsocketDialer(url, config)
	if err != nil {
		return nil, err
	}
	dialer := portforward.NewFallbackDialer(overWebSocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, err
	}
	t := &tunnel{connection: connection}
	t.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return t.dial() },
	}}
	return t, nil
}

// dial opens one connection to the port: a stream for its errors and one for its
// data (https://kubernetes.io/docs/concepts/architecture/ calls it port forwarding).
func (t *tunnel) dial() (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, auditPort)
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(t.requests.Add(1), 10))
	failures, err := t.connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	if err := failures.Close(); err != nil { // nothing is written to it here
		return nil, err
	}
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := t.connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	return streamConn{data}, nil
}

func (t *tunnel) close() { _ = t.connection.Close() }

func (t *tunnel) read(path string) ([]byte, error) {
	return t.readContext(context.Background(), path)
}

func (t *tunnel) readContext(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+auditPort+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the operator answers %s", path, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxFile))
}

// streamConn is a stream of a port-forward as a connection.
type streamConn struct{ httpstream.Stream }

func (streamConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (streamConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (streamConn) SetDeadline(time.Time) error      { return nil }
func (streamConn) SetReadDeadline(time.Time) error  { return nil }
func (streamConn) SetWriteDeadline(time.Time) error { return nil }
