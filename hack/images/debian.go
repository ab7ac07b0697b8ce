// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// suite is the Debian release that images are made from.
const suite = "bookworm"

// sourceFiles are where a Debian 12 machine keeps the addresses of Debian's own archives, with the keys that check them:
// the first that exists counts. Other files beside them name other people's archives.
var sourceFiles = []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"}

// listsMaxAge is how old the package lists may be: security updates must come
// in, and old versions vanish from the archive.
const listsMaxAge = 24 * time.Hour

// debianPackage is one package file that was downloaded and verified.
type debianPackage struct {
	name, version, arch, sha256 string
	file                        string
}

// apt runs apt with a state and a cache of its own, so that the machine's are
// neither used nor changed. One process at a time holds it.
type apt struct {
	dir     string
	arch    string
	sources string
	lock    *os.File
}

// close lets the next process in.
func (a *apt) close() error { return a.lock.Close() }

// newApt waits until no other process holds the directories, prepares them and
// refreshes package lists that are too old.
// apt takes the excluded packages for installed, so neither they nor what only
// they need is ever downloaded.
func newApt(ctx context.Context, excluded []string, now time.Time) (*apt, error) {
	dir, err := cacheDir("debian-" + suite)
	if err != nil {
		return nil, err
	}
	arch, err := output(exec.CommandContext(ctx, "dpkg", "--print-architecture"))
	if err != nil {
		return nil, fmt.Errorf("these images are built from Debian packages, on Debian: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // In our own cache.
	if err != nil {
		return nil, err
	}
	sources, err := debianSources()
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	a := &apt{dir: dir, arch: strings.TrimSpace(arch), sources: sources, lock: lock}
	if err := a.prepare(ctx, excluded, now); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// debianSources finds the machine's file of Debian's archives, and requires that it is of the suite.
func debianSources() (string, error) {
	for _, path := range sourceFiles {
		content, err := os.ReadFile(path) //nolint:gosec // One of two names.
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(content)) == 0 {
			continue
		}
		if err != nil {
			return "", err
		}
		if !bytes.Contains(content, []byte(suite)) {
			return "", fmt.Errorf("%s names no archive of Debian %s, which the image is made from", path, suite)
		}
		return path, nil
	}
	return "", fmt.Errorf("none of %s names Debian's archives: the image is made on Debian %s", strings.Join(sourceFiles, ", "), suite)
}

func (a *apt) prepare(ctx context.Context, excluded []string, now time.Time) error {
	if err := syscall.Flock(int(a.lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", a.dir, err)
	}
	for _, d := range []string{"lists/partial", "archives/partial", "empty"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o750); err != nil {
			return err
		}
	}
	var status strings.Builder
	for _, name := range excluded {
		fmt.Fprintf(&status, "Package: %s\nStatus: install ok installed\nVersion: 99:0\nArchitecture: %s\n"+
			"Multi-Arch: foreign\nMaintainer: none\nDescription: left out\n\n", name, a.arch)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "status"), []byte(status.String()), 0o600); err != nil {
		return err
	}
	return a.refresh(ctx, now)
}

func (a *apt) refresh(ctx context.Context, now time.Time) error {
	stamp := filepath.Join(a.dir, "refreshed")
	if info, err := os.Stat(stamp); err == nil && now.Sub(info.ModTime()) < listsMaxAge {
		return nil
	}
	fmt.Fprintln(os.Stderr, "images: refreshing Debian's package lists")
	if _, err := output(a.command(ctx, "apt-get", "update", "--error-on=any")); err != nil {
		return fmt.Errorf("refresh package lists: %w", err)
	}
	return os.WriteFile(stamp, nil, 0o600)
}

func (a *apt) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	options := []string{
		"-o", "Dir::State=" + a.dir,
		"-o", "Dir::State::lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::State::status=" + filepath.Join(a.dir, "status"),
		"-o", "Dir::Cache=" + a.dir,
		"-o", "Dir::Cache::archives=" + filepath.Join(a.dir, "archives"),
		"-o", "Dir::Etc::sourcelist=" + a.sources,
		"-o", "Dir::Etc::sourceparts=" + filepath.Join(a.dir, "empty"),
		"-o", "Dir::Etc::preferencesparts=" + filepath.Join(a.dir, "empty"),
		"-o", "APT::Sandbox::User=", // Its own user could not read these directories.
		"-o", "APT::Architectures=" + a.arch,
		"-o", "APT::Install-Recommends=false",
		"-o", "Acquire::Languages=none",
		"-o", "Debug::NoLocking=true", // apt fails on a lock; ours waits.
	}
	cmd := exec.CommandContext(ctx, program, append(options, args...)...) //nolint:gosec // Names from this source.
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// download resolves the packages and everything that they depend on, sorted by
// name, and returns them downloaded and verified.
func (a *apt) download(ctx context.Context, names []string) ([]debianPackage, error) {
	plan, err := output(a.command(ctx, "apt-get", append([]string{"install", "--simulate"}, names...)...))
	if err != nil {
		return nil, fmt.Errorf("resolve packages: %w", err)
	}
	show := []string{"show"}
	for line := range strings.Lines(plan) {
		// Inst NAME (VERSION ORIGIN [ARCH])
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[0] == "Inst" {
			show = append(show, fields[1]+"="+strings.TrimPrefix(fields[2], "("))
		}
	}
	stanzas, err := output(a.command(ctx, "apt-cache", show...))
	if err != nil {
		return nil, fmt.Errorf("read package records: %w", err)
	}
	download := append([]string{"install", "--download-only", "--yes"}, names...)
	if _, err := output(a.command(ctx, "apt-get", download...)); err != nil {
		return nil, fmt.Errorf("download packages: %w", err)
	}
	return a.verify(stanzas)
}

// verify compares each file with the digest that the signed package lists give.
func (a *apt) verify(stanzas string) ([]debianPackage, error) {
	packages := map[string]debianPackage{}
	for stanza := range strings.SplitSeq(strings.TrimSpace(stanzas), "\n\n") {
		p := debianPackage{
			name: field(stanza, "Package"), version: field(stanza, "Version"),
			arch: field(stanza, "Architecture"), sha256: field(stanza, "SHA256"),
		}
		name := p.name + "_" + strings.ReplaceAll(p.version, ":", "%3a") + "_" + p.arch + ".deb"
		p.file = filepath.Join(a.dir, "archives", name)
		got, err := fileDigest(p.file)
		if err != nil {
			return nil, err
		}
		if p.sha256 == "" || got != p.sha256 {
			return nil, fmt.Errorf("%s: SHA-256 is %s, Debian says %q: remove the file and try again", p.file, got, p.sha256)
		}
		packages[p.name] = p
	}
	names := slices.Sorted(maps.Keys(packages))
	list := make([]debianPackage, 0, len(names))
	for _, name := range names {
		list = append(list, packages[name])
	}
	return list, nil
}

// field returns a field of a control stanza.
func field(stanza, name string) string {
	for line := range strings.Lines(stanza) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func fileDigest(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // In our own cache.
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // Read only.
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// output runs a command and returns what it prints; an error has its messages.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%s is not installed: %w", cmd.Args[0], err)
	case err != nil:
		return "", fmt.Errorf("%s: %w\n%s%s", cmd.Args[0], err, out, stderr.Bytes())
	}
	return string(out), nil
}
