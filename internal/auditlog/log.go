// SPDX-License-Identifier: Apache-2.0

// Package auditlog keeps the audit log: a tiled Merkle log (https://c2sp.org/tlog-tiles)
// on a volume, written by github.com/transparency-dev/tessera, with checkpoints
// that are signed. Only the leading operator opens it. A record counts as logged
// when it has an index and would survive a crash.
//
// A log that cannot be written, or that is not the one that was written before,
// is a problem that stops launches. It is looked at again until it is gone.
package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/transparency-dev/tessera"
	"k8s.io/utils/clock"

	"github.com/airlock-dev/airlock/internal/audit"
)

const (
	// appendTimeout is how long an append may take before the volume counts as broken.
	appendTimeout = 5 * time.Second
	// batchAge is how long the first record of a batch waits for others. A batch
	// costs some six syncs of the volume whatever its size.
	batchAge = 3 * time.Millisecond
	// retryInterval is how often a broken log is tried again.
	retryInterval = 2 * time.Second
	// anchorInterval is how often, at most, the anchor is written while the log grows.
	anchorInterval = time.Minute
	// maxLag is how long the published checkpoint may stay behind the tree: witnesses that do not answer.
	maxLag = 5 * time.Minute
	// maxSeen is the number of records that are known by ID, so that they are not appended twice.
	maxSeen = 1 << 16
	// tail is the number of records that are read when the log is opened, for the same reason.
	tail = 1024
	// maxDeferred is the number of records that wait in memory for a broken log.
	maxDeferred = 10_000
)

// Anchor keeps the last signed checkpoint outside the volume, so that a volume
// that was set back is noticed.
type Anchor interface {
	// Load returns the checkpoint, nil where there is none yet.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces it.
	Save(ctx context.Context, checkpoint []byte) error
}

// Place is where a request says that its latest record is.
type Place struct {
	// Request is the UID.
	Request string
	// Index in the log.
	Index uint64
}

// Config is what a Log needs.
type Config struct {
	// Dir is the folder of the log, on the volume.
	Dir string
	Key *Key
	// Anchor may not be nil.
	Anchor Anchor
	// Places lists what requests say of the log of this origin. They are anchors too.
	Places func(ctx context.Context, origin string) ([]Place, error)
	// Witnesses is a policy in Sigsum's format, empty for none.
	Witnesses []byte
	// CheckpointInterval is how often, at most, a checkpoint is published: 1 s where it is 0.
	CheckpointInterval time.Duration
	Clock              clock.WithTicker
	Log                logr.Logger
}

// Log is the audit log. Its zero value appends nothing.
type Log struct {
	cfg  Config
	seen *lru.Cache[string, uint64]

	mu       sync.Mutex
	tree     *tree  // nil until it was opened
	problem  string // why nothing can be appended, "" where all is well
	started  bool
	deferred []audit.Record
	size     uint64 // as it was last known; a log never gets shorter
	saved    uint64 // the size that the anchor has
	savedAt  time.Time
	behind   time.Time // since when the published checkpoint is behind
	once     sync.Once
	opened   chan struct{} // closed when it was tried to open the log
}

// New returns a log that Start opens.
func New(cfg Config) (*Log, error) {
	if cfg.Dir == "" || cfg.Key == nil || cfg.Anchor == nil || cfg.Places == nil || cfg.Clock == nil {
		return nil, errors.New("the audit log needs a folder, a key, an anchor, the requests' places and a clock")
	}
	if _, err := witnesses(cfg.Witnesses); err != nil {
		return nil, err
	}
	seen, err := lru.New[string, uint64](maxSeen)
	if err != nil {
		return nil, fmt.Errorf("make memory of records: %w", err)
	}
	return &Log{cfg: cfg, seen: seen, opened: make(chan struct{})}, nil
}

// Origin names the log.
func (l *Log) Origin() string { return l.cfg.Key.Origin() }

