// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Where a comment begins and ends decides what is code.
func TestCommentsHideNoCode(t *testing.T) {
	for name, code := range map[string]string{
		"a comment that ends in a backslash":      "echo a # b \\\ntouch /etc/x",
		"a line of comment with a backslash":      "echo \\\n# b \\\ntouch /etc/x",
		"a hash behind the bracket of a test":     "[[ a || (#'\nb ) ]]\ntouch /etc/x\n: #'\n) ]]",
		"a hash behind a list":                    "x=(a)#$(touch /etc/x)",
		"a dollar and a bracket on two lines":     "echo \"$\\\n(touch /etc/x)\"",
		"a comment in a handler with a backslash": "trap 'echo a # b \\\ntouch /etc/x' EXIT",
	} {
		t.Run(name, func(t *testing.T) {
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %q", code)
			}
		})
	}
}

func TestOrdinaryCommentsAndContinuedLinesAreAllowed(t *testing.T) {
	for _, code := range []string{
		"#!/bin/bash\n# a\necho a # b\n",
		"sort -k2 a.csv | \\\n  grep -v '^#' | \\\n  sed -e 's/#.*//' \\\n  > b.csv",
		"x=(\n  # one\n  a\n  b # two\n)\necho \"${#x[@]}\"",
	} {
		for _, op := range blocked(Read([]byte(code))) {
			t.Errorf("%s %s %s: %q", op.Kind, op.Name, op.Reason, code)
		}
	}
}

// What a handler prints within a command substitution is a part of its value.
func TestHandlersPrintIntoSubstitutions(t *testing.T) {
	for name, code := range map[string]string{
		"of an error":          "set -E\ntrap 'echo /etc/passwd' ERR\nf() { false; true; }\ncat \"$(f)\"",
		"of an error, a count": "set -E\ntrap \"echo '+a[\\$(touch /etc/x)]'\" ERR\nn=$(grep -c x missing)\necho $((n))",
		"of every command":     "set -T\ntrap 'echo /etc/passwd' DEBUG\nf() { :; }\ncat \"$(f)\"",
	} {
		t.Run(name, func(t *testing.T) {
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %q", code)
			}
		})
	}
	const harmless = "set -Eeuo pipefail\ntrap 'echo \"error in line $LINENO\" >&2' ERR\nn=$(wc -l < a.csv)\necho $((n + 1))"
	for _, op := range blocked(Read([]byte(harmless))) {
		t.Errorf("%s %s %s", op.Kind, op.Name, op.Reason)
	}
}

// What a process gets is part of the report, even where processes are allowed.
func TestInterpretersKeepTheirOptionsAndInput(t *testing.T) {
	for name, code := range map[string]string{
		"a line that is left out":             "python3 -x <<'EOF'\n'''\nimport os\n#'''\nEOF",
		"a module":                            "python3 -I -mhttp.server <<'EOF'\n1\nEOF",
		"a module that is loaded first":       "node --import=./evil.mjs <<'EOF'\n1\nEOF",
		"a here-document on another number":   "bash < evil.sh 3<<'EOF'\necho\nEOF",
		"a number in place of the input":      "bash <<'EOF' <&3\necho\nEOF",
		"a file in place of the input":        "bash <<'EOF' <>evil.sh\necho\nEOF",
		"an output in place of the input":     "bash <<'EOF' 0>evil.sh\necho\nEOF",
		"a variable that is exported":         "export n='a[$(id)]'; bash -c 'echo $((${n:-1}))'",
		"a variable for one command":          "n='a[$(id)]' bash -c 'echo $((${n:-1}))'",
		"a variable of env":                   "env 'COLUMNS=a[$(id)]' bash -c 'echo $((COLUMNS))'",
		"a variable that is declared with -x": "declare -x out=/etc; bash <<'EOF'\ncat \"${out:-x}/passwd\"\nEOF",
	} {
		t.Run(name, func(t *testing.T) {
			r := Read([]byte(code))
			for _, op := range r.Operations {
				if op.Kind == report.Dynamic {
					return
				}
				if argv := op.Args.Argv; op.Kind == report.Process && len(argv) > 3 {
					return // the gate's centre sees the option that stands before the code
				}
			}
			t.Errorf("the code seems to be all that runs: %q", code)
		})
	}
}

