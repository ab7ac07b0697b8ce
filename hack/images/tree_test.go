// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// packed writes files into a directory in the given order and packs it.
func packed(t *testing.T, paths []string, mode os.FileMode, changed time.Time) []byte {
	t.Helper()
	dir := t.TempDir()
	for _, path := range paths {
		file := filepath.Join(dir, path)
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(path), 0o600),
			os.Chmod(file, mode), os.Chtimes(file, changed, changed))
		if err != nil {
			t.Fatal(err)
		}
	}
	tr, err := readTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tr.writeTar(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestALayerDoesNotDependOnOrderTimeOrUmask(t *testing.T) {
	first := packed(t, []string{"a/b", "a-c", "d"}, 0o644, time.Unix(1, 0))
	second := packed(t, []string{"d", "a-c", "a/b"}, 0o664, time.Unix(2e9, 0))
	if !bytes.Equal(first, second) {
		t.Error("the same files gave different layers")
	}
}

func TestSetUserIDBitsDoNotReachALayer(t *testing.T) {
	layer := packed(t, []string{"usr/bin/su"}, 0o6777|os.ModeSetuid|os.ModeSetgid, epoch)
	seen := 0
	for r := tar.NewReader(bytes.NewReader(layer)); ; seen++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode&0o7022 != 0 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
	}
	if seen != 3 {
		t.Errorf("%d entries, want 3", seen)
	}
}

func TestPythonImageKeepsOnlyWhatPythonNeeds(t *testing.T) {
	for name, want := range map[string]bool{
		"usr/bin/python3.11":                                         true,
		"usr/lib/python3.11/os.py":                                   true,
		"usr/lib/python3/dist-packages/numpy/core/numeric.py":        true,
		"usr/lib/python3/dist-packages/pandas/_testing/__init__.py":  true,
		"usr/lib/x86_64-linux-gnu/libc.so.6":                         true,
		"etc/python3.11/sitecustomize.py":                            true,
		"usr/bin/dash":                                               false,
		"usr/bin/pdb3":                                               false,
		"usr/sbin/ldconfig":                                          false,
		"usr/lib/python3/dist-packages/pandas/tests/test_x.py":       false,
		"usr/lib/python3/dist-packages/numpy/core/tests/test_x.py":   false,
		"usr/lib/python3.11/test/support.py":                         false,
		"usr/lib/python3.11/turtledemo/chaos.py":                     false,
		"usr/lib/x86_64-linux-gnu/libc.a":                            false,
		"usr/lib/x86_64-linux-gnu/gconv/UTF-16.so":                   false,
		"usr/share/doc/python3/copyright":                            false,
		"etc/profile":                                                false,
		"var/lib/dpkg/info/x":                                        false,
		"usr/lib/python3.11/lib-dynload/nis.cpython-311-x86_64-.so":  false,
		"usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-.so": true,
	} {
		t.Run(name, func(t *testing.T) {
			if got := keepInPython(name); got != want {
				t.Errorf("kept: %t, want %t", got, want)
			}
		})
	}
}

func TestPackagePathsAreMergedIntoUsr(t *testing.T) {
	for name, want := range map[string]string{
		"./bin/dash":             "usr/bin/dash",
		"./lib64/ld-linux.so.2":  "usr/lib64/ld-linux.so.2",
		"./usr/lib/python3":      "usr/lib/python3",
		"./libexec/x":            "libexec/x",
		"./":                     ".",
		"./etc/../../etc/passwd": "../etc/passwd", // Which os.Root refuses.
	} {
		t.Run(name, func(t *testing.T) {
			if got := merged(name); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestATamperedPackageIsRefused(t *testing.T) {
	a := &apt{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(a.dir, "archives"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.dir, "archives", "libx_1%3a2_amd64.deb")
	const stanza = "Package: libx\nVersion: 1:2\nArchitecture: amd64\n" +
		"SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n" // Of "abc".
	for name, tc := range map[string]struct {
		content, stanza string
		want            bool
	}{
		"as Debian has it":           {"abc", stanza, true},
		"one byte changed":           {"abd", stanza, false},
		"no digest in the records":   {"abc", "Package: libx\nVersion: 1:2\nArchitecture: amd64\n", false},
		"records of another package": {"abc", "Package: liby\n" + stanza[14:], false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := a.verify(tc.stanza); (err == nil) != tc.want {
				t.Errorf("accepted: %t (%v), want %t", err == nil, err, tc.want)
			}
		})
	}
}
