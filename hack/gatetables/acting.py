# SPDX-License-Identifier: Apache-2.0
"""Finds the methods of all classes in the image that act on the world, by name.

Code can make the name of any attribute pass by defining it in a class of its
own, and then use it on any object. So it must be known of every name whether a
class of the image has an effect under it. This follows the bytecode of each
method: through globals, modules, imports inside of functions, methods of self
and nested functions. A method of another object that it calls is classified by
itself, where that object has it.
"""
import collections
import dis
import functools
import itertools
import pkgutil
import sys
import types

from library import EFFECTS, is_dunder, load_module, read_dynamic_modules

# Packages of which every module is loaded, so that all their classes are seen.
PACKAGES = ("numpy", "pandas", "matplotlib", "mpl_toolkits", "dateutil", "pytz")
SKIPPED = {"tests", "testing", "conftest", "setup", "__main__", "f2py", "distutils", "backends", "sphinxext"}

# Lines that are not meant: an effect that depends on one of these arguments needs more than the call, and
# of what is Dynamic only what runs code or loads modules is an effect by itself (see MORE).
CONDITIONS = (" Dynamic", "optional", "zone=", "font=", "props=", "flag=", "style=", "latex=", "text=", " backend")

# Names that effects.txt models otherwise or, as nothing may import their modules, not at all.
MORE = """
builtins.eval builtins.exec builtins.__import__ io.open io.FileIO _io.open os.fdopen importlib.import_module importlib.util.find_spec zipfile.ZipFile tarfile.TarFile tarfile.TarFile.open
socket.socket _socket.socket ctypes.CDLL ctypes.PyDLL mmap.mmap signal.signal signal.set_wakeup_fd ftplib.FTP runpy.run_path webbrowser.open
marshal.load marshal.loads pickle.Unpickler urllib.request.OpenerDirector.open
""".split()

# Where the search stops, and why.
CUT = {
    "find_stack_level": "it looks at frames to word a warning",
    "import_optional_dependency": "it imports a library whose name is written in pandas",
    "dgettext": "it looks for the translations of argparse's messages in the system",
    "ngettext": "likewise",
    "FontManager": "it reads the fonts of the system",
    "_load_fontmanager": "likewise",
    "namedtuple": "it evaluates names of fields that it has checked",
    "validate_cycler": "it evaluates text; effects.txt models the settings that reach it",
    "_signature_fromstr": "it parses the signature of a builtin",
    "_log": "it finds the caller of a logger",
    "getenv": "the environment is a kind of its own",
}

# Modules and packages whose objects code does not get: it may not import them, and no function returns one;
# they live inside of a call of pandas or numpy; or every way to get one is an operation that is never allowed.
UNREACHABLE = """
PIL _frozen_importlib _frozen_importlib_external zipimport _sitebuiltins unittest six ctypes pickle _pickle
pandas.core.computation pandas.core.apply pandas.io.parquet pandas.io.html pandas.io.xml pandas.io.formats numpy.lib._datasource numpy.DataSource
multiprocessing http.server
matplotlib.dviread matplotlib.texmanager matplotlib.backend_tools matplotlib.backend_bases.ToolContainerBase matplotlib.animation.AbstractMovieWriter
matplotlib.animation.MovieWriter matplotlib.animation.FileMovieWriter matplotlib.animation.FFMpegBase matplotlib.animation.ImageMagickBase
matplotlib.animation.HTMLWriter matplotlib.animation.PillowWriter matplotlib.animation.FFMpegWriter matplotlib.animation.FFMpegFileWriter
matplotlib.animation.ImageMagickWriter matplotlib.animation.ImageMagickFileWriter
""".split()


def modelled_names():
    """Dotted names that effects.txt gives an effect which needs no special argument."""
    module = None
    for line in EFFECTS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line.startswith(" "):
            module = words[1] if words[0] == "module" else None
        elif module and words[0] not in ("compute", "*") and words[1] != "Environment" and not any(c in line for c in CONDITIONS):
            yield f"{module}.{words[0]}"


def find(dotted):
    """The object of a dotted name, None if there is none."""
    module, _, rest = dotted.rpartition(".")
    while module and load_module(module) is None:
        module, _, name = module.rpartition(".")
        rest = f"{name}.{rest}"
    try:
        return functools.reduce(getattr, rest.split("."), load_module(module))
    except (AttributeError, ImportError):
        return None


def world():
    """Maps the id of each function and class with an effect to its name."""
    found = {}
    for dotted in [*modelled_names(), *MORE]:
        value = plain(find(dotted))
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            found[id(value)] = dotted
    return found