// The stack of directories turns: pushd +1 does not enter a directory of that name.
func TestTurningTheStackOfDirectoriesForgetsWhereItIs(t *testing.T) {
	for _, op := range Read([]byte("pushd /tmp; pushd /inputs; pushd +1; echo > x")).Operations {
		if op.Kind == report.FileWrite && op.Args.Path.Known != report.UnknownValue {
			t.Errorf("the written path is taken for known: %+v", op.Args.Path)
		}
	}
}

func TestCompressorsThatTestAndCompressReportWhatTheyReplace(t *testing.T) {
	for _, code := range []string{"xz -tz data.csv", "bzip2 -t -z data.csv"} {
		deletes := slices.ContainsFunc(Read([]byte(code)).Operations, func(op report.Operation) bool { return op.Kind == report.FileDelete })
		if !deletes {
			t.Errorf("no file is deleted: %q", code)
		}
	}
}

// Options in the home directory choose the server, or run a program.
func TestStartUpFilesOfDownloadersAreNotWritten(t *testing.T) {
	for _, code := range []string{"echo 'url = x' > /tmp/.curlrc", "cp a .wgetrc", "mkdir -p .config; tee .config/curlrc < a"} {
		if len(blocked(Read([]byte(code)))) == 0 {
			t.Errorf("allowed: %q", code)
		}
	}
}

func TestOrdinaryDatesAndScriptsWithNumbersAreAllowed(t *testing.T) {
	for _, code := range []string{
		"date -d yesterday +%F; date -d 'TZ=\"Europe/Berlin\" 09:00'; touch -d '2 days ago' x; find . -newermt '2024-01-01' -print",
		"ts=$(date +%s); date -d \"@$ts\" +%F; date -d \"2024-01-01 +$((1 + 2)) days\"",
		"n=$((3)); sed -n \"${n}p;$((n + 1)),${n}d\" f; sed \"s/a/$n/;s/b$n/c/g\" f",
		"tree -a -L 2 -I '*.tmp' .; jq --indent 2 . data.json; zgrep -c -i x a.gz",
		"x=$(echo \"a\n\"); cat \"$x\"",
	} {
		for _, op := range blocked(Read([]byte(code))) {
			t.Errorf("%s %s %s: %q", op.Kind, op.Name, op.Reason, code)
		}
	}
}

// gunzip data unpacks and deletes data.gz where there is no file data.
func TestUnpackersNameTheFilesThatTheyReallyTouch(t *testing.T) {
	for code, want := range map[string]report.Kind{
		"gunzip data":       report.FileDelete,
		"gzip -d data":      report.FileDelete,
		"gunzip -S .y data": report.FileDelete,
		"zcat data":         report.FileRead,
		"gzip -l data":      report.FileRead,
	} {
		for _, name := range []string{"/workspace/data", "/workspace/data.gz", "/workspace/data.Z"} {
			if !touches(Read([]byte(code)), want, name) {
				t.Errorf("no %s of %s: %q", want, name, code)
			}
		}
	}
	if !touches(Read([]byte("gunzip -S .y data")), report.FileDelete, "/workspace/data.y") {
		t.Error("the file with the suffix that is given is not deleted")
	}
	if touches(Read([]byte("gunzip data.gz")), report.FileDelete, "/workspace/data.gz.gz") {
		t.Error("a name that is plain is guessed")
	}
}

func TestDirectoriesThatPathsAreRelativeToAreRead(t *testing.T) {
	for _, option := range []string{"--relative-to=/x", "--relative-base /x"} {
		if !touches(Read([]byte("realpath "+option+" a")), report.FileRead, "/x") {
			t.Errorf("/x is not read: %s", option)
		}
	}
}

