// SPDX-License-Identifier: Apache-2.0

// Package auditlogtest opens real audit logs for tests.
package auditlogtest

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditlog"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// Origin of the logs of tests.
const Origin = "airlock.example/audit"

// Key returns a key that is made from one byte.
func Key(tb testing.TB, seed byte) *auditlog.Key {
	tb.Helper()
	text := make([]byte, ed25519.SeedSize)
	text[0] = seed
	key, err := auditlog.NewKey(ed25519.NewKeyFromSeed(text), Origin)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// WriteKey writes a new key of its own origin to a folder, as the chart's Secret has it.
func WriteKey(dir string) error {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "signing-key"), text, 0o600),
		os.WriteFile(filepath.Join(dir, "origin"), []byte(Origin+"/"+filepath.Base(dir)), 0o600),
	)
}

// Anchor keeps a checkpoint in memory.
type Anchor struct {
	mu   sync.Mutex
	kept []byte
}

// Load implements auditlog.Anchor.
func (a *Anchor) Load(context.Context) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept, nil
}

// Save implements auditlog.Anchor.
func (a *Anchor) Save(_ context.Context, checkpoint []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = checkpoint
	return nil
}

// Config returns a configuration without witnesses and requests.
func Config(tb testing.TB, dir string) auditlog.Config {
	return auditlog.Config{
		Dir: dir, Key: Key(tb, 1), Anchor: &Anchor{}, CheckpointInterval: 100 * time.Millisecond, Clock: clock.RealClock{}, Log: logr.Discard(),
		Places: func(context.Context, string) ([]auditlog.Place, error) { return nil, nil },
	}
}

// Start starts a log, and returns it with what stops it. It need not be open yet: Append waits.
func Start(tb testing.TB, cfg auditlog.Config) (*auditlog.Log, func()) {
	tb.Helper()
	l, err := auditlog.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Start(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("audit log: %v", err)
		}
	})
	tb.Cleanup(stop)
	return l, stop
}

var began = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// Request is the n-th request of a test, allowed and finished.
func Request(n int) *v1alpha1.ExecutionRequest {
	at := metav1.NewTime(began.Add(time.Duration(n) * time.Second))
	source := fmt.Sprintf("print(%d)\n", n)
	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: fmt.Sprintf("r-%d", n), UID: types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", n)), CreationTimestamp: at},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: "data-analysis", Requester: v1alpha1.Requester{Username: "agent", Groups: []string{"system:authenticated"}},
			Code: v1alpha1.Code{Language: v1alpha1.Python, Source: source},
		},
		Status: v1alpha1.ExecutionRequestStatus{
			EnvelopeDigest: "sha256:" + audit.NewContent(source).SHA256,
			Verdict:        &v1alpha1.Verdict{Decision: v1alpha1.Allow, Trust: v1alpha1.Internal},
			State:          v1alpha1.StateSucceeded, PodNamespace: "airlock-sandboxes", PodName: fmt.Sprintf("airlock-%d", n),
			Result: &v1alpha1.Result{ExitCode: new(int32(0)), Reason: "Completed"},
		},
	}
	for _, c := range []string{v1alpha1.ConditionLaunched, v1alpha1.ConditionFinished} {
		req.Status.Conditions = append(req.Status.Conditions, metav1.Condition{Type: c, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: at})
	}
	return req
}

// Pod is the pod of a request.
func Pod(req *v1alpha1.ExecutionRequest) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: req.Status.PodNamespace, Name: req.Status.PodName, UID: "pod-" + req.UID, CreationTimestamp: req.CreationTimestamp,
			Annotations: map[string]string{sandbox.AnnotationEnvelope: req.Status.EnvelopeDigest},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "sandbox", Image: "airlock.example/python"}}},
	}
}

// Story returns the five records of an allowed request.
func Story(tb testing.TB, n int) []audit.Record {
	tb.Helper()
	req := Request(n)
	at := req.CreationTimestamp.Time
	pod := Pod(req)
	launch, err := audit.LaunchRecord(req, pod, nil, at)
	if err != nil {
		tb.Fatal(err)
	}
	observed, err := audit.ObservedRecord(req, pod)
	if err != nil {
		tb.Fatal(err)
	}
	return []audit.Record{audit.SubmittedRecord(req), audit.JudgedRecord(req, "", nil, at), launch, observed, audit.EndRecord(req)}
}
