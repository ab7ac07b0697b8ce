// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// script is a report over a CSV, about 1 kB, as agents write them.
const script = `{
const fs = require('fs');
const path = require('path');

const INPUT = '/inputs/sales.csv';

function load(file) {
  const [head, ...lines] = fs.readFileSync(file, 'utf8').trim().split('\n');
  const columns = head.split(',').map(c => c.trim());
  return lines.map(line => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((c, i) => [c, cells[i]]));
  });
}

function summarise(rows) {
  const byRegion = new Map();
  for (const row of rows) {
    const { region, units, price } = row;
    const entry = byRegion.get(region) ?? { count: 0, revenue: 0 };
    entry.count += 1;
    entry.revenue += Number(units) * Number(price);
    byRegion.set(region, entry);
  }
  return [...byRegion].sort(([, a], [, b]) => b.revenue - a.revenue);
}

const table = summarise(load(INPUT));
const text = table.map(([region, e]) => ` + "`${region.padEnd(12)} ${e.count} ${e.revenue.toFixed(2)}`" + `).join('\n');
fs.writeFileSync(path.join('/workspace', 'report.txt'), text + '\n');
console.log(text);
}
`

func BenchmarkRead(b *testing.B) {
	for _, copies := range []int{1, 10, 100} {
		source := []byte(strings.Repeat(script, copies))
		for _, lang := range []report.Language{report.JavaScript, report.TypeScript} {
			b.Run(fmt.Sprintf("%s/%dkB", lang, len(source)/1000), func(b *testing.B) {
				b.SetBytes(int64(len(source)))
				b.ReportAllocs()
				for b.Loop() {
					Read(lang, source)
				}
			})
		}
	}
}
