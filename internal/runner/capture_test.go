// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCaptureAccountsForEveryByte(t *testing.T) {
	long := strings.Repeat("0123456789", 5000)
	for name, tc := range map[string]struct {
		writes    []string
		limit     int64
		forwarded string
		tail      string
		truncated bool
	}{
		"nothing":                   {},
		"short":                     {writes: []string{"a", "b\n"}, limit: 10, forwarded: "ab\n", tail: "ab\n"},
		"over the limit":            {writes: []string{"abc", "def"}, limit: 4, forwarded: "abcd", tail: "abcdef"},
		"nothing may be forwarded":  {writes: []string{"abc"}, tail: "abc"},
		"one long write":            {writes: []string{long}, limit: 5, forwarded: "01234", tail: long[len(long)-tailBytes:], truncated: true},
		"many short writes":         {writes: strings.Split(long, ""), limit: 5, forwarded: "01234", tail: long[len(long)-tailBytes:], truncated: true},
		"the cut is in a character": {writes: []string{"漢" + strings.Repeat("x", tailBytes-1)}, tail: strings.Repeat("x", tailBytes-1), truncated: true},
	} {
		t.Run(name, func(t *testing.T) {
			var forwarded bytes.Buffer
			c := newCapture(&forwarded, tc.limit)
			all := strings.Join(tc.writes, "")
			for _, w := range tc.writes {
				if n, err := c.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("write: %d, %v", n, err)
				}
			}
			sum := sha256.Sum256([]byte(all))
			want := Output{SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(all)), Tail: tc.tail, Truncated: tc.truncated}
			if diff := cmp.Diff(want, c.output()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if got := forwarded.String(); got != tc.forwarded {
				t.Errorf("forwarded %q, want %q", got, tc.forwarded)
			}
		})
	}
}

type closedLog struct{ writes int }

func (c *closedLog) Write([]byte) (int, error) {
	c.writes++
	return 0, errors.New("closed")
}

func TestAClosedLogDoesNotStopTheAccounting(t *testing.T) {
	var log closedLog
	c := newCapture(&log, 100)
	for range 3 {
		if _, err := c.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.output().Bytes; got != 9 || log.writes != 1 {
		t.Errorf("counted %d bytes with %d writes, want 9 bytes with 1 write", got, log.writes)
	}
}

func TestCaptureOfAnEndlessStreamTakesConstantMemory(t *testing.T) {
	c := newCapture(&closedLog{}, 0)
	chunk := bytes.Repeat([]byte{0xff, 0}, 16<<10)
	allocs := testing.AllocsPerRun(1000, func() { _, _ = c.Write(chunk) })
	if allocs != 0 || cap(c.tail) != 2*tailBytes {
		t.Errorf("%v allocations a write, tail of %d bytes", allocs, cap(c.tail))
	}
}
