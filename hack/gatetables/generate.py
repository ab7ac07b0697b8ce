# SPDX-License-Identifier: Apache-2.0
"""Writes internal/gate/python/tables.txt from the libraries that are installed.

Run it with the Python of the sandbox image. See README.md.
"""
import collections
import dis
import platform
import re
import sys
import types

from acting import acting
from inventory import digest, inventory
from library import (
    GATE, HERE, NAMES, TABLES, closure, effectful_classes, every_attribute, instances, is_dunder, load_module, read_effect_attributes, read_effect_names,
    read_effect_packages, seeds,
)

# Public names that are left out, wherever they are. Names in effects.txt are left out, too.
EXCLUDED = re.compile(
    r"""^(
    # They open files or connections.
    open.* | load | load_.* | loads_.* | fetch_.* | get_data.* | clear_data.* | dump_.* | save.* | fromfile | tofile | genfromtxt | loadtxt | savetxt
    | memmap | DataSource | fromregex | recfrom.* | read_.* | ExcelWriter | ExcelFile | HDFStore | imread | imsave | rc_file.* | rc_params_from_file
    | matplotlib_fname | get_configdir | get_cachedir | get_rdataset | connect | disconnect
    # make_msgid resolves the name of the machine; getnode and uuid1 run programs to learn its hardware address.
    | make_msgid | getnode | uuid1
    # They run code, or evaluate strings.
    | safe_eval | eval | query | exec | run.* | system | popen.* | test | Tester | install_repl_displayhook | from_api
    # The command lines of modules: they read sys.argv and open what it names.
    | main
    # They hand out source code, documents, settings and introspection.
    | source | lookfor | info | get_include | show_config | show_versions | set_numeric_ops | deprecate.*
    # They evaluate annotations, which are strings.
    | get_type_hints | ForwardRef | singledispatch.*
    # They bind the members of an enum in the module that __module__ names.
    | global_.*
    # They read or set attributes by names in strings, or make classes and code of them: specials and decorators in Go judge those that are needed.
    | attrgetter | methodcaller | wraps | update_wrapper | ABCMeta | EnumMeta | EnumType | NamedTupleMeta | dataclass | make_dataclass
    | FunctionType | CodeType | LambdaType | MethodType | ModuleType | GeneratorType | FrameType | TracebackType
    # They choose a backend, which is a module, or settings that choose one or run LaTeX. What rcParamsDefault holds, rcdefaults brings into force.
    | switch_backend | use | style | rcParamsDefault | rcParamsOrig | rcParamsTemplate | rcdefaults | set_option | options | option_context | reset_option
    | new_manager | new_figure_manager | get_current_fig_manager | show_ | draw_if_interactive | pylab_setup
    # They are private, or only used with others of this list.
    | Formatter_ | _.*
    )$""",
    re.VERBOSE,
)
# Exceptions to the above: names that are harmless in one module.
KEPT = {
    "asyncio.run", "json.load", "json.loads", "pickle.dump", "pickle.dumps", "logging.info",
    "contextlib.closing", "sys.exit", "numpy.info_",
}
# Attributes that must never be allowed on a value of unknown type.
EXCLUDED_ATTRIBUTES = re.compile(
    r"""^(
    .+Reader | book | handles | myfileobj | canvas | manager | fetch.* | _.* | runcode | runsource | interact | set_trace | imread | imsave | get_field | get_value | vformat
    | parse_known.* | open.* | read_(?!string$|dict$).* | eval | query | exec.* | run | system | popen | gi_.* | cr_.* | ag_.* | f_.* | tb_.* | co_.* | func_.*
    | mro | with_traceback | load | loads | ctypes | base | setfield | from_file | register | resolve | set_usetex | from_custom_template | obj
    | loader | call_soon.* | subprocess_.* | create_connection | create_server | create_datagram_endpoint | create_unix_.* | connect_.* | sock_.*
    | start_tls | sendfile | getaddrinfo | getnameinfo | set_exception_handler | set_task_factory | set_default_executor | add_reader | add_writer
    | add_signal_handler | .+open | OPEN_METH | raw | sourcehook | loadXML | saveXML | make(dir|file|link|fifo|dev|unknown) | chown | utime | fileobject
    | manager_class | draw_tex | get_texmanager | gettarinfo | addfile | send_signal | terminate | sock | fileobj | set_tunnel | set_debuglevel | set_authorizer | mpl_connect | print_(?!help|usage).* | set_tzpath | makeRecord | findCaller | template_.* | env | convert_arg_line_to_args
    )$""",
    re.VERBOSE,
)
# Names that user code may not define for itself to make them pass.
SENSITIVE = """
os sys posix subprocess builtins importlib ctypes pickle shutil socket signal inspect gc code marshal pty runpy multiprocessing io nt
system popen Popen execv execve execl execle execlp execvp execvpe spawnl spawnv fork forkpty posix_spawn kill exec
f_back f_globals f_locals f_builtins f_code f_trace gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await
tb_frame tb_next tb_lasti func_globals func_code func_closure co_code co_consts mro modules meta_path path_hooks path_importer_cache
exec_module find_spec create_module ctypes tb_lineno obj with_traceback raw fileobj zip fid ODFReader OpenpyxlReader PyxlsbReader XlrdReader
""".split()
# Fields that exist on instances only, so that dir() of a class does not list them.
INSTANCE_FIELDS = """
statistic pvalue slope intercept rvalue stderr x fun success message nit data target columns index values seasonal trend resid params pvalues
rsquared fittedvalues returncode args errno strerror filename code reason fieldnames line_num dialect writerow writerows writeheader get_text
year month day hour minute second microsecond tzinfo days seconds microseconds str dt cat plot sparse loc iloc at iat T real imag flat shape size ndim
dtype nbytes itemsize strides kind name names group groups start stop step value key keys items lower upper maketrans wrapped keywords maxlen
default_factory a b c n k p q left right parent children root next prev head tail getvalue read readline readlines seek tell close truncate flush
write writelines text tail tag attrib buffer encoding mode closed newlines numerator denominator stdout stderr labels_ cluster_centers_ inertia_ coef_
intercept_ components_ explained_variance_ explained_variance_ratio_ feature_importances_ classes_ best_params_ best_estimator_ best_score_
raise_for_status json content status_code headers ok elapsed iter_content iter_lines url cookies history stdin pid
cv_results_ vocabulary_ idf_ mean_ scale_ var_ cache_info cache_clear
""".split()


