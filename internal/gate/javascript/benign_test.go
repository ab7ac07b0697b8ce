// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// benign are programs as agents write them for ordinary work with data.
var benign = map[string]string{
	"counting words":          "const text = 'a b a';\nconst counts = {};\nfor (const w of text.split(/\\s+/)) counts[w] = (counts[w] || 0) + 1;\nconsole.log(Object.entries(counts).sort((a, b) => b[1] - a[1]).slice(0, 3));",
	"a file of JSON":          "const fs = require('fs');\nconst rows = JSON.parse(fs.readFileSync('./data.json', 'utf8'));\nconst total = rows.filter(r => r.active).map(r => r.price * r.count).reduce((a, b) => a + b, 0);\nfs.writeFileSync('/workspace/out.json', JSON.stringify({ total }, null, 2));\nconsole.log(`total: ${total.toFixed(2)}`);",
	"a file of CSV":           "import { readFileSync } from 'node:fs';\nconst [head, ...lines] = readFileSync('/inputs/a.csv', 'utf8').trim().split('\\n');\nconst cols = head.split(',');\nconst rows = lines.map(l => Object.fromEntries(l.split(',').map((v, i) => [cols[i], v.trim()])));\nconst by = rows.reduce((acc, r) => { (acc[r.region] ||= []).push(Number(r.amount)); return acc; }, {});\nfor (const [k, v] of Object.entries(by)) console.log(k.padEnd(10), v.reduce((a, b) => a + b, 0));",
	"grouping by a key":       "function groupBy(list, key) { const out = {}; for (const item of list) { const k = item[key]; if (!out[k]) out[k] = []; out[k].push(item); } return out; }\nconsole.log(groupBy([{ a: 1 }, { a: 2 }], 'a'));",
	"sorting by a key":        "const sortBy = (list, key) => [...list].sort((a, b) => (a[key] > b[key] ? 1 : -1));\nconsole.log(sortBy([{ n: 2 }, { n: 1 }], 'n').map(x => x.n));",
	"a class":                 "class Stack { #items = []; static of(...xs) { const s = new Stack(); xs.forEach(x => s.push(x)); return s; } push(x) { this.#items.push(x); return this; } get size() { return this.#items.length; } toString() { return `Stack(${this.#items.join(', ')})`; } }\nconst s = Stack.of(1, 2).push(3);\nconsole.log(String(s), s.size);",
	"inheritance":             "class Shape { constructor(name) { this.name = name; } area() { return 0; } describe() { return `${this.name}: ${this.area().toFixed(1)}`; } }\nclass Circle extends Shape { constructor(r) { super('circle'); this.r = r; } area() { return Math.PI * this.r ** 2; } }\nconsole.log([new Circle(2), new Shape('x')].map(s => s.describe()).join('\\n'));",
	"an error class":          "class BadInput extends Error { constructor(m, field) { super(m); this.name = this.constructor.name; this.field = field; Error.captureStackTrace(this, BadInput); } }\ntry { throw new BadInput('no', 'x'); } catch (e) { if (e instanceof BadInput) console.error(e.name, e.message, e.field); else throw e; } finally { console.log('done'); }",
	"promises":                "const sleep = (ms) => new Promise(resolve => setTimeout(resolve, ms));\nasync function main() { await sleep(10); const all = await Promise.all([1, 2].map(async x => { await sleep(x); return x * 2; })); console.log(all); }\nmain().catch(e => { console.error(e); process.exit(1); });",
	"a retry helper":          "async function retry(fn, n = 3) { for (let i = 0; i < n; i++) { try { return await fn(i); } catch (e) { if (i === n - 1) throw e; } } }\nretry(async i => { if (i < 2) throw new Error('again'); return i; }).then(v => console.log(v));",
	"memoizing":               "const memo = fn => { const cache = new Map(); return n => { if (!cache.has(n)) cache.set(n, fn(n)); return cache.get(n); }; };\nconst fib = memo(n => n < 2 ? n : fib(n - 1) + fib(n - 2));\nconsole.log(fib(30));",
	"a matrix":                "const n = 3;\nconst m = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => i * j));\nconst t = m[0].map((_, c) => m.map(r => r[c]));\nfor (let i = 0; i < n; i++) for (let j = 0; j < n; j++) t[i][j] += m[j][i];\nconsole.log(t.map(r => r.join(' ')).join('\\n'));",
	"a grid with neighbours":  "const grid = ['..#', '#..'].map(l => [...l]);\nconst dirs = [[0, 1], [1, 0]];\nfunction count(x, y) { let n = 0; for (const [dx, dy] of dirs) { const row = grid[y + dy]; if (row && row[x + dx] === '#') n++; } return n; }\nconsole.log(grid.map((r, y) => r.map((_, x) => count(x, y)).join('')).join('\\n'));",
	"a generator":             "function* take(n, it) { let i = 0; for (const x of it) { if (i++ >= n) return; yield x; } }\nfunction* nat() { let n = 0; while (true) yield n++; }\nconsole.log([...take(5, nat())]);",
	"an event emitter":        "const EventEmitter = require('events');\nclass Bus extends EventEmitter {}\nconst bus = new Bus();\nbus.on('x', (a, b) => console.log(a, b));\nbus.emit('x', 1, 2);",
	"destructuring":           "const { a, b: { c = 5 } = {}, ...rest } = { a: 1, z: 2 };\nconst [x, , y = 3, ...more] = [1, 2];\nconsole.log(a, c, rest, x, y, more);",
	"a pipeline of functions": "const pipe = (...fns) => x => fns.reduce((v, f) => f(v), x);\nconst slug = pipe(s => s.toLowerCase(), s => s.replace(/[^a-z0-9]+/g, '-'));\nconsole.log(slug('Hello World'));",
	"currying":                "const add = a => b => a + b;\nconsole.log([1, 2].map(add(3)));",
	"a table of handlers":     "const ops = { add: (a, b) => a + b, sub: (a, b) => a - b };\nfunction run(op, a, b) { const f = ops[op]; if (!f) throw new Error(`no ${op}`); return f(a, b); }\nconsole.log(run('add', 1, 2), run('sub', 3, 1));",
	"dates and numbers":       "const d = new Date('2024-01-02T03:04:05Z');\nconsole.log(d.toISOString().slice(0, 10), d.getFullYear(), new Intl.NumberFormat('en-US').format(12345.6), Number('3').toFixed(2), parseInt('42', 10));",
	"regular expressions":     "const re = /(?<y>\\d{4})-(?<m>\\d\\d)/g;\nfor (const m of '2024-01 2024-02'.matchAll(re)) console.log(m.groups.y, m.groups.m, m.index);\nconsole.log('a-b'.replace(/-(\\w)/g, (_, c) => c.toUpperCase()));",
	"a main test":             "function main() { console.log('hi'); }\nif (require.main === module) main();\nmodule.exports = { main };",
	"crypto":                  "const crypto = require('crypto');\nconsole.log(crypto.createHash('sha256').update('x').digest('hex'), crypto.randomUUID());",
	"reading lines":           "const fs = require('fs');\nconst readline = require('readline');\nasync function main() { const rl = readline.createInterface({ input: fs.createReadStream('/inputs/a.txt'), crlfDelay: Infinity }); let n = 0; for await (const line of rl) { if (line.includes('x')) n++; } console.log(n); }\nmain();",
	"files in a directory":    "const fs = require('fs');\nconst path = require('path');\nfor (const f of fs.readdirSync('/workspace')) { if (path.extname(f) === '.txt') console.log(f); }\nfs.mkdirSync('out', { recursive: true });\nif (!fs.existsSync('out/a')) fs.writeFileSync(path.join('out', 'a'), 'x', 'utf8');",
	"a deep clone":            "function clone(x) { if (x === null || typeof x !== 'object') return x; if (Array.isArray(x)) return x.map(clone); const out = {}; for (const k of Object.keys(x)) out[k] = clone(x[k]); return out; }\nconsole.log(clone({ a: [1, { b: 2 }] }));",
	"flattening an object":    "function flatten(o, prefix = '') { return Object.entries(o).reduce((acc, [k, v]) => { const key = prefix ? `${prefix}.${k}` : k; if (v && typeof v === 'object') Object.assign(acc, flatten(v, key)); else acc[key] = v; return acc; }, {}); }\nconsole.log(flatten({ a: { b: 1 } }));",
	"picking keys":            "const pick = (o, ks) => ks.reduce((acc, k) => { if (k in o) acc[k] = o[k]; return acc; }, {});\nconsole.log(pick({ a: 1, b: 2 }, ['a']));",
	"old prototypes":          "function Dog(name) { this.name = name; }\nDog.prototype.bark = function () { return this.name + '!'; };\nconsole.log(new Dog('a').bark(), Object.prototype.hasOwnProperty.call({ a: 1 }, 'a'), Array.prototype.slice.call([1, 2], 1));",
	"console methods":         "const log = (level, msg) => console[level](msg);\nlog('warn', 'x');\nprocess.stdout.write('a\\n');\nconsole.table([{ a: 1 }]);",
	"a linked list":           "class Node { constructor(v, next = null) { this.value = v; this.next = next; } }\nclass List { constructor() { this.head = null; this.length = 0; } add(v) { this.head = new Node(v, this.head); this.length++; } *[Symbol.iterator]() { let n = this.head; while (n) { yield n.value; n = n.next; } } }\nconst l = new List(); l.add(1); l.add(2); console.log([...l], l.length);",
	"dynamic programming":     "function lcs(a, b) { const dp = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0)); for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) dp[i][j] = a[i - 1] === b[j - 1] ? dp[i - 1][j - 1] + 1 : Math.max(dp[i - 1][j], dp[i][j - 1]); return dp[a.length][b.length]; }\nconsole.log(lcs('abc', 'ac'));",
	"a helper that reads":     "const fs = require('fs');\nfunction readJson(file) { return JSON.parse(fs.readFileSync(file, 'utf8')); }\nconsole.log(readJson('./a.json').x, readJson('/inputs/b.json').y);",
	"nested tallies":          "const sales = JSON.parse('[]');\nconst t = {};\nfor (const s of sales) { t[s.region] = t[s.region] || {}; t[s.region][s.product] = (t[s.region][s.product] || 0) + s.amount; }\nconsole.log(JSON.stringify(t));",
	"a debounced callback":    "function debounce(fn, ms) { let timer; return (...args) => { clearTimeout(timer); timer = setTimeout(() => fn(...args), ms); }; }\nconst f = debounce(x => console.log(x), 5);\nf(1); f(2);",
	"a queue of listeners":    "class Store { constructor() { this.listeners = []; this.state = {}; } subscribe(l) { this.listeners.push(l); return () => { this.listeners = this.listeners.filter(x => x !== l); }; } set(k, v) { this.state[k] = v; this.listeners.forEach(l => l(this.state)); } }\nconst s = new Store(); s.subscribe(x => console.log(x)); s.set('a', 1);",
	"sloppy globals":          "total = 0;\nfor (i = 0; i < 3; i++) { total += i; }\nconsole.log(total);",
}

func TestOrdinaryCodeIsAllowed(t *testing.T) {
	for name, source := range benign {
		t.Run(name, func(t *testing.T) {
			if r := Read(report.JavaScript, []byte(source)); !isAllowed(r) {
				t.Errorf("not allowed: %q", effects(source, report.JavaScript))
			}
		})
	}
}
