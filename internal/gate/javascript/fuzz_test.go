// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

func FuzzRead(f *testing.F) {
	for _, sources := range []map[string]string{benign, evasions, bombs, typed} {
		for _, source := range sources {
			f.Add(source, false)
			f.Add(source, true)
		}
	}
	f.Fuzz(func(t *testing.T, source string, typescript bool) {
		lang := report.JavaScript
		if typescript {
			lang = report.TypeScript
		}
		r := Read(lang, []byte(source))
		if r == nil || r.Language != lang || r.Parser != Parser {
			t.Fatalf("report %+v", r)
		}
		for _, op := range r.Operations {
			p := op.Position
			if p.Line < 1 || p.Column < 1 || p.EndLine < p.Line || p.EndLine == p.Line && p.EndColumn < p.Column {
				t.Errorf("position %+v of %s", p, op.Name)
			}
		}
		if diff := cmp.Diff(r, Read(lang, []byte(source))); diff != "" {
			t.Errorf("two readings differ: %s", diff)
		}
	})
}
