# SPDX-License-Identifier: Apache-2.0
"""What generate.py and audit.py share: tables, effects, seeds and the closure."""
import builtins
import collections
import dis
import importlib
import logging
import marshal
import pathlib
import sys
import types
import warnings

warnings.simplefilter("ignore")

import matplotlib  # noqa: E402

matplotlib.use("Agg")
logging.disable()

HERE = pathlib.Path(__file__).resolve().parent
GATE = HERE.parent.parent / "internal" / "gate" / "python"
TABLES = GATE / "tables.txt"
EFFECTS = GATE / "effects.txt"
NAMES = GATE / "names.txt"

# Modules of which every function and class counts as dangerous in the audit.
DANGEROUS_MODULES = """
os posix subprocess _posixsubprocess shutil socket _socket ssl _ssl ctypes _ctypes importlib importlib._bootstrap
importlib._bootstrap_external importlib.util importlib.machinery imp _imp pickle _pickle marshal runpy code codeop
inspect gc pty signal _signal mmap fcntl multiprocessing multiprocessing.context urllib.request http.client ftplib
smtplib tempfile pathlib glob linecache zipimport pkgutil webbrowser sqlite3 _sqlite3 select selectors
concurrent.futures.process multiprocessing.popen_fork
""".split()

# Functions of those modules that are in the tables or in effects.txt as effect-free.
HARMLESS = {
    "os.fspath", "posix.fspath", "os._fspath", "os.cpu_count", "posix.cpu_count", "os.urandom", "posix.urandom",
    "pickle.PickleError", "_pickle.PickleError", "pickle.PicklingError", "_pickle.PicklingError", "pickle.UnpicklingError",
    "_pickle.UnpicklingError", "pickle.dump", "pickle.dumps", "_pickle.dump", "_pickle.dumps", "pickle.Pickler", "_pickle.Pickler",
    "inspect.Signature", "inspect.Parameter", "inspect._empty", "inspect._ParameterKind",
    "os.PathLike", "select.error", "socket.timeout", "socket.error", "shutil.get_terminal_size",
}

DANGEROUS_BUILTINS = "eval exec compile open __import__ globals locals vars dir setattr delattr getattr breakpoint input help".split()

# Objects of these types hand out the interpreter's own state.
DANGEROUS_TYPES = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType)


def load_module(name):
    try:
        return importlib.import_module(name)
    except Exception:
        return None


def dangerous_objects():
    """Maps the id of each dangerous callable to its name."""
    found = {id(getattr(builtins, n)): n for n in DANGEROUS_BUILTINS}
    for name in DANGEROUS_MODULES:
        module = load_module(name)
        if module is None:
            continue
        for n, v in vars(module).items():
            owner = f"{getattr(v, '__module__', '')}.{getattr(v, '__name__', '')}"
            own = getattr(v, "__module__", None) == name or isinstance(v, types.BuiltinFunctionType)
            if not callable(v) or not own or f"{name}.{n}" in HARMLESS or owner in HARMLESS:
                continue
            if isinstance(v, type) and issubclass(v, (BaseException, tuple, int, str)):
                continue
            found[id(v)] = f"{name}.{n}"
    for t in (types.FunctionType, types.CodeType, types.MethodType, types.ModuleType):
        found[id(t)] = t.__name__
    for t in (importlib.import_module("io").FileIO,):
        found[id(t)] = "io.FileIO"
    return found


def read_tables(path=TABLES):
    """Reads tables.txt as {section: {key: [names]}}."""
    tables = collections.defaultdict(dict)
    target = None
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith(" "):
            target.extend(line.split())
            continue
        section, _, key = line.partition(" ")
        target = tables[section].setdefault(key, [])
    return tables


def read_effect_attributes():
    """Names of the attributes whose effects are modelled by hand."""
    names, inside = set(), False
    for line in EFFECTS.read_text().splitlines():
        if line.startswith("attributes"):
            inside = True
        elif line and not line.startswith((" ", "#")):
            inside = False
        elif inside and line.strip() and not line.strip().startswith("#"):
            names.add(line.split()[0])
    return names


