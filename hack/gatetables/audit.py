# SPDX-License-Identifier: Apache-2.0
"""Checks that nothing dangerous can be reached through the tables.

From every name in tables.txt, and from every kind of object that code handles,
it follows every attribute that code could make pass: those in the tables, and
all others that are neither special nor sensitive, as code can define them for
itself. It fails if it meets a module, a frame or a function with effects. An
audit that cannot fail shows nothing: it also fails if it does not meet a module
and a function that are planted three attributes deep, or what a sensitive name
leads to when that is permitted.
"""
import os
import sys
import types

from library import closure, is_dunder, read_tables, seeds


def plant(value):
    """An object of a class that nothing else has, three attributes above value."""
    return types.SimpleNamespace(index=types.SimpleNamespace(values=types.SimpleNamespace(shape=value)))


def main():
    tables = read_tables()
    sensitive = set(tables["sensitive"][""])
    attributes = set(tables["attributes"][""])
    if overlap := sensitive & attributes:
        sys.exit(f"both allowed and sensitive: {sorted(overlap)}")
    seen, leaks = closure(seeds(tables), lambda n: not is_dunder(n) and n not in sensitive)
    print(f"{seen} objects reached, {len(leaks)} leaks")
    for name, path, what in leaks:
        print(f"  {path} is {what}")
    failed = bool(leaks)
    for label, value in (("a module", os), ("a function", os.system)):
        _, found = closure([*seeds(tables), ("planted", plant(value))], lambda n: not is_dunder(n) and n not in sensitive)
        reached = [path for _, path, _ in found] == ["planted.index.values.shape"]
        print(f"positive control {label}: {'found' if reached else 'NOT FOUND'}")
        failed = failed or not reached
    for control in ("gi_frame", "_module", "cr_frame"):
        _, found = closure(seeds(tables), lambda n: not is_dunder(n) and (n not in sensitive or n == control))
        reached = any(name == control for name, _, _ in found)
        print(f"positive control {control}: {'found' if reached else 'NOT FOUND'}")
        failed = failed or not reached
    sys.exit(1 if failed else 0)


main()
