// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// stageRole makes the test binary mount a root filesystem and become Python in it.
const stageRole = "airlock-test-stage"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == stageRole {
		fmt.Fprintln(os.Stderr, "stage:", stage(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// needsMachine skips what takes minutes or needs a Debian machine and root.
func needsMachine(t *testing.T, root bool) {
	t.Helper()
	_, err := exec.LookPath("apt-get")
	switch {
	case testing.Short():
		t.Skip("left out with -short: it builds whole images")
	case err != nil:
		t.Skip("left out: images are built from Debian packages, and there is no apt-get")
	case root && os.Getuid() != 0:
		t.Skip("left out: a read-only root without a network needs root to set up")
	}
}

// built builds an image and returns its reference and archive.
func built(t *testing.T, name string) (reference, file string) {
	t.Helper()
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-o", dir, name}); err != nil {
		t.Fatal(err)
	}
	digest, err := os.ReadFile(filepath.Join(dir, name+".digest"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(digest)), filepath.Join(dir, name+".tar")
}

func TestBuildingTwiceGivesTheSameDigest(t *testing.T) {
	needsMachine(t, false)
	for name := range builders {
		t.Run(name, func(t *testing.T) {
			first, _ := built(t, name)
			second, _ := built(t, name)
			if first != second {
				t.Errorf("%s, then %s", first, second)
			}
		})
	}
}

func TestPythonRunsWithoutShellNetworkOrWritableRoot(t *testing.T) {
	needsMachine(t, true)
	_, file := built(t, "python")
	root := unpacked(t, file)
	script, err := os.ReadFile("testdata/report.py")
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		"airlock/main.py": string(script), "inputs/sales.csv": "region,amount\nnorth,2\nsouth,3\nnorth,5\n",
	} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe", stageRole, root)
	cmd.Env = pythonConfig().Env
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
	}
	got, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	want := `{'north': 7, 'south': 3}
True
True
65532 65532
['python3', 'python3.11']
[]
refused /etc/passwd
refused /airlock/main.py
refused /workspace/new
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// stage does what a container runtime does with a restricted pod.
func stage(root string) error {
	const readOnly = syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY | syscall.MS_NOSUID
	if err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount(root, root, "", syscall.MS_BIND, ""),
		syscall.Mount("", root, "", readOnly, ""),
		syscall.Mount("tmpfs", filepath.Join(root, "tmp"), "tmpfs", 0, "mode=1777"),
		syscall.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""),
	); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := errors.Join(syscall.Chroot(root), syscall.Chdir("/workspace"),
		syscall.Setgroups(nil), syscall.Setgid(nonRoot), syscall.Setuid(nonRoot)); err != nil {
		return fmt.Errorf("enter root: %w", err)
	}
	return syscall.Exec("/usr/bin/python3", []string{"python3", "-I", "/airlock/main.py"}, os.Environ())
}

// unpacked extracts an archive's layers, as a container runtime would.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	extract(t, dir, open(t, file))
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	// Under root's TempDir nobody else may enter.
	for path := root; path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, layer := range layers {
		extract(t, root, uncompressed(t, layer))
	}
	return root
}

func open(t *testing.T, path string) io.Reader {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func uncompressed(t *testing.T, layer v1.Layer) io.Reader {
	t.Helper()
	compressed, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = compressed.Close() })
	reader, err := gzip.NewReader(compressed)
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// extract unpacks a tar stream with the modes and owners that it gives.
func extract(t *testing.T, dir string, from io.Reader) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = extractEntry(root, h, r)
		}
		if err != nil {
			t.Fatalf("extract: %v", err)
		}
	}
}

func extractEntry(root *os.Root, h *tar.Header, content io.Reader) error {
	name := filepath.Clean(h.Name)
	switch h.Typeflag {
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
	default:
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.Copy(file, content); err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	if os.Getuid() == 0 {
		if err := root.Chown(name, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	return root.Chmod(name, h.FileInfo().Mode())
}
