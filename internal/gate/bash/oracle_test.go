// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatTheParserAcceptsBashAccepts compares the parser with Bash: what it accepts as one
// complete script, Bash must accept, or the two read it differently.
func TestWhatTheParserAcceptsBashAccepts(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed: there is nothing to compare the parser with")
	}
	var all []string
	for _, scripts := range attackScripts() {
		all = append(all, scripts...)
	}
	all = append(all, ordinaryScripts()...)
	for _, code := range all {
		r := Read([]byte(code))
		if !complete(r) || len(blocked(r)) > 0 {
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = strings.NewReader(code)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("allowed, but Bash cannot read it: %s\n%s", out, code)
		}
	}
}

// systemCalls are the lines of strace that show an effect: what was opened,
// what was started, where it connected.
var (
	openCall    = regexp.MustCompile(`openat\(AT_FDCWD, "([^"]*)", ([A-Z_|]+)[^=]*\) = (\d+)`)
	execCall    = regexp.MustCompile(`execve\("([^"]*)".* = 0`)
	connectCall = regexp.MustCompile(`connect\(.*AF_INET`)
	// systemFile are the files that programs open to start at all.
	systemFile = regexp.MustCompile(`^(/dev/fd/[0-9]+$|/etc/ld\.so\.|/lib|/usr/lib|/usr/share|/usr/bin/|/bin/|/proc/(self|filesystems|[0-9]+)|/dev/(null|tty)|/etc/(locale|nsswitch|passwd|group|localtime)|/sys/devices/system/cpu)`)
)

// TestEffectsOfOrdinaryScriptsAreNamed runs the scripts that are allowed under
// strace: every file that they open has to be below what the report names, or a
// file that programs need to start, and they connect to nothing.
func TestEffectsOfOrdinaryScriptsAreNamed(t *testing.T) {
	for _, tool := range []string{"bash", "strace"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: effects cannot be observed", tool)
		}
	}
	for _, code := range ordinaryScripts() {
		if strings.Contains(code, "/tmp") || strings.Contains(code, "mktemp") || strings.Contains(code, "sleep") {
			continue // leaves the directory of the test on purpose
		}
		observe(t, code)
	}
}

func observe(t *testing.T, code string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"data", "src", "logs"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"data.txt", "data.csv", "input.txt", "words.txt", "f", "f.txt", "a.txt", "b.txt", "data/x.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("b,2,3\na,1,2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-qq", "-e", "trace=execve,openat,connect", "-o", trace, "bash", "-c", code)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.Stdin = strings.NewReader("q\n")
	if out, err := cmd.CombinedOutput(); err != nil && strings.Contains(string(out), "ptrace") {
		t.Skip("strace may not trace processes here: effects cannot be observed")
	}
	lines, err := os.ReadFile(trace)
	if err != nil {
		t.Skipf("strace wrote no trace: %v", err)
	}
	named := namedPaths(code)
	for line := range strings.Lines(string(lines)) {
		if connectCall.MatchString(line) {
			t.Errorf("connects: %s\n%s", line, code)
		}
		if m := execCall.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "/usr/bin/") && !strings.HasPrefix(m[1], "/bin/") {
			t.Errorf("starts %s\n%s", m[1], code)
		}
		if m := openCall.FindStringSubmatch(line); m != nil && !isNamed(named, dir, m[1]) {
			t.Errorf("opens %s, which the report does not name\n%s", m[1], code)
		}
	}
}

// namedPaths gives the paths of the report.
func namedPaths(code string) []string {
	var out []string
	for _, op := range Read([]byte(code)).Operations {
		if op.Args.Path != nil {
			out = append(out, op.Args.Path.Value)
		}
	}
	return out
}

// isNamed tells whether a path that was opened in dir is below one of the
// report, or is read as a part of its name: a pattern reads the directory.
func isNamed(named []string, dir, opened string) bool {
	if systemFile.MatchString(opened) {
		return true
	}
	if !filepath.IsAbs(opened) {
		opened = filepath.Join(dir, opened)
	}
	rest, ok := strings.CutPrefix(opened, dir)
	if !ok {
		return false
	}
	opened = "/workspace" + rest
	for _, path := range named {
		if opened == path || strings.HasPrefix(opened, path+"/") || filepath.Dir(path) == opened {
			return true
		}
	}
	return false
}
