// SPDX-License-Identifier: Apache-2.0

package syntax

import (
	"errors"
	"strings"
	"testing"
)

// shape writes a tree down: names, and what they are in.
func shape(n *Node) string {
	if n == nil {
		return "_"
	}
	names := map[Kind]string{
		Call: "call", New: "new", Member: "member", Index: "index", Function: "function", Class: "class", RegExp: "regexp", Template: "template", Tagged: "tagged", Binary: "binary", Unary: "unary", Assign: "assign",
		Conditional: "if", Array: "array", Object: "object", Field: "field", Var: "var", Return: "return", Block: "block", Sequence: "sequence", ImportCall: "import", Labeled: "label", Update: "update", Await: "await", Yield: "yield", StaticInit: "static", For: "for", ForIn: "for", ForOf: "for", DoWhile: "do",
	}
	var parts []string
	switch n.Kind {
	case Ident, Number, Literal, PrivateName:
		return n.Text
	case String:
		return "'" + n.Text + "'"
	case Expression, Export, Declarator, Spread, Property, Default:
	default:
		parts = append(parts, names[n.Kind])
	}
	if n.Kind == Member || n.Kind == Binary || n.Kind == Unary || n.Kind == Assign || n.Kind == RegExp || n.Kind == Update {
		parts = append(parts, n.Text)
	}
	n.Children(func(c *Node) { parts = append(parts, shape(c)) })
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func TestProgramsAreReadAsTheirInterpreterReadsThem(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"a slash behind a name divides":              {"a /b/ c", "(binary / (binary / a b) c)"},
		"a slash behind a bracket divides":           {"(a) /b/ c", "(binary / (binary / a b) c)"},
		"a slash behind a block begins a regexp":     {"{}\n/b/.c", "block (member c (regexp /b/))"},
		"a slash behind an operator begins a regexp": {"a = /b/g", "(assign = a (regexp /b/g))"},
		"a slash in a class of a regexp":             {"/[/]/.a", "(member a (regexp /[/]/))"},
		"nested classes under the flag v":            {"/[[a]/v", "(regexp /[[a]/v)"},
		"a return ends at the line":                  {"function f() { return\na }", "(function f (block return a))"},
		"a postfix operator stays on its line":       {"a\n++b", "a (update ++ b)"},
		"a call goes on behind a line":               {"a\n(b)", "(call a b)"},
		"an index goes on behind a line":             {"a\n[b]", "(index a b)"},
		"a tag goes on behind a line":                {"a\n`b`", "(tagged a template)"},
		"do while needs no semicolon":                {"do a; while (b) c", "(do b a) c"},
		"an async arrow stays on its line":           {"async\n(a)", "(call async a)"},
		"async is a name":                            {"async = a", "(assign = async a)"},
		"powers associate to the right":              {"a ** b ** c", "(binary ** a (binary ** b c))"},
		"a conditional with a number":                {"a?.5:b", "(if a .5 b)"},
		"an optional chain":                          {"a?.b?.[c]?.(d)", "(call (index (member b a) c) d)"},
		"new takes the first call":                   {"new a.b(c)(d)", "(call (new (member b a) c) d)"},
		"a label":                                    {"a: b", "(label b)"},
		"escapes in a name":                          {"\\u0065val(1)", "(call eval 1)"},
		"long escapes in a property":                 {"a.\\u{62}", "(member b a)"},
		"escapes in a string":                        {"a('\\x62\\143\\u0064\\\ne')", "(call a 'bcde')"},
		"a private name in an object":                {"class A { #b; c() { return #b in this } }", "(class A (field #b) (field 'c' (function (block (return (binary in #b ))))))"},
		"a static block":                             {"class A { static { b() } }", "(class A (static (block (call b))))"},
		"a field that is called static":              {"class A { static\nb }", "(class A (field 'b'))"},
		"a getter over two lines":                    {"class A { get\nb() {} }", "(class A (field 'b' (function block)))"},
		"a hashbang":                                 {"#!/usr/bin/node\na", "a"},
		"an import with attributes":                  {"import a from 'b' with { type: 'json' }", "a"},
		"a separator in a number":                    {"1_0 .a", "(member a 1_0)"},
		"an old octal number":                        {"010.toString()", "(call (member toString 010))"},
		"a comma":                                    {"(0, a)(b)", "(call (sequence 0 a) b)"},
		"let in a loop":                              {"for (let a of b) c", "(for (var a) b c)"},
		"in inside of brackets of a loop":            {"for (var a = (b in c); ;) d", "(for (var (a (binary in b c))) d)"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(tc.source), false)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range f.Body {
				s := shape(n)
				if n.Kind == Import {
					s = shape(n.List[0].Left)
				}
				got = append(got, s)
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("%s: got %s, want %s", tc.source, text, tc.want)
			}
		})
	}
}

