// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	goarch = runtime.GOARCH
	// nameAnnotation is where containerd looks for an image's full name, refAnnotation where the OCI specification puts a reference.
	nameAnnotation = "io.containerd.image.name"
	refAnnotation  = "org.opencontainers.image.ref.name"
	maxIndex       = 1 << 20
)

// Reference is an image of an archive.
type Reference struct {
	// Name is the name with its tag, for example airlock.dev/sandbox-python:dev.
	Name string
	// Digest is that of the manifest or index, for example sha256:….
	Digest string
}

// Pinned is the reference by digest, without the tag, as the kubelet looks it up.
func (r Reference) Pinned() string {
	repository := r.Name
	if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
		repository = repository[:colon]
	}
	return repository + "@" + r.Digest
}

// References lists the images of an OCI archive. One without a name that the kubelet could use is an error.
func References(archive string) ([]Reference, error) {
	file, err := os.Open(archive) //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("open the image: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	members := tar.NewReader(file)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has no index.json: it is not an OCI archive", archive)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", archive, err)
		}
		if path.Clean(header.Name) == "index.json" {
			refs, err := parseIndex(io.LimitReader(members, maxIndex))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", archive, err)
			}
			return refs, nil
		}
	}
}

func parseIndex(r io.Reader) ([]Reference, error) {
	var index v1.IndexManifest
	if err := json.NewDecoder(r).Decode(&index); err != nil {
		return nil, fmt.Errorf("parse index.json: %w", err)
	}
	var refs []Reference
	for _, m := range index.Manifests {
		name := m.Annotations[nameAnnotation]
		if name == "" {
			name = m.Annotations[refAnnotation]
		}
		host, _, ok := strings.Cut(name, "/")
		if !ok || !strings.ContainsAny(host, ".:") {
			return nil, fmt.Errorf("image %s is named %q: annotate it in index.json with %s, starting with a host name", m.Digest, name, nameAnnotation)
		}
		refs = append(refs, Reference{Name: name, Digest: m.Digest.String()})
	}
	if len(refs) == 0 {
		return nil, errors.New("index.json lists no image")
	}
	return refs, nil
}
