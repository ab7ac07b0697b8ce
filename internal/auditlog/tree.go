// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/sys/unix"
)

// lockFile is what tessera locks before each batch. It panics where that file
// cannot be opened for writing, so add looks first.
const lockFile = ".state/treeState.lock"

// probeBytes is what has to fit on the volume before a broken log is tried again.
const probeBytes = 1 << 20

// tree is the log on disk.
type tree struct {
	dir      string
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
	cancel   context.CancelFunc
}

// openTree opens the log, and makes an empty one where there is none.
func openTree(cfg Config) (t *tree, err error) {
	dir := cfg.Dir
	if err := os.MkdirAll(filepath.Join(dir, ".state"), 0o750); err != nil {
		return nil, fmt.Errorf("make the log's folder: %w", err)
	}
	if err := probe(dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // until close, whatever the caller waits for
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("open the log: %v", p)
		}
		if err != nil {
			cancel()
		}
	}()
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, fmt.Errorf("set the log's driver up: %w", err)
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(cfg.Key.Signer).
		WithCheckpointInterval(cmp.Or(cfg.CheckpointInterval, time.Second)).
		WithCheckpointRepublishInterval(0).
		WithBatching(tessera.DefaultBatchMaxSize, batchAge)
	group, err := witnesses(cfg.Witnesses)
	if err != nil {
		return nil, err
	}
	options = options.WithWitnesses(group, nil)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return &tree{dir: dir, appender: appender, reader: reader, shutdown: shutdown, cancel: cancel}, nil
}

// witnesses reads a witness policy. Without one, no witness is needed.
func witnesses(policy []byte) (tessera.WitnessGroup, error) {
	if len(policy) == 0 {
		return tessera.NewWitnessGroup(0), nil
	}
	group, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return tessera.WitnessGroup{}, fmt.Errorf("witness policy: %w", err)
	}
	return group, nil
}

// probe writes to the volume and takes it away again.
func probe(dir string) error {
	path := filepath.Join(dir, ".state", "probe")
	err := writeDurably(path, make([]byte, probeBytes))
	if removed := os.Remove(path); err == nil {
		err = removed
	}
	if err != nil {
		return fmt.Errorf("the volume cannot be written: %w", err)
	}
	return nil
}

// add appends entries to a log that has at least this size, and waits until they
// are durable or the context is done.
func (t *tree) add(ctx context.Context, least uint64, entries []*tessera.Entry) ([]uint64, error) {
	if err := t.lockable(); err != nil {
		return nil, err
	}
	// A volume that was exchanged or set back must not get new records.
	size, err := t.reader.IntegratedSize(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log's size: %w", err)
	}
	if size < least {
		return nil, fmt.Errorf("the log was set back: it had %d records and has %d", least, size)
	}
	futures := make([]tessera.IndexFuture, 0, len(entries))
	for _, e := range entries {
		futures = append(futures, t.appender.Add(ctx, e))
	}
	type result struct {
		indices []uint64
		err     error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		for _, f := range futures {
			index, err := f()
			r.indices = append(r.indices, index.Index)
			if r.err == nil { // a batch fails as a whole
				r.err = err
			}
		}
		done <- r
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("write the log: %w", r.err)
		}
		if r.indices[0] < least {
			return nil, fmt.Errorf("the log was set back: it had %d records and counts from %d", least, r.indices[0])
		}
		return r.indices, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the volume is slow: no answer after %s", appendTimeout)
	}
}

// lockable says whether tessera will be able to take its lock. It does not open
// the file: closing it would release the lock of this process (fcntl(2)).
func (t *tree) lockable() error {
	if err := unix.Access(filepath.Join(t.dir, lockFile), unix.W_OK); err != nil {
		return fmt.Errorf("the volume cannot be written: %w", err)
	}
	return nil
}

// close publishes what was appended and lets go of the log.
func (t *tree) close(ctx context.Context) error {
	defer t.cancel()
	if err := t.shutdown(ctx); err != nil {
		return fmt.Errorf("publish the last checkpoint: %w", err)
	}
	return nil
}
