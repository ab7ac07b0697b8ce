// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// acceptedSources are valid Python, by what is special about them. They also seed the mutants.
var acceptedSources = map[string]string{
	"nothing":                              "",
	"a comment without line end":           "# x",
	"joined lines inside a call":           "a.\\\n b(\\\n1)\n",
	"semicolons":                           "a(); b();\n",
	"a one-line suite":                     "if a: b(); c()\nelse: d()\n",
	"an elif ladder":                       "if a():\n pass\nelif b():\n pass\nelif c():\n pass\nelse:\n d()\n",
	"decorators":                           "@a(1)\n@b\nasync def f(x: c() = d(), /, *y, z=e(), **k) -> g(): await h()\n",
	"a class with keywords":                "class A(b(), metaclass=c(), *d(), **e()):\n x = f()\n",
	"generics of PEP 695":                  "def f[T: a(), *U, **P](x: T): pass\nclass C[T]: pass\n",
	"lambdas":                              "f = lambda a, *b, c=d(), **e: (yield)\ng = lambda: lambda x: h()\n",
	"with items in parentheses":            "with (a() as b, c() as (d, e),):\n f()\n",
	"with a tuple":                         "with (a(), b()):\n pass\nwith (a()):\n pass\nwith (a(), b()) as c:\n pass\nwith (a()).b() as c, d():\n pass\n",
	"with a generator":                     "with (x() for x in y):\n pass\nwith (a := b()):\n pass\n",
	"match as a statement":                 "match a(), *b:\n case [c, *_] if d(): e()\n case {'k': v, **r} | P(1, x=y) as z: f()\n case -1+2j | 'a' 'b' | None | m.n: g()\n case (): pass\n case (x): pass\n case x,: pass\n",
	"match as a name":                      "match = 1\nmatch(a)\nmatch[b()]\nmatch.c()\nmatch * d()\nprint(match)\nmatch: int = 1\n",
	"match before an indented class":       "match (x):\n case 1: pass\n",
	"type as a name":                       "type = 1\ntype(x)\ntype.y()\n",
	"try in all forms":                     "try: a()\nexcept (B, C) as d: e()\nexcept: f()\nelse: g()\nfinally: h()\ntry: a()\nexcept* E: b()\ntry: c()\nfinally: d()\n",
	"comprehensions":                       "[a(x) for x in b() if c() if d()]\n{k(): v() for k, v in e()}\n{*f(), g()}\n(x async for x in y)\nh(i() for i in j)\n",
	"conditional and walrus":               "x = a() if b() else c()\nif (n := d()) > 1: pass\nwhile y := e(): pass\n",
	"slices":                               "a[b():c():d(), ::2, ...]\na[*e()]\na[f:=g()]\n",
	"operators by precedence":              "a() | b() ^ c() & d() << e() + f() * -g() ** ~h() @ i() // j() % k()\nnot l() in m() is not n() not in o() <= p() != q()\n",
	"unpacking in calls":                   "f(a(), *b(), c=d(), **e())\n",
	"star targets":                         "a, *b = c()\n[d, (e, f)] = g()\nfor h, *i in j(): pass\nfor k, in l(): pass\n",
	"annotations":                          "a: b()\nc.d: e() = f()\n(g): h() = i()\n",
	"augmented assignments":                "a += b()\nc[d()] **= e()\nf.g @= yield_()\n",
	"yields":                               "def f():\n x = yield\n y = yield a(), b()\n yield from c()\n return *d(), e()\n",
	"imports":                              "import a.b as c, d\nfrom . import e\nfrom .. f import (g as h, i,)\nfrom ...j import k\nfrom l import *\n",
	"numbers":                              "x = 0x_fF + 0o17 + 0b1_0 + 1_0.0_1e-1_0j + .5 + 1. + 1if a else 2\n",
	"string prefixes":                      "x = u'a' if Rb'\\'' else rB'b'\ny = r\"\\\"\" + '\\\n' + '''a\n'b''' + \"\"\"\"c\"\"\"\n",
	"f-strings":                            "f'{a()}{{x}}{b()!r:>{c()}}' f\"{d() = }\" rf'\\{e()}' f'''{\nf()\n}''' f'{g():%H:%M}' f'{h()!=1}' f'{(lambda: 1)()}' f'\\N{DIGIT ONE}{i()}'\n",
	"names beyond ASCII":                   "ª = ｅval('1')\nnaïve(𝓮)\n",
	"dead indentation":                     "if 1:\n\tx()\n        \n\ty()\n# z\nz()\n",
	"a form feed":                          "\fa()\n \f\nif 1:\n  b()\n",
	"carriage returns":                     "# a\rimport os\r\nb()\r",
	"a byte order mark":                    "\ufeffa()\n",
	"no newline after a nested block":      "class A:\n def f(self):\n  return a()",
	"a line continuation as indentation":   "if 1:\n \\\n  a()\n b()\n",
	"keywords that only look like strings": "print\nf = b = rb = 1\nbr, u, fr = 1, 2, 3\n",
	"global and nonlocal":                  "def f():\n global a, b\n def g():\n  nonlocal c\n del a, b[c()], (d)\n assert e(), f()\n raise g() from h()\n",
}

