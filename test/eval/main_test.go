// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate"
)

// folder writes files, compressed where the name says so.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		content := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			content = b.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRunJudgesByAGivenPolicyWhatItSelects(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.jsonl": `{"lang": "python", "id": "helper", "code": "import pandas as pd\ndef f(p):\n    return pd.read_csv(p)"}
{"lang": "python", "id": "program", "code": "import subprocess\nimport numpy\nsubprocess.run(['id'])"}
{"lang": "python", "id": "not installed", "code": "import pandas\nimport sklearn"}
{"lang": "python", "id": "other", "code": "import json"}
{"lang": "bash", "id": "no Python", "code": "true"}`,
	})
	out := filepath.Join(t.TempDir(), "out.jsonl")
	o := options{corpora: dir, policy: "../../config/samples/policies/data-analysis.yaml", uses: "pandas,numpy", installed: "dateutil", out: out}
	if err := run(o, &strings.Builder{}, time.Now); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(text)) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got[r.ID.(string)] = r.Decision["given"]
	}
	if diff := cmp.Diff(map[string]string{"helper": allowed, "program": denied}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRunJudgesAnyFolder(t *testing.T) {
	dir := folder(t, map[string]string{
		"mine.jsonl": `{"lang": "py", "code": "print(1)", "id": 1}
{"lang": "Python3", "code": "open('out.csv', 'w')", "id": "two", "label": "benign"}

{"lang": "python", "code": "print 'x'", "id": "three"}
{"lang": "COBOL", "code": "STOP RUN.", "id": "four"}`,
		"packed.jsonl.gz": `{"lang": "PYTHON", "code": "import os; os.remove('/etc/x')", "id": "five", "corpus": "named"}`,
		"README.md":       "not a corpus",
	})
	out := filepath.Join(t.TempDir(), "out.jsonl")
	var table strings.Builder
	if err := run(options{corpora: dir, out: out}, &table, time.Now); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		id, err := json.Marshal(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		got[string(id)] = r.Corpus + " " + r.Decision["compute"] + " " + r.Decision["workspace"]
	}
	want := map[string]string{
		"1": "mine allow allow", `"two"`: "mine deny allow", `"three"`: "mine error error", `"four"`: "mine error error", `"five"`: "named deny deny",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(table.String(), "workspace") {
		t.Errorf("no table:\n%s", table.String())
	}
}

func TestRunNamesTheLineThatIsNoSample(t *testing.T) {
	dir := folder(t, map[string]string{"bad.jsonl": "{\"lang\": \"py\", \"code\": \"1\"}\nnot json\n"})
	err := run(options{corpora: dir}, &strings.Builder{}, time.Now)
	if err == nil || !strings.Contains(err.Error(), "bad.jsonl:2:") {
		t.Errorf("error = %v, want one that names bad.jsonl:2", err)
	}
	if err := run(options{corpora: t.TempDir()}, &strings.Builder{}, time.Now); err == nil || !strings.Contains(err.Error(), "no samples") {
		t.Errorf("error = %v, want no samples", err)
	}
}

func TestDialects(t *testing.T) {
	tests := map[string]struct {
		sample sample
		want   gate.Dialect
	}{
		"declared":                   {sample{Lang: "sql", Dialect: "postgres"}, gate.PostgreSQL},
		"declared as the API spells": {sample{Lang: "SQL", Dialect: "MySQL"}, gate.MySQL},
		"named by the language":      {sample{Lang: "PostgreSQL"}, gate.PostgreSQL},
		"the declaration wins":       {sample{Lang: "mysql", Dialect: "postgresql"}, gate.PostgreSQL},
		"none":                       {sample{Lang: "sql"}, ""},
		"one that is not read":       {sample{Lang: "sql", Dialect: "sqlite"}, "sqlite"},
		"a language is no dialect":   {sample{Lang: "sql", Dialect: "python"}, "python"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.sample.code().Dialect; got != tc.want {
				t.Errorf("dialect = %q, want %q", got, tc.want)
			}
		})
	}
}
