// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// FuzzRead holds the reader to what it owes for any input: it returns, the
// report is there and the same each time, and its positions are in the source.
func FuzzRead(f *testing.F) {
	for _, scripts := range attackScripts() {
		for _, code := range scripts {
			f.Add([]byte(code))
		}
	}
	for _, code := range ordinaryScripts() {
		f.Add([]byte(code))
	}
	for _, code := range worst(4096) {
		f.Add([]byte(code))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		r := Read(source)
		if r == nil {
			t.Fatal("no report")
		}
		if diff := cmp.Diff(r, Read(source)); diff != "" {
			t.Errorf("the report of the same source differs: %s", diff)
		}
		lines := strings.Count(string(source), "\n") + 1
		for _, op := range r.Operations {
			checkPosition(t, op, lines)
		}
	})
}

func checkPosition(t *testing.T, op report.Operation, lines int) {
	t.Helper()
	p := op.Position
	if p.Line < 1 || p.Column < 1 || p.EndLine > lines || p.EndLine < p.Line || p.EndLine == p.Line && p.EndColumn < p.Column {
		t.Errorf("%s %s is at %+v in %d lines", op.Kind, op.Name, p, lines)
	}
}

func BenchmarkRead(b *testing.B) {
	for name, size := range map[string]int{"1 kB": 1 << 10, "10 kB": 10 << 10, "100 kB": 100 << 10} {
		var source strings.Builder
		lines := strings.SplitSeq(strings.Repeat("sort -k2 data.txt | head -5 > out.txt\nn=$(wc -l < out.txt)\necho \"$n lines\" $((n + 1))\n"+
			"for f in *.csv; do cut -d, -f1 \"$f\" | sort | uniq -c; done\n", size/100+1), "\n")
		for line := range lines {
			if source.Len()+len(line) > size {
				break
			}
			source.WriteString(line + "\n")
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(source.Len()))
			for b.Loop() {
				Read([]byte(source.String()))
			}
		})
	}
}
