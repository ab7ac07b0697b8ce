// SPDX-License-Identifier: Apache-2.0

package python

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// worstCases are sources made to be expensive: deep, wide, or both.
var worstCases = map[string]string{
	"brackets":                 strings.Repeat("[", 250_000),
	"brackets that close":      strings.Repeat("[", 190) + strings.Repeat("]", 190) + "\n",
	"calls of calls":           "f" + strings.Repeat("()", 900) + "\n",
	"calls in calls":           strings.Repeat("f(", 190) + strings.Repeat(")", 190) + "\n",
	"chains in one statement":  "[" + strings.Repeat("a.b.c.d, ", 25_000) + "]\n",
	"operations":               strings.Repeat("print(1)\n", 25_000),
	"operations in one line":   strings.Repeat("print(1);", 25_000) + "\n",
	"operations behind runes":  "x = '" + strings.Repeat("é", 60_000) + "'; " + strings.Repeat("print(1);", 9_000) + "\n",
	"a sum":                    "x = " + strings.Repeat("'a' + ", 40_000) + "'a'\nopen(x)\n",
	"constants that double":    doubling(2_000),
	"lookups":                  lookups(7_000),
	"calls that multiply":      calling(60),
	"choices that double":      choosing(40),
	"choices that multiply":    strings.Repeat("open(f'{1 if a else 2}{1 if a else 2}{1 if a else 2}{1 if a else 2}{1 if a else 2}')\n", 2_500),
	"a list of many":           "for p in [" + strings.Repeat("'/tmp/a', ", 20_000) + "]: open(p)\n",
	"a parameter of many":      "def f(p): open(p)\n" + strings.Repeat("f('/tmp/a')\n", 20_000),
	"names that are assigned":  strings.Repeat("p = '/tmp/a'\n", 15_000) + "open(p)\n",
	"cuts of cuts":             "x = 'a'\nopen(x" + strings.Repeat("[1:]", 900) + ")\n",
	"aliases that multiply":    multiplying(400),
	"aliases bound backwards":  "def f():\n" + backwardChain(2_000) + "import os\na0 = os\nf()\na2000.system('id')\n",
	"an attribute of itself":   "import os\nx = os\nx = x.path\n" + strings.Repeat("x = x.y\n", 5_000),
	"names that nothing binds": strings.Repeat("a;b;c;d;e;f;g;h\n", 12_000),
	"an elif ladder":           "if a: pass\n" + strings.Repeat("elif b: pass\n", 18_000),
	"nested functions":         nestedFunctions(90),
	"nested comprehensions":    "x = " + strings.Repeat("[a for a in ", 150) + "b" + strings.Repeat("]", 150) + "\n",
	"nested f-strings":         strings.Repeat("f'{", 150) + "1" + strings.Repeat("}'", 150) + "\n",
	"match statements":         strings.Repeat("match x:\n case [a, {'b': c}] | C(d=e): pass\n", 6_000),
	"imports":                  strings.Repeat("import os as a\n", 16_000),
	"globals":                  "def f():\n" + strings.Repeat(" global a, b, c, d\n", 12_000),
	"a format template":        "('" + strings.Repeat("{0.a}", 40_000) + "').format(1)\n",
	"an expression for pandas": "import pandas as pd\npd.DataFrame().query('" + strings.Repeat("a(", 100_000) + "')\n",
}

// lookups are subscripts of one large dictionary.
func lookups(n int) string {
	var b strings.Builder
	b.WriteString("d = {")
	for i := range n {
		b.WriteString("'k" + strconv.Itoa(i) + "': '/tmp/x', ")
	}
	return b.String() + "}\n" + strings.Repeat("open(d['k1'])\n", n)
}

// calling is a tree of functions that each pass a dictionary on ten times.
func calling(n int) string {
	var b strings.Builder
	b.WriteString("def f0(c): open(c['a'])\n")
	for i := 1; i <= n; i++ {
		b.WriteString("def f" + strconv.Itoa(i) + "(c):\n" + strings.Repeat("  f"+strconv.Itoa(i-1)+"(c)\n", 10))
	}
	return b.String() + "f" + strconv.Itoa(n) + "({'a': '/tmp/x'})\n"
}

