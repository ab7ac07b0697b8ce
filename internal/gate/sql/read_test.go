// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/google/go-cmp/cmp"
)

// summary writes what a report says in one line per operation, without Compute.
func summary(r *report.Report) []string {
	var lines []string
	if r.Error != nil {
		lines = append(lines, "error: "+r.Error.Message)
	}
	for _, op := range r.Operations {
		if op.Kind == report.Compute {
			continue
		}
		line := string(op.Kind) + " " + op.Name
		for _, fact := range []*report.Fact{op.Args.Table, op.Args.Path, op.Args.Host} {
			if fact != nil && fact.Known == report.Literal {
				line += " " + fact.Value
			} else if fact != nil {
				line += " ?"
			}
		}
		for _, word := range op.Args.Argv {
			line += " " + word.Value
		}
		lines = append(lines, line)
	}
	return lines
}

type reading struct {
	source string
	want   []string
}

func checkReadings(t *testing.T, dialect report.Dialect, readings map[string]reading) {
	t.Helper()
	for name, tc := range readings {
		t.Run(name, func(t *testing.T) {
			r := Read(dialect, []byte(tc.source))
			if diff := cmp.Diff(tc.want, summary(r)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.source, diff)
			}
			for _, op := range r.Operations {
				if op.Kind == report.SQLStatement && op.Name != op.Args.Verb {
					t.Errorf("name %q, verb %q", op.Name, op.Args.Verb)
				}
			}
		})
	}
}

// analyst is the policy that such reports are for: SELECT on named tables, and
// what has no effect.
func analyst(r *report.Report) bool {
	if r.Error != nil || len(r.Limits) > 0 || len(r.Operations) == 0 {
		return false
	}
	for _, op := range r.Operations {
		reads := op.Kind == report.SQLStatement && op.Args.Verb == "SELECT" &&
			(op.Args.Table == nil || op.Args.Table.Known == report.Literal && strings.Count(op.Args.Table.Value, ".") < 2)
		if !reads && (op.Kind != report.Compute || !op.Core) {
			return false
		}
	}
	return true
}

func TestSourcesThatAreNotRead(t *testing.T) {
	for name, tc := range map[string]struct {
		dialect report.Dialect
		source  string
		want    string
	}{
		"no dialect":                      {"", "SELECT 1", `no reader for the SQL dialect ""; those read are "PostgreSQL" and "MySQL"`},
		"another dialect":                 {"SQLite", "SELECT 1", `no reader for the SQL dialect "SQLite"; those read are "PostgreSQL" and "MySQL"`},
		"a dialect in small letters":      {"postgresql", "SELECT 1", `no reader for the SQL dialect "postgresql"; those read are "PostgreSQL" and "MySQL"`},
		"nothing at all":                  {report.PostgreSQL, "", noStatement},
		"only a comment":                  {report.PostgreSQL, "-- SELECT 1", noStatement},
		"only a comment for MySQL":        {report.MySQL, "# SELECT 1", noStatement},
		"only semicolons":                 {report.PostgreSQL, " ;; ", noStatement},
		"a MySQL drop that hides in none": {report.PostgreSQL, "/*!50000 DROP TABLE users */", noStatement},
		"a NUL byte":                      {report.PostgreSQL, "SELECT 1\x00; DROP TABLE t", "the character U+0000 is invisible or read as a blank by some readers only"},
		"bytes that are not UTF-8":        {report.MySQL, "SELECT '\xbf'", "the source is not UTF-8"},
		"a bidirectional control":         {report.PostgreSQL, "SELECT '\u202e'", "the character U+202E is invisible or read as a blank by some readers only"},
		"a bare carriage return":          {report.PostgreSQL, "-- x\rDROP TABLE t", "a carriage return without a line feed ends a line for some readers only"},
		"a byte order mark":               {report.MySQL, "\ufeffSELECT 1", "the character U+FEFF is invisible or read as a blank by some readers only"},
		"a vertical tab":                  {report.PostgreSQL, "SELECT\v1", "the character U+000B is invisible or read as a blank by some readers only"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read(tc.dialect, []byte(tc.source))
			if r.Error == nil || r.Error.Message != tc.want || len(r.Operations) > 0 {
				t.Errorf("error %+v, %d operations, want %q", r.Error, len(r.Operations), tc.want)
			}
		})
	}
}

func TestPositionsPointAtTables(t *testing.T) {
	for _, dialect := range []report.Dialect{report.PostgreSQL, report.MySQL} {
		r := Read(dialect, []byte("-- é\nSELECT 1;\n  SELECT 'é', max(a)\nFROM shop.orders;"))
		got := map[string]report.Position{}
		for _, op := range r.Operations {
			got[op.Snippet] = op.Position
		}
		want := map[string]report.Position{
			"SELECT 1": {Line: 2, Column: 1, EndLine: 2, EndColumn: 9}, "max": {Line: 3, Column: 15, EndLine: 3, EndColumn: 18},
			"shop.orders": {Line: 4, Column: 6, EndLine: 4, EndColumn: 17},
		}
		if dialect == report.MySQL {
			delete(want, "shop.orders")
			want["orders"] = report.Position{Line: 4, Column: 11, EndLine: 4, EndColumn: 17}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dialect, diff)
		}
	}
}
