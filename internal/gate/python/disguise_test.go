// SPDX-License-Identifier: Apache-2.0

package python

import "testing"

// disguises make a value, a name or a path be another one than it looks.
var disguises = map[string]string{
	// Parameters.
	"a positional-only parameter named by a keyword":  "def f(a, /, **kw): open(a)\nf(*['/etc/x'], a='/tmp/x')",
	"the default of a positional-only parameter":      "def f(a='/etc/x', /, **kw): open(a)\nf(a='/tmp/x')",
	"a private parameter given by its full name":      "class C:\n  def __init__(self, __p='/tmp/x'): open(__p)\nC(_C__p='/etc/x')",
	"a class method that calls its class":             "class C:\n  def __init__(self, p): open(p)\n  @classmethod\n  def make(cls, p): return cls(p)\nC('/tmp/x').make('/etc/x')",
	"a class method that calls a method with another": "import argparse\nclass C:\n  def __init__(self): self.path = '/tmp/x'\n  def show(self): open(self.path)\n  @classmethod\n  def make(cls, o): cls.show(o)\nC().make(argparse.Namespace(path='/etc/x'))",
	"a class method under another name":               "from builtins import classmethod as c\nclass C:\n  def __init__(self, p): open(p)\n  @c\n  def make(cls, p): return cls(p)\nC('/tmp/x').make('/etc/x')",
	"a default in the scope of a global statement":    "p = '/tmp/x'\ndef g():\n  global f\n  p = '/etc/x'\n  def f(q=p): open(q)\ng()\nf()",
	// Lists and dictionaries.
	"a list that a function appends to":        "def add(l): l.append('/etc/x')\na = ['/tmp/x']\nadd(a)\nfor p in a: open(p)",
	"a list that an inner function appends to": "def g(b):\n  def h(): b.append('/etc/x')\n  h()\na = ['/tmp/x']\ng(a)\nfor p in a: open(p)",
	"a list that a generator appends to":       "def g(l):\n  yield 1\n  l.append('/etc/x')\na = ['/tmp/x']\nfor _ in g(a): pass\nfor p in a: open(p)",
	"a list that is reversed":                  "a = ['/etc/x', '/tmp/x']\na.reverse()\nq, p = a\nopen(p)",
	"a list of which an element is taken out":  "a = ['/tmp/x', '/tmp/y', '/etc/x']\na.remove('/tmp/y')\nq, p = a\nopen(p)",
	"a path as a key beside its text":          "from pathlib import Path\nd = {'a': '/etc/x', Path('a'): '/tmp/x'}\nopen(d['a'])",
	// Walks.
	"a walk that is led elsewhere by a slice":      "import os\nfor r, d, f in os.walk('/tmp'): d[:] = ['/etc']",
	"a walk that is led elsewhere by append":       "import os\nfor r, d, f in os.walk('/tmp'): d.append('/etc')",
	"a walk that is led elsewhere by +=":           "import os\nfor r, d, f in os.walk('/tmp'): d += ['/etc']",
	"a walk that is led elsewhere in a function":   "import os\ndef g(d): d.append('/etc')\nfor r, d, f in os.walk('/tmp'): g(d)",
	"a walk that is led elsewhere through a tuple": "import os\nfor t in os.walk('/tmp'): t[1][:] = ['/etc']",
	"a walk that is led elsewhere step by step":    "import os\nw = os.walk('/tmp')\nnext(w)[1].append('/etc')\nnext(w)",
	"a walk that is led elsewhere by a filter":     "import os\nfor r, d, f in os.walk('/tmp'): d[:] = ['/etc' for x in d]",
	"a walk that is led elsewhere by sorted":       "import os\ndef sorted(x): return ['/etc']\nfor r, d, f in os.walk('/tmp'): d[:] = sorted(d)",
	// Private names.
	"a function under the full name of a private one": "from os import system as _A__x\n__x = print\nclass A:\n  def f(self): __x('id')\nA().f()",
	"a path under the full name of a private one":     "__p = '/tmp/x'\n_A__p = '/etc/x'\nclass A:\n  def f(self): open(__p)\nA().f()",
	"a private name of another class":                 "def f():\n  __x = '/tmp/x'\n  class A:\n    def m(self): open(__x)\n  A().m()\nclass A:\n  def s(self):\n    global __x\n    __x = '/etc/x'\nA().s()\nf()",
	"a private local variable by its full name":       "class C:\n  def m(self):\n    __p = '/tmp/x'\n    def g():\n      nonlocal _C__p\n      _C__p = '/etc/x'\n    g()\n    open(__p)\nC().m()",
	"a private attribute by its full name":            "class A:\n  def __init__(self): self.__p = '/tmp/x'\n  def show(self): open(self.__p)\na = A()\na._A__p = '/etc/x'\na.show()",
	// Names of files.
	"with_name that goes up":                        "from pathlib import Path\nopen(Path('/tmp/a').with_name('..') / 'etc' / 'x')",
	"with_name of a name that may go up":            "import os\nfrom pathlib import Path\nopen(Path('/tmp/a').with_name(os.path.basename(input())) / 'etc' / 'x')",
	"with_stem that goes up":                        "from pathlib import Path\nopen(Path('/tmp/a').with_stem('..') / 'etc' / 'x')",
	"with_suffix that leaves dots":                  "from pathlib import Path\nopen(Path('/tmp/...a').with_suffix('') / 'etc' / 'x')",
	"a date that is formatted by the code":          "import datetime\nclass D(datetime.date):\n  def strftime(self, f): return '../etc/x'\nopen(f'/tmp/{D.today():%Y}')",
	"the directory of a temporary file by position": "import tempfile\ntempfile.mkdtemp('', 'x', '..')",
	// Attributes.
	"an attribute set by an action of argparse":         "import argparse\nclass C:\n  def __init__(self): self.path = '/tmp/x'\nc = C()\na = argparse.ArgumentParser().add_argument('--path')\na(None, c, '/etc/x')\nopen(c.path)",
	"an attribute set by a parser under another name":   "import argparse\nclass C:\n  def __init__(self): self.path = '/tmp/x'\nc = C()\np = argparse.ArgumentParser()\np.add_argument('--path')\ngetattr(p, 'parse_args')(['--path', '/etc/x'], c)\nopen(c.path)",
	"an attribute set by a parser under a made-up name": "import argparse\nclass C:\n  def __init__(self): self.path = '/tmp/x'\nc = C()\np = argparse.ArgumentParser()\np.add_argument('--path')\ngetattr(p, 'parse' + '_args')(['--path', '/etc/x'], c)\nopen(c.path)",
	"the evaluation of a type":                          "import typing\nclass D:\n  def _evaluate(self): pass\ntyping.get_args(typing.List['print(1)'])[0]._evaluate({}, {}, frozenset())",
	"a log that is moved by name":                       "import logging\nfrom logging.handlers import RotatingFileHandler\nclass D:\n  def rotate(self): pass\nh = RotatingFileHandler('/tmp/a.log')\nh.rotate('/tmp/a.log', '/etc/x')",
	"a log that is named by the code":                   "from logging.handlers import RotatingFileHandler\nh = RotatingFileHandler('/tmp/a.log', maxBytes=1, backupCount=1)\nh.namer = lambda n: '/etc/x'",
	"a log whose suffix goes up":                        "from logging.handlers import TimedRotatingFileHandler\nh = TimedRotatingFileHandler('/tmp/a.log')\nh.suffix = '/../../etc/x'",
	"a member of an archive that is made elsewhere":     "import tarfile\nclass D:\n  def makedir(self): pass\ntarfile.open('/tmp/x.tar', 'w').makedir(tarfile.TarInfo('x'), '/etc/x')",
	"a file that is described for an archive":           "import zipfile\nclass D:\n  def from_file(self): pass\nzipfile.ZipInfo.from_file('/etc/x')",
	"an archive of arrays that is made to load objects": "import numpy as np\nz = np.load('/tmp/a.npz')\nz.allow_pickle = True\nz['x']",
	"the file of keys of TLS":                           "import ssl\nc = ssl.create_default_context()\nc.keylog_filename = '/etc/x'",
	"the certificates of TLS":                           "import ssl\nssl.create_default_context(cafile='/etc/x')",
	// Classes of values.
	"a class as a key":         "d = {}\nd[type(open('/tmp/x', 'wb', 0))] = 1\nlist(d)[0]('/etc/x')",
	"a class in an error":      "try: {}[type(open('/tmp/x', 'wb', 0))]\nexcept KeyError as e: e.args[0]('/etc/x')",
	"a class that is compared": "class E:\n  def __eq__(self, o): o('/etc/x')\nE() == type(open('/tmp/x', 'wb', 0))",
	"a class that is logged":   "import logging\nclass H(logging.Handler):\n  def emit(self, r): r.msg('/etc/x')\nlogging.basicConfig(handlers=[H()])\nlogging.info(type(open('/tmp/x', 'wb', 0)))",
	// Libraries.
	"a configuration with an encoding":       "import configparser\nconfigparser.ConfigParser().read('/etc/x', encoding='utf-8')",
	"a configuration with keywords":          "import configparser\nconfigparser.ConfigParser().read(encoding='utf-8', filenames='/etc/x')",
	"a database by its class":                "import sqlite3\nsqlite3.Connection('/etc/x')",
	"a database by a class of the code":      "import sqlite3\nclass C(sqlite3.Connection): pass\nC('/etc/x')",
	"a backend of a figure":                  "import matplotlib.pyplot as plt\nplt.figure().savefig('/tmp/x.png', backend='module://evil')",
	"a figure for LaTeX by its name":         "import matplotlib.pyplot as plt\nplt.savefig('/tmp/x.PGF')",
	"a figure for LaTeX by its format":       "import matplotlib.pyplot as plt\nplt.figure().savefig('/tmp/x', format='p' + 'gf')",
	"a figure for LaTeX by a setting":        "import matplotlib.pyplot as plt\nplt.rcParams['savefig.format'] = 'pgf'\nplt.savefig('/tmp/x')",
	"a plot under a made-up name":            "import pandas as pd\ngetattr(pd.DataFrame(), 'pl' + 'ot')().title.update(eval)",
	"a plot of pandas.plotting":              "import pandas as pd\nd = {}\nd['fontproperties'] = ':file=/etc/x'\npd.plotting.scatter_matrix(pd.DataFrame())[0][0].title.update(d)",
	"a second option of pandas":              "import pandas as pd\npd.set_option('display.width', 80, 'plotting.backend', 'evil')",
	"a second option of a context of pandas": "import pandas as pd\nwith pd.option_context('display.width', 80, 'plotting.backend', 'evil'): pass",
	"a file of settings beside others":       "import matplotlib.pyplot as plt\nwith plt.rc_context({'font.size': 1}, **{'fname': '/etc/x'}): pass",
	"settings in keywords beside others":     "import matplotlib.pyplot as plt\nplt.rcParams.update({'font.size': 1}, **{'savefig.format': 'pgf'})",
	"a call in an annotation":                "import sqlite3\ndef f(x: list(map(sqlite3.Connection, ['/etc/x']))): pass",
	"a time zone of now":                     "import pandas as pd\npd.Timestamp(0).now('date' + 'util//etc/x')",
	"a time zone of astimezone":              "import pandas as pd\npd.Timestamp(0, tz='UTC').astimezone('date' + 'util//etc/x')",
}