def read_dynamic_modules():
    """Modules of which every name is Dynamic."""
    module, found = None, set()
    for line in EFFECTS.read_text().splitlines():
        words = line.split()
        if words[:1] == ["module"]:
            module = words[1]
        elif words == ["*", "Dynamic"]:
            found.add(module)
    return found


def read_effect_packages():
    """Maps names of attributes in effects.txt to the packages whose objects they are modelled for."""
    found, packages = collections.defaultdict(set), None
    for line in EFFECTS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line.startswith(" "):
            packages = {w.partition(".")[0] for w in words[1:]} if words[0] == "attributes" else None
        elif packages:
            found[words[0]] |= packages
    return found


def read_effect_names():
    """Dotted names whose effects are modelled by hand."""
    names, module = set(), None
    for line in EFFECTS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line.startswith(" "):
            module = words[1] if words[0] == "module" else None
        elif module and words[0] != "compute":
            names.add(f"{module}.{words[0]}")
    return names


def instances():
    """Objects of the kinds that agents' code handles, as (label, object)."""
    import argparse
    import asyncio
    import csv
    import datetime
    import decimal
    import fractions
    import hashlib
    import io
    import logging
    import random
    import re
    import string
    import threading
    import uuid
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    import xml.etree.ElementTree as ET

    def function(a=1):
        yield a

    async def coroutine():
        return 1

    class User:
        field = 1

        def method(self):
            return self.field

    fig, ax = plt.subplots()
    df = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "t": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    co = coroutine()
    loop = asyncio.new_event_loop()
    out = {
        "fig": fig, "ax": ax, "ax3d": plt.figure().add_subplot(projection="3d"), "df": df, "series": df.a, "str": df.b.str, "dt": df.t.dt,
        "groupby": df.groupby("b"), "groupby column": df.groupby("b").a, "rolling": df.a.rolling(1), "expanding": df.a.expanding(),
        "ewm": df.a.ewm(1), "resample": df.set_index("t").resample("D"), "index": df.index, "columns": df.columns,
        "datetime index": df.set_index("t").index, "multi index": df.set_index(["a", "b"]).index, "categorical": df.b.astype("category"),
        "cat": df.b.astype("category").cat, "loc": df.loc, "plot": df.plot, "array": np.zeros((2, 2)), "masked": np.ma.zeros(2),
        "generator rng": np.random.default_rng(0), "random state": np.random.RandomState(0), "dtype": np.dtype("f8"), "ufunc": np.add,
        "scalar": np.float64(1), "poly1d": np.poly1d([1]), "polynomial": np.polynomial.Polynomial([1]), "finfo": np.finfo(float),
        "nditer": np.nditer(np.zeros(2)), "matrix": np.matrix([[1]]), "match": re.match("a", "a"), "pattern": re.compile("a"),
        "datetime": datetime.datetime.now(), "date": datetime.date.today(), "delta": datetime.timedelta(1), "timestamp": pd.Timestamp(0),
        "timedelta": pd.Timedelta(1), "period": pd.Period("2020"), "interval": pd.Interval(0, 1), "decimal": decimal.Decimal(1),
        "decimal context": decimal.getcontext(), "fraction": fractions.Fraction(1), "text": "x", "bytes": b"x", "bytearray": bytearray(b"x"),
        "list": [], "dict": {}, "set": set(), "tuple": (), "int": 1, "float": 1.0, "complex": 1j, "range": range(1), "slice": slice(1),
        "generator": function(), "coroutine": co, "function": function, "method": User().method, "user class": User, "user": User(),
        "lambda": lambda: 0, "exception": ValueError("x"), "key error": KeyError("x"), "os error": OSError(1, "x"),
        "iterator": iter([]), "zip": zip(), "map": map(str, []), "property": property(), "memoryview": memoryview(b"x"),
        "random": random.Random(0), "hash": hashlib.sha256(), "uuid": uuid.uuid4(), "template": string.Template("x"),
        "string io": io.StringIO(), "bytes io": io.BytesIO(), "file": open("/dev/null"), "binary file": open("/dev/null", "rb"),
        "csv reader": csv.reader([]), "csv writer": csv.writer(io.StringIO()), "dict reader": csv.DictReader(["a"]), "dict writer": csv.DictWriter(io.StringIO(), ["a"]),
        "counter": collections.Counter(), "deque": collections.deque(), "ordered dict": collections.OrderedDict(), "default dict": collections.defaultdict(list),
        "chain map": collections.ChainMap(), "line": ax.plot([1])[0], "bars": ax.bar([1], [1]), "legend": ax.legend(), "title": ax.set_title("x"),
        "x axis": ax.xaxis, "spines": ax.spines, "colormap": plt.get_cmap("viridis"), "scatter": ax.scatter([1], [1]), "image": ax.imshow([[1]]),
        "patch": ax.patch, "histogram": ax.hist([1])[2], "pie": ax.pie([1]), "colorbar": fig.colorbar(ax.imshow([[1]])), "grid spec": ax.get_subplotspec(),
        "transform": ax.transData, "rc params": matplotlib.rcParams, "element": ET.Element("a"), "argument parser": argparse.ArgumentParser(),
        "logger": logging.getLogger("x"), "handler": logging.StreamHandler(), "thread": threading.Thread(), "lock": threading.Lock(),
        "event loop": loop, "styler": None, "relativedelta": importlib.import_module("dateutil.relativedelta").relativedelta(days=1),
        "time zone": importlib.import_module("pytz").timezone("Europe/Paris"), "zone info": importlib.import_module("zoneinfo").ZoneInfo("UTC"),
        "partial": __import__("functools").partial(len), "lru cache": __import__("functools").lru_cache(len), "cached property": __import__("functools").cached_property(len),
        "struct time": __import__("time").localtime(), "sys stdout": __import__("sys").stdout, "textwrap": __import__("textwrap").TextWrapper(),
        "sequence matcher": __import__("difflib").SequenceMatcher(), "catch warnings": warnings.catch_warnings(record=True),
        "queue": __import__("queue").Queue(), "executor": __import__("concurrent.futures").futures.ThreadPoolExecutor(1),
        "exit stack": __import__("contextlib").ExitStack(), "suppress": __import__("contextlib").suppress(), "flags": __import__("re").I,
        "animation": None, "enum": __import__("http").HTTPStatus.OK, "json encoder": __import__("json").JSONEncoder(), "json decoder": __import__("json").JSONDecoder(),
    }
    return [(k, v) for k, v in out.items() if v is not None]


