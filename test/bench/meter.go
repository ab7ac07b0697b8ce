// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cost is what a piece of work took, in all.
type cost struct {
	// CPU seconds by process.
	CPU map[string]float64 `json:"cpuSeconds"`
	// Requests to the API server by "client verb resource".
	Requests map[string]int `json:"requests"`
	// EtcdPuts and EtcdBytes are writes to etcd and their size.
	EtcdPuts  float64 `json:"etcdPuts"`
	EtcdBytes float64 `json:"etcdBytes"`
	// ResidentMiB and HeapMiB are the growth of the operator.
	ResidentMiB float64 `json:"operatorResidentMiB"`
	HeapMiB     float64 `json:"operatorHeapMiB"`
}

// reading is the state of all meters at one moment.
type reading struct {
	cpu           map[string]float64
	puts, bytes   float64
	resident, gib float64
	audit         int64
}

const (
	etcdPuts  = "etcd_mvcc_put_total"
	etcdBytes = "etcd_debugging_mvcc_total_put_size_in_bytes"
	// heapLive is the live heap that the last garbage collection found.
	heapLive = "go_gc_heap_live_bytes"
)

// auditDelay is longer than the API server keeps audit events back.
const auditDelay = 1500 * time.Millisecond

func (b *bench) read(ctx context.Context) (reading, error) {
	time.Sleep(auditDelay)
	r := reading{cpu: map[string]float64{}}
	for name, pid := range b.processes() {
		var err error
		if r.cpu[name], err = cpuSeconds(pid); err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
	}
	etcd, err := scrape(ctx, b.cluster.etcd, b.cluster.etcdURL, etcdPuts)
	if err != nil {
		return r, err
	}
	r.puts = etcd[etcdPuts]
	// The size of what was written is a gauge of the revision's total, which etcd resets when it starts only.
	if size, err := scrape(ctx, b.cluster.etcd, b.cluster.etcdURL, etcdBytes); err == nil {
		r.bytes = size[etcdBytes]
	}
	heap, err := scrape(ctx, http.DefaultClient, b.operator.metrics, heapLive)
	if err != nil {
		return r, err
	}
	r.gib = heap[heapLive] / (1 << 20)
	if r.resident, err = residentMiB(b.operator.command.Process.Pid); err != nil {
		return r, err
	}
	info, err := os.Stat(b.auditLog())
	if err != nil {
		return r, fmt.Errorf("find the audit log: %w", err)
	}
	r.audit = info.Size()
	return r, nil
}

func (b *bench) auditLog() string { return filepath.Join(b.cluster.dir, "logs", "audit.log") }

func (b *bench) processes() map[string]int {
	out := map[string]int{"operator": b.operator.command.Process.Pid}
	maps.Copy(out, b.cluster.pids)
	return out
}

// since is what was spent since a reading.
func (b *bench) since(ctx context.Context, before reading) (cost, error) {
	now, err := b.read(ctx)
	if err != nil {
		return cost{}, err
	}
	c := cost{
		CPU: map[string]float64{}, EtcdPuts: now.puts - before.puts, EtcdBytes: now.bytes - before.bytes,
		ResidentMiB: now.resident - before.resident, HeapMiB: now.gib - before.gib,
	}
	for name, seconds := range now.cpu {
		c.CPU[name] = seconds - before.cpu[name]
	}
	c.Requests, err = countRequests(b.auditLog(), before.audit, now.audit)
	return c, err
}

// countRequests reads the audit events between two offsets. Watches that go on, and what the components do for themselves
// (leases, events of the scheduler, discovery), are not the workload's.
func countRequests(path string, from, to int64) (map[string]int, error) {
	file, err := os.Open(path) //nolint:gosec // the audit log of the cluster that the caller named
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return nil, fmt.Errorf("find the place in the audit log: %w", err)
	}
	counts := map[string]int{}
	lines := bufio.NewReader(io.LimitReader(file, to-from))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return counts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("decode an audit event: %w", err)
		}
		if key := event.key(); key != "" {
			counts[key]++
		}
	}
}

// auditEvent is the part of an audit event that is counted.
type auditEvent struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ImpersonatedUser *struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	ObjectRef *struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// key is "client verb resource", empty for what is not counted. A refused write is counted as one: it costs as much.
func (e auditEvent) key() string {
	if e.ObjectRef == nil || e.Verb == "watch" || e.ObjectRef.Resource == "leases" {
		return ""
	}
	resource := e.ObjectRef.Resource
	if e.ObjectRef.Subresource != "" {
		resource += "/" + e.ObjectRef.Subresource
	}
	verb := e.Verb
	if e.ResponseStatus.Code >= 400 {
		verb += fmt.Sprintf("(%d)", e.ResponseStatus.Code)
	}
	user := e.User.Username
	if e.ImpersonatedUser != nil {
		user = e.ImpersonatedUser.Username
	}
	return shortName(user) + " " + verb + " " + resource
}

func shortName(username string) string {
	switch {
	case strings.HasSuffix(username, ":airlock-operator"):
		return "operator"
	case strings.HasPrefix(username, "system:node:"):
		return "kubelet"
	case username == "admin":
		return "bench" // who creates and reads the objects
	default:
		return username[strings.LastIndex(username, ":")+1:]
	}
}

// isWrite says whether the verb of a key changes something.
func isWrite(key string) bool {
	verb := strings.Fields(key)[1]
	for _, w := range []string{"create", "update", "patch", "delete"} {
		if strings.HasPrefix(verb, w) {
			return true
		}
	}
	return false
}