func TestNoDisguiseIsPlain(t *testing.T) {
	for name, source := range disguises {
		t.Run(name, func(t *testing.T) { checkFound(t, source) })
	}
}

// honest is ordinary work beside the rules against disguises.
var honest = map[string]string{
	"a walk that leaves out directories": "import os\nfor root, dirs, files in os.walk('/tmp'):\n  dirs[:] = [d for d in dirs if d != '.git']\n  dirs.sort()\n  for f in sorted(files): print(os.path.getsize(os.path.join(root, f)))\n  del dirs[:]",
	"a walk that is counted":             "import os\nprint(sum(len(f) for _, _, f in os.walk('/tmp')), next(os.walk('/tmp'))[1], list(os.walk('/tmp')))",
	"private names of a class":           "class A:\n  __count = 0\n  def __init__(self): self.__p = '/tmp/x'\n  def __load(self, __n=1):\n    __t = __n\n    return self.__p, __t, A.__count\n  def load(self): return self.__load()\nA().load()",
	"types that are compared":            "class P:\n  def __init__(self, x): self.x = x\n  def __eq__(self, o): return type(self) == type(o) and self.x == o.x\nprint(P(1) == P(2), type(1) is int)",
	"options of a script":                "import argparse\nclass C:\n  def __init__(self): self.path = '/tmp/x'\np = argparse.ArgumentParser()\np.add_argument('--n')\np.parse_args([])\nc = C()\nopen(c.path)",
	"figures":                            "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nfor name in ['a', 'b']: fig.savefig(f'/tmp/{name}.png', format='png')",
	"settings":                           "import configparser\nc = configparser.ConfigParser()\nc.read('/tmp/a.ini', encoding='utf-8')\nwith open('/tmp/x') as f: f.read(100)",
	"other names in a directory":         "from pathlib import Path\nfor p in Path('/tmp').iterdir():\n  open(p.with_suffix('.txt'), 'w')\n  open(p.with_name('b.txt'))",
	"options of pandas":                  "import pandas as pd\npd.set_option('display.width', 80, 'display.max_rows', 5)\npd.set_option('display.max_columns', None)\nwith pd.option_context('display.precision', 2): print(1)",
	"settings of groups":                 "import matplotlib.pyplot as plt\nfont = {'size': 9}\nplt.rc('font', **font)\nwith plt.rc_context({'font.size': 8}): pass",
	"a connection that is annotated":     "import sqlite3\ndef f(c: sqlite3.Connection) -> sqlite3.Connection: return c\nf(sqlite3.connect('/tmp/x.db'))",
}

func TestHonestWorkIsPlain(t *testing.T) {
	for name, source := range honest {
		t.Run(name, func(t *testing.T) {
			if r := Read([]byte(source)); !isPlain(r) {
				t.Errorf("alarms: %q, error: %v", effects(t, source), r.Error)
			}
		})
	}
}