def effectful_classes():
    """Classes of objects that only calls with effects create: their methods act on what was reported there."""
    import bz2
    import configparser
    import email.message
    import ftplib
    import gzip
    import http.client
    import lzma
    import os
    import pathlib
    import smtplib
    import socket
    import sqlite3
    import subprocess
    import tarfile
    import tempfile
    import urllib.request
    import xml.etree.ElementTree
    import zipfile
    import numpy.lib.npyio
    import pandas
    return [
        bz2.BZ2File, gzip.GzipFile, lzma.LZMAFile, os.DirEntry, os.stat_result, xml.etree.ElementTree.ElementTree, numpy.lib.npyio.NpzFile,
        pandas.ExcelFile, pandas.ExcelWriter,
        configparser.ConfigParser, configparser.SectionProxy, email.message.EmailMessage, ftplib.FTP, http.client.HTTPResponse,
        http.client.HTTPConnection, pathlib.PurePosixPath, smtplib.SMTP, socket.socket, sqlite3.Connection, sqlite3.Cursor, sqlite3.Row,
        subprocess.Popen, subprocess.CompletedProcess, subprocess.CalledProcessError, tarfile.TarFile, tarfile.TarInfo,
        tempfile.TemporaryDirectory, urllib.request.Request, zipfile.ZipFile, zipfile.ZipInfo,
    ]


