// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// buildOperator makes the image of the manager. It has the runner as well, which
// sandbox pods take from it in an init container.
func buildOperator(ctx context.Context, r request) (image, error) {
	dir, err := os.MkdirTemp("", "airlock-operator-*")
	if err != nil {
		return image{}, err
	}
	img := image{
		name:    "airlock.dev/operator",
		cleanup: func() error { return os.RemoveAll(dir) },
		config: v1.Config{
			User:       fmt.Sprintf("%d:%d", nonRoot, nonRoot),
			WorkingDir: "/",
			Entrypoint: []string{"/airlock"},
			Env:        []string{"PATH=/", "SSL_CERT_FILE=/" + bundlePath},
			Labels:     map[string]string{"org.opencontainers.image.title": "Airlock operator"},
		},
	}
	if err := img.addOperator(ctx, r, dir); err != nil {
		return image{}, errors.Join(err, img.cleanup())
	}
	return img, nil
}

func (i *image) addOperator(ctx context.Context, r request, dir string) error {
	base, err := operatorBase(ctx, r.now, dir)
	if err != nil {
		return err
	}
	programs := &tree{}
	for name, pkg := range map[string]string{"airlock": ".", "airlock-runner": "./cmd/airlock-runner"} {
		file := filepath.Join(dir, name)
		if err := buildStatic(ctx, r.root, pkg, file); err != nil {
			return err
		}
		programs.add(entry{path: name, mode: 0o755, source: file})
	}
	return i.addLayers(base, programs)
}

// operatorBase is what a static program expects to find: users, time zones are
// in Go itself, and the certificate authorities of Debian.
func operatorBase(ctx context.Context, now time.Time, dir string) (*tree, error) {
	a, err := newApt(ctx, excludedPackages, now)
	if err != nil {
		return nil, err
	}
	packages, err := a.download(ctx, []string{"ca-certificates"})
	if err = errors.Join(err, a.close()); err != nil {
		return nil, err
	}
	rootDir := filepath.Join(dir, "root")
	if err := os.Mkdir(rootDir, 0o750); err != nil {
		return nil, err
	}
	root, err := newRootFS(rootDir, func(name string) bool { return matches("usr/share/ca-certificates", name) })
	if err != nil {
		return nil, err
	}
	defer root.root.Close() //nolint:errcheck // Only a directory handle.
	for _, p := range packages {
		if err := root.unpack(ctx, p); err != nil {
			return nil, err
		}
	}
	unpacked, err := readTree(rootDir)
	if err != nil {
		return nil, err
	}
	certificates, err := certificateBundle(unpacked)
	if err != nil {
		return nil, err
	}
	base := &tree{}
	base.add(accounts()...)
	base.add(certificates...)
	return base, nil
}

// buildStatic builds a program without anything of the machine in it.
func buildStatic(ctx context.Context, root, pkg, file string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, pkg}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // Names from this source.
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("build %s: %w", pkg, err)
	}
	return nil
}
