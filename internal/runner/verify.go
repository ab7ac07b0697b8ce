// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// File is a file with the SHA-256 digest, in hex, that it must have.
type File struct {
	Path   string
	SHA256 string
}

// ParseFile reads PATH=HEX.
func ParseFile(s string) (File, error) {
	at := strings.LastIndexByte(s, '=')
	if at < 1 {
		return File{}, errors.New("want PATH=SHA256")
	}
	f := File{Path: s[:at], SHA256: s[at+1:]}
	if !isDigest(f.SHA256) {
		return File{}, fmt.Errorf("%s: want 64 lower-case hex digits of SHA-256", f.Path)
	}
	return f, nil
}

// mismatch is the refusal of bytes that are not the bytes that were judged. A
// file that cannot be read is one: its bytes are not there.
type mismatch struct {
	reason Reason
	path   string
	want   string
	got    string // digest found, empty if err is set
	err    error
}

func (m *mismatch) Error() string {
	if m.err != nil {
		return fmt.Sprintf("%s: cannot be read: %v", m.path, m.err)
	}
	return fmt.Sprintf("%s: SHA-256 is %s, want %s", m.path, m.got, m.want)
}

func (m *mismatch) Unwrap() error { return m.err }

// verify copies the file's bytes to w and compares their digest. What w has
// received must be used only if there is no error.
func (f File) verify(reason Reason, w io.Writer) error {
	got, err := digestOf(f.Path, w)
	if err != nil || got != f.SHA256 {
		return &mismatch{reason: reason, path: f.Path, want: f.SHA256, got: got, err: err}
	}
	return nil
}

// digestOf reads a regular file once; anything else (a FIFO, a device) could
// block or never end.
func digestOf(path string, w io.Writer) (digest string, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // The path is the operator's.
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(h, w), file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func isDigest(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}
