# SPDX-License-Identifier: Apache-2.0
"""Runs samples and tells what each of them does, for the soundness oracle.

It is the first process in an unpacked sandbox image, as root and without a
network. It reads samples from standard input, one JSON object {"code": ...} a
line, and answers each with one line: {"events": [...], "end": "..."}. Every
sample runs in a child of its own, as the sandbox user, with an empty
/workspace and /tmp and for at most SECONDS. An event is what sys.addaudithook
reports (PEP 578): {"name", "path", "write", "direct", "file", "detail"}; direct
is set when the sample's own code caused it and not a library's, whose file is named.
"""
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time

import matplotlib

matplotlib.use("Agg")
# What is loaded now is not loaded by a sample: the events that stay are its own.
import matplotlib.pyplot  # noqa: E402
import numpy  # noqa: E402, F401
import numpy.testing  # noqa: E402, F401
import pandas  # noqa: E402, F401

tempfile.gettempdir()  # it tries directories by writing to them
for format in ("png", "pdf", "svg"):  # the first figure of a format loads modules and compiles names of font tables
    matplotlib.pyplot.figure().suptitle("a")
    matplotlib.pyplot.savefig(io.BytesIO(), format=format)
    matplotlib.pyplot.close("all")

SECONDS = float(os.environ.get("ORACLE_SECONDS", "5"))
USER = 65532
CODE = "/airlock/code.py"
# Paths are in these positions of the arguments of an event.
PATHS = {
    "open": [0], "os.remove": [0], "os.rename": [0, 1], "os.mkdir": [0], "os.rmdir": [0], "os.listdir": [0], "os.scandir": [0],
    "os.chmod": [0], "os.chown": [0], "os.truncate": [0], "os.utime": [0], "os.link": [0, 1], "os.symlink": [0, 1], "os.chdir": [0],
    "os.getxattr": [0], "os.setxattr": [0], "os.removexattr": [0], "os.listxattr": [0], "sqlite3.connect": [0],
}
# The descriptor of the directory that a relative path starts at is in this position.
DIRECTORIES = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2}


def caller(frame):
    """The file of the Python code that caused an event, the hook left out."""
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None else ""


def text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else repr(value)[:200]


def describe(name, args, file):
    direct = file in (CODE, "") or file.startswith("<")
    event = {"name": name, "file": file, "direct": direct and not file.startswith("<frozen")}
    found = PATHS.get(name)
    if found is None:
        event["detail"] = " ".join(text(a)[:100] for a in args)[:300]
        return [event]
    events = []
    for i in found:
        value = args[i]
        if isinstance(value, int):
            continue  # a file descriptor that was opened before
        fd = args[DIRECTORIES[name]] if name in DIRECTORIES else -1
        start = os.readlink(f"/proc/self/fd/{fd}") if fd >= 0 else os.getcwd()
        name_given = text(os.fspath(value) if hasattr(value, "__fspath__") else value if value is not None else ".")
        if name == "open" and "/" not in name_given and file.endswith("/shutil.py"):
            continue  # rmtree opens a directory below another, whose descriptor is not told
        if name == "open" and args[1] is not None and file.endswith("/tempfile.py"):
            continue  # it names the directory, and has an opener that opens a file there, which is the next event
        path = os.path.join(start, name_given)
        write = name not in ("open", "os.listdir", "os.scandir", "os.getxattr", "os.listxattr", "os.chdir")
        if name == "open":
            write = bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
        events.append({**event, "path": path, "write": write})
    return events


def watch(out, sample):
    """Installs a hook that writes every event to the descriptor out; running sample is none."""
    state = {"busy": False}
    dumps, write, getframe = json.dumps, os.write, sys._getframe

    def hook(name, args):
        if state["busy"] or name == "exec" and args[0] is sample:
            return
        state["busy"] = True
        try:
            for event in describe(name, args, caller(getframe(1))):
                write(out, (dumps(event) + "\n").encode())
        except BaseException as e:
            write(out, (dumps({"name": "hook", "detail": f"{name}: {e!r}", "direct": True, "file": ""}) + "\n").encode())
        finally:
            state["busy"] = False

    sys.addaudithook(hook)


def child(code, out):
    """Runs one sample and does not return."""
    end = "end"
    try:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        os.chdir("/workspace")
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
        sys.argv = [CODE]
        compiled = compile(code, CODE, "exec", dont_inherit=True)
        watch(out, compiled)
        exec(compiled, {"__name__": "__main__", "__builtins__": __builtins__, "__file__": CODE})
    except BaseException as e:
        end = type(e).__name__
    os.write(out, (json.dumps({"end": end}) + "\n").encode())
    os._exit(0)


def clean():
    for top in ("/workspace", "/tmp"):
        for name in os.listdir(top):
            path = os.path.join(top, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
        os.chmod(top, 0o777)


def collect(source, pid):
    """Reads events until the child ends or its time is over."""
    data, deadline = b"", time.monotonic() + SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([source], [], [], left)[0]:
            break
        chunk = os.read(source, 1 << 16)
        data += chunk
        if not chunk or len(data) > 1 << 24:
            break
    os.kill(pid, signal.SIGKILL)
    return data


def run(code):
    clean()
    source, out = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        child(code, out)
    os.close(out)
    events, end = [], "no end"
    for line in collect(source, pid).splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # cut when the time was over
        if "end" in event:
            end = event["end"]
        elif event not in events:
            events.append(event)
    os.close(source)
    os.waitpid(pid, 0)
    return {"events": events, "end": end}


for sample in sys.stdin:
    print(json.dumps(run(json.loads(sample)["code"])), flush=True)
