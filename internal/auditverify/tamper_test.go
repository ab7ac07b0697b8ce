// SPDX-License-Identifier: Apache-2.0

package auditverify_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"

	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
	"github.com/airlock-dev/airlock/internal/auditverify"
)

// The log of the tamper tests: 120 requests with five records each, so that there
// are full bundles, a partial one, and an inner tile.
const (
	requests = 120
	records  = 5 * requests
)

// writeLog writes a log of n requests, and returns its last checkpoint.
func writeLog(t *testing.T, dir string, seed byte, n int) []byte {
	t.Helper()
	cfg := auditlogtest.Config(t, dir)
	cfg.Key = auditlogtest.Key(t, seed)
	l, stop := auditlogtest.Start(t, cfg)
	var batch []audit.Record
	for i := range n {
		batch = append(batch, auditlogtest.Story(t, i)...)
	}
	if _, err := l.Append(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	stop()
	return read(t, dir, "checkpoint")
}

func read(t *testing.T, dir, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// source reads a folder.
func source(dir string) auditverify.Source {
	return func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))) }
}

func verify(t *testing.T, dir string, opts auditverify.Options) *auditverify.Result {
	t.Helper()
	if opts.Key == "" {
		opts.Key = auditlogtest.Key(t, 1).Public
	}
	result, err := auditverify.Verify(source(dir), opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// changeBundle rewrites the records of a bundle.
func changeBundle(t *testing.T, dir string, bundle uint64, edit func([][]byte) [][]byte) {
	t.Helper()
	path := layout.EntriesPath(bundle, layout.PartialTileSize(0, bundle, records))
	var b api.EntryBundle
	if err := b.UnmarshalText(read(t, dir, path)); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, e := range edit(b.Entries) {
		out = binary.BigEndian.AppendUint16(out, uint16(len(e)))
		out = append(out, e...)
	}
	write(t, dir, path, out)
}

// rehash makes the tile of a bundle fit its records.
func rehash(t *testing.T, dir string, bundle uint64) {
	t.Helper()
	p := layout.PartialTileSize(0, bundle, records)
	var b api.EntryBundle
	if err := b.UnmarshalText(read(t, dir, layout.EntriesPath(bundle, p))); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, e := range b.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(e)...)
	}
	write(t, dir, layout.TilePath(0, bundle, p), out)
}

func edited(e []byte) []byte { return bytes.Replace(e, []byte("agent"), []byte("alice"), 1) }