// choosing are conditionals that double what can be picked from.
func choosing(n int) string {
	var b strings.Builder
	b.WriteString("x0 = ['/tmp/a']\n")
	for i := 1; i <= n; i++ {
		x := "x" + strconv.Itoa(i-1)
		b.WriteString("x" + strconv.Itoa(i) + " = " + x + " if a else " + x + "\n")
	}
	return b.String() + strings.Repeat("for p in x"+strconv.Itoa(n)+": open(p)\n", 2_000)
}

func doubling(n int) string {
	var b strings.Builder
	b.WriteString("x0 = 'a'\n")
	for i := 1; i <= n; i++ {
		b.WriteString("x" + strconv.Itoa(i) + " = x" + strconv.Itoa(i-1) + " + x" + strconv.Itoa(i-1) + "\n")
	}
	b.WriteString("open(x" + strconv.Itoa(n) + ")\n")
	return b.String()
}

func multiplying(n int) string {
	var b strings.Builder
	b.WriteString("import os, sys, json, re\n")
	for i := range n {
		for _, m := range []string{"os", "sys", "json", "re"} {
			b.WriteString("y = " + m + ".a" + strconv.Itoa(i) + "\n")
		}
		b.WriteString("z" + strconv.Itoa(i) + " = y\n")
	}
	return b.String()
}

func nestedFunctions(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "def f(a=g(), *b): \n")
	}
	return b.String() + strings.Repeat(" ", n) + "eval('1')\n"
}

// cpuTime gives the processor time of this process, which does not depend on
// what else the machine does.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestWorstCasesEnd allows each source of 256 KiB far more processor time than
// it should need, and far less than anything that grows faster than its input takes.
func TestWorstCasesEnd(t *testing.T) {
	for name, source := range worstCases {
		t.Run(name, func(t *testing.T) {
			start := cpuTime(t)
			r := Read([]byte(source))
			if took := cpuTime(t) - start; took > 5*time.Second {
				t.Errorf("took %v", took)
			} else {
				t.Logf("%d bytes took %v, %d operations, limits %v", len(source), took, len(r.Operations), r.Limits)
			}
		})
	}
}

func TestLimitsAreReported(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"more operations than anybody reviews": {worstCases["operations"], "operations"},
		"more aliases than are followed":       {worstCases["aliases that multiply"], "aliases"},
		"nesting beyond CPython's":             {worstCases["brackets"], "brackets"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read([]byte(tc.source))
			if r.Complete() || len(r.Limits) != 1 || r.Limits[0] != tc.want {
				t.Errorf("limits = %v, want %q", r.Limits, tc.want)
			}
			if len(r.Operations) > report.MaxOperations {
				t.Errorf("%d operations", len(r.Operations))
			}
		})
	}
}

// TestEmptyNamesAreRead holds strings that are names of nothing: they must not
// crash the reader.
func TestEmptyNamesAreRead(t *testing.T) {
	for _, source := range []string{
		"import pandas as pd\npd.DataFrame().agg('')", "from pandas import A\nA.pivot_table(func='')", "import pandas\ngetattr(pandas, '')", "getattr(1, '')",
		"import os\ngetattr(os, '').x", "import operator\noperator.attrgetter('a..b')(1)", "'{0.}'.format(1)", "import os\ngetattr(os.path, '')('x')",
		"import matplotlib.pyplot as p\np.setp(1, '', 2)\np.title('x', **{'': 1}, fontdict={'': 1})",
	} {
		if r := Read([]byte(source)); r.Error != nil {
			t.Errorf("%q: %v", source, r.Error)
		}
	}
}

func TestErrorsHavePositions(t *testing.T) {
	r := Read([]byte("x = 1\ny = (é +\n"))
	want := report.Position{Line: 3, Column: 1, EndLine: 3, EndColumn: 1}
	if r.Error == nil || r.Error.Position != want || r.Complete() {
		t.Errorf("error = %+v, want one at %+v", r.Error, want)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range evasions {
		f.Add([]byte(s))
	}
	for _, s := range harmless {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		r := Read(source)
		for i, op := range r.Operations {
			p := op.Position
			if op.Kind == "" || op.Form == "" || op.Name == "" || p.Line < 1 || p.Column < 1 || p.EndLine < p.Line {
				t.Fatalf("operation %d is incomplete: %+v", i, op)
			}
			if i > 0 && (p.Line < r.Operations[i-1].Position.Line) {
				t.Fatalf("operation %d is out of order", i)
			}
			if (op.Kind == report.Unknown || op.Kind == report.Dynamic) && op.Reason == "" {
				t.Fatalf("operation %d has no reason: %+v", i, op)
			}
		}
	})
}
