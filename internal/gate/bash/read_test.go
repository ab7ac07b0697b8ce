// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// blocked gives the operations that a policy for ordinary data work does not
// allow: anything but computation and files below a few directories.
func blocked(r *report.Report) []report.Operation {
	var out []report.Operation
	if !complete(r) {
		return []report.Operation{{Kind: report.Unknown, Name: "report"}}
	}
	for _, op := range r.Operations {
		switch op.Kind {
		case report.Import, report.Compute:
		case report.FileRead, report.FileWrite, report.FileDelete:
			if !inWorkspace(op) {
				out = append(out, op)
			}
		default:
			out = append(out, op)
		}
	}
	return out
}

func complete(r *report.Report) bool { return r.Error == nil && len(r.Limits) == 0 }

// inWorkspace reports whether an operation stays in the directories of a sandbox: inputs are only read.
func inWorkspace(op report.Operation) bool {
	f := op.Args.Path
	if f == nil || f.Known != report.Literal {
		return false
	}
	dirs := []string{"/workspace", "/tmp"}
	if op.Kind == report.FileRead {
		dirs = append(dirs, "/inputs")
	}
	for _, dir := range dirs {
		if f.Value == dir || strings.HasPrefix(f.Value, dir+"/") {
			return true
		}
	}
	return false
}

func TestOrdinaryScriptsAreAllowed(t *testing.T) {
	for name, code := range map[string]string{
		"a pipeline over files":         "grep -i error log.txt | sort | uniq -c | sort -rn | head -10",
		"a loop over names of files":    `for f in *.csv; do wc -l "$f"; done`,
		"a counter":                     "i=0\nwhile [ $i -lt 5 ]; do i=$((i + 1)); done",
		"a function with numbers":       "add() { local a=$1 b=$2; echo $((a + b)); }\nx=$(add 2 3)\necho $((x * 2))",
		"a recursive function":          `fib() { local n=$1; if [ "$n" -le 1 ]; then echo $n; else echo $(( $(fib $((n-1))) + $(fib $((n-2))) )); fi; }; fib 9`,
		"directories and copies":        "mkdir -p out && cp a.txt out/ && mv out/a.txt out/b.txt && rm -rf out",
		"a temporary file and its trap": "tmp=$(mktemp)\ntrap 'rm -f \"$tmp\"' EXIT\nsort data.txt > \"$tmp\"",
		"here-documents":                "cat > out.txt <<EOF\nhello\nEOF",
		"awk that adds":                 `awk -F, '$3 > 100 {s += $3} END {print s/NR}' data.csv`,
		"sed that substitutes":          `sed -e 's/a/b/g' -e '/^#/d' in.txt > out.txt`,
		"a map of counts":               `declare -A n; while read -r w; do n[$w]=$(( ${n[$w]:-0} + 1 )); done < words.txt`,
		"what find finds":               `find . -name '*.log' -exec wc -l {} \;`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range blocked(Read([]byte(code))) {
				t.Errorf("%s %s %+v: %s", op.Kind, op.Name, op.Args, op.Reason)
			}
		})
	}
}