func TestEachTamperingIsDetectedByName(t *testing.T) {
	original := t.TempDir()
	now := writeLog(t, original, 1, requests)
	short := t.TempDir()
	writeLog(t, short, 1, requests-20)
	other := t.TempDir()
	writeLog(t, other, 2, requests)
	changed := t.TempDir() // the same key, another history of the same length
	rewriteLog(t, changed)

	for name, c := range map[string]struct {
		tamper func(t *testing.T, dir string)
		opts   auditverify.Options
		want   auditverify.Kind
		index  uint64
		words  string
	}{
		"a record is edited": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 0, func(e [][]byte) [][]byte { e[7] = edited(e[7]); return e })
			},
			want: auditverify.Edited, index: 7, words: "record 7 is not the one that was logged",
		},
		"a record is edited and its hash with it": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 2, func(e [][]byte) [][]byte { e[7] = edited(e[7]); return e })
				rehash(t, dir, 2)
			},
			want: auditverify.Rewritten, words: "do not have the root that the checkpoint signs",
		},
		"a record in a full bundle is edited and its hash with it": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 1, func(e [][]byte) [][]byte { e[7] = edited(e[7]); return e })
				rehash(t, dir, 1)
			},
			want: auditverify.TreeChanged, words: "does not have the hashes of the records",
		},
		"a record is deleted": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 1, func(e [][]byte) [][]byte { return slices.Delete(e, 9, 10) })
			},
			want: auditverify.Deleted, index: 265, words: "record 265 was taken out",
		},
		"a record is inserted": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 0, func(e [][]byte) [][]byte { return slices.Insert(e, 9, edited(e[9]))[:256] })
			},
			want: auditverify.Inserted, index: 9, words: "never logged",
		},
		"two records are reordered": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 2, func(e [][]byte) [][]byte { e[10], e[11] = e[11], e[10]; return e })
			},
			want: auditverify.Reordered, index: 522, words: "another order",
		},
		"two records far apart are reordered": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 0, func(e [][]byte) [][]byte { e[10], e[200] = e[200], e[10]; return e })
			},
			want: auditverify.Reordered, index: 10, words: "another order",
		},
		"the end is truncated": {
			tamper: func(t *testing.T, dir string) {
				changeBundle(t, dir, 2, func(e [][]byte) [][]byte { return e[:len(e)-3] })
			},
			want: auditverify.Truncated, index: records - 3, words: "were cut off",
		},
		"a file of records is deleted": {
			tamper: func(t *testing.T, dir string) {
				if err := os.Remove(filepath.Join(dir, layout.EntriesPath(1, 0))); err != nil {
					t.Fatal(err)
				}
			},
			want: auditverify.Truncated, index: 256, words: "records 256 to 511",
		},
		"the log is rolled back to an older copy": {
			tamper: func(t *testing.T, dir string) { replace(t, dir, short) },
			opts:   auditverify.Options{Earlier: [][]byte{now}},
			want:   auditverify.RolledBack, index: records - 100, words: "was set back",
		},
		"the whole log is rewritten with another key": {
			tamper: func(t *testing.T, dir string) { replace(t, dir, other) },
			want:   auditverify.Key, words: "another key wrote this log",
		},
		"the whole log is rewritten with the stolen key": {
			tamper: func(t *testing.T, dir string) { replace(t, dir, changed) },
			opts:   auditverify.Options{Earlier: [][]byte{now}},
			want:   auditverify.Rewritten, words: "an earlier checkpoint signs",
		},
		"an inner hash of the tree is changed": {
			tamper: func(t *testing.T, dir string) {
				path := layout.TilePath(1, 0, layout.PartialTileSize(1, 0, records))
				tile := read(t, dir, path)
				tile[0] ^= 1
				write(t, dir, path, tile)
			},
			want: auditverify.TreeChanged, words: "tile 0 of level 1",
		},
		"the checkpoint is edited": {
			tamper: func(t *testing.T, dir string) {
				write(t, dir, "checkpoint", bytes.Replace(now, []byte("\n600\n"), []byte("\n599\n"), 1))
			},
			want: auditverify.Key, words: "the checkpoint was changed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			replace(t, dir, original)
			if r := verify(t, dir, auditverify.Options{Earlier: [][]byte{now}}); len(r.Findings) > 0 || r.Size != records || r.Requests != requests {
				t.Fatalf("before: %+v", r)
			}
			c.tamper(t, dir)
			r := verify(t, dir, c.opts)
			i := slices.IndexFunc(r.Findings, func(f auditverify.Finding) bool { return f.Kind == c.want && strings.Contains(f.Message, c.words) })
			if i < 0 {
				t.Fatalf("got %+v; want %s with %q", r.Findings, c.want, c.words)
			}
			var got uint64
			if r.Findings[i].Index != nil {
				got = *r.Findings[i].Index
			}
			if diff := cmp.Diff(c.index, got); diff != "" {
				t.Errorf("index (-want +got):\n%s", diff)
			}
		})
	}
}

// replace makes dir a copy of another folder.
func replace(t *testing.T, dir, from string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// rewriteLog is what somebody does who stole the key: a log without the third request.
func rewriteLog(t *testing.T, dir string) {
	t.Helper()
	l, stop := auditlogtest.Start(t, auditlogtest.Config(t, dir))
	var batch []audit.Record
	for i := range requests + 1 {
		if i != 3 {
			batch = append(batch, auditlogtest.Story(t, i)...)
		}
	}
	if _, err := l.Append(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestTenThousandRecordsAreAppendedAndVerified(t *testing.T) {
	dir := t.TempDir()
	now := writeLog(t, dir, 1, 2000)
	r := verify(t, dir, auditverify.Options{Earlier: [][]byte{now}})
	if len(r.Findings) > 0 || r.Size != 10_000 || r.Requests != 2000 || len(r.Open) > 0 {
		t.Errorf("got %d findings, %d records, %d requests, %d open: %+v", len(r.Findings), r.Size, r.Requests, len(r.Open), r.Findings)
	}
}
