// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// wire is what an operator speaks to the API server through. It records every write, and kills its operator at a chosen one.
type wire struct {
	base http.RoundTripper
	log  *writeLog
	// dieAt is the number of the write, from 1, at which the operator dies: before the write leaves, or, with applied, after
	// it took effect and before the answer arrives. 0 for never.
	dieAt   int
	applied bool

	mu     sync.Mutex
	writes int
	isDead bool
	died   chan struct{}
}

// write is one that was sent to the API server; code is its answer, 0 until it is here.
type write struct {
	verb, path, body string
	code             int
}

// String is short enough to compare: the verb and the resource, with its subresource.
func (w write) String() string {
	_, resource, found := strings.Cut(w.path, "/namespaces/")
	if _, rest, ok := strings.Cut(resource, "/"); found && ok {
		resource = rest
	} else {
		resource = w.path
	}
	if parts := strings.Split(resource, "/"); len(parts) == 3 {
		resource = parts[0] + "/" + parts[2]
	} else {
		resource = parts[0]
	}
	return w.verb + " " + resource
}

// writeLog collects the writes of all operators of a test.
type writeLog struct {
	mu     sync.Mutex
	writes []write
}

// sent records a write when it leaves: others see its effect before its answer is here.
func (l *writeLog) sent(w write) (index int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, w)
	return len(l.writes) - 1
}

func (l *writeLog) answered(index, code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes[index].code = code
}

// accepted returns the writes to the resource (as "pods" or "approvals/status") that the API server accepted and that
// contain the text.
func (l *writeLog) accepted(verb, resource, text string) []write {
	var found []write
	for _, w := range l.all() {
		if w.String() == verb+" "+resource && w.code < 300 && strings.Contains(w.path+w.body, text) {
			found = append(found, w)
		}
	}
	return found
}

func (l *writeLog) all() []write {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]write(nil), l.writes...)
}

// texts returns all writes in order.
func (l *writeLog) texts() []string {
	var found []string
	for _, w := range l.all() {
		found = append(found, w.String())
	}
	return found
}

var errDead = errors.New("this operator is dead")

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	number, last, err := w.admit(r)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		return w.base.RoundTrip(r)
	}
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	sent := w.log.sent(write{verb: r.Method, path: r.URL.Path, body: body})
	response, err := w.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.log.answered(sent, response.StatusCode)
	if last {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		close(w.died)
		return nil, errDead
	}
	return response, nil
}

// admit counts a write, and says whether it is the last one.
func (w *wire) admit(r *http.Request) (number int, last bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isDead {
		return 0, false, errDead
	}
	if !isStep(r) {
		return 0, false, nil
	}
	w.writes++
	if w.writes != w.dieAt {
		return w.writes, false, nil
	}
	w.isDead = true
	if w.applied {
		return w.writes, true, nil
	}
	close(w.died)
	return 0, false, errDead
}

// isStep says whether a call changes anything on the way of a request. Events, dry runs, access reviews and the status of
// policies do not.
func isStep(r *http.Request) bool {
	if r.Method == http.MethodGet || r.URL.Query().Has("dryRun") {
		return false
	}
	return !slices.ContainsFunc([]string{"/events", "/subjectaccessreviews", "/executionpolicies/"}, func(part string) bool {
		return strings.Contains(r.URL.Path, part)
	})
}

func (w *wire) dead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isDead
}

func bodyOf(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("read request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return string(raw), nil
}
