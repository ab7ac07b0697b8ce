// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// fact is a call or an import: kind, line, byte column, dotted name.
type fact struct {
	kind         string
	line, column int
	name         string
}

func (f *fact) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&f.kind, &f.line, &f.column, &f.name})
}

// oracle is a running CPython that describes sources with its own parser.
type oracle struct {
	in  io.Writer
	out *bufio.Reader
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	python, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skip("no /usr/bin/python3: the parser is not compared with CPython")
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/cpython.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() //nolint:errcheck // the context kills it
	})
	return &oracle{in, bufio.NewReader(out)}
}

// describe gives the facts of each source, nil when CPython refuses it. All
// sources are written before the first answer is awaited: that is several times
// faster than one at a time.
func (o *oracle) describe(t *testing.T, sources ...[]byte) []*[]fact {
	t.Helper()
	var written sync.WaitGroup
	defer written.Wait()
	written.Go(func() {
		for _, source := range sources {
			fmt.Fprintf(o.in, "%d\n", len(source))
			o.in.Write(source) //nolint:errcheck // the read below fails
		}
	})
	var answers []*[]fact
	for _, source := range sources {
		line, err := o.out.ReadBytes('\n')
		if err != nil {
			t.Fatalf("CPython died on %q: %v", source, err)
		}
		var facts *[]fact
		if err := json.Unmarshal(line, &facts); err != nil {
			t.Fatal(err)
		}
		if facts != nil {
			sortFacts(*facts)
		}
		answers = append(answers, facts)
	}
	return answers
}

func sortFacts(facts []fact) {
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column),
			cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
}

// describe gives the same facts from our own tree.
func describe(f *File) []fact {
	facts := []fact{}
	lines := []int{0}
	for i, c := range f.Source {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	add := func(kind string, n Node, name string) {
		line, exact := slices.BinarySearch(lines, n.Pos())
		if !exact {
			line--
		}
		facts = append(facts, fact{kind, line + 1, n.Pos() - lines[line], name})
	}
	for _, s := range f.Body {
		Walk(s, func(n Node) bool {
			switch n := n.(type) {
			case *Call:
				add("call", n, dotted(n.Func))
			case *Import:
				for _, a := range n.Names {
					add("import", n, a.Name+" "+asName(a))
				}
			case *ImportFrom:
				for _, a := range n.Names {
					add("import", n, strings.Repeat(".", n.Level)+n.Module+":"+a.Name+" "+asName(a))
				}
			}
			return true
		})
	}
	sortFacts(facts)
	return facts
}

func asName(a *Alias) string {
	if a.As == nil {
		return ""
	}
	return a.As.ID
}

func dotted(x Expr) string {
	switch x := x.(type) {
	case *Name:
		return x.ID
	case *Attribute:
		return dotted(x.X) + "." + x.Name
	}
	return ""
}

// compare fails the test when CPython accepts a source and we see other calls
// or imports in it. It reports whether CPython accepted it.
func compare(t *testing.T, label string, file *File, want *[]fact) bool {
	t.Helper()
	if want == nil {
		return false
	}
	if diff := gocmp.Diff(*want, describe(file), gocmp.AllowUnexported(fact{})); diff != "" {
		t.Errorf("%s (-CPython +Parse):\n%s", label, diff)
	}
	return true
}

// pythonFiles lists the sources that Debian's python3 packages ship.
func pythonFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, root := range []string{"/usr/lib/python3.11", "/usr/lib/python3/dist-packages"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".py") {
				files = append(files, path)
			}
			return nil // an absent directory has no files
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Skip("no Python library to compare with")
	}
	return files
}

// comparisonTime bounds each differential test; AIRLOCK_GATE_FULL=1 lifts it.
func comparisonTime() time.Duration {
	switch {
	case os.Getenv("AIRLOCK_GATE_FULL") != "":
		return 24 * time.Hour
	case testing.Short():
		return 2 * time.Second
	}
	return 10 * time.Second
}

