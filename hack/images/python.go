// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const pythonVersion = "3.11" // Debian 12's.

// buildPython makes the image that Python code runs in: no shell, no package
// manager, nothing to execute but Python.
func buildPython(ctx context.Context, r request) (image, error) {
	a, err := newApt(ctx, excludedPackages, r.now)
	if err != nil {
		return image{}, err
	}
	interpreter, err := a.download(ctx, interpreterPackages)
	all, allErr := a.download(ctx, slices.Concat(interpreterPackages, libraryPackages))
	if err := errors.Join(err, allErr, a.close()); err != nil {
		return image{}, err
	}
	work, err := cacheDir("work")
	if err != nil {
		return image{}, err
	}
	dir, err := os.MkdirTemp(work, "python-*")
	if err != nil {
		return image{}, err
	}
	// The layers read from this directory until the image is written.
	img := image{name: "airlock.dev/sandbox-python", config: pythonConfig(), cleanup: func() error { return os.RemoveAll(dir) }}
	if err := img.addPython(ctx, dir, filepath.Join(r.root, "hack", "gatetables"), interpreter, all); err != nil {
		return image{}, errors.Join(err, img.cleanup())
	}
	return img, nil
}

func (i *image) addPython(ctx context.Context, dir, scripts string, interpreter, all []debianPackage) error {
	root, err := newRootFS(dir, keepInPython)
	if err != nil {
		return err
	}
	defer root.root.Close() //nolint:errcheck // Only a directory handle.
	if err := root.install(ctx, interpreter); err != nil {
		return err
	}
	base, err := readTree(dir)
	if err != nil {
		return err
	}
	if err := root.install(ctx, slices.DeleteFunc(slices.Clone(all), func(p debianPackage) bool {
		return slices.Contains(interpreter, p)
	})); err != nil {
		return err
	}
	full, err := readTree(dir)
	if err != nil {
		return err
	}
	if i.inventory, err = root.inventory(ctx, scripts); err != nil {
		return err
	}
	libraries := full.without(base)
	certificates, err := certificateBundle(base)
	if err != nil {
		return err
	}
	base.add(accounts()...)
	base.add(certificates...)
	base.add(mountPoints()...)
	list := packageList(all)
	libraries.add(blasLinks()...)
	libraries.add(directory("usr/share/airlock", 0o755), text("usr/share/airlock/packages.txt", list))
	sum := sha256.Sum256([]byte(list))
	i.config.Labels["dev.airlock.packages.sha256"] = hex.EncodeToString(sum[:])
	i.config.Labels["dev.airlock.inventory"] = i.inventory
	return i.addLayers(base, libraries)
}

// install unpacks packages and compiles their Python files.
func (r *rootFS) install(ctx context.Context, packages []debianPackage) error {
	for _, p := range packages {
		if err := r.unpack(ctx, p); err != nil {
			return err
		}
	}
	return r.compile(ctx)
}

// compile makes .pyc files with the image's own interpreter: a read-only root
// cannot cache them later. They are bound to nothing (unchecked-hash) and made
// under a fixed hash seed, so that they do not change from build to build.
func (r *rootFS) compile(ctx context.Context) error {
	_, err := r.python(ctx, "-m", "compileall", "-q", "-q", "--invalidation-mode", "unchecked-hash",
		"/usr/lib/python"+pythonVersion, "/usr/lib/python3/dist-packages")
	if err != nil {
		return fmt.Errorf("compile Python files: %w", err)
	}
	return nil
}

// inventory gives the digest of the interpreter and its packages, as the scripts
// that make the gate's tables see them: the tables are for these and no others.
func (r *rootFS) inventory(ctx context.Context, scripts string) (string, error) {
	inside := filepath.Join(r.dir, "gatetables")
	if err := os.CopyFS(inside, os.DirFS(scripts)); err != nil {
		return "", err
	}
	out, err := r.python(ctx, "/gatetables/inventory.py")
	if err = errors.Join(err, os.RemoveAll(inside)); err != nil {
		return "", fmt.Errorf("take the inventory: %w", err)
	}
	lines := strings.Fields(out)
	return lines[len(lines)-1], nil
}

// python runs the image's own interpreter in the image.
func (r *rootFS) python(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "/usr/bin/python"+pythonVersion, append([]string{"-B"}, args...)...) //nolint:gosec // Our own arguments, in a chroot.
	cmd.Env = []string{"PYTHONHASHSEED=0", "LANG=C.UTF-8"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	return output(cmd)
}

func pythonConfig() v1.Config {
	return v1.Config{
		User:       fmt.Sprintf("%d:%d", nonRoot, nonRoot),
		WorkingDir: "/workspace",
		Cmd:        []string{"/usr/bin/python3"},
		Env: []string{
			"PATH=/usr/bin",
			"HOME=/tmp",
			"LANG=C.UTF-8",
			"MPLBACKEND=Agg",
			"MPLCONFIGDIR=/tmp",
			"PYTHONDONTWRITEBYTECODE=1",
			"PYTHONUNBUFFERED=1", // Output before a deadline is not lost.
			"SSL_CERT_FILE=/" + bundlePath,
		},
		Labels: map[string]string{"org.opencontainers.image.title": "Airlock sandbox for Python " + pythonVersion},
	}
}

// mountPoints are where a sandbox pod mounts volumes.
func mountPoints() []entry {
	workspace := directory("workspace", 0o755)
	workspace.owner = nonRoot
	return []entry{
		directory("airlock", 0o755), directory("dev", 0o755), directory("inputs", 0o755),
		directory("proc", 0o555), directory("sys", 0o555), workspace,
	}
}

// blasLinks are what update-alternatives makes when packages are installed.
func blasLinks() []entry {
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	var links []entry
	for _, name := range []string{"libblas.so.3", "liblapack.so.3", "libopenblas.so.0"} {
		links = append(links, link(path.Join("usr/lib", triplet, name), "openblas-serial/"+name))
	}
	return links
}

const (
	bundlePath     = "etc/ssl/certs/ca-certificates.crt"
	authoritiesDir = "usr/share/ca-certificates/mozilla/"
)

// certificateBundle does what update-ca-certificates does, and takes the single
// certificates out of the tree.
func certificateBundle(t *tree) ([]entry, error) {
	var bundle strings.Builder
	t.entries = slices.DeleteFunc(t.entries, func(e entry) bool {
		return matches("usr/share/ca-certificates", e.path) && e.mode.IsDir()
	})
	var failed error
	t.entries = slices.DeleteFunc(t.entries, func(e entry) bool {
		if !strings.HasPrefix(e.path, authoritiesDir) {
			return false
		}
		pem, err := os.ReadFile(e.source)
		failed = errors.Join(failed, err)
		bundle.WriteString(strings.TrimSpace(string(pem)) + "\n")
		return true
	})
	if bundle.Len() == 0 {
		failed = errors.Join(failed, errors.New("no certificate authorities found"))
	}
	return []entry{directory("etc/ssl", 0o755), directory("etc/ssl/certs", 0o755), text(bundlePath, bundle.String())}, failed
}

// packageList is the record of what an image was made from.
func packageList(packages []debianPackage) string {
	var list strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&list, "%s %s %s sha256:%s\n", p.name, p.version, p.arch, p.sha256)
	}
	return list.String()
}
