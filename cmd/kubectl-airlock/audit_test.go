// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
)

// exportedLog is a real log of two requests, as export leaves it.
func exportedLog(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l, stop := auditlogtest.Start(t, auditlogtest.Config(t, dir))
	var records []audit.Record
	for n := range 2 {
		records = append(records, auditlogtest.Story(t, n)...)
	}
	if _, err := l.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	stop()
	return dir
}

func TestAuditCommandsOnAnExportedFolder(t *testing.T) {
	dir := exportedLog(t)
	key := auditlogtest.Key(t, 1).Public
	for name, c := range map[string]struct {
		args  []string
		code  int
		words []string
	}{
		"list shows the newest last": {
			args: []string{"list", "--limit", "3"}, words: []string{"INDEX", "7 ", "request.launch", "9 ", "request.finished", "team/r-1"},
		},
		"show tells the newest request of a name": {
			args: []string{"show", "r-1", "-n", "team"}, words: []string{"Request team/r-1", "request.submitted", "agent submitted Python code", "envelope sha256:", "exit code 0, Completed"},
		},
		"show takes a UID, and the code": {
			args: []string{"show", "00000000-0000-0000-0000-000000000000", "--code"}, words: []string{"Request team/r-0", "  | print(0)"},
		},
		"show in JSON is what was logged":   {args: []string{"show", "r-0", "-n", "team", "-o", "json"}, words: []string{`"specversion": "1.0"`, `"index": 0`}},
		"show of a stranger says so":        {args: []string{"show", "r-7", "-n", "team"}, code: exitError, words: []string{`no record is about request "r-7"`}},
		"verify says that the log is whole": {args: []string{"verify", "--key", key}, words: []string{"records   10", "requests  2, of which 0 have no end yet", "The log is whole."}},
		"verify needs a key":                {args: []string{"verify"}, code: exitError, words: []string{"--key is needed"}},
		"verify with another key": {
			args: []string{"verify", "--key", auditlogtest.Key(t, 2).Public}, code: exitDeny, words: []string{"NOT whole", "OtherKey"},
		},
		"export copies it": {args: []string{"export", filepath.Join(t.TempDir(), "copy")}, words: []string{"10 records, 2 new files"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), append(append([]string{"audit"}, c.args...), "--from", dir), strings.NewReader(""), &out, &errs)
			if code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, errs.String())
			}
			for _, words := range c.words {
				if !strings.Contains(out.String()+errs.String(), words) {
					t.Errorf("%q is missing in:\n%s%s", words, out.String(), errs.String())
				}
			}
		})
	}
}

// A second export of a log that was set back keeps the first one's checkpoint, which shows it.
func TestExportKeepsTheCheckpointThatShowsARollback(t *testing.T) {
	longer, shorter, copied := exportedLog(t), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	l, stop := auditlogtest.Start(t, auditlogtest.Config(t, shorter))
	if _, err := l.Append(t.Context(), auditlogtest.Story(t, 0)...); err != nil {
		t.Fatal(err)
	}
	stop()
	for _, from := range []string{longer, shorter} {
		if code := run(t.Context(), []string{"audit", "export", copied, "--from", from}, strings.NewReader(""), &bytes.Buffer{}, os.Stderr); code != 0 {
			t.Fatalf("export: exit code %d", code)
		}
	}
	var out bytes.Buffer
	code := run(t.Context(), []string{"audit", "verify", "--from", copied, "--key", auditlogtest.Key(t, 1).Public}, strings.NewReader(""), &out, os.Stderr)
	if code != exitDeny || !strings.Contains(out.String(), "RolledBack: the log was set back: an earlier checkpoint has 10 records, this one 5") {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

// Names of files come out of the log, and whoever made the log may not be who signs it.
func TestALogCannotWriteOutsideTheFolderOfItsExport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copy")
	outside := filepath.Join(filepath.Dir(dir), "planted")
	if err := writeFile(dir, "content/../../planted", []byte("x")); err == nil {
		t.Error("a path with .. was written")
	}
	if err := os.Symlink(filepath.Dir(dir), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(dir, "link/planted", []byte("x")); err == nil {
		t.Error("a path through a link was written")
	}
	if _, err := os.Stat(outside); err == nil {
		t.Errorf("%s exists", outside)
	}
	if err := writeFile(dir, "content/ab/abc", []byte("x")); err != nil {
		t.Error(err)
	}
}
