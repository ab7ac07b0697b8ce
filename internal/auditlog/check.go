// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

const entriesPerBundle = layout.EntryBundleWidth

// check proves that the log on the volume continues the one that was written
// before, and returns its size. What may have been put in its place: an older
// copy, an empty volume, another log, a log that was made up and signed with another key.
func (l *Log) check(ctx context.Context) (uint64, error) {
	size, err := l.tree.reader.IntegratedSize(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the log's size: %w", err)
	}
	if known := l.knownSize(); size < known {
		return 0, fmt.Errorf("the log was set back: it had %d records and has %d", known, size)
	}
	anchor, err := l.cfg.Anchor.Load(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the checkpoint that is kept outside the volume: %w", err)
	}
	if err := l.continues(ctx, size, anchor, "the checkpoint that is kept outside the volume"); err != nil {
		return 0, err
	}
	raw, err := l.tree.reader.ReadCheckpoint(ctx)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read the published checkpoint: %w", err)
	}
	if err := l.continues(ctx, size, raw, "the published checkpoint"); err != nil {
		return 0, err
	}
	return size, l.checkPlaces(ctx, size)
}

// continues requires that a checkpoint is of this log and that the tree on the
// volume is a continuation of it. No checkpoint asks for nothing.
func (l *Log) continues(ctx context.Context, size uint64, raw []byte, name string) error {
	if len(raw) == 0 {
		return nil
	}
	cp, err := l.parse(raw)
	if err != nil {
		return fmt.Errorf("%s is not of this log and its key: %w", name, err)
	}
	if cp.Size > size {
		return fmt.Errorf("the log was set back or lost: %s has %d records, the volume %d", name, cp.Size, size)
	}
	if cp.Size == 0 {
		return nil
	}
	root, err := l.root(ctx, size)
	if err != nil {
		return err
	}
	builder, err := client.NewProofBuilder(ctx, size, l.tree.reader.ReadTile)
	if err != nil {
		return fmt.Errorf("prove that the log continues %s: %w", name, err)
	}
	between, err := builder.ConsistencyProof(ctx, cp.Size, size)
	if err != nil {
		return fmt.Errorf("prove that the log continues %s: %w", name, err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, cp.Size, size, between, cp.Hash, root); err != nil {
		return fmt.Errorf("the log on the volume does not continue %s: its records were changed", name)
	}
	return nil
}

// root computes the root of the tree from its tiles.
func (l *Log) root(ctx context.Context, size uint64) ([]byte, error) {
	nodes, err := client.FetchRangeNodes(ctx, size, l.tree.reader.ReadTile)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	tree, err := factory.NewRange(0, size, nodes)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	return root, nil
}

func (l *Log) parse(raw []byte) (*log.Checkpoint, error) {
	cp, _, _, err := log.ParseCheckpoint(raw, l.Origin(), l.cfg.Key.Verifier)
	return cp, err
}

// published returns the checkpoint that readers see.
func (l *Log) published(ctx context.Context) ([]byte, *log.Checkpoint, error) {
	raw, err := l.tree.reader.ReadCheckpoint(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the published checkpoint: %w", err)
	}
	cp, err := l.parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read the published checkpoint: %w", err)
	}
	return raw, cp, nil
}

// checkPlaces requires that what requests say of the log is there: each names
// the index of a record about itself.
func (l *Log) checkPlaces(ctx context.Context, size uint64) error {
	places, err := l.cfg.Places(ctx, l.Origin())
	if err != nil {
		return fmt.Errorf("list what requests say of the log: %w", err)
	}
	byBundle := map[uint64][]Place{}
	for _, p := range places {
		if p.Index >= size {
			return fmt.Errorf("the log was set back or lost: request %s has its record at %d, the volume has %d", p.Request, p.Index, size)
		}
		bundle := p.Index / entriesPerBundle
		byBundle[bundle] = append(byBundle[bundle], p)
	}
	for bundle, places := range byBundle {
		entries, err := client.GetEntryBundle(ctx, l.tree.reader.ReadEntryBundle, bundle, size)
		if err != nil {
			return fmt.Errorf("read the records that requests name: %w", err)
		}
		for _, p := range places {
			at := p.Index % entriesPerBundle
			if at >= uint64(len(entries.Entries)) || !bytes.Contains(entries.Entries[at], []byte(p.Request)) {
				return fmt.Errorf("record %d is not about request %s, which says so: records were changed", p.Index, p.Request)
			}
		}
	}
	return nil
}
