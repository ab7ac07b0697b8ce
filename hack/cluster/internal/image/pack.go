// SPDX-License-Identifier: Apache-2.0

// Package image packs static programs as OCI archives and reads what images an archive holds.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nonRoot is the user id that distroless images use.
const nonRoot = "65532:65532"

// Pack writes an OCI archive with an image of one static program, which becomes its entry point and runs as a user without rights.
func Pack(archive, name, program string) error {
	layer, err := programLayer(program)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), layer)
	if err != nil {
		return fmt.Errorf("add the layer: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", goarch
	config.Config = v1.Config{Entrypoint: []string{"/" + filepath.Base(program)}, User: nonRoot}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return fmt.Errorf("set the configuration: %w", err)
	}
	return writeArchive(archive, name, img)
}

func programLayer(program string) (v1.Layer, error) {
	content, err := os.ReadFile(program) //nolint:gosec // a program that this tool built
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := addFile(w, filepath.Base(program), 0o755, content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the layer: %w", err)
	}
	opened, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(1))
	if err != nil {
		return nil, fmt.Errorf("make the layer: %w", err)
	}
	return opened, nil
}

// writeArchive writes the image as an OCI image layout inside a tar file (OCI image layout specification 1.0).
func writeArchive(archive, name string, img v1.Image) error {
	dir, err := os.MkdirTemp(filepath.Dir(archive), ".image-")
	if err != nil {
		return fmt.Errorf("create a directory for the image: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // scratch below the state directory, which goes with the cluster
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write the image layout: %w", err)
	}
	if err := path.AppendImage(img, layout.WithAnnotations(map[string]string{nameAnnotation: name})); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := addTree(w, dir); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	if err := os.WriteFile(archive, out.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}

func addTree(w *tar.Writer, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return fmt.Errorf("name an archive member: %w", err)
		}
		content, err := os.ReadFile(path) //nolint:gosec // a file that was just written
		if err != nil {
			return fmt.Errorf("read an archive member: %w", err)
		}
		return addFile(w, relative, 0o644, content)
	})
}

func addFile(w *tar.Writer, name string, mode int64, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		return fmt.Errorf("write the header of %s: %w", name, err)
	}
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
