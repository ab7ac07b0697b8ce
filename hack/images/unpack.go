// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
)

// rootFS is a directory that packages are unpacked into, without running any of
// their scripts.
type rootFS struct {
	dir  string
	root *os.Root // Keeps every path, through any symbolic link, below dir.
	keep func(path string) bool
}

func newRootFS(dir string, keep func(path string) bool) (*rootFS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	r := &rootFS{dir: dir, root: root, keep: keep}
	// Debian 12 merged these into /usr; its packages still ship both.
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if err := errors.Join(root.MkdirAll("usr/"+name, 0o755), root.Symlink("usr/"+name, name)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// unpack adds the files of a package that are to be kept, and its control record
// where scanners look for the packages of images without dpkg.
func (r *rootFS) unpack(ctx context.Context, p debianPackage) error {
	control, err := output(exec.CommandContext(ctx, "dpkg-deb", "--field", p.file)) //nolint:gosec // A verified file.
	if err != nil {
		return err
	}
	if err := r.root.MkdirAll("var/lib/dpkg/status.d", 0o755); err != nil {
		return err
	}
	if err := r.root.WriteFile("var/lib/dpkg/status.d/"+p.name, []byte(control), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", p.file) //nolint:gosec // A verified file.
	files, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = r.extract(tar.NewReader(files))
	_, drained := io.Copy(io.Discard, files)
	if err = errors.Join(err, drained, cmd.Wait()); err != nil {
		return fmt.Errorf("unpack %s: %w", p.name, err)
	}
	return nil
}

func (r *rootFS) extract(files *tar.Reader) error {
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := merged(h.Name)
		if name == "." || !r.keep(name) {
			continue
		}
		if err := r.place(name, h, files); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// place writes one entry. Directories are made when something is put into them.
func (r *rootFS) place(name string, h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	if err := r.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return r.root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return r.root.Link(merged(h.Linkname), name)
	case tar.TypeReg:
		file, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Chmod(h.FileInfo().Mode().Perm()), file.Close())
	default:
		return fmt.Errorf("unexpected tar entry of type %q", h.Typeflag)
	}
}

// merged returns the path of an archive member in a merged /usr.
func merged(name string) string {
	name = path.Clean(strings.TrimPrefix(name, "./"))
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "bin", "lib", "lib64", "sbin":
		return "usr/" + name
	}
	return name
}
