// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, source := range []string{
		"", "#!/bin/node\na", "a\n++b", "a /b/ c", "/[/]/v.a", "`a${b}c`", "a?.b?.[c]?.(d)", "new a.b(c)(d)", "async (a, ...b) => { await c }",
		"class A extends B { static #c = 1; static { d } get [e]() {} async *f() { yield* g } }", "for (const { a = b, ...c } of d) e: break e",
		"switch (a) { case b: default: c }", "try { a } catch { b } finally { c }", "import a, { b as c } from 'd'\nexport * as e from 'f'\nimport(g)",
		"enum A { B = 1 }", "declare module 'a' { const b: c }", "a<b<c>>(d)", "let a = <b>c as d satisfies e", "class A { constructor(private b: c) {} }",
		"type A<B> = { [C in keyof B]?: B[C] }\nabstract class D<E> implements F {}", "import a = require('b')\nexport = a",
	} {
		f.Add(source, false)
		f.Add(source, true)
	}
	f.Fuzz(func(t *testing.T, source string, typescript bool) {
		file, err := Parse([]byte(source), typescript)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Message == "" || e.Offset < 0 || e.Offset > len(source) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for _, o := range file.Oddities {
			if o.Offset < 0 || o.Offset > len(source) {
				t.Fatalf("oddity at %d of %d", o.Offset, len(source))
			}
		}
		for _, n := range file.Body {
			checkRanges(t, n, len(source))
		}
	})
}

// checkRanges fails when a node is not within the source.
func checkRanges(t *testing.T, n *Node, size int) {
	if n.From < 0 || n.To < n.From || n.To > size {
		t.Fatalf("node %d has the range %d–%d of %d", n.Kind, n.From, n.To, size)
	}
	n.Children(func(c *Node) { checkRanges(t, c, size) })
}
