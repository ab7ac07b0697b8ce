// SPDX-License-Identifier: Apache-2.0

package auditverify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/airlock-dev/airlock/internal/audit"
)

// checkRecords compares every record with its hash in the tree, reads it, and
// returns the hashes of the records that are there.
func (v *verifier) checkRecords(size uint64) [][]byte {
	var leaves [][]byte
	for bundle := uint64(0); bundle*width < size; bundle++ {
		want := int(min(width, size-bundle*width))
		entries, err := readBundle(v.read, bundle, size)
		if err != nil {
			v.missing(bundle*width, size, err)
			return leaves
		}
		hashes, err := readTile(v.read, 0, bundle, size)
		if err != nil {
			v.missing(bundle*width, size, err)
			hashes = nil
		}
		if partial := size - bundle*width; partial < width && len(entries) > want {
			entries = entries[:want] // the full bundle of a log that has grown since
		}
		if hashes != nil {
			v.diagnose(bundle*width, entries, hashes, want)
		}
		for i, raw := range entries {
			leaves = append(leaves, []byte(leafHash(raw)))
			v.checkRecord(bundle*width+uint64(i), raw)
		}
		if len(entries) < want {
			return leaves
		}
	}
	return leaves
}

func (v *verifier) missing(index, size uint64, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		v.result.add(Truncated, &index, "", "records %d to %d, which the checkpoint counts, or their hashes are not there (%v)", index, min(index+width, size)-1, err)
		return
	}
	v.result.add(TreeChanged, &index, "", "records %d and following cannot be read: %v", index, err)
}

// diagnose says how a bundle differs from the tree's hashes, where it does.
func (v *verifier) diagnose(first uint64, entries, hashes [][]byte, want int) {
	have, logged := make([]string, len(entries)), make([]string, len(hashes))
	for i, e := range entries {
		have[i] = leafHash(e)
	}
	for i, h := range hashes {
		logged[i] = string(h)
	}
	at := common(have, logged)
	index := first + uint64(at) //nolint:gosec // G115: at most 256
	switch short := len(have) < want; {
	case len(logged) < want:
		v.result.add(TreeChanged, &index, "", "the tree has %d hashes from record %d on, the checkpoint counts %d", len(logged), first, want)
	case at == want && len(have) == want: // nothing differs
	case short && at == len(have):
		v.result.add(Truncated, &index, "", "records %d to %d, which the checkpoint counts, were cut off", index, first+uint64(want)-1) //nolint:gosec // G115: at most 256
	case short && at+1 < len(logged) && have[at] == logged[at+1]:
		v.result.add(Deleted, &index, "", "record %d was taken out; the one that follows stands in its place", index)
	default:
		v.changed(first, at, have, logged, want)
	}
}

// common counts the elements at the beginning that are the same.
func common(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// changed tells records that were put in, moved or edited from record first+at on.
func (v *verifier) changed(first uint64, at int, have, logged []string, want int) {
	index := first + uint64(at) //nolint:gosec // G115: at most 256
	switch {
	case len(have) > want, at+1 < len(have) && have[at+1] == logged[at]:
		v.insertedOrReordered(index, at, have, logged)
	case permuted(have, logged):
		v.result.add(Reordered, &index, "", "from record %d on the records stand in another order than they were logged in", index)
	default:
		v.edited(first, have, logged)
	}
}

func (v *verifier) insertedOrReordered(index uint64, at int, have, logged []string) {
	if permuted(have, logged) || slices.Contains(logged, have[at]) {
		v.result.add(Reordered, &index, "", "from record %d on the records stand in another order than they were logged in", index)
		return
	}
	v.result.add(Inserted, &index, "", "record %d was put in; it was never logged", index)
}

func (v *verifier) edited(first uint64, have, logged []string) {
	for i := range have {
		if i < len(logged) && have[i] != logged[i] {
			index := first + uint64(i)
			v.result.add(Edited, &index, "", "record %d is not the one that was logged: its bytes have another hash", index)
		}
	}
}

func permuted(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// checkRecord requires a record of this log in canonical form, and the texts that it names.
func (v *verifier) checkRecord(index uint64, raw []byte) {
	e, err := Decode(index, raw)
	switch {
	case err != nil:
		v.result.add(NotARecord, &index, "", "%v", err)
		return
	case !isCanonical(raw):
		v.result.add(NotARecord, &index, "", "record %d is not in canonical form (RFC 8785)", index)
	case e.Event.Source != v.result.Origin:
		v.result.add(NotARecord, &index, "", "record %d is of another log: %q", index, e.Event.Source)
	}
	uid := e.Event.Data.Metadata.CorrelationUID
	if uid == "" || (v.opts.Request != "" && v.opts.Request != uid) {
		return
	}
	if e.Event.Type == audit.Submitted {
		v.checkContent(e, uid)
	}
	s, ok := v.stories[uid]
	if !ok {
		s = &story{uid: uid}
		v.stories[uid] = s
		v.order = append(v.order, uid)
	}
	s.entries = append(s.entries, e)
}

// checkContent requires that the code is what its hash says.
func (v *verifier) checkContent(e Entry, uid string) {
	script := e.Event.Data.Script
	if script == nil || len(script.Hashes) == 0 {
		v.result.add(NotARecord, &e.Index, uid, "record %d has no hash of the code", e.Index)
		return
	}
	want := script.Hashes[0].Value
	text := []byte(script.Content.Value)
	if script.Content.IsTruncated {
		if v.opts.WithoutContent {
			return
		}
		var err error
		if text, err = v.read(ContentPath(want)); err != nil {
			v.result.add(ContentLost, &e.Index, uid, "the code of record %d is not there: %v", e.Index, err)
			return
		}
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
		v.result.add(ContentChanged, &e.Index, uid, "the code of record %d is not the one that it names", e.Index)
	}
}

// ContentPath is where a text is kept that a record names by its digest.
func ContentPath(sha256 string) string {
	return fmt.Sprintf("content/%.2s/%s", sha256, sha256)
}

// checkUpperTiles compares the inner hashes of the tree, on which the proofs of
// others rest, with the records.
func (v *verifier) checkUpperTiles(size uint64, leaves [][]byte) {
	nodes := leaves
	if uint64(len(leaves)) != size {
		return // what is missing was said
	}
	for level := uint64(1); len(nodes) >= width; level++ {
		var above [][]byte
		for at := 0; at+width <= len(nodes); at += width {
			above = append(above, subtree(nodes[at:at+width]))
		}
		for at := 0; at < len(above); at += width {
			tile := uint64(at / width)
			stored, err := readTile(v.read, level, tile, size)
			part := above[at:min(at+width, len(above))]
			if err != nil || !slices.EqualFunc(stored, part, bytes.Equal) {
				v.result.add(TreeChanged, nil, "", "tile %d of level %d of the tree does not have the hashes of the records", tile, level)
			}
		}
		nodes = above
	}
}

func subtree(nodes [][]byte) []byte {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, n := range nodes {
		if tree.Append(n, nil) != nil {
			return nil
		}
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return nil
	}
	return root
}
