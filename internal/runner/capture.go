// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// tailBytes is how much of the end of a stream is kept: more never fits into a report.
const tailBytes = MaxReportBytes

// capture follows one output stream of the code in constant memory.
type capture struct {
	forward io.Writer
	left    int64 // bytes that may still be forwarded
	hash    hash.Hash
	bytes   int64
	tail    []byte
}

func newCapture(forward io.Writer, limit int64) *capture {
	return &capture{forward: forward, left: limit, hash: sha256.New(), tail: make([]byte, 0, 2*tailBytes)}
}

// Write hashes and counts all of p, keeps its end and forwards it up to the
// limit. It never fails: a closed log must not stop the code's output from
// being drained and accounted for.
func (c *capture) Write(p []byte) (int, error) {
	c.hash.Write(p)
	c.bytes += int64(len(p))
	c.keep(p)
	if n := min(int64(len(p)), c.left); n > 0 {
		if _, err := c.forward.Write(p[:n]); err != nil {
			n = c.left
		}
		c.left -= n
	}
	return len(p), nil
}

// keep holds between tailBytes and twice as many, so that bytes are moved rarely.
func (c *capture) keep(p []byte) {
	p = p[max(0, len(p)-tailBytes):]
	if len(c.tail)+len(p) > cap(c.tail) {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-tailBytes:]...)
	}
	c.tail = append(c.tail, p...)
}

func (c *capture) output() Output {
	tail := c.tail[max(0, len(c.tail)-tailBytes):]
	truncated := c.bytes > int64(len(tail))
	text := string(tail)
	if truncated {
		text = dropFront(text, 0)
	}
	return Output{
		SHA256:    hex.EncodeToString(c.hash.Sum(nil)),
		Bytes:     c.bytes,
		Tail:      Sanitize(text),
		Truncated: truncated,
	}
}