// newerSources are valid after Python 3.11, so that an older CPython cannot judge them.
var newerSources = map[string]string{
	"a nested quote in an f-string (PEP 701)": `f"{a["b"]}" f'{f'{c('d')}'}'` + "\n",
	"a comment in an f-string (PEP 701)":      "f'''{\na() # }\n}'''\n",
	"a t-string (PEP 750)":                    "t'{a()}' rt\"{b()}\"\n",
	"except without parentheses (PEP 758)":    "try: pass\nexcept A, B: c()\n",
	"a type alias (PEP 695)":                  "type A[T] = b()\n",
	"a type default (PEP 696)":                "class C[T = a(), *U = *b()]: pass\n",
}

func TestParseAcceptsWhatCPythonAccepts(t *testing.T) {
	for name, source := range acceptedSources {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(source)); err != nil {
				t.Error(err)
			}
		})
	}
	for name, source := range newerSources {
		t.Run(name, func(t *testing.T) {
			file, err := Parse([]byte(source))
			if err != nil {
				t.Fatal(err)
			}
			if want, got := strings.Count(source, "()")+strings.Count(source, "('d')"), len(describe(file)); got != want {
				t.Errorf("found %d calls, want %d", got, want)
			}
		})
	}
}

func TestParseAgreesWithCPythonOnEveryConstruct(t *testing.T) {
	o := newOracle(t)
	for name, source := range acceptedSources {
		if strings.Contains(name, "PEP 695") {
			continue // the oracle may be 3.11
		}
		file, err := Parse([]byte(source))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !compare(t, name, file, o.describe(t, []byte(source))[0]) {
			t.Errorf("%s: CPython refuses the fixture", name)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		limit  string
		offset int
	}{
		"a NUL byte that C code takes for the end":  {"a\x00b", "", 1},
		"bytes that are not UTF-8":                  {"a = '\xff'", "", 5},
		"UTF-7, in which a comment can be code":     {"# coding: utf-7\n", "", 0},
		"an encoding declared on the second line":   {"#!/bin/x\n# -*- coding: rot13 -*-\n", "", 0},
		"an encoding declared after a bare CR":      {"#\r# coding: cp037\r", "", 0},
		"a print statement of Python 2":             {"print 'x'\n", "", 6},
		"a wrong dedent":                            {"if 1:\n    a\n  b\n", "", 14},
		"tabs against spaces":                       {"if 1:\n        a\n\tb\n", "", 17},
		"an unexpected indent":                      {"a\n  b\n", "", 4},
		"an open bracket":                           {"a(\n", "", 3},
		"brackets of two kinds":                     {"a(]", "", 2},
		"an open string":                            {"'a\n'", "", 0},
		"an open f-string field":                    {"f'{a'", "", 4},
		"a single brace in an f-string":             {"f'}'", "", 2},
		"a call as a target":                        {"a() = 1\n", "", 0},
		"a compound statement behind a colon":       {"if a: if b: c\n", "", 6},
		"a backslash before a space":                {"a \\ \n", "", 2},
		"a number that runs into a name":            {"1_000x\n", "", 5},
		"a character that no token has":             {"a ? b\n", "", 2},
		"more brackets than CPython nests":          {strings.Repeat("(", 201), "brackets", 200},
		"more indents than CPython nests":           {nestedBlocks(101), "indents", 0},
		"unary operators without end":               {strings.Repeat("-", 1000) + "1", "depth", 0},
		"not without end":                           {strings.Repeat("not ", 1000) + "1", "depth", 0},
		"lambdas without end":                       {strings.Repeat("lambda:", 1000) + "1", "depth", 0},
		"powers without end":                        {strings.Repeat("2**", 1000) + "1", "depth", 0},
		"conditional expressions without end":       {strings.Repeat("a if b else ", 1000) + "1", "depth", 0},
		"an attribute chain without end":            {"a" + strings.Repeat(".b", 2000), "chain", 0},
		"call chains inside call chains":            {strings.Repeat("a"+strings.Repeat(".b", 999)+"(", 30) + strings.Repeat(")", 30), "chain", 0},
		"a pattern chain without end":               {"match a:\n case a" + strings.Repeat(".b", 2000) + ": pass\n", "chain", 0},
		"f-strings inside f-strings without end":    {strings.Repeat("f'{", 300), "brackets", 0},
		"a million open brackets":                   {strings.Repeat("[", 1_000_000), "brackets", 0},
		"a million brackets, each closed":           {strings.Repeat("[0]", 333_333), "chain", 0},
		"a million decorators that never come true": {strings.Repeat("@", 1_000_000), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := Parse([]byte(tc.source))
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("got error %v, want a refusal", err)
			}
			if bad.Limit != tc.limit {
				t.Errorf("limit = %q (%v), want %q", bad.Limit, bad, tc.limit)
			}
			if tc.offset != 0 && bad.Offset != tc.offset {
				t.Errorf("offset = %d (%v), want %d", bad.Offset, bad, tc.offset)
			}
			if file == nil || file.Body != nil {
				t.Error("a refused file must have its source and no body")
			}
		})
	}
}

func nestedBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if 1:\n")
	}
	return b.String()
}

func TestParseReportsWhatEditorsShowDifferently(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   []int
	}{
		"nothing in plain code":            {"a\r\nb\n", nil},
		"a bare carriage return":           {"# a\rb\n", []int{3}},
		"a form feed":                      {"a\n\fb\n", []int{2}},
		"a right-to-left override":         {"a # \u202e\n", []int{4}},
		"an isolate inside a string":       {"'\u2066'\n", []int{1}},
		"a right-to-left mark in a string": {"'\u200f'\n", []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := Parse([]byte(tc.source))
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, o := range file.Oddities {
				got = append(got, o.Offset)
			}
			if diff := gocmp.Diff(tc.want, got); diff != "" {
				t.Errorf("oddities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStringValues(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   string
		opaque bool
	}{
		"plain":                              {`'a'`, "a", false},
		"joined":                             {`'a' "b" r'\n'`, `ab\n`, false},
		"hexadecimal hides a path":           {`'\x2fetc'`, "/etc", false},
		"octal hides a path":                 {`'\57etc\0571'`, "/etc/1", false},
		"unicode escapes":                    {`'\u002f\U0001F600'`, "/😀", false},
		"a joined line":                      {"'a\\\nb'", "ab", false},
		"an unknown escape stands":           {`'\d\.'`, `\d\.`, false},
		"a named character is not resolved":  {`'\N{SOLIDUS}etc'`, `\N{SOLIDUS}etc`, true},
		"a lone surrogate is not resolved":   {`'\ud800'`, "\uFFFD", true},
		"one opaque part makes all opaque":   {`'a' '\N{DASH}'`, `a\N{DASH}`, true},
		"triple quotes keep single quotes":   {`'''a'b'''`, "a'b", false},
		"a raw string keeps its backslashes": {`r'\x2f'`, `\x2f`, false},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := Parse([]byte(tc.source))
			if err != nil {
				t.Fatal(err)
			}
			got := file.Body[0].(*ExprStmt).X.(*Str)
			if got.Value != tc.want || got.Opaque != tc.opaque {
				t.Errorf("got %q, opaque %v; want %q, %v", got.Value, got.Opaque, tc.want, tc.opaque)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range acceptedSources {
		f.Add([]byte(s))
	}
	for _, s := range newerSources {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		file, err := Parse(source)
		if err != nil {
			return
		}
		for _, s := range file.Body {
			Walk(s, func(n Node) bool {
				if n.Pos() < 0 || n.End() < n.Pos() || n.End() > len(file.Source) {
					t.Fatalf("node %T has range %d–%d of %d", n, n.Pos(), n.End(), len(file.Source))
				}
				return true
			})
		}
	})
}
