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
