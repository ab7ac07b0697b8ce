// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/python"
	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/google/go-cmp/cmp"
)

// nested are shapes that deepen the syntax tree, as text in front of and behind a core.
var nested = map[string][2]string{
	"brackets":                        {"(", ")"},
	"calls":                           {"f(", ")"},
	"subqueries":                      {"(SELECT ", ")"},
	"subqueries with a label END":     {"(SELECT 1 AS end, ", ")"},
	"arrays":                          {"ARRAY[", "]"},
	"NOT":                             {"NOT ", ""},
	"minus":                           {"- ", ""},
	"sums":                            {"a + ", ""},
	"casts":                           {"", "::int"},
	"CASE":                            {"CASE WHEN true THEN ", " END"},
	"CASE on a column END":            {"CASE a.end WHEN 1 THEN ", " END"},
	"minus in CASE behind AND":        {"- - - CASE WHEN true AND ", " THEN 1 END"},
	"NOT before BETWEEN in brackets":  {"NOT NOT NOT a BETWEEN 1 AND (", ")"},
	"NOT before DISTINCT FROM":        {"NOT NOT NOT a IS DISTINCT FROM (", ")"},
	"NOT before a column SELECT":      {"NOT NOT NOT a.select + (", ")"},
	"a column SELECT behind comments": {"NOT NOT NOT a./**/select + (", ")"},
	"NOT before WITHIN GROUP":         {"NOT NOT NOT f(1) WITHIN GROUP (ORDER BY ", ")"},
}

// The grammar of PostgreSQL overwrites its own tables when it is nested too
// deep: every shape must be refused long before, in time, and what is read
// afterwards must be read as before.
func TestDeepNestingDoesNotReachTheGrammar(t *testing.T) {
	const probe = "WITH x AS (DELETE FROM a RETURNING lower(b)) SELECT CASE WHEN c::int > 1 THEN f(d) END FROM x JOIN y USING (z) WHERE NOT e BETWEEN 1 AND 2"
	want := summary(Read(report.PostgreSQL, []byte(probe)))
	for name, shape := range nested {
		t.Run(name, func(t *testing.T) {
			refused := false
			for _, depth := range []int{10, 50, 90, 140, 290, 1000, 1500, 3000} {
				source := "SELECT " + strings.Repeat(shape[0], depth) + "1" + strings.Repeat(shape[1], depth)
				r := Read(report.PostgreSQL, []byte(source))
				refused = len(r.Limits) > 0
				if postgres.broken {
					t.Fatalf("depth %d broke the grammar", depth)
				}
			}
			if !refused {
				t.Error("a depth of 3,000 was read")
			}
			if diff := cmp.Diff(want, summary(Read(report.PostgreSQL, []byte(probe)))); diff != "" {
				t.Errorf("what is read afterwards (-before +after):\n%s", diff)
			}
		})
	}
}

func TestChainsAreBounded(t *testing.T) {
	for name, source := range map[string]string{
		"UNION": strings.Repeat("SELECT 1, 2 UNION ", 1500) + "SELECT 1, 2",
		"JOIN":  "SELECT 1 FROM a" + strings.Repeat(" JOIN b ON true", 1500),
	} {
		if r := Read(report.PostgreSQL, []byte(source)); !slices.Contains(r.Limits, "depth") {
			t.Errorf("%s: limits %v", name, r.Limits)
		}
	}
}

func TestLimitsAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   string
	}{
		"size":     {"SELECT '" + strings.Repeat("x", maxBytes) + "'", "size"},
		"tokens":   {"SELECT " + strings.Repeat("a,", maxTokens) + "1", "tokens"},
		"marks":    {strings.Repeat("-", 200_000), "tokens"},
		"brackets": {"SELECT " + strings.Repeat("(", maxBrackets+1), "brackets"},
	} {
		for _, dialect := range []report.Dialect{report.PostgreSQL, report.MySQL} {
			r := Read(dialect, []byte(tc.source))
			if diff := cmp.Diff([]string{tc.want}, r.Limits); diff != "" || r.Complete() {
				t.Errorf("%s, %s (-want +got):\n%s", dialect, name, diff)
			}
		}
	}
}

func TestAGrammarThatCrashedReadsNothingMore(t *testing.T) {
	var e engine
	if err := e.run(func() error { panic("stack overflow") }); err == nil {
		t.Error("a crash gave no error")
	}
	if err := e.run(func() error { return nil }); !errors.Is(err, errBroken) {
		t.Errorf("after a crash: %v", err)
	}
}

// Only a process that has read nothing yet can show what reading loads.
const onlyOthers = "AIRLOCK_SQL_TEST_ONLY_OTHERS"

func TestOtherLanguagesDoNotLoadTheGrammar(t *testing.T) {
	if os.Getenv(onlyOthers) == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherLanguagesDoNotLoadTheGrammar$", "-test.v")
		command.Env = append(os.Environ(), onlyOthers+"=1")
		out, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	python.Read([]byte("print(1)"))
	Read(report.MySQL, []byte("SELECT 1"))
	Read("", []byte("SELECT 1"))
	Read(report.PostgreSQL, []byte("SELECT 1\x00"))
	if postgres.inUse() {
		t.Error("the grammar of PostgreSQL was loaded")
	}
	before := heap()
	Read(report.PostgreSQL, []byte("SELECT 1"))
	if !postgres.inUse() {
		t.Error("the grammar of PostgreSQL was not loaded: this test shows nothing")
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the grammar holds %d MB", grown>>20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The grammar of MySQL panics at decimals that do not fit nine words of nine digits.
func TestLongNumbersDoNotCrashTheGrammar(t *testing.T) {
	for before := 0; before <= 200; before += 5 {
		for after := 0; after <= 200; after += 5 {
			number := strings.Repeat("1", before) + "." + strings.Repeat("1", after)
			for _, source := range []string{"SELECT " + number, number, "SELECT -" + number + "e1", "SELECT x" + number} {
				r := Read(report.MySQL, []byte(source))
				if before+after > maxDigits && after != 0 && before != 0 && strings.HasPrefix(source, "SELECT "+number) && r.Error == nil {
					t.Errorf("accepted: %s", source)
				}
			}
		}
	}
	if r := Read(report.MySQL, []byte("SELECT "+strings.Repeat("9", 40)+".50, 0x"+strings.Repeat("ab", 100))); r.Error != nil {
		t.Errorf("refused: %+v", r.Error)
	}
}
