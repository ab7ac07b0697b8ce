// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is a file, directory or symbolic link of a tree.
type entry struct {
	path   string      // without a leading slash
	mode   fs.FileMode // type and permissions, with fs.ModeSticky
	owner  int         // user and group
	link   string      // target of a symbolic link
	data   []byte      // content, if source is empty
	source string      // file that has the content
}

// tree is what becomes a layer: entries sorted by path, which puts a directory
// before its content.
type tree struct {
	entries []entry
}

// readTree reads a directory without its root.
func readTree(dir string) (*tree, error) {
	t := &tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { //nolint:gosec // Our own directory.
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		e := entry{path: name, mode: info.Mode()}
		switch info.Mode().Type() {
		case 0:
			e.source = path
		case fs.ModeDir:
		case fs.ModeSymlink:
			if e.link, err = os.Readlink(path); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: %s cannot be packed", path, info.Mode())
		}
		t.add(e)
		return nil
	})
	return t, err
}

// add puts entries in, replacing those with the same path.
func (t *tree) add(entries ...entry) {
	for _, e := range entries {
		at, found := slices.BinarySearchFunc(t.entries, e, byPath)
		if found {
			t.entries[at] = e
		} else {
			t.entries = slices.Insert(t.entries, at, e)
		}
	}
}

// byPath sorts a/b before a-c, so that a directory's content follows it.
func byPath(a, b entry) int {
	return slices.Compare(strings.Split(a.path, "/"), strings.Split(b.path, "/"))
}

// without returns the entries that other does not have, and the directories that
// lead to them.
func (t *tree) without(other *tree) *tree {
	known := map[string]bool{}
	for _, e := range other.entries {
		known[e.path] = true
	}
	needed := map[string]bool{}
	for _, e := range t.entries {
		if known[e.path] {
			continue
		}
		for dir := e.path; dir != "."; dir = filepath.Dir(dir) {
			needed[dir] = true
		}
	}
	rest := &tree{}
	for _, e := range t.entries {
		if needed[e.path] {
			rest.entries = append(rest.entries, e)
		}
	}
	return rest
}

// layer packs the tree; gzip, because every runtime reads it.
func (t *tree) layer() (v1.Layer, error) {
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(t.writeTar(writer)) }()
		return reader, nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// writeTo writes the entry with nothing of the build machine in it: no names, no
// times, no set-user-ID bits, nothing writable by group or others but sticky
// directories.
func (e entry) writeTo(w *tar.Writer) error {
	h := &tar.Header{Name: e.path, ModTime: epoch, Uid: e.owner, Gid: e.owner, Format: tar.FormatPAX}
	content, err := e.describe(h)
	if err != nil {
		return err
	}
	if content != nil {
		defer content.Close() //nolint:errcheck // Read only.
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if content != nil {
		_, err = io.Copy(w, content)
	}
	return err
}

// describe completes the header and opens the content of a file.
func (e entry) describe(h *tar.Header) (io.ReadCloser, error) {
	h.Mode = int64(e.mode.Perm() &^ 0o022)
	if e.mode.IsDir() {
		h.Typeflag, h.Name = tar.TypeDir, e.path+"/"
		if e.mode&fs.ModeSticky != 0 {
			h.Mode = 0o1777
		}
		return nil, nil
	}
	if e.mode.Type() == fs.ModeSymlink {
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
		return nil, nil
	}
	h.Typeflag = tar.TypeReg
	if e.source == "" {
		h.Size = int64(len(e.data))
		return io.NopCloser(bytes.NewReader(e.data)), nil
	}
	file, err := os.Open(e.source)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	h.Size = info.Size()
	return file, nil
}

// directory, text and link make entries that no package ships.
func directory(path string, mode fs.FileMode) entry {
	return entry{path: path, mode: fs.ModeDir | mode}
}

func text(path, content string) entry {
	return entry{path: path, mode: 0o644, data: []byte(content)}
}

func link(path, target string) entry {
	return entry{path: path, mode: fs.ModeSymlink, link: target}
}

// accounts are the users that an image knows.
func accounts() []entry {
	return []entry{
		directory("etc", 0o755),
		text("etc/passwd", "root:x:0:0:root:/:/nonexistent\nnonroot:x:65532:65532:nonroot:/tmp:/nonexistent\n"),
		text("etc/group", "root:x:0:\nnonroot:x:65532:\n"),
		text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
		directory("tmp", fs.ModeSticky|0o777),
	}
}
