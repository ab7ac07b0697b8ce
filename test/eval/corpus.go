// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate"
)

// sample is a line of a corpus.
type sample struct {
	Corpus  string `json:"corpus"`
	Label   string `json:"label"`
	Lang    string `json:"lang"`
	Dialect string `json:"dialect"`
	ID      any    `json:"id"`
	Code    string `json:"code"`
}

// maxLine bounds a line of a corpus, in bytes.
const maxLine = 64 << 20

// languages are the usual spellings; some of SQL name the dialect too.
var languages = map[string]struct {
	language gate.Language
	dialect  gate.Dialect
}{
	"python": {gate.Python, ""}, "python3": {gate.Python, ""}, "py": {gate.Python, ""}, "py3": {gate.Python, ""},
	"bash": {gate.Bash, ""}, "sh": {gate.Bash, ""}, "shell": {gate.Bash, ""}, "shellscript": {gate.Bash, ""}, "posix": {gate.Bash, ""},
	"javascript": {gate.JavaScript, ""}, "js": {gate.JavaScript, ""}, "mjs": {gate.JavaScript, ""}, "cjs": {gate.JavaScript, ""},
	"node": {gate.JavaScript, ""}, "nodejs": {gate.JavaScript, ""}, "node.js": {gate.JavaScript, ""}, "ecmascript": {gate.JavaScript, ""},
	"typescript": {gate.TypeScript, ""}, "ts": {gate.TypeScript, ""}, "mts": {gate.TypeScript, ""}, "cts": {gate.TypeScript, ""},
	"sql": {gate.SQL, ""}, "postgresql": {gate.SQL, gate.PostgreSQL}, "postgres": {gate.SQL, gate.PostgreSQL}, "pgsql": {gate.SQL, gate.PostgreSQL},
	"pg": {gate.SQL, gate.PostgreSQL}, "plpgsql": {gate.SQL, gate.PostgreSQL}, "psql": {gate.SQL, gate.PostgreSQL},
	"mysql": {gate.SQL, gate.MySQL}, "mariadb": {gate.SQL, gate.MySQL},
}

// code is the sample as the gate reads it. A language or dialect that is not
// known stays as it is spelled, and the gate refuses it.
func (s sample) code() gate.Code {
	named, ok := languages[strings.ToLower(strings.TrimSpace(s.Lang))]
	if !ok {
		named.language = gate.Language(s.Lang)
	}
	if s.Dialect != "" {
		named.dialect = gate.Dialect(s.Dialect)
		if known, ok := languages[strings.ToLower(strings.TrimSpace(s.Dialect))]; ok && known.dialect != "" {
			named.dialect = known.dialect
		}
	}
	return gate.Code{Language: named.language, Dialect: named.dialect, Source: []byte(s.Code)}
}

// readFolder reads all corpora of a folder, and joins what could not be read into an error.
func readFolder(dir string) ([]sample, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var all []sample
	var unreadable []error
	for _, file := range files {
		if !strings.HasSuffix(file, ".jsonl") && !strings.HasSuffix(file, ".jsonl.gz") {
			continue
		}
		samples, err := readFile(file)
		all = append(all, samples...)
		unreadable = append(unreadable, err)
	}
	return all, errors.Join(unreadable...)
}

func readFile(file string) ([]sample, error) {
	f, err := os.Open(file) //nolint:gosec // reading the folder that the user names is what the command is for
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", file, err)
		}
	}
	corpus := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".gz"), ".jsonl")
	var samples []sample
	var bad []error
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		s := sample{Corpus: corpus}
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			bad = append(bad, fmt.Errorf("%s:%d: %w", file, n, err))
			continue
		}
		samples = append(samples, s)
	}
	if err := lines.Err(); err != nil {
		bad = append(bad, fmt.Errorf("read %s: %w", file, err))
	}
	return slices.Clip(samples), errors.Join(bad...)
}