func TestTypesAreDropped(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"type arguments":                 {"a<b>(c)", "(call a c)"},
		"nested type arguments":          {"new a<b<c<d>>>(e)", "(new a e)"},
		"type arguments of an object":    {"a<{ b: c; d(e: f): g; [h: i]: j }>(k)", "(call a k)"},
		"type arguments of functions":    {"a<(b: c, ...d: e[]) => f>(g)", "(call a g)"},
		"type arguments of tuples":       {"a<[b, c?, ...d: e[]]>(f)", "(call a f)"},
		"mapped types":                   {"a<{ -readonly [b in keyof c as d]-?: e }>(f)", "(call a f)"},
		"a comparison of an object":      {"a < { b: c() } > (d)", "(binary > (binary < a (object ('b' (call c)))) d)"},
		"a comparison of an array":       {"a < [b()] > (c)", "(binary > (binary < a (array (call b))) c)"},
		"a comparison of brackets":       {"a < (b()) > (c)", "(binary > (binary < a (call b)) c)"},
		"a comparison of an assignment":  {"a < [b = c] > (d)", "(binary > (binary < a (array (assign = b c))) d)"},
		"casts":                          {"(a as b)(<c>d)!", "(call a d)"},
		"declare at the end of a line":   {"class A { declare\nb = c }", "(class A (field 'declare') (field 'b' c))"},
		"abstract at the end of a line":  {"class A { abstract\nb = c }", "(class A (field 'abstract') (field 'b' c))"},
		"a declared field":               {"class A { declare b: c }", "(class A)"},
		"a declared field with a key":    {"class A { declare [b()]: c }", "(class A (field (call b)))"},
		"an overload with a key":         {"class A { [b()](): c; d() {} }", "(class A (field (call b)) (field 'd' (function block)))"},
		"a type that ends with the line": {"type A = b\n(c)", "c"},
		"a type before a block":          {"type A = b\n{ c }", "(block c)"},
		"an interface over two lines":    {"interface A\n{ b: c }\nd", "d"},
		"a declared module":              {"declare module 'a' { const b = /\"/ }\nd //\" }", "d"},
		"type as a name":                 {"type\nA = b", "type (assign = A b)"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(tc.source), true)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range f.Body {
				got = append(got, shape(n))
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("%s: got %s, want %s", tc.source, text, tc.want)
			}
		})
	}
}

func TestProgramsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		ts     bool
		limit  string
	}{
		"with":                                   {source: "with (a) b"},
		"an HTML comment":                        {source: "a <!-- b"},
		"the end of an HTML comment":             {source: "a\n--> b"},
		"its end behind a comment":               {source: "a\n/* */ --> b"},
		"let as a name":                          {source: "let = a"},
		"yield as a name":                        {source: "yield = a"},
		"await before a slash":                   {source: "await /a/"},
		"an escape in a keyword":                 {source: "v\\u0061r a"},
		"an escape in async":                     {source: "\\u0061sync () => a"},
		"an octal escape in a template":          {source: "`\\1`"},
		"NUL":                                    {source: "a\x00"},
		"text that is not UTF-8":                 {source: "a = '\xff'"},
		"a value in a loop over something":       {source: "for (var a = b in c) d"},
		"two variables in a loop":                {source: "for (var a, b of c) d"},
		"an attribute that is no text":           {source: "import 'a' with { type: b() }"},
		"attributes that are no object":          {source: "import 'a' with (b())"},
		"an import in a block":                   {source: "{ import 'a' }"},
		"a string over two lines":                {source: "a = 'b\nc'"},
		"a regexp over two lines":                {source: "a = /b\nc/"},
		"a comment that does not end":            {source: "a /* b"},
		"a decorator in JavaScript":              {source: "@a class B {}"},
		"a name behind a number":                 {source: "3in a"},
		"JSX":                                    {source: "a = <b>c</b>"},
		"using":                                  {source: "{ using a = b }"},
		"global without declare":                 {source: "global\n{ a() }", ts: true},
		"an expression behind declare":           {source: "declare a()", ts: true},
		"a statement behind declare":             {source: "declare if (a) b()", ts: true},
		"an operator of types at the line's end": {source: "type A = keyof\nb", ts: true},
		"a nested namespace":                     {source: "namespace A.B { c() }", ts: true},
		"a decorator of a parameter":             {source: "class A { b(@c d) {} }", ts: true},
		"a call in a type":                       {source: "let a: { b: c() }", ts: true},
		"an expression in an index of a type":    {source: "let a: b[c()]", ts: true},
		"brackets":                               {source: strings.Repeat("[", MaxBytes), limit: "depth"},
		"brackets in a type":                     {source: "let a: " + strings.Repeat("[", 100_000), ts: true, limit: "depth"},
		"brackets in an interface":               {source: "interface A " + strings.Repeat("{a:", 50_000), ts: true, limit: "depth"},
		"arrows in a type":                       {source: "let a: " + strings.Repeat("(", 100_000), ts: true, limit: "depth"},
		"a chain":                                {source: "a" + strings.Repeat(".b", 100_000), limit: "chain"},
		"statements":                             {source: strings.Repeat("a;", 100_000), limit: "nodes"},
		"size":                                   {source: strings.Repeat(" ", MaxBytes+1), limit: "size"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.source), tc.ts)
			if err == nil {
				t.Fatal("it was read")
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Limit != tc.limit || e.Message == "" || e.Offset < 0 || e.Offset > len(tc.source) {
				t.Errorf("error %+v, want the limit %q", err, tc.limit)
			}
		})
	}
}
