// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tag is the tag of every image that is built here.
const tag = "dev"

// nonRoot is the user that Airlock's images run as, by the convention of
// distroless images.
const nonRoot = 65532

// epoch is the time of every file and image, so that rebuilding changes nothing.
var epoch = time.Unix(0, 0).UTC()

// image is an image before it is written.
type image struct {
	name   string // repository, without tag
	config v1.Config
	layers []v1.Layer
	// inventory is the digest of the libraries that the gate knows names of;
	// empty in an image that runs no code of agents.
	inventory string
	// cleanup removes what the layers read from.
	cleanup func() error
}

func (i *image) addLayers(trees ...*tree) error {
	for _, t := range trees {
		layer, err := t.layer()
		if err != nil {
			return fmt.Errorf("pack layer: %w", err)
		}
		i.layers = append(i.layers, layer)
	}
	return nil
}

// build makes an OCI image of one platform, the one that it was built on.
func (i image) build() (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, i.layers...)
	if err != nil {
		return nil, fmt.Errorf("append layers: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Created = v1.Time{Time: epoch}
	config.Config = i.config
	for n := range config.History {
		config.History[n].Created = v1.Time{Time: epoch}
	}
	return mutate.ConfigFile(img, config)
}

// write makes PATH.tar, an archive of an OCI layout, PATH.digest and, where the
// image has one, PATH.inventory. It returns what PATH.digest holds:
// NAME@sha256:DIGEST of the image manifest.
func (i image) write(path string) (string, error) {
	img, err := i.build()
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("digest image: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { //nolint:gosec // The caller chose it.
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".layout-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // Best effort.
	index, err := layout.Write(dir, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return "", fmt.Errorf("write layout: %w", err)
	}
	// containerd names an imported image by the first, other tools by the second.
	names := layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          i.name + ":" + tag,
		"org.opencontainers.image.ref.name": tag,
	})
	if err := index.AppendImage(img, names); err != nil {
		return "", fmt.Errorf("write layout: %w", err)
	}
	if err := archive(dir, path+".tar"); err != nil {
		return "", fmt.Errorf("archive layout: %w", err)
	}
	if i.inventory != "" {
		if err := os.WriteFile(path+".inventory", []byte(i.inventory+"\n"), 0o644); err != nil { //nolint:gosec // Nothing secret.
			return "", err
		}
	}
	reference := i.name + "@" + digest.String()
	return reference, os.WriteFile(path+".digest", []byte(reference+"\n"), 0o644) //nolint:gosec // Nothing secret.
}

// archive packs a directory deterministically and replaces path at once.
func archive(dir, path string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".archive-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) //nolint:gosec // The caller chose the directory.
		}
	}()
	t, err := readTree(dir)
	if err == nil {
		err = t.writeTar(file)
	}
	if err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path) //nolint:gosec // The caller chose the path.
}

// writeTar writes the tree's entries in order, owned by root unless they say otherwise.
func (t *tree) writeTar(to io.Writer) error {
	w := tar.NewWriter(to)
	for _, e := range t.entries {
		if err := e.writeTo(w); err != nil {
			return fmt.Errorf("%s: %w", e.path, err)
		}
	}
	return w.Close()
}