# Instructions whose argument is the name of an attribute, or of what a class body binds.
NAMING = {dis.opmap[n] for n in ("LOAD_ATTR", "STORE_ATTR", "DELETE_ATTR", "LOAD_METHOD", "STORE_NAME")}


def names_in_code(code, found):
    for _, op, arg in dis._unpack_opargs(code.co_code):
        if op in NAMING:
            found.add(code.co_names[arg])
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names_in_code(constant, found)


def every_attribute():
    """Every public name that any object in the image may have as an attribute: those that
    its Python code reads or binds, and those of all classes that are loaded."""
    found = set()
    for top in {pathlib.Path(path) for path in sys.path if path.startswith("/usr/") and pathlib.Path(path).is_dir()}:
        for cached in top.rglob("*.pyc"):
            if "idlelib" not in cached.parts and "tests" not in cached.parts:
                names_in_code(marshal.loads(cached.read_bytes()[16:]), found)
    classes, queue = set(), [object]
    while queue:
        for c in type.__subclasses__(queue.pop()):
            if c not in classes:
                classes.add(c)
                queue.append(c)
                found.update(dir(c))
    return {n for n in found if not n.startswith("_") and n.isidentifier()}


def seeds(tables):
    """Everything that code can name directly, as (label, object)."""
    for module, names in tables["module"].items():
        m = load_module(module)
        for n in names if m is not None else []:
            try:
                yield f"{module}.{n}", getattr(m, n)
            except Exception:
                continue
    for label, value in instances():
        yield f"<{label}>", value


# Instances of one class that are followed; more of the same lead nowhere new.
INSTANCES_PER_CLASS = 25


def identity(value, instances_of):
    """A key for value that is the same for objects which need no second visit."""
    if isinstance(value, types.MethodType):
        return ("method", id(value.__func__))
    if isinstance(value, types.BuiltinMethodType) and not isinstance(value.__self__, types.ModuleType):
        return ("builtin", type(value.__self__), value.__name__)
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return id(value)
    instances_of[type(value)] += 1
    return id(value) if instances_of[type(value)] <= INSTANCES_PER_CLASS else type(value)


def closure(starts, permitted):
    """Follows permitted attributes from starts; gives (objects seen, leaks).

    A leak is (attribute, path, what) where what is a module, a frame, or a
    dangerous callable that is reached through the attribute.
    """
    dangerous = dangerous_objects()
    seen, leaks, keep = set(), [], []
    instances_of = collections.Counter()
    queue = collections.deque((v, label) for label, v in starts)
    while queue:
        value, label = queue.popleft()
        key = identity(value, instances_of)
        if key in seen:
            continue
        seen.add(key)
        keep.append(value)  # so that no id is used twice
        try:
            names = dir(value)
        except Exception:
            continue
        for name in names:
            if not permitted(name):
                continue
            try:
                child = getattr(value, name)
            except BaseException:
                continue
            what = dangerous.get(id(child)) or dangerous.get(id(getattr(child, "__func__", None)))
            if isinstance(child, DANGEROUS_TYPES):
                what = type(child).__name__ + " " + getattr(child, "__name__", "")
            if what:
                leaks.append((name, f"{label}.{name}", what))
                continue
            if isinstance(child, (str, bytes, int, float, complex, bool, type(None))):
                continue
            queue.append((child, f"{label}.{name}"))
            if isinstance(child, (list, tuple)) and child:
                queue.append((child[0], f"{label}.{name}[0]"))
            elif isinstance(child, dict) and child and len(child) < 1000:
                for k in list(child)[:50]:
                    queue.append((child[k], f"{label}.{name}[{k!r}]"))
    return len(seen), leaks


def is_dunder(name):
    return name.startswith("__") and name.endswith("__")
