// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestReadRefusesWhatItCannotRead(t *testing.T) {
	for name, tc := range map[string]struct {
		lang   Language
		source string
		want   string
	}{
		"a language nobody knows":         {"COBOL", "", `no reader for "COBOL"`},
		"no language":                     {"", "", `no reader for ""`},
		"a language in other letters":     {"python", "", `no reader for "python"`},
		"more than the largest source":    {Python, strings.Repeat("\n", MaxSourceBytes+1), "at most 262144"},
		"a source that is not Python":     {Python, "print 'x'", "invalid syntax"},
		"a source with a NUL byte inside": {Python, "a\x00b", "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read(Code{Language: tc.lang, Source: []byte(tc.source)})
			if r.Complete() {
				t.Error("the report claims to be complete")
			}
			if r.Error == nil || !strings.Contains(r.Error.Message, tc.want) {
				t.Errorf("error = %+v, want one with %q", r.Error, tc.want)
			}
		})
	}
}

func TestReadSaysWhatItRead(t *testing.T) {
	r := Read(Code{Language: Python, Source: bytes.Repeat([]byte("\n"), MaxSourceBytes)})
	want := "e19b72b4c5627342f83de28b77f0ce9f897d233228d833d1ff58d07a241e3836"
	if !r.Complete() {
		t.Errorf("an empty program of the largest size is refused: %+v", r.Error)
	}
	if r.SourceSHA256 != want {
		t.Errorf("digest = %q, want %q", r.SourceSHA256, want)
	}
}

func TestPythonNamesTheLibrariesThatItKnows(t *testing.T) {
	if got := Read(Code{Language: Python, Source: []byte("1")}).Inventory; got != Inventory(Python) || !strings.HasPrefix(got, "sha256:") || len(got) != 71 {
		t.Errorf("inventory = %q", got)
	}
}

// A reader that marks a made-up name in its own way slips past the rules that
// ask for approval: they look for MadeUp.
func TestNamesMadeUpAtRunTimeAreMarkedInEveryLanguage(t *testing.T) {
	for lang, source := range map[Language]string{
		Python:     "import tempfile\nopen(tempfile.mkstemp()[1], 'w')",
		Bash:       "f=$(mktemp)\necho x > \"$f\"",
		JavaScript: "const fs = require('fs');\nfs.mkdtempSync('/tmp/out-');",
	} {
		t.Run(string(lang), func(t *testing.T) {
			r := Read(Code{Language: lang, Source: []byte(source)})
			marked := slices.ContainsFunc(r.Operations, func(op Operation) bool {
				return op.Kind == KindFileWrite && op.Args.Path.Known == FactLiteral && strings.Contains(op.Args.Path.Value, MadeUp)
			})
			if !marked {
				t.Errorf("no written path has %s: %+v", MadeUp, r.Operations)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Python", []byte("import os\nos.remove('/x')\n"))
	f.Add("Bash", []byte("rm -rf /"))
	f.Add("Bash", []byte(`python3 -I -c 'import os; os.system("sh -c \"id\"")'`))
	f.Add("Python", []byte("import subprocess\nsubprocess.run(['bash', '-c', '''\nnode -e \"1+1\"\n'''])\n"))
	f.Add("SQL", []byte("/*!50000 DROP TABLE users */"))
	f.Fuzz(func(t *testing.T, lang string, source []byte) {
		r := Read(Code{Language: Language(lang), Dialect: MySQL, Source: source})
		if r == nil || r.SourceSHA256 == "" {
			t.Fatal("no report")
		}
		for _, op := range r.Operations {
			if p := op.Position; p.Line < 1 || p.Column < 1 || p.EndLine < p.Line {
				t.Fatalf("%s %s is at %+v", op.Kind, op.Name, p)
			}
		}
	})
}
