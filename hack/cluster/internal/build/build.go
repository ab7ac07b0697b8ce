// SPDX-License-Identifier: Apache-2.0

// Package build compiles the components of the node from pinned Go modules into a cache outside the checkout.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Builder builds components that are missing from its cache.
type Builder struct {
	// Source is the directory that holds components/.
	Source string
	// Cache is the directory that holds one entry for each component and digest.
	Cache string
	// Out receives progress for a person to read.
	Out io.Writer
}

// DefaultCache is ${XDG_CACHE_HOME:-$HOME/.cache}/airlock/cluster.
func DefaultCache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(cache, "airlock", "cluster"), nil
}

// Entries gives the cache entry's directory by component name.
type Entries map[string]string

// Program returns the path of a component's executable.
func (e Entries) Program(component, program string) string {
	return filepath.Join(e[component], program)
}

// Ensure builds what is not in the cache yet and returns where each component is. A second caller waits for the first.
func (b Builder) Ensure(ctx context.Context, components []Component) (Entries, error) {
	if !exists(filepath.Join(b.Source, "components")) {
		return nil, fmt.Errorf("no components/ in %s: run this as `go -C hack/cluster run . up`", b.Source)
	}
	toolchain, err := b.toolchain(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.Cache, 0o755); err != nil { //nolint:gosec // programs that every user may run
		return nil, fmt.Errorf("create the cache: %w", err)
	}
	unlock, err := Lock(filepath.Join(b.Cache, ".lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()

	entries := Entries{}
	var missing []Component
	for _, c := range components {
		key, err := digest(b.dir(c), c, toolchain)
		if err != nil {
			return nil, fmt.Errorf("component %s: %w", c.Name, err)
		}
		entries[c.Name] = filepath.Join(b.Cache, c.Name+"-"+key)
		if !exists(entries[c.Name]) {
			missing = append(missing, c)
		}
	}
	for i, c := range missing {
		label := fmt.Sprintf("building %-10s (%d of %d)", c.Name, i+1, len(missing))
		if err := b.build(ctx, c, entries[c.Name], label); err != nil {
			return nil, fmt.Errorf("build %s: %w", c.Name, err)
		}
	}
	return entries, nil
}

// Lock takes an exclusive lock on a file and waits for whoever holds it.
func Lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // path is made by the caller
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("take the lock %s: %w", path, err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}

func (b Builder) dir(c Component) string { return filepath.Join(b.Source, "components", c.Name) }

func (b Builder) toolchain(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return "", fmt.Errorf("ask the Go toolchain for its version: %w", err)
	}
	return string(out), nil
}

// build fills a temporary directory and renames it, so that an interrupted build never looks complete.
func (b Builder) build(ctx context.Context, c Component, entry, label string) error {
	stop := b.progress(label)
	defer stop()
	tmp, err := os.MkdirTemp(b.Cache, "."+c.Name+"-")
	if err != nil {
		return fmt.Errorf("create the build directory: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // renamed away when the build succeeds
	for _, p := range c.Programs {
		if err := b.compile(ctx, c, p, filepath.Join(tmp, p.Name)); err != nil {
			return err
		}
	}
	for _, a := range c.Assets {
		if err := b.copyAsset(ctx, c, a, filepath.Join(tmp, a.Name)); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil { //nolint:gosec // programs that every user may run
		return fmt.Errorf("open the cache entry: %w", err)
	}
	if err := os.Rename(tmp, entry); err != nil {
		return fmt.Errorf("finish the cache entry: %w", err)
	}
	return nil
}

func (b Builder) compile(ctx context.Context, c Component, p Program, output string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", strings.TrimSpace("-s -w " + c.LDFlags), "-o", output}
	if c.Tags != "" {
		args = append(args, "-tags", c.Tags)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, p.Package)...) //nolint:gosec // arguments come from the table in components.go
	cmd.Dir = b.dir(c)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "CGO_ENABLED="+map[bool]string{true: "1", false: "0"}[c.CGO])
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", p.Package, err, lastLines(log.String(), 20))
	}
	return nil
}

func (b Builder) copyAsset(ctx context.Context, c Component, a Asset, target string) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", a.Module) //nolint:gosec // arguments come from the table in components.go
	cmd.Dir = b.dir(c)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find module %s: %w", a.Module, err)
	}
	source := filepath.Join(strings.TrimSpace(string(out)), a.Dir)
	if err := os.CopyFS(target, os.DirFS(source)); err != nil {
		return fmt.Errorf("copy %s: %w", a.Dir, err)
	}
	return nil
}

// progress writes a line now and one every 20 seconds until stopped.
func (b Builder) progress(label string) (stop func()) {
	fmt.Fprintf(b.Out, "%s\n", label)
	const every = 20 * time.Second
	ticker := time.NewTicker(every)
	done := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-ticker.C:
				fmt.Fprintf(b.Out, "%s %ds\n", label, n*int(every.Seconds()))
			case <-done:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(done) }
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
