// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-dev/airlock/internal/runner"
)

// volume is what an init container sees: a source mount and an empty volume.
type volume struct {
	t    *testing.T
	dir  string
	args []string
}

// newVolume mounts the code like the kubelet does, behind a symbolic link.
func newVolume(t *testing.T, code string) *volume {
	t.Helper()
	v := &volume{t: t, dir: t.TempDir()}
	v.write("..data", code)
	if err := os.Symlink("..data", v.path("code")); err != nil {
		t.Fatal(err)
	}
	v.write("termination-log", "")
	v.args = []string{
		"prepare", "--source=" + v.path("code"), "--code-sha256=" + hexDigest("judged"), "--code=" + v.path("main.py"),
		"--runner=" + v.path("runner"), "--termination-log=" + v.path("termination-log"),
	}
	return v
}

func (v *volume) path(name string) string { return filepath.Join(v.dir, name) }

func (v *volume) write(name, content string) {
	v.t.Helper()
	if err := os.WriteFile(v.path(name), []byte(content), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

func (v *volume) prepare(args ...string) int {
	return dispatch(append(v.args, args...), io.Discard, io.Discard)
}

// wantFile fails the test unless the file has the content and the mode.
func (v *volume) wantFile(name, content string, mode os.FileMode) {
	v.t.Helper()
	got, err := os.ReadFile(v.path(name))
	if err != nil {
		v.t.Fatal(err)
	}
	info, err := os.Stat(v.path(name))
	if err != nil {
		v.t.Fatal(err)
	}
	if string(got) != content || info.Mode() != mode {
		v.t.Errorf("%s: %d bytes with mode %v, want %d bytes with mode %v", name, len(got), info.Mode(), len(content), mode)
	}
}

func hexDigest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestPrepareLaysDownTheJudgedBytes(t *testing.T) {
	v := newVolume(t, "judged")
	v.write("data.csv", "a,b\n")
	if err := os.Mkdir(v.path("inputs"), 0o700); err != nil {
		t.Fatal(err)
	}
	executable, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, attempt := range []string{"first start", "started again after a crash"} {
		if got := v.prepare("--input="+v.path("data.csv")+"="+hexDigest("a,b\n"), "--inputs-to="+v.path("inputs")); got != 0 {
			t.Fatalf("%s: exit code %d", attempt, got)
		}
		v.wantFile("main.py", "judged", 0o444)
		v.wantFile("runner", string(executable), 0o555)
		v.wantFile("inputs/data.csv", "a,b\n", 0o444)
		v.wantFile("termination-log", "", 0o600)
	}
}

func TestPrepareRefusesSwappedBytesAndLeavesNoCode(t *testing.T) {
	for name, tc := range map[string]struct {
		code, input string
		reason      runner.Reason
	}{
		"the code was swapped":           {"import os", "a,b\n", runner.CodeDigestMismatch},
		"the code has an extra newline":  {"judged\n", "a,b\n", runner.CodeDigestMismatch},
		"the code is empty":              {"", "a,b\n", runner.CodeDigestMismatch},
		"the input was swapped":          {"judged", "x,y\n", runner.InputDigestMismatch},
		"the input was cut by one byte":  {"judged", "a,b", runner.InputDigestMismatch},
		"the input was swapped for none": {"judged", "", runner.InputDigestMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVolume(t, tc.code)
			v.write("data.csv", tc.input)
			if got := v.prepare("--input=" + v.path("data.csv") + "=" + hexDigest("a,b\n")); got != runner.ExitRefused {
				t.Errorf("exit code %d, want %d", got, runner.ExitRefused)
			}
			if _, err := os.Stat(v.path("main.py")); err == nil {
				t.Error("the code was laid down")
			}
			message, err := os.ReadFile(v.path("termination-log"))
			if err != nil {
				t.Fatal(err)
			}
			report, err := runner.ParseReport(message)
			if err != nil {
				t.Fatal(err)
			}
			if report.Reason != tc.reason {
				t.Errorf("reason %s, want %s", report.Reason, tc.reason)
			}
		})
	}
}

func TestPrepareDoesNotFollowALinkInTheVolume(t *testing.T) {
	v := newVolume(t, "judged")
	v.write("victim", "untouched")
	if err := os.Symlink("victim", v.path("main.py")); err != nil {
		t.Fatal(err)
	}
	if got := v.prepare(); got != 0 {
		t.Fatalf("exit code %d", got)
	}
	v.wantFile("victim", "untouched", 0o600)
	v.wantFile("main.py", "judged", 0o444)
}

func TestUnknownArgumentsAreRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"none":                       nil,
		"unknown command":            {"exec"},
		"unknown flag":               {"run", "--shell"},
		"input without a digest":     {"run", "--input=/inputs/a.csv"},
		"input with a short digest":  {"run", "--input=/inputs/a.csv=abc"},
		"argument after the options": {"prepare", "extra"},
		"bad timeout":                {"run", "--timeout=soon"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := dispatch(args, io.Discard, io.Discard); got != runner.ExitRefused {
				t.Errorf("exit code %d, want %d", got, runner.ExitRefused)
			}
		})
	}
}
