// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is the control plane under load: its API, its processes and its audit log.
type cluster struct {
	dir   string
	admin *rest.Config
	etcd  *http.Client
	// etcdURL is where etcd serves its metrics.
	etcdURL string
	// pids of etcd and of the Kubernetes components, by name.
	pids map[string]int
}

func openCluster(dir string) (*cluster, error) {
	c := &cluster{dir: dir, pids: map[string]int{}}
	var err error
	if c.admin, err = clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig")); err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	c.admin.QPS, c.admin.Burst = 5000, 10000
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		var record struct {
			PID int `json:"pid"`
		}
		if err := readJSON(filepath.Join(dir, "run", "processes", name+".json"), &record); err != nil {
			return nil, fmt.Errorf("find %s (was the cluster started with --simulated-nodes?): %w", name, err)
		}
		c.pids[name] = record.PID
	}
	var state struct {
		Ports struct {
			Etcd int `json:"etcd"`
		} `json:"ports"`
	}
	if err := readJSON(filepath.Join(dir, "cluster.json"), &state); err != nil {
		return nil, err
	}
	c.etcdURL = "https://127.0.0.1:" + strconv.Itoa(state.Ports.Etcd) + "/metrics"
	return c, c.openEtcd()
}

func (c *cluster) openEtcd() error {
	pki := filepath.Join(c.dir, "pki")
	pair, err := tls.LoadX509KeyPair(filepath.Join(pki, "etcd-client.crt"), filepath.Join(pki, "etcd-client.key"))
	if err != nil {
		return fmt.Errorf("load etcd's client certificate: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(pki, "ca.crt")) //nolint:gosec // a file of the cluster that the caller named
	if err != nil {
		return fmt.Errorf("read the authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	c.etcd = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
	}}}
	return nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the cluster that the caller named
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// scrape reads one sample of each named metric, summed over its labels. A metric that is not there is an error.
func scrape(ctx context.Context, client *http.Client, url string, names ...string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("make a metrics request: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing left to read
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("parse metrics: %w", err)
	}
	out := map[string]float64{}
	for _, name := range names {
		family, ok := families[name]
		if !ok {
			return nil, fmt.Errorf("%s has no metric %s", url, name)
		}
		for _, m := range family.GetMetric() {
			out[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out, nil
}

// clockTicks is USER_HZ, the unit of times in /proc/PID/stat (proc(5)).
const clockTicks = 100

// cpuSeconds is the CPU time that a process has used, in user and in kernel mode.
func cpuSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process's times: %w", err)
	}
	// The command in parentheses may hold spaces; utime and stime are fields 14 and 15.
	_, rest, ok := bytes.Cut(text, []byte(") "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has another form")
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / clockTicks, errors.Join(err1, err2)
}

// residentMiB is the resident set size of a process.
func residentMiB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process's memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("/proc/PID/status has no VmRSS")
}
