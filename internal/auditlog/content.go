// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/airlock-dev/airlock/internal/audit"
)

// ContentPath is where a content is kept, below the log's folder.
func ContentPath(sha256 string) string {
	return filepath.Join("content", sha256[:2], sha256)
}

// storeContent writes a content that is not there yet, durably, before the
// record that names it.
func storeContent(dir string, c audit.Content) error {
	path := filepath.Join(dir, ContentPath(c.SHA256))
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(c.Bytes)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make folder for content: %w", err)
	}
	return writeDurably(path, c.Bytes)
}

// writeDurably replaces a file as a whole, and returns when it would survive a crash.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where the rename succeeded
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: below the log's folder
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