// errBroken means that nothing was appended.
var errBroken = errors.New("the audit log cannot be written")

// Append logs records in their order, and returns the index of the last one when
// all would survive a crash. A record that was logged before, by ID, is not
// logged again. An error says that records may be missing; appending them again is safe.
func (l *Log) Append(ctx context.Context, records ...audit.Record) (uint64, error) {
	entries, err := l.encode(records)
	if err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	select {
	case <-l.opened:
	case <-limited.Done():
		return 0, fmt.Errorf("%w: %s", errBroken, l.state("it is not open"))
	}
	if why := l.state(""); why != "" {
		return 0, fmt.Errorf("%w: %s", errBroken, why)
	}
	index, err := l.append(limited, records, entries)
	if err != nil && ctx.Err() == nil { // where the caller gave up, nothing is known of the volume
		l.fail(err)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errBroken, err)
	}
	return index, nil
}

// encode makes the bytes of the records that are not in the log yet, nil for the others.
func (l *Log) encode(records []audit.Record) ([][]byte, error) {
	entries := make([][]byte, len(records))
	told := map[string]bool{}
	for i := range records {
		if told[records[i].ID] || l.seen.Contains(records[i].ID) {
			continue
		}
		told[records[i].ID] = true
		var err error
		if entries[i], err = records[i].Canonical(l.Origin()); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Record appends records, and keeps them in memory for later where that is not possible now.
func (l *Log) Record(ctx context.Context, records ...audit.Record) (uint64, error) {
	index, err := l.Append(ctx, records...)
	if err != nil {
		l.keep(records)
	}
	return index, err
}

func (l *Log) append(ctx context.Context, records []audit.Record, encoded [][]byte) (uint64, error) {
	var entries []*tessera.Entry
	var ids []string
	var last uint64
	for i := range records {
		if index, ok := l.seen.Get(records[i].ID); ok || encoded[i] == nil {
			last = max(last, index)
			continue
		}
		for _, c := range records[i].Content {
			if err := storeContent(l.cfg.Dir, c); err != nil {
				return 0, err
			}
		}
		entries, ids = append(entries, tessera.NewEntry(encoded[i])), append(ids, records[i].ID)
	}
	if len(entries) == 0 {
		return last, nil
	}
	indices, err := l.tree.add(ctx, l.knownSize(), entries)
	if err != nil {
		return 0, err
	}
	for i, index := range indices {
		l.seen.Add(ids[i], index)
		last = max(last, index)
	}
	l.grown(last + 1)
	return last, nil
}

func (l *Log) knownSize() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

func (l *Log) grown(size uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size = max(l.size, size)
}

// Problems says why launches have to stop, nothing where all is well or where
// this operator does not lead.
func (l *Log) Problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started || l.problem == "" {
		return nil
	}
	return []string{"Audit log " + l.Origin() + ": " + l.problem + "; see docs/audit.md"}
}

// state returns what is wrong, or otherwise where nothing is known to be.
func (l *Log) state(otherwise string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem != "" {
		return l.problem
	}
	return otherwise
}

func (l *Log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem != err.Error() {
		l.cfg.Log.Error(err, "the audit log cannot be written: launches stop")
	}
	l.problem = err.Error()
}

// Later appends records as soon as the log can be written. It does not wait, and
// does nothing where this operator does not lead.
func (l *Log) Later(records ...audit.Record) {
	l.mu.Lock()
	started := l.started
	l.mu.Unlock()
	if started {
		l.keep(records)
	}
}

// keep holds records until the log can be written. Requests derive theirs again
// when there are too many.
func (l *Log) keep(records []audit.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		switch waits := slices.ContainsFunc(l.deferred, func(d audit.Record) bool { return d.ID == r.ID }); {
		case waits:
		case len(l.deferred) >= maxDeferred:
			l.cfg.Log.Info("too many records wait for the audit log; those of requests are derived again later", "record", r.ID)
		default:
			l.deferred = append(l.deferred, r)
		}
	}
}
