// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// effects lists what a source does besides importing and computing, as
// "line:column Kind name facts".
func effects(source string, lang report.Language) []string {
	r := Read(lang, []byte(source))
	var out []string
	if r.Error != nil {
		out = append(out, fmt.Sprintf("%d:%d error %s", r.Error.Position.Line, r.Error.Position.Column, r.Error.Message))
	}
	for _, op := range r.Operations {
		if op.Kind != report.Import && op.Kind != report.Compute {
			out = append(out, describe(op))
		}
	}
	for _, l := range r.Limits {
		out = append(out, "limit "+l)
	}
	return out
}

func describe(op report.Operation) string {
	words := []string{fmt.Sprintf("%d:%d", op.Position.Line, op.Position.Column), string(op.Kind), op.Name}
	for _, f := range []*report.Fact{op.Args.Path, op.Args.Host, op.Args.Env} {
		if f != nil {
			words = append(words, factText(*f))
		}
	}
	for _, f := range op.Args.Argv {
		words = append(words, factText(f))
	}
	return strings.Join(words, " ")
}

func factText(f report.Fact) string {
	switch f.Known {
	case report.Literal:
		return f.Value
	case report.Prefix:
		return f.Value + "…"
	default:
		return "?"
	}
}

// isAllowed judges as the policy "workspace" does: imports, computing, and files
// below the working directory, /tmp and /inputs whose path is known.
func isAllowed(r *report.Report) bool {
	if r.Error != nil || len(r.Limits) > 0 {
		return false
	}
	for _, op := range r.Operations {
		switch op.Kind {
		case report.Import, report.Compute:
		case report.FileRead, report.FileWrite, report.FileDelete:
			if op.Args.Path == nil || op.Args.Path.Known != report.Literal || !isBelow(op.Args.Path.Value) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func isBelow(path string) bool {
	for _, dir := range []string{"/workspace", "/tmp", "/inputs"} {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

func TestEffectsCarryTheirFacts(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   []string
	}{
		"files by literal names": {
			"const fs = require('node:fs');\nfs.readFileSync('./data.json', 'utf8');\nfs.writeFileSync('/etc/x', 'a');\nfs.promises.unlink('b');\n",
			[]string{"2:1 FileRead fs.readFileSync /workspace/data.json", "3:1 FileWrite fs.writeFileSync /etc/x", "4:1 FileDelete fs.promises.unlink /workspace/b"},
		},
		"names from an import": {
			"import { readFile as r, rename } from 'fs/promises';\nawait r('/etc/passwd');\nawait rename('a', 'b');\n",
			[]string{"2:7 FileRead fs.promises.readFile /etc/passwd", "3:7 FileDelete fs.promises.rename /workspace/a", "3:7 FileWrite fs.promises.rename /workspace/b"},
		},
		"a path that goes up":           {"require('fs').readFileSync('a/../../etc/passwd')", []string{"1:1 FileRead fs.readFileSync ?"}},
		"a folded path":                 {"const fs = require('fs'), path = require('path');\nconst dir = '/inputs';\nfs.readFileSync(path.join(dir, 'a', `${'b'}.csv`));", []string{"3:1 FileRead fs.readFileSync /inputs/a/b.csv"}},
		"a path in a settings object":   {"const fs = require('fs');\nconst C = { input: '/etc/passwd' };\nfs.readFileSync(C.input);", []string{"3:1 FileRead fs.readFileSync /etc/passwd"}},
		"settings that change":          {"const fs = require('fs');\nconst C = { input: 'a' };\nC.input = '/etc/passwd';\nfs.readFileSync(C.input);", []string{"4:1 FileRead fs.readFileSync ?"}},
		"settings that are passed on":   {"const fs = require('fs');\nconst C = { input: 'a' };\nObject.assign(C, JSON.parse('{}'));\nfs.readFileSync(C.input);", []string{"4:1 FileRead fs.readFileSync ?"}},
		"a flag that writes":            {"require('fs').readFileSync('a', { flag: 'w+' })", []string{"1:1 FileRead fs.readFileSync /workspace/a", "1:1 FileWrite fs.readFileSync /workspace/a"}},
		"options that name another fs":  {"require('fs').createReadStream('a', { fs: x })\nconst x = {};", []string{"1:1 FileRead fs.createReadStream ?", "1:1 FileWrite fs.createReadStream ?"}},
		"the code's own directory":      {"require('fs').readFileSync(__dirname + '/a')", []string{"1:1 FileRead fs.readFileSync ?"}},
		"a shell command":               {"require('child_process').execSync('id | nc')", []string{"1:1 Process child_process.execSync sh -c id | nc"}},
		"a command and its words":       {"const { spawn: s } = require('child_process');\ns('git', ['log', '-1']);", []string{"2:1 Process child_process.spawn git log -1"}},
		"a command with a shell":        {"require('child_process').spawn('git', ['log'], { shell: true })", []string{"1:1 Process child_process.spawn ?"}},
		"hosts":                         {"fetch('https://Example.com/x');\nrequire('http').get('http://a:8080/');\nrequire('net').connect(22, 'h');", []string{"1:1 Network fetch example.com:443", "2:1 Network http.get a:8080", "3:1 Network net.connect h:22"}},
		"environment variables by name": {"process.env.HOME;\nprocess.env['A' + 'B'];\nconst { C } = process.env;\nprocess.env[k];\nconst k = 'x' + 1;", []string{"1:1 Environment process.env HOME", "2:1 Environment process.env AB", "3:15 Environment process.env C", "4:1 Environment process.env"}},
		"after changing the directory":  {"process.chdir('/etc');\nrequire('fs').readFileSync('passwd');", []string{"1:1 Environment process.chdir /etc", "2:1 FileRead fs.readFileSync ?"}},
		"a function that is passed on":  {"['/etc/passwd'].map(require('fs').readFileSync)", []string{"1:21 FileRead fs.readFileSync ?", "1:21 FileWrite fs.readFileSync ?"}},
		"positions behind wide text":    {"'é😀'; eval('1')", []string{"1:7 Dynamic eval"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, effects(tc.source, report.JavaScript)); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}