func TestParseSeesTheCallsAndImportsThatCPythonSees(t *testing.T) {
	o := newOracle(t)
	files := pythonFiles(t)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	deadline := time.Now().Add(comparisonTime())
	same := 0
	for _, name := range files {
		if time.Now().After(deadline) {
			break
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if checkCookie(source) != nil {
			continue // another encoding is refused by design
		}
		file, err := Parse(source)
		want := o.describe(t, source)[0]
		switch {
		case err != nil && want != nil:
			t.Errorf("%s: refused: %v", name, err)
		case err == nil && compare(t, name, file, want):
			same++
		}
	}
	t.Logf("%d of %d files compared and found identical", same, len(files))
	if same == 0 {
		t.Error("nothing was compared")
	}
}

// mutantsPerBatch mutants are judged by CPython at once.
const mutantsPerBatch = 256

// wantedMutants is how many mutants to compare: AIRLOCK_GATE_MUTANTS, or as many
// as there is time for.
func wantedMutants(t *testing.T) (wanted int, deadline time.Time) {
	t.Helper()
	text := os.Getenv("AIRLOCK_GATE_MUTANTS")
	if text == "" {
		return math.MaxInt, time.Now().Add(comparisonTime())
	}
	wanted, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("AIRLOCK_GATE_MUTANTS: %v", err)
	}
	return wanted, time.Now().Add(24 * time.Hour)
}

// TestParseNeverMissesACallInAMutant compares mutants of valid sources. That we
// refuse some that CPython accepts is safe; that we read them otherwise is not.
func TestParseNeverMissesACallInAMutant(t *testing.T) {
	o := newOracle(t)
	seeds := mutationSeeds(t)
	random := rand.New(rand.NewPCG(3, 4))
	wanted, deadline := wantedMutants(t)
	tried, accepted := 0, 0
	for tried < wanted && time.Now().Before(deadline) && !t.Failed() {
		sources, files := [][]byte{}, []*File{}
		for range min(mutantsPerBatch, wanted-tried) {
			mutant := mutate(random, seeds[random.IntN(len(seeds))], seeds[random.IntN(len(seeds))])
			tried++
			if file, err := Parse(mutant); err == nil {
				sources, files = append(sources, mutant), append(files, file)
			}
		}
		for i, want := range o.describe(t, sources...) {
			if compare(t, fmt.Sprintf("mutant %q", sources[i]), files[i], want) {
				accepted++
			}
		}
	}
	t.Logf("%d mutants, %d accepted by both and found identical", tried, accepted)
	if accepted == 0 {
		t.Error("no mutant was accepted: the test compares nothing")
	}
}

func mutationSeeds(t *testing.T) [][]byte {
	t.Helper()
	seeds := [][]byte{}
	for _, tc := range acceptedSources {
		seeds = append(seeds, []byte(tc))
	}
	for i, name := range pythonFiles(t) {
		if i%97 != 0 {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, chunk := range strings.SplitAfter(string(source), "\n\n\n") {
			if len(chunk) < 3000 {
				seeds = append(seeds, []byte(chunk))
			}
		}
	}
	return seeds
}

// tricky are fragments around which tokenizers disagree.
var tricky = []string{
	"\r", "\n", "\\\n", "\f", "\t", " ", "#", "'", `"`, "'''", `"""`, "f'", `f"{`, "}", "{", "!r", ":", "=", ":=", "\\", "rb'", "rf'", "{{", "}}",
	"eval()", "(", ")", "[", "]", ",", ";", ".", "*", "**", "@", "->", "...", "\u00a0", "ª", "e\u0301", "0x", "1_0", "1.", "1e", "j", "if ", " else ",
	"lambda:", "match ", "case ", "type ", "async ", "await ", "yield ", "not ", " in ", " is ", "import os", "from . import x", "\\N{DASH}", "print", "\x1a", "\ufeff",
}

func mutate(random *rand.Rand, source, other []byte) []byte {
	out := slices.Clone(source)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(out) + 1)
		switch random.IntN(4) {
		case 0:
			out = slices.Delete(out, at, min(at+1+random.IntN(4), len(out)))
		case 1:
			out = slices.Insert(out, at, []byte(tricky[random.IntN(len(tricky))])...)
		case 2:
			from := random.IntN(len(other) + 1)
			out = slices.Insert(out, at, other[from:min(from+random.IntN(30), len(other))]...)
		case 3:
			from := random.IntN(len(out) + 1)
			out = slices.Insert(out, at, slices.Clone(out[from:min(from+random.IntN(12), len(out))])...)
		}
	}
	return out
}
