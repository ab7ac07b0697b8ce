//go:build oracle

// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/bash"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// benignBash are scripts that the gate should allow; they expect data.csv and sales.csv.
const benignBash = "../eval/testdata/benign-bash.jsonl"

func needsBash(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("the oracle needs root, to run samples on an overlay of the machine")
	}
	for _, name := range []string{"bash", "strace", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped, nothing of Bash was run: %v", err)
		}
	}
}

// ownOfShell are files that Bash and the tools read on their own: the loader's,
// locales, devices that only give bytes, the shell's terminal and its pipes.
var ownOfShell = regexp.MustCompile(`^(/etc/(ld\.so\.(cache|preload)|localtime|locale\.alias|nsswitch\.conf|passwd|group|magic|terminfo/.*|inputrc)|/usr/(local/)?(lib|share|bin)/.*|/lib(64)?/.*|/proc/(self|[0-9]+|filesystems|sys/kernel/.*|meminfo|stat|cpuinfo)(/.*)?|` +
	`/sys/(devices/system/cpu|fs/cgroup|kernel/mm)(/.*)?|/dev/(null|zero|tty|fd/[0-9]+|u?random)|/workspace(/main\.sh)?|/tmp/\.jq|pipe:\[[0-9]+\])$`)

// scratch are the files that Bash and its tools make and remove on their way:
// here-documents, what sort spills, and what sed -i renames.
var scratch = regexp.MustCompile(`^/tmp/(sh-thd\.[A-Za-z0-9]+|sort[A-Za-z0-9]{6})$|^(/workspace|/tmp)(/.*)?/sed[A-Za-z0-9]{6}$`)

func isNamedForBash(e event, operations []report.Operation) bool {
	switch {
	case strings.HasPrefix(e.Name, "clone"), e.Name == "fork", e.Name == "vfork", e.Name == "kill":
		return true // a shell forks for every command, and ends its own children
	case e.Name == "socket" && strings.HasPrefix(e.Detail, " AF_UNIX,"), e.Name == "connect" && strings.Contains(e.Detail, `sun_path="/var/run/nscd/socket"`):
		return true // the C library asks for the name of the user
	case e.Name == "execve":
		return isNamedTool(path.Base(firstPath(e)), operations)
	case e.Name == "chdir":
		e.Path = path.Join(report.WorkingDirectory, firstPath(e))
		if path.IsAbs(firstPath(e)) {
			e.Path = firstPath(e)
		}
	}
	if m := descriptor.FindStringSubmatch(e.Detail); m != nil && e.Name == "utimensat" {
		e.Path, e.Write = m[1], true
	}
	if e.Path == "" {
		return false
	}
	if !e.Write && ownOfShell.MatchString(e.Path) || scratch.MatchString(e.Path) || e.Path == "/dev/null" || e.Path == "/dev/tty" {
		return true
	}
	return slices.ContainsFunc(operations, func(op report.Operation) bool {
		f := op.Args.Path
		return f != nil && f.Known == report.Literal && (!e.Write || op.Kind != report.FileRead) && (covers(f.Value, e.Path, e) ||
			!e.Write && e.Path == path.Dir(f.Value) ||
			e.Name == "os.mkdir" && slices.Contains(strings.Split(f.Value, "/"), path.Base(e.Path)))
	})
}

// descriptor is the file that a descriptor stands for.
var descriptor = regexp.MustCompile(`^ \d+<([^>]+)>, NULL`)

// starts are the programs that tools start on their own.
var starts = map[string][]string{"tar": {"sh", "gzip", "bzip2", "xz", "zstd"}, "zcat": {"gzip"}, "gunzip": {"gzip"}}

// isNamedTool reports whether an operation is of the tool, or of one that starts it.
func isNamedTool(tool string, operations []report.Operation) bool {
	return tool == "bash" || slices.ContainsFunc(operations, func(op report.Operation) bool {
		return path.Base(op.Name) == tool || slices.Contains(starts[path.Base(op.Name)], tool)
	})
}

// firstPath is the first quoted argument of a call.
func firstPath(e event) string {
	if m := pathPattern.FindStringSubmatch(e.Detail); m != nil {
		return m[2]
	}
	return ""
}

func unnamedForBash(events []event, operations []report.Operation) []string {
	var out []string
	for _, e := range events {
		if !isNamedForBash(e, operations) {
			out = append(out, e.Name+" "+e.Path+e.Detail)
		}
	}
	return out
}

func TestAllowedBashHasOnlyEffectsThatItsReportNames(t *testing.T) {
	needsBash(t)
	for _, name := range append(sampleFiles(t), benignBash) {
		read, ends := 0, map[string]int{}
		for _, s := range readSamples(t, name) {
			if !slices.Contains([]string{"bash", "sh", "shell"}, strings.ToLower(s.Lang)) {
				continue
			}
			read++
			r := bash.Read([]byte(s.Code))
			if !isAllowed(r) {
				continue
			}
			events, end, _ := runTraced(t, "bash", "main.sh", s.Code)
			ends[end]++
			for _, effect := range unnamedForBash(events, r.Operations) {
				t.Errorf("%s %v: %s", filepath.Base(name), s.ID, effect)
			}
		}
		if read > 0 {
			t.Logf("%s: of %d samples in Bash those that are allowed ran, and ended with %v", filepath.Base(name), read, ends)
		}
	}
}

// TestTheBashOracleSeesEffects is the positive control: what the gate refuses has
// effects that an empty report does not name.
func TestTheBashOracleSeesEffects(t *testing.T) {
	needsBash(t)
	for name, code := range map[string]string{
		"a file of the system":   "cat /etc/hostname",
		"a redirection":          "echo x > out",
		"a file that is read":    "read x < data.csv",
		"a removal":              "rm data.csv",
		"a move":                 "mv data.csv b",
		"a link":                 "ln -s /etc b",
		"a directory":            "mkdir d",
		"another directory":      "cd /etc",
		"a program":              "id",
		"a program in a string":  "eval id",
		"a program in a number":  "x='a[$(id)]'; echo $((x))",
		"a socket":               "exec 3<>/dev/tcp/127.0.0.1/9",
		"the mode of a file":     "chmod 600 data.csv",
		"a program of a tool":    "find . -maxdepth 0 -exec id \\;",
		"a script that is read":  ". ./data.csv",
		"a program by its trap":  "trap id EXIT",
		"a file that sed writes": "sed -n 'w out' data.csv",
	} {
		t.Run(name, func(t *testing.T) {
			events, end, _ := runTraced(t, "bash", "main.sh", code)
			if len(unnamedForBash(events, nil)) == 0 {
				t.Errorf("no effect was seen; events %+v, end %s", events, end)
			}
		})
	}
	if events, end, _ := runTraced(t, "bash", "main.sh", "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i"); len(unnamedForBash(events, nil)) > 0 || end != "0" {
		t.Errorf("a script without effects ended with %s and has %v", end, unnamedForBash(events, nil))
	}
}
