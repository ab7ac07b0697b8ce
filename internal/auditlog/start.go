// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/transparency-dev/tessera/client"

	"github.com/airlock-dev/airlock/internal/audit"
)

// closeTimeout bounds the publication of the last checkpoint.
const closeTimeout = 5 * time.Second

// NeedLeaderElection keeps a standby from opening the log.
func (l *Log) NeedLeaderElection() bool { return true }

// Start opens the log, and keeps it until the context is done: it tries a broken
// log again, appends what waited for it, and writes the anchor.
func (l *Log) Start(ctx context.Context) error {
	l.mu.Lock()
	l.started, l.problem = true, "it is being opened"
	l.mu.Unlock()
	ticker := l.cfg.Clock.NewTicker(retryInterval)
	defer ticker.Stop()
	for {
		l.tend(ctx)
		select {
		case <-ctx.Done():
			return l.stop()
		case <-ticker.C():
		}
	}
}

// tend does what is due.
func (l *Log) tend(ctx context.Context) {
	if l.state("") != "" || l.lagging() {
		if err := l.mend(ctx); err != nil {
			if ctx.Err() == nil {
				l.fail(err)
			}
			l.tried()
			l.look(ctx, false)
			return
		}
		l.letPass()
	}
	if l.flush(ctx) != nil {
		return // Append has said why
	}
	l.look(ctx, true)
}

// look follows the published checkpoint. Only one of a log that is known to be
// the right one becomes the anchor: an older copy must not.
func (l *Log) look(ctx context.Context, proven bool) {
	if l.tree == nil {
		return
	}
	raw, size, err := l.follow(ctx)
	if err == nil && proven {
		err = l.anchor(ctx, raw, size, anchorInterval)
	}
	if err != nil && ctx.Err() == nil {
		l.cfg.Log.Error(err, "look after the audit log")
	}
}

// mend opens the log where it is not open, and proves that it is the one that
// was written before and can be written.
func (l *Log) mend(ctx context.Context) error {
	if l.tree == nil {
		t, err := openTree(l.cfg)
		if err != nil {
			return err
		}
		l.tree = t
	} else if err := probe(l.cfg.Dir); err != nil {
		return err
	}
	size, err := l.check(ctx)
	if err != nil {
		return err
	}
	l.grown(size)
	if l.lagging() {
		return fmt.Errorf("no checkpoint was published for %s, do the witnesses answer?", maxLag)
	}
	return l.remember(ctx, size)
}

// lagging says whether what readers see stays behind the tree for too long.
func (l *Log) lagging() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.behind.IsZero() && l.cfg.Clock.Since(l.behind) > maxLag
}

// letPass lets appends pass.
func (l *Log) letPass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem = ""
	l.tried()
	l.cfg.Log.Info("the audit log is open", "origin", l.Origin(), "size", l.size, "key", l.cfg.Key.Public, "waiting", len(l.deferred))
}

// tried lets those go on who wait for the log to be opened.
func (l *Log) tried() { l.once.Do(func() { close(l.opened) }) }

// remember reads the IDs of the last records: what was logged and not noted
// before a crash is not logged twice.
func (l *Log) remember(ctx context.Context, size uint64) error {
	from := size - min(size, tail)
	for bundle := from / entriesPerBundle; size > 0 && bundle <= (size-1)/entriesPerBundle; bundle++ {
		entries, err := client.GetEntryBundle(ctx, l.tree.reader.ReadEntryBundle, bundle, size)
		if err != nil {
			return fmt.Errorf("read the last records: %w", err)
		}
		for i, entry := range entries.Entries {
			var r struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(entry, &r); err != nil {
				return fmt.Errorf("record %d is not one: %w", bundle*entriesPerBundle+uint64(i), err)
			}
			l.seen.Add(r.ID, bundle*entriesPerBundle+uint64(i))
		}
	}
	return nil
}

// flush appends what waited.
func (l *Log) flush(ctx context.Context) error {
	l.mu.Lock()
	waiting := append([]audit.Record(nil), l.deferred...)
	l.mu.Unlock()
	for len(waiting) > 0 {
		n := min(len(waiting), 64)
		if _, err := l.Append(ctx, waiting[:n]...); err != nil {
			return err
		}
		waiting = waiting[n:]
		l.mu.Lock()
		l.deferred = l.deferred[n:]
		l.mu.Unlock()
	}
	return nil
}

// follow reads the published checkpoint, and notes since when it is behind.
func (l *Log) follow(ctx context.Context) (raw []byte, size uint64, err error) {
	raw, cp, err := l.published(ctx)
	if err != nil {
		return nil, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if cp.Size >= l.size {
		l.behind = time.Time{}
	} else if l.behind.IsZero() {
		l.behind = l.cfg.Clock.Now()
	}
	return raw, cp.Size, nil
}

// anchor saves a checkpoint outside the volume, where the last one was saved
// longer than the interval ago.
func (l *Log) anchor(ctx context.Context, raw []byte, size uint64, interval time.Duration) error {
	now := l.cfg.Clock.Now()
	l.mu.Lock()
	due := size > l.saved && now.Sub(l.savedAt) >= interval
	l.mu.Unlock()
	if !due {
		return nil
	}
	if err := l.cfg.Anchor.Save(ctx, raw); err != nil {
		return fmt.Errorf("save the checkpoint outside the volume: %w", err)
	}
	l.mu.Lock()
	l.saved, l.savedAt = size, now
	l.mu.Unlock()
	return nil
}

// stop publishes and anchors what was appended.
func (l *Log) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	l.mu.Lock()
	healthy := l.problem == ""
	l.problem, l.started = "it is closed", false
	l.mu.Unlock()
	if l.tree == nil {
		return nil
	}
	if err := l.tree.close(ctx); err != nil || !healthy {
		l.cfg.Log.Info("the audit log was not closed in order; what was acknowledged is on the volume", "error", err)
		return nil
	}
	raw, size, err := l.follow(ctx)
	if err == nil {
		err = l.anchor(ctx, raw, size, 0)
	}
	if err != nil {
		l.cfg.Log.Error(err, "save the last checkpoint")
	}
	return nil
}
