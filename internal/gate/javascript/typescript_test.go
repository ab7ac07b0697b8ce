// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// typed are ordinary TypeScript programs.
var typed = map[string]string{
	"interfaces and generics": "interface Row<T extends object = {}> { id: number; readonly tags?: string[]; map<U>(f: (x: T) => U): U[]; [k: string]: unknown }\ntype Pair<A, B> = [A, B] | { a: A; b: B };\nfunction first<T>(xs: readonly T[]): T | undefined { return xs[0]; }\nconst x: Map<string, Array<Map<number, string>>> = new Map<string, Array<Map<number, string>>>();\nconsole.log(first<number>([1, 2]), x.size);",
	"enums":                   "enum Color { Red, Green = 'green', Blue = 1 << 2 }\nconst enum Size { S = 1, M }\nconsole.log(Color.Red, Color.Green, Color[0], Size.M);",
	"classes":                 "abstract class Shape { constructor(protected readonly name: string, private n = 1) {} abstract area(): number; describe(): string { return `${this.name} ${this.area().toFixed(this.n)}`; } }\nclass Sq extends Shape implements Shape { declare x: number; side!: number; static count?: number = 0; constructor(s: number) { super('sq'); this.side = s; } override area(): number { return this.side ** 2; } get double(): number { return this.side * 2; } [key: string]: any; }\nconsole.log(new Sq(2).describe());",
	"casts":                   "const a = JSON.parse('{}') as { x?: number };\nconst b = a!.x! satisfies number;\nconst c = <any>a;\nconst d = [1, 2] as const;\nfor (const e of (d as readonly number[])) console.log(b, c, e);",
	"arrow functions":         "const f = async <T,>(x: T): Promise<T> => x;\nconst g = (a: number, b?: string, ...c: number[]): string => `${a}${b}${c.length}`;\nconst h = (x: unknown): x is string => typeof x === 'string';\nconst i = true ? (g) : (h);\nconst j = 1 < 2 ? (x: number): number => x : null;\nf(1).then(v => console.log(v, g(1), h('x'), i, j));",
	"overloads and this":      "function over(x: string): string;\nfunction over(x: number): number;\nfunction over(x: any): any { return x; }\nfunction self(this: void, x: number) { return x; }\nconsole.log(over(1), self(2));",
	"type imports":            "import type { Stats } from 'fs';\nimport { type Dirent, readFileSync } from 'fs';\nexport type { Stats };\nlet s: Stats | Dirent | null = null;\nconsole.log(s, readFileSync('./a.json', 'utf8').length);",
	"conditional types":       "type El<T> = T extends (infer U)[] ? U : T extends `${infer H}-${string}` ? H : never;\ntype M = { readonly [K in keyof El<string[]>]?: () => void };\ntype C = abstract new (...a: any[]) => object;\ntype F = typeof import('fs');\nlet x: El<string[]> = 'a'; let fn: (a: (b: number) => void) => asserts a is any;\nconsole.log(x);",
	"namespaces":              "namespace Util { export const two = 2; export function twice(x: number) { return x * two; } }\nconsole.log(Util.twice(2));",
	"comparisons":             "const a = 1, b = 2, c = 3;\nconsole.log(a < b, b > c, a < b && c > (a), [a < b, c > a]);",
	"declarations":            "declare const VERSION: string;\ndeclare function helper(x: number): void;\ndeclare module 'x' { const y: number; export default y }\ndeclare global { interface Window { z: number } }\nexport {};\nconsole.log('x');",
	"an import that assigns":  "import fs = require('fs');\nconsole.log(fs.readFileSync('./a.txt', 'utf8').trim());",
	"a record of counts":      "const counts: Record<string, number> = {};\nfor (const w of 'a b a'.split(' ')) counts[w] = (counts[w] ?? 0) + 1;\nconsole.log(counts);",
	"review: namespace":       "namespace Geo { export const PI2 = Math.PI * 2; export function circ(r: number): number { return PI2 * r; } } console.log(Geo.circ(2));",
	"review: generics":        "type Handler<T extends { type: string }> = { [K in T['type']]: (x: Extract<T, { type: K }>) => void }; interface A { type: 'a'; v: number } interface B { type: 'b'; s: string } const hs: Handler<A | B> = { a: x => console.log(x.v), b: x => console.log(x.s) }; const ev: A = { type: 'a', v: 1 }; hs[ev.type](ev); const m = new Map<string, { n: number; f(x: number): string }>(); function id<T>(x: T, ...r: readonly T[]): asserts x is NonNullable<T> {} let t: [a: string, b?: number, ...c: boolean[]] = ['x']; let k: keyof typeof ev; let u: unique symbol; let q: typeof import('fs'); abstract class Z<T = {}> { abstract get v(): T; protected constructor(private readonly x?: T) {} static of<U>(this: void, u: U): U { return u; } }",
}

func TestOrdinaryTypeScriptIsAllowed(t *testing.T) {
	for name, source := range typed {
		t.Run(name, func(t *testing.T) {
			if r := Read(report.TypeScript, []byte(source)); !isAllowed(r) {
				t.Errorf("not allowed: %q", effects(source, report.TypeScript))
			}
		})
	}
}

// typedEvasions hide an effect behind the syntax of TypeScript.
var typedEvasions = map[string]string{
	"an effect in an enum":                "enum A { B = eval('1') }",
	"an effect in a computed enum key":    "enum A { ['x'] = eval('1') }",
	"an effect in a namespace":            "namespace N { eval('1') }",
	"a module in a namespace":             "namespace N { export const f = require('fs') } N.f.readFileSync('/etc/passwd')",
	"an effect in a parameter property":   "class A { constructor(private x = eval('1')) {} } new A()",
	"an effect in a decorator":            "@eval class A {}",
	"an effect as a decorator's argument": "function d(x: any) { return (y: any) => y } @d(eval('1')) class A {}",
	"an effect behind type arguments":     "eval<string>('1')",
	"an effect behind a cast":             "(eval as any)('1')",
	"an effect behind an assertion":       "(<any>eval)('1')",
	"an effect behind an exclamation":     "eval!('1')",
	"an effect behind satisfies":          "(eval satisfies any)('1')",
	"a comparison that is a call":         "const a = 1, b = 2; eval < a, b > ('1')",
	"an import that assigns":              "import c = require('child_process'); c.execSync('id')",
	"an import of an unknown module":      "import c = require('shelljs'); c.exec('id')",
	"an exported import":                  "export import c = require('child_process'); c.execSync('id')",
	"a field that hides its effect":       "class A { declare x: number; static y = eval('1') }",
	"an arrow in a conditional":           "const g: any = true ? (eval) : x => ('1'); g('1')",
	"an object type after a newline":      "type A = B\n{ eval('1') }",
	"an index type after a newline":       "type A = B\n[eval('1')]",
	"a name that only exists for types":   "declare const fs: any; fs.readFileSync('/etc/passwd')",
	"an abstract class":                   "abstract class A { x = eval('1') }",
	"a tag with type arguments":           "eval<string>`1`",
}

func TestTypeScriptEvasionsAreNotAllowed(t *testing.T) {
	for name, source := range typedEvasions {
		t.Run(name, func(t *testing.T) {
			if r := Read(report.TypeScript, []byte(source)); isAllowed(r) {
				t.Errorf("%s was allowed: %v", source, r.Operations)
			}
		})
	}
}
