// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/google/go-cmp/cmp"
)

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"SELECT a, count(*) FROM s.t WHERE b = 'x' GROUP BY 1",
		"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x; COPY t TO PROGRAM 'id'",
		"/*!50000 DROP TABLE t */ -- x\n# y\n", `SELECT 'a\'', "b\"", E'\'', U&'\0041', $q$ ' $q$`, "SELECT 'é' FROM \"ü\" /* /* */ */",
		strings.Repeat("(", 200), strings.Repeat("SELECT (", 150), "SELECT " + strings.Repeat("NOT ", 400) + "1",
		strings.Repeat("SELECT 1 UNION ", 400) + "SELECT 1", "SELECT " + strings.Repeat("a,", 6000) + "1", strings.Repeat("'", 3000), strings.Repeat("$$", 3000), strings.Repeat("/*", 3000),
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, source string, isMySQL bool) {
		dialect := report.PostgreSQL
		if isMySQL {
			dialect = report.MySQL
		}
		r := Read(dialect, []byte(source))
		if r == nil {
			t.Fatal("no report")
		}
		if postgres.broken {
			t.Fatalf("the grammar crashed: %+v", r.Error)
		}
		if r.Error == nil && len(r.Operations) == 0 {
			t.Error("neither an error nor an operation")
		}
		lines := strings.Count(source, "\n") + 1
		for _, op := range r.Operations {
			if p := op.Position; p.Line < 1 || p.Column < 1 || p.EndLine > lines || p.EndLine < p.Line || p.EndLine == p.Line && p.EndColumn < p.Column {
				t.Errorf("%s at %+v, of %d lines", op.Name, p, lines)
			}
		}
		if diff := cmp.Diff(r, Read(dialect, []byte(source))); diff != "" {
			t.Errorf("read twice (-first +second):\n%s", diff)
		}
	})
}