def plain(value):
    """The function behind a method, a property or a decorated function."""
    for attribute in ("__func__", "fget", "func", "__wrapped__"):
        if isinstance(value, (staticmethod, classmethod, property, types.MethodType, functools.cached_property)) or hasattr(type(value), "cache_info"):
            value = getattr(value, attribute, value)
    return value


def load_packages():
    for package in PACKAGES:
        for m in pkgutil.walk_packages(load_module(package).__path__, package + ".", onerror=lambda _: None):
            if not SKIPPED & set(m.name.split(".")):
                load_module(m.name)


def all_classes():
    classes, queue = {object: None}, [object]
    while queue:
        for c in type.__subclasses__(queue.pop()):
            if c not in classes:
                classes[c] = None
                queue.append(c)
    return sorted(classes, key=lambda c: (str(c.__module__), c.__qualname__))


def attribute(value, name):
    try:
        return getattr(value, name, None)
    except Exception:
        return None


def member(cls, name):
    return next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)


def mentioned(code, names, cls):
    """What a function mentions by name, as (label, value, class)."""
    instructions = list(dis.get_instructions(code))
    local = {}
    myself = code.co_varnames[0] if cls is not None and code.co_argcount else None
    for n, i in enumerate(instructions):
        value, owner, at = None, None, n + 1
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = names.get(i.argval, attribute(sys.modules["builtins"], i.argval))
        elif i.opname == "IMPORT_NAME":
            value = sys.modules.get(i.argval)
            if instructions[at].opname == "STORE_FAST":
                local[instructions[at].argval] = sys.modules.get(i.argval.partition(".")[0])
        elif i.opname in ("LOAD_FAST", "LOAD_DEREF") and i.argval == myself and instructions[at].opname in ("LOAD_ATTR", "LOAD_METHOD"):
            value, owner, at = member(cls, instructions[at].argval), cls, at + 1
        elif i.opname in ("LOAD_FAST", "LOAD_DEREF"):
            value = local.get(i.argval)
        while isinstance(value, types.ModuleType) and instructions[at].opname in ("LOAD_ATTR", "LOAD_METHOD"):
            value, at = attribute(value, instructions[at].argval), at + 1
        if isinstance(value, types.ModuleType) and i.opname == "IMPORT_NAME":
            for j in instructions[at:]:
                if j.opname == "IMPORT_FROM":
                    yield j.argval, attribute(value, j.argval), None
                elif j.opname not in ("STORE_FAST", "STORE_DEREF"):
                    break
        elif value is not None:
            yield str(i.argval), value, owner
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            same = code.co_varnames[:1] == constant.co_varnames[:1] or myself in constant.co_freevars
            yield from mentioned(constant, names, cls if same else None)


class Search:
    """Finds ways from functions to effects."""

    def __init__(self):
        self.world = world()
        self.ways = {}

    def way(self, value, cls=None):
        """How value acts, as a list of names; None if it does not."""
        value = plain(value)
        if id(value) in self.world:
            return [self.world[id(value)]]
        if getattr(value, "__name__", None) in CUT:
            return None
        key = (id(value), id(cls))
        if key not in self.ways:
            self.ways[key] = None  # for cycles
            self.ways[key] = self.follow(value, cls)
        return self.ways[key]

    def follow(self, value, cls):
        if isinstance(value, type):
            steps = [(n, member(value, n), value) for n in ("__init__", "__new__", "__post_init__")]
        elif isinstance(value, types.FunctionType):
            steps = [*mentioned(value.__code__, value.__globals__, cls), ("wrapped", getattr(value, "__wrapped__", None), cls)]
        else:
            return None
        for label, step, owner in steps:
            way = self.way(step, owner) if step is not None else None
            if way is not None:
                return [label, *way]
        return None


def is_reachable(name, importable, dynamic):
    parents = list(itertools.accumulate(name.split("."), "{}.{}".format))
    return parents[0] in importable and not any(p in UNREACHABLE or p in dynamic for p in parents)


def acting(importable):
    """Maps names of methods that act to {package that code imports to get such an object: an example}."""
    dynamic = read_dynamic_modules()
    load_packages()
    search, found = Search(), collections.defaultdict(dict)
    for c in all_classes():
        package = str(c.__module__).partition(".")[0]
        if not is_reachable(f"{c.__module__}.{c.__qualname__}", importable, dynamic):
            continue
        for name, value in list(vars(c).items()):
            if is_dunder(name):
                continue
            way = search.way(value, c)
            if way is not None:
                found[name].setdefault(package, f"{c.__module__}.{c.__qualname__}: {' > '.join(way)}")
    return found
