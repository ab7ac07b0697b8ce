// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// BenchmarkVerdict is what one request costs: reading a kilobyte of code, with
// what is embedded in it, and judging the report.
func BenchmarkVerdict(b *testing.B) {
	python := "import pandas as pd\nsales = pd.read_csv('/inputs/sales.csv')\n" +
		strings.Repeat("sales['total'] = sales['price'] * sales['count']\nprint(sales.groupby('region')['total'].sum())\n", 9)
	for _, code := range []gate.Code{
		{Language: gate.Python, Source: []byte(python)},
		{Language: gate.Bash, Source: []byte(strings.Repeat("sort -t, -k2 data.csv | cut -d, -f1 | uniq -c > out.txt\n", 18))},
		{Language: gate.JavaScript, Source: []byte("const fs = require('fs');\n" + strings.Repeat("console.log(JSON.parse(fs.readFileSync('./data.json', 'utf8')).rows.map(r => r.total));\n", 11))},
		{Language: gate.SQL, Dialect: gate.PostgreSQL, Source: []byte("SELECT region, sum(total) FROM shop.orders WHERE " + strings.Repeat("total > 10 AND ", 60) + "true GROUP BY region")},
		{Language: gate.SQL, Dialect: gate.MySQL, Source: []byte("SELECT region, sum(total) FROM shop.orders WHERE " + strings.Repeat("total > 10 AND ", 60) + "true GROUP BY region")},
	} {
		b.Run(string(code.Language)+string(code.Dialect), func(b *testing.B) {
			spec := Workspace(code.Dialect)
			if code.Language == gate.SQL {
				spec = Analyst(code.Dialect)
			}
			if v := Judge(gate.Read(code), spec, Given{Trust: v1alpha1.Internal}); v.Decision != v1alpha1.Allow {
				b.Fatalf("%+v", v.Findings)
			}
			b.SetBytes(int64(len(code.Source)))
			b.ReportAllocs()
			for b.Loop() {
				Judge(gate.Read(code), spec, Given{Trust: v1alpha1.Internal})
			}
		})
	}
}
