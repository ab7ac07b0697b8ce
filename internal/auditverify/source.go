// SPDX-License-Identifier: Apache-2.0

// Package auditverify reads the audit log and proves, from its files, earlier
// checkpoints and a public key alone, that it is whole. It trusts nobody: not the
// operator that wrote the log, and not whoever kept the files. Where something is
// wrong it says what, and which record.
package auditverify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/note"

	"github.com/airlock-dev/airlock/internal/audit"
)

const width = layout.EntryBundleWidth

// Source reads a file of the log by its path in the tiled layout: "checkpoint",
// "tile/...", "content/...". An absent one is fs.ErrNotExist.
type Source func(path string) ([]byte, error)

// Checkpoint is a signed statement about the log.
type Checkpoint = log.Checkpoint

// ParseCheckpoint checks a checkpoint with the log's verifier key.
func ParseCheckpoint(raw []byte, key string) (*Checkpoint, error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return nil, fmt.Errorf("%q is not a verifier key: %w", key, err)
	}
	cp, _, _, err := log.ParseCheckpoint(raw, verifier.Name(), verifier)
	if err != nil {
		return nil, err
	}
	return cp, nil
}

// SizeOf reads the size from a checkpoint without believing it.
func SizeOf(raw []byte) (uint64, error) {
	var cp log.Checkpoint
	if _, err := cp.Unmarshal(raw); err != nil {
		return 0, fmt.Errorf("read checkpoint: %w", err)
	}
	return cp.Size, nil
}

// Entry is one record as it is in the log.
type Entry struct {
	Index uint64 `json:"index"`
	// Raw are the canonical bytes.
	Raw json.RawMessage `json:"record"`
	// Event is what they say.
	Event Event `json:"-"`
}

// Event is the CloudEvent of a record.
type Event struct {
	ID      string      `json:"id"`
	Source  string      `json:"source"`
	Type    audit.Type  `json:"type"`
	Subject string      `json:"subject"`
	Time    string      `json:"time"`
	Data    audit.Event `json:"data"`
}

// Decode reads a record.
func Decode(index uint64, raw []byte) (Entry, error) {
	e := Entry{Index: index, Raw: raw}
	if err := json.Unmarshal(raw, &e.Event); err != nil {
		return e, fmt.Errorf("record %d is not one: %w", index, err)
	}
	return e, nil
}

// Backwards yields the records of a log of this size, the newest first. It does
// not prove that they are in the log.
func Backwards(read Source, size uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for bundle := (size + width - 1) / width; bundle > 0; bundle-- {
			entries, err := readBundle(read, bundle-1, size)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for i := len(entries); i > 0; i-- {
				e, err := Decode((bundle-1)*width+uint64(i-1), entries[i-1])
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// readBundle returns the entries of a bundle that belong to a log of this size.
func readBundle(read Source, bundle, size uint64) ([][]byte, error) {
	raw, err := readPartial(read, layout.PartialTileSize(0, bundle, size), func(p uint8) string { return layout.EntriesPath(bundle, p) })
	if err != nil {
		return nil, err
	}
	var b api.EntryBundle
	if err := b.UnmarshalText(raw); err != nil {
		return nil, fmt.Errorf("read records %d and following: %w", bundle*width, err)
	}
	return b.Entries, nil
}

// readTile returns the hashes of a tile that belong to a log of this size.
func readTile(read Source, level, index, size uint64) ([][]byte, error) {
	p := layout.PartialTileSize(level, index, size)
	raw, err := readPartial(read, p, func(p uint8) string { return layout.TilePath(level, index, p) })
	if err != nil {
		return nil, err
	}
	var t api.HashTile
	if err := t.UnmarshalText(raw); err != nil {
		return nil, fmt.Errorf("read tile %d of level %d: %w", index, level, err)
	}
	if p > 0 && len(t.Nodes) > int(p) {
		t.Nodes = t.Nodes[:p]
	}
	return t.Nodes, nil
}

// readPartial reads a partial file, or the full one that took its place.
func readPartial(read Source, p uint8, path func(uint8) string) ([]byte, error) {
	raw, err := read(path(p))
	if p > 0 && errors.Is(err, fs.ErrNotExist) {
		raw, err = read(path(0))
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path(p), err)
	}
	return raw, nil
}

func leafHash(entry []byte) string { return string(rfc6962.DefaultHasher.HashLeaf(entry)) }
