# SPDX-License-Identifier: Apache-2.0
"""Prints what tables.txt was made from, as name==version lines, and the digest that it names."""
import hashlib
import importlib.metadata
import platform


def inventory():
    """The interpreter and every Python package that is installed, as name==version lines."""
    packages = {f"{d.metadata['Name']}=={d.version}".lower() for d in importlib.metadata.distributions()}
    return [f"python=={platform.python_version()}", *sorted(packages)]


def digest(lines):
    return "sha256:" + hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


if __name__ == "__main__":
    print(*inventory(), digest(inventory()), sep="\n")
