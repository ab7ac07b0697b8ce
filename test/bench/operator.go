// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
)

// operator is a real operator process with the rights of its own service account.
type operator struct {
	command *exec.Cmd
	dir     string
	metrics string
}

// startOperator starts the program and waits until its preflight lets it launch.
func startOperator(ctx context.Context, c *cluster, program string) (*operator, error) {
	dir, err := os.MkdirTemp("", "airlock-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	o := &operator{dir: dir}
	if err := auditlogtest.WriteKey(dir); err != nil {
		return nil, err
	}
	if err := c.operatorKubeconfig(filepath.Join(dir, "kubeconfig")); err != nil {
		return nil, err
	}
	metrics, health := freeAddress(), freeAddress()
	o.metrics = "http://" + metrics + "/metrics"
	log, err := os.Create(filepath.Join(dir, "operator.log")) //nolint:gosec // below a directory that was just made
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	defer log.Close()                             //nolint:errcheck // the program holds its own copy
	o.command = exec.CommandContext(ctx, program, //nolint:gosec // the program that the caller named
		"--operator-image=airlock.example/operator@sha256:"+strings.Repeat("0", 64),
		"--metrics-bind-address="+metrics, "--health-probe-bind-address="+health, "--pod-retention=0s",
		"--audit-dir="+filepath.Join(dir, "audit"), "--audit-key-dir="+dir, "--audit-bind-address=")
	o.command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(dir, "kubeconfig"))
	o.command.Stdout, o.command.Stderr = log, log
	o.command.Cancel = func() error { return o.command.Process.Signal(syscall.SIGTERM) }
	if err := o.command.Start(); err != nil {
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	if err := waitReady(ctx, "http://"+health+"/readyz"); err != nil {
		o.stop()
		return nil, fmt.Errorf("the operator does not become ready, see %s: %w", log.Name(), err)
	}
	return o, nil
}

// stop ends the process and waits for it. Its log stays.
func (o *operator) stop() {
	_ = o.command.Process.Signal(syscall.SIGTERM)
	_ = o.command.Wait()
}

// operatorKubeconfig writes a kubeconfig that acts as the operator's service account. It impersonates: the admission policies
// let nobody but kubelets have a token of the operator.
func (c *cluster) operatorKubeconfig(path string) error {
	kubeconfig, err := clientcmd.LoadFromFile(filepath.Join(c.dir, "kubeconfig"))
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	for _, user := range kubeconfig.AuthInfos {
		user.Impersonate = "system:serviceaccount:" + config.OperatorNamespace + ":" + config.ServiceAccount
		user.ImpersonateGroups = []string{"system:serviceaccounts", "system:serviceaccounts:" + config.OperatorNamespace, "system:authenticated"}
	}
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("write the operator's kubeconfig: %w", err)
	}
	return nil
}

// freeAddress is a loopback address that nobody listened on just now.
func freeAddress() string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close() //nolint:errcheck // only its address is wanted
	return l.Addr().String()
}

func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("make a health request: %w", err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
