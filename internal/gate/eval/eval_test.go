// SPDX-License-Identifier: Apache-2.0

// Package eval measures the gate on corpora of labelled samples. It judges by a
// plain rule set in place of a policy: imports of known modules, computation,
// and files under the working directory, /tmp and /inputs are allowed; known
// effects need approval; what could not be proven is denied.
//
//	CORPORA=DIR [OUT=FILE] go test ./internal/gate/eval -run Corpora -v -count=1
package eval

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/airlock-dev/airlock/internal/gate"
)

type sample struct {
	Corpus string `json:"corpus"`
	Label  string `json:"label"`
	Lang   string `json:"lang"`
	ID     any    `json:"id"`
	Code   string `json:"code"`
	Cat    any    `json:"cat"`
	Libs   any    `json:"libs"`
}

type verdict struct {
	Corpus   string   `json:"corpus"`
	ID       any      `json:"id"`
	Label    string   `json:"label,omitempty"`
	Cat      any      `json:"cat,omitempty"`
	Decision string   `json:"decision"`
	Reasons  []string `json:"reasons,omitempty"`
	Micros   float64  `json:"microseconds"`
}

var languages = map[string]gate.Language{
	"python": gate.Python, "py": gate.Python, "python3": gate.Python, "bash": gate.Bash, "sh": gate.Bash, "shell": gate.Bash,
	"javascript": gate.JavaScript, "js": gate.JavaScript, "typescript": gate.TypeScript, "ts": gate.TypeScript, "sql": gate.SQL,
}

// decide judges a report: "allow", "approval", "deny" or "error".
func decide(r *gate.Report) (string, []string) {
	if !r.Complete() {
		reason := strings.Join(r.Limits, " ")
		if r.Error != nil {
			reason = fmt.Sprintf("%d:%d %s", r.Error.Position.Line, r.Error.Position.Column, r.Error.Message)
		}
		return "error", []string{reason}
	}
	decision, reasons := "allow", []string{}
	for _, op := range r.Operations {
		d := judge(op)
		if d == "allow" {
			continue
		}
		if d == "deny" || decision == "allow" {
			decision = d
		}
		reasons = append(reasons, describe(op))
	}
	return decision, reasons
}

func judge(op gate.Operation) string {
	switch op.Kind {
	case gate.KindImport, gate.KindCompute:
		return "allow"
	case gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete:
		if f := op.Args.Path; f != nil && f.Known == gate.FactLiteral {
			for _, dir := range []string{"/workspace", "/tmp", "/inputs"} {
				if f.Value == dir || strings.HasPrefix(f.Value, dir+"/") {
					return "allow"
				}
			}
		}
		return "approval"
	case gate.KindNetwork, gate.KindProcess, gate.KindSQL, gate.KindEnvironment:
		return "approval"
	default:
		return "deny"
	}
}

func describe(op gate.Operation) string {
	text := fmt.Sprintf("%d:%d %s %s", op.Position.Line, op.Position.Column, op.Kind, op.Name)
	for label, f := range map[string]*gate.Fact{"path": op.Args.Path, "host": op.Args.Host, "env": op.Args.Env, "sql": op.Args.SQL} {
		if f != nil {
			text += fmt.Sprintf(" %s=%s(%s)", label, f.Known, f.Value)
		}
	}
	return text
}

func TestCorpora(t *testing.T) {
	dir := os.Getenv("CORPORA")
	if dir == "" {
		t.Skip("CORPORA is not set: no corpora to measure")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.jsonl or *.jsonl.gz in %s (%v)", dir, err)
	}
	out := io.Discard
	if name := os.Getenv("OUT"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out = f
	}
	table := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', 0)
	fmt.Fprintln(table, "CORPUS\tLANGUAGE\tLABEL\tSAMPLES\tALLOWED\tAPPROVAL\tDENIED\tERRORS\tP50 µs\tP99 µs")
	for _, name := range files {
		measure(t, name, table, json.NewEncoder(out))
	}
	table.Flush() //nolint:errcheck // standard output
}

type tally struct {
	counts map[string]int
	micros []float64
}

// measure judges the samples of one file and adds its rows to the table.
func measure(t *testing.T, name string, table io.Writer, out *json.Encoder) {
	tallies := map[string]*tally{}
	for _, s := range readSamples(t, name) {
		corpus := s.Corpus
		if corpus == "" {
			corpus = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".gz"), ".jsonl")
		}
		start := time.Now()
		r := gate.Read(gate.Code{Language: languages[strings.ToLower(s.Lang)], Source: []byte(s.Code)})
		micros := float64(time.Since(start).Nanoseconds()) / 1000
		decision, reasons := decide(r)
		key := fmt.Sprintf("%s\t%s\t%s", corpus, s.Lang, s.Label)
		if tallies[key] == nil {
			tallies[key] = &tally{counts: map[string]int{}}
		}
		tallies[key].counts[decision]++
		tallies[key].micros = append(tallies[key].micros, micros)
		if err := out.Encode(verdict{corpus, s.ID, s.Label, s.Cat, decision, reasons, micros}); err != nil {
			t.Fatal(err)
		}
	}
	keys := []string{}
	for key := range tallies {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		c, m := tallies[key].counts, tallies[key].micros
		slices.Sort(m)
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\n",
			key, len(m), c["allow"], c["approval"], c["deny"], c["error"], m[len(m)/2], m[len(m)*99/100])
	}
}

func readSamples(t *testing.T, name string) []sample {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var samples []sample
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		samples = append(samples, s)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return samples
}