# Names under which a class acts that are allowed or modelled all the same, and why. The rest of what acts is guarded.
REVIEWED = {
    **dict.fromkeys("accept close communicate dir fileno makeport mlsd nlst ntransfercmd readline retrbinary retrlines send storbinary storlines "
                    "transfercmd truncate wait writelines emit rotate parse_args parse_intermixed_args put put_nowait enable _save poll connect request".split(),
                    "it acts on what was judged when the object was made"),
    **dict.fromkeys("agg apply".split(), "dispatchers (dispatch.go)"),
    **dict.fromkeys("boxplot hist".split(), "effects.txt models their backend"),
    **dict.fromkeys("from_callable from_list line init get keys search transform write exists parse extract namelist".split(),
                    "no function that may be called gives such an object"),
    **dict.fromkeys("get_name get_font draw_text get_text_width_height_descent".split(), "the font was judged where it was set"),
    "extractfile": "_Stream reads the archive, which was judged",
    "run": "Runner runs coroutines of the source, and handles SIGINT meanwhile",
    "remove_signal_handler": "it undoes what add_signal_handler did, which is judged",
}


# Named tuples have methods that begin with an underscore so that no field can have their names.
NAMED_TUPLE = {"_asdict", "_replace", "_fields", "_make"}


def read_modules():
    for line in (HERE / "modules.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, only = line.partition(":")
            yield name, only.split()


def public_names(name, module, only):
    """The allowed names of a module, and its attributes that are modules."""
    names, submodules = [], {}
    for n in sorted(only or set(dir(module)) | set(getattr(module, "__all__", []))):
        try:
            value = getattr(module, n)
        except Exception:
            continue
        if isinstance(value, types.ModuleType):
            submodules[n] = value.__name__
            continue
        explicit = bool(only) or f"{name}.{n}" in KEPT
        if explicit or not EXCLUDED.match(n):
            names.append(n)
    return names, submodules


BUILTINS = """
abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate exit filter float format frozenset
hash hex id input int isinstance issubclass iter len list map max memoryview min next object oct ord pow print property quit range repr reversed round
set slice sorted staticmethod str sum super tuple zip Ellipsis NotImplemented
""".split()


def builtin_names():
    import builtins
    return sorted(BUILTINS + [n for n in dir(builtins) if isinstance(getattr(builtins, n), type) and issubclass(getattr(builtins, n), BaseException)])


def build_modules():
    modules, found = {}, {}
    for name, only in read_modules():
        module = load_module(name)
        if module is None:
            continue
        if name == "builtins":
            modules[name] = builtin_names()
            continue
        modules[name], found[name] = public_names(name, module, only)
    aliases = {
        f"{name}.{n}": target
        for name, subs in found.items() for n, target in subs.items()
        if target in modules and f"{name}.{n}" != target and not n.startswith("_")
    }
    return modules, aliases


def build_attributes(modules):
    """Names of methods and fields of every class that the modules offer."""
    classes = {type(v) for _, v in instances()} | set(effectful_classes()) | {object, type(None), BaseException, OSError, UnicodeError}
    for name, names in modules.items():
        module = load_module(name)
        for n in names:
            value = getattr(module, n, None)
            if isinstance(value, type):
                classes.add(value)
            elif value is not None and not isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
                classes.add(type(value))
    found = set(INSTANCE_FIELDS)
    for c in classes:
        for n in dir(c):
            if not isinstance(getattr(c, n, None), types.ModuleType):
                found.add(n)
    for _, value in instances():
        found.update(getattr(value, "__dict__", {}))
    return {n for n in found if n in NAMED_TUPLE or not EXCLUDED_ATTRIBUTES.match(n)}


# Globals through which library code written in Python reaches the world.
REACHING_GLOBALS = set("""
open exec eval compile __import__ io os subprocess socket shutil tempfile importlib import_module urlopen urllib get_handle
TemporaryDirectory NamedTemporaryFile runpy pickle ctypes PIL webbrowser
""".split())


def reaching_methods(modules):
    """Maps names of methods that use such a global to where they are defined.

    Code can define an attribute of any such name for itself, so those that are
    neither allowed nor modelled in effects.txt have to be sensitive.
    """
    found, seen = {}, set()
    for _, value in seeds({"module": modules}):
        for c in (value if isinstance(value, type) else type(value)).__mro__:
            if c in seen:
                continue
            seen.add(c)
            for name, member in vars(c).items():
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
                if code is None or is_dunder(name):
                    continue
                used = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"} & REACHING_GLOBALS
                if used:
                    found[name] = f"{c.__module__}.{c.__qualname__} uses {', '.join(sorted(used))}"
    return found


def modelled_objects(effects):
    """The functions and classes that effects.txt models, which must not pass under the name of another module."""
    found = {}
    for dotted in effects:
        module, _, name = dotted.rpartition(".")
        value = getattr(load_module(module), name, None) if load_module(module) else None
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            found[id(value)] = dotted
    return found


def other_names(modules, effects):
    """Maps dotted names in modules to what effects.txt models under another name."""
    modelled = modelled_objects(effects)
    return {
        f"{m}.{n}": modelled[id(getattr(load_module(m), n, None))]
        for m, names in modules.items() if m != "builtins"
        for n in names if id(getattr(load_module(m), n, None)) in modelled
    }


def guards(attributes, sensitive, importable):
    """Maps packages to the names under which an object of theirs acts, so that a
    definition of that name in the code says nothing about it."""
    modelled, out = read_effect_packages(), collections.defaultdict(set)
    ways = {name: w for name, w in acting(importable).items() if name not in REVIEWED and name not in sensitive}
    if bad := [f"{name}: {w}" for name, w in ways.items() if name in attributes]:
        sys.exit("\n  ".join(["these attributes are allowed and act; exclude them, or say in REVIEWED why not:", *bad]))
    for name, packages in ways.items():
        for package in packages.keys() - modelled.get(name, set()):
            if "any" not in modelled.get(name, ()):
                out[package].add(name)
    return out


def wrap(names):
    line = ""
    for n in sorted(names):
        if len(line) + len(n) > 150:
            yield line
            line = ""
        line += " " + n
    if line:
        yield line


def versions():
    """The versions that people look for; inventory() has all."""
    out = [f"python {platform.python_version()}"]
    for name in ("numpy", "pandas", "matplotlib", "scipy", "sklearn", "seaborn", "statsmodels"):
        module = load_module(name)
        if module is not None:
            out.append(f"{name} {module.__version__}")
    return " ".join(out)


def main():
    effects = read_effect_names()
    modules, aliases = build_modules()
    aliased = other_names(modules, effects)
    aliases |= {name: what for name, what in aliased.items() if name not in effects}
    modules = {m: [n for n in names if f"{m}.{n}" not in effects | aliased.keys()] for m, names in modules.items()}
    attributes = build_attributes(modules) - read_effect_attributes() - set(SENSITIVE)
    sensitive = set(SENSITIVE)
    for name, where in sorted(reaching_methods(modules).items()):
        if name in attributes:
            print("review: allowed attribute", name, "of", where)
        elif name not in read_effect_attributes():
            sensitive.add(name)
    # A name that leads from any reachable object to a module, a frame or a
    # dangerous callable is neither allowed nor can code define it for itself.
    while True:
        seen, leaks = closure(seeds({"module": modules}), lambda n: not is_dunder(n) and n not in sensitive)
        print(f"{seen} objects, {len(leaks)} leaks")
        for name, path, what in leaks[:40]:
            print(" ", path, "is", what)
        if not leaks:
            break
        sensitive |= {attribute for attribute, _, _ in leaks}
    for name in sorted(sensitive & attributes):
        print("dropped attribute", name, next((f"{p} = {w}" for a, p, w in leaks if a == name), ""))
    attributes -= sensitive
    with TABLES.open("w") as f:
        print("# Generated by hack/gatetables; do not edit.", file=f)
        print(f"version {versions()}", file=f)
        print(f"inventory {digest(inventory())}", file=f)
        for m in sorted(modules):
            print(f"module {m}", file=f)
            for line in wrap(modules[m]):
                print(line, file=f)
        for a in sorted(aliases):
            print(f"alias {a} {aliases[a]}", file=f)
        guarded = guards(attributes, sensitive, {name.partition(".")[0] for name in [*modules, *effects]})
        sections = [("attributes", attributes), ("sensitive", sensitive), *((f"guarded {p}", guarded[p]) for p in sorted(guarded))]
        for section, names in sections:
            print(section, file=f)
            for line in wrap(names):
                print(line, file=f)
    others = every_attribute() - attributes - sensitive - read_effect_attributes()
    with NAMES.open("w") as f:
        print("# Generated by hack/gatetables; do not edit. Attribute names that some object of the image has and that are not allowed.", file=f)
        for line in wrap(others):
            print(line, file=f)
    print(len(others), "other names ->", NAMES.name)
    print(len(modules), "modules,", sum(map(len, modules.values())), "names,", len(attributes), "attributes,", len(sensitive), "sensitive ->", TABLES.relative_to(GATE.parent.parent.parent))


main()
