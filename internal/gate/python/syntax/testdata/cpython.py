# SPDX-License-Identifier: Apache-2.0
"""Describes sources as CPython reads them, for the differential test.

Reads length-prefixed records from standard input (a decimal length, a newline,
that many bytes) and answers each with one line of JSON: null when CPython
refuses the source, else a sorted list of calls ["call", line, column, name] and
imports ["import", line, column, name]. Columns are UTF-8 bytes, as in ast.
"""
import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)


def dotted(node):
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return base + "." + node.attr if base else "." + node.attr
    return ""


def describe(source):
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            found.append(["call", node.lineno, node.col_offset, dotted(node.func)])
        elif isinstance(node, ast.Import):
            for a in node.names:
                found.append(["import", node.lineno, node.col_offset, f"{a.name} {a.asname or ''}"])
        elif isinstance(node, ast.ImportFrom):
            for a in node.names:
                name = f"{'.' * node.level}{node.module or ''}:{a.name} {a.asname or ''}"
                found.append(["import", node.lineno, node.col_offset, name])
    return sorted(found)


def main():
    stdin = sys.stdin.buffer
    while header := stdin.readline():
        source = stdin.read(int(header))
        try:
            answer = describe(source)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            answer = None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
