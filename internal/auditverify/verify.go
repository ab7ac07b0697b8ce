// SPDX-License-Identifier: Apache-2.0

package auditverify

import (
	"bytes"
	"fmt"

	"github.com/gowebpki/jcs"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// Kind names what is wrong: the closed set.
type Kind string

const (
	// Key: the checkpoint is not signed by the key that was given.
	Key Kind = "OtherKey"
	// RolledBack: the log is shorter than an earlier checkpoint says.
	RolledBack Kind = "RolledBack"
	// Rewritten: the records do not have the root that a checkpoint signs.
	Rewritten Kind = "Rewritten"
	// Truncated: records that the checkpoint counts are not there.
	Truncated Kind = "Truncated"
	// Edited: a record is not the one that was logged.
	Edited Kind = "Edited"
	// Deleted: a record was taken out.
	Deleted Kind = "Deleted"
	// Inserted: a record was put in.
	Inserted Kind = "Inserted"
	// Reordered: records stand in another order.
	Reordered Kind = "Reordered"
	// TreeChanged: the hashes of the tree are not those of the records.
	TreeChanged Kind = "TreeChanged"
	// NotARecord: an entry is not a record of this log in canonical form.
	NotARecord Kind = "NotARecord"
	// ContentLost: a text that a record names is not there.
	ContentLost Kind = "ContentLost"
	// ContentChanged: a text that a record names is another one.
	ContentChanged Kind = "ContentChanged"
	// Story: the records of a request do not tell a story that the operator could have lived.
	Story Kind = "Story"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind Kind `json:"kind"`
	// Index of the first record that is concerned, nil where none is.
	Index *uint64 `json:"index,omitempty"`
	// Request is its UID, where one is concerned.
	Request string `json:"request,omitempty"`
	// Message says it to a person.
	Message string `json:"message"`
}

// Options of a verification.
type Options struct {
	// Key is the log's verifier key. It has to come from somebody else than the log.
	Key string
	// Earlier are checkpoints that were kept since an earlier look.
	Earlier [][]byte
	// Request limits the stories to one UID, "" for all.
	Request string
	// WithoutContent does not look for texts that are kept beside the log.
	WithoutContent bool
}

// Result of a verification. Without findings the log is whole.
type Result struct {
	Origin   string `json:"origin"`
	Size     uint64 `json:"size"`
	Root     string `json:"root,omitempty"`
	Requests int    `json:"requests"`
	// Open are the UIDs of requests whose end is not recorded: they run, or wait.
	Open     []string  `json:"open,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

func (r *Result) add(kind Kind, index *uint64, request, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Kind: kind, Index: index, Request: request, Message: fmt.Sprintf(format, args...)})
}

// verifier is one verification under way.
type verifier struct {
	read    Source
	opts    Options
	result  *Result
	earlier map[uint64][]*Checkpoint
	stories map[string]*story
	order   []string
}

// Verify proves that a log is whole. An error means that it could not be
// verified; what is wrong with the log is in the result.
func Verify(read Source, opts Options) (*Result, error) {
	if _, err := note.NewVerifier(opts.Key); err != nil {
		return nil, fmt.Errorf("%q is not a verifier key: %w", opts.Key, err)
	}
	raw, err := read("checkpoint")
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	v := &verifier{read: read, opts: opts, result: &Result{}, earlier: map[uint64][]*Checkpoint{}, stories: map[string]*story{}}
	cp, err := ParseCheckpoint(raw, opts.Key)
	if err != nil {
		v.result.add(Key, nil, "", "the checkpoint is not signed by the key that was given: another key wrote this log, or the checkpoint was changed (%v)", err)
		return v.result, nil
	}
	v.result.Origin, v.result.Size = cp.Origin, cp.Size
	v.readEarlier(cp)
	leaves := v.checkRecords(cp.Size)
	v.checkTree(cp, leaves)
	v.checkStories()
	return v.result, nil
}

// readEarlier takes the checkpoints that were kept.
func (v *verifier) readEarlier(now *Checkpoint) {
	for _, raw := range v.opts.Earlier {
		cp, err := ParseCheckpoint(raw, v.opts.Key)
		switch {
		case err != nil:
			v.result.add(Key, nil, "", "an earlier checkpoint is not signed by the key that was given: the log was begun anew with another key, or that checkpoint is of another log (%v)", err)
		case cp.Size > now.Size:
			v.result.add(RolledBack, &now.Size, "", "the log was set back: an earlier checkpoint has %d records, this one %d", cp.Size, now.Size)
		default:
			v.earlier[cp.Size] = append(v.earlier[cp.Size], cp)
		}
	}
}

// checkTree computes the root of what is there, at the size of each checkpoint.
func (v *verifier) checkTree(cp *Checkpoint, leaves [][]byte) {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	root := rfc6962.DefaultHasher.EmptyRoot()
	check := func(size uint64) {
		for _, old := range v.earlier[size] {
			if !bytes.Equal(old.Hash, root) {
				v.result.add(Rewritten, nil, "", "the first %d records are not those that an earlier checkpoint signs: history was rewritten after it", size)
			}
		}
	}
	check(0)
	for i, leaf := range leaves {
		if err := tree.Append(leaf, nil); err != nil {
			v.result.add(Rewritten, nil, "", "the tree cannot be computed: %v", err)
			return
		}
		size := uint64(i) + 1
		if len(v.earlier[size]) > 0 || size == cp.Size {
			root, _ = tree.GetRootHash(nil)
			check(size)
		}
	}
	v.result.Root = fmt.Sprintf("%x", root)
	if uint64(len(leaves)) == cp.Size && !bytes.Equal(root, cp.Hash) {
		v.result.add(Rewritten, nil, "", "the %d records do not have the root that the checkpoint signs: records were rewritten, added, taken out or reordered", cp.Size)
	}
	v.checkUpperTiles(cp.Size, leaves)
}

// isCanonical says whether a record has the bytes that its JSON must have.
func isCanonical(raw []byte) bool {
	canonical, err := jcs.Transform(raw)
	return err == nil && bytes.Equal(canonical, raw)
}