// touches tells whether a report has an operation on just that file.
func touches(r *report.Report, kind report.Kind, file string) bool {
	return slices.ContainsFunc(r.Operations, func(op report.Operation) bool {
		return op.Kind == kind && op.Args.Path.Known == report.Literal && op.Args.Path.Value == file
	})
}

// A function stands for a tool only where Bash calls it.
func TestFunctionsNamedLikeToolsHideNoTool(t *testing.T) {
	const define = "sum() { echo $(($# + 1)); }\n"
	for name, code := range map[string]string{
		"before its definition":         "sum /etc/passwd\n" + define,
		"defined in a branch":           "if [ -e x ]; then " + define + "fi\nsum /etc/passwd",
		"defined in a subshell":         "(" + define + ")\nsum /etc/passwd",
		"defined in a pipe":             "true | { " + define + "}\nsum /etc/passwd",
		"defined by a function":         "f() { " + define + "}\nsum /etc/passwd",
		"passed over by command":        define + "command sum /etc/passwd",
		"passed over by a path":         define + "/usr/bin/sum /etc/passwd",
		"passed over by xargs":          define + "echo 1 | xargs sum /etc/passwd",
		"passed over by find":           define + "find . -name x -exec sum /etc/passwd ';'",
		"passed over by env":            define + "env sum /etc/passwd",
		"passed over by timeout":        define + "timeout 5 sum /etc/passwd",
		"removed":                       define + "unset -f sum\nsum /etc/passwd",
		"removed as if a variable":      define + "unset sum\nsum /etc/passwd",
		"exported":                      "cat() { rm \"$1\"; }\nexport -f cat\nbash -c 'cat a'",
		"exported by an option":         "set -a\ncat() { rm \"$1\"; }\nbash -c 'cat a'",
		"that calls the tool":           "sum() { command sum \"$@\"; }\nsum /etc/passwd",
		"that deletes":                  "cat() { rm \"$1\"; }\ncat /etc/passwd",
		"that prints a path":            "wc() { echo /etc/passwd; }\nsort \"$(wc -l < a)\"",
		"in place of a builtin":         "test() { :; }\ntest -e x || cat a",
		"in place of a command for all": "xargs() { :; }\necho a | xargs cat",
		"in place of an interpreter":    "bash() { :; }\nbash a",
	} {
		t.Run(name, func(t *testing.T) {
			if len(blocked(Read([]byte(code)))) == 0 {
				t.Errorf("allowed: %q", code)
			}
		})
	}
}

// Devices that only give bytes are read by what keeps no device, and never written.
func TestRandomAndZeroBytesAreReadOnly(t *testing.T) {
	for _, code := range []string{
		"echo x > /dev/urandom", "dd if=a of=/dev/zero", "rm /dev/zero", "cp -a /dev/zero .", "tar cf a.tar /dev/zero", "ln -s /dev/zero z",
		"cat /dev/zero/../../etc/passwd", "cat /dev/random*", "cat /dev/mem", "mv /dev/urandom a", "chmod 600 /dev/random", "exec 3<>/dev/urandom",
	} {
		if len(blocked(Read([]byte(code)))) == 0 {
			t.Errorf("allowed: %q", code)
		}
	}
}

func TestOrdinaryFunctionsAndRandomBytesAreAllowed(t *testing.T) {
	for _, code := range []string{
		"sum() { local t=0 i; for i in \"$@\"; do t=$((t + i)); done; echo \"$t\"; }\nsum 1 2",
		"join() { local IFS=,; echo \"$*\"; }\njoin a b",
		"head -c 16 /dev/urandom | xxd -p; tr -dc 'a-z' < /dev/urandom | head -c 8; od -An -N4 -tu4 /dev/random",
		"dd if=/dev/zero of=/tmp/a bs=1M count=1",
	} {
		for _, op := range blocked(Read([]byte(code))) {
			t.Errorf("%s %s %s: %q", op.Kind, op.Name, op.Reason, code)
		}
	}
}
