// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"sync"

	"github.com/airlock-dev/airlock/internal/audit"
)

// ledger is an audit log in memory, which outlives its operators. A real one syncs a volume for every record, and has
// tests of its own.
type ledger struct {
	mu      sync.Mutex
	indices map[string]uint64
	size    uint64
}

// Origin implements executionrequest.AuditLog.
func (l *ledger) Origin() string { return "airlock.example/model" }

// Append implements executionrequest.AuditLog. A record that a real log would not take is an error.
func (l *ledger) Append(_ context.Context, records ...audit.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last uint64
	for i := range records {
		r := &records[i]
		if _, ok := l.indices[r.ID]; !ok {
			if _, err := r.Canonical(l.Origin()); err != nil {
				return 0, err
			}
			if l.indices == nil {
				l.indices = map[string]uint64{}
			}
			l.indices[r.ID] = l.size
			l.size++
		}
		last = max(last, l.indices[r.ID])
	}
	return last, nil
}

// Record implements executionrequest.AuditLog.
func (l *ledger) Record(ctx context.Context, records ...audit.Record) (uint64, error) {
	return l.Append(ctx, records...)
}

// Later implements executionrequest.AuditLog.
func (l *ledger) Later(records ...audit.Record) {
	_, _ = l.Append(context.Background(), records...) // it takes all that Append takes, at once
}
