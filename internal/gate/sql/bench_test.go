// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// BenchmarkRead reads sources of an analyst; 100 kB of them is text in a comment and a literal.
func BenchmarkRead(b *testing.B) {
	const statement = "SELECT u.id, u.name, sum(o.total) AS total, max(o.placed_at) AS latest\nFROM users u JOIN shop.orders o ON o.user_id = u.id\nWHERE o.total > 10 AND u.name LIKE 'a%' GROUP BY u.id, u.name ORDER BY total DESC LIMIT 10;\n"
	for _, dialect := range []report.Dialect{report.PostgreSQL, report.MySQL} {
		Read(dialect, []byte(statement)) // load the grammar
		for _, kB := range []int{1, 10, 100} {
			source := strings.Repeat(statement, min(kB, 30)*1000/len(statement))
			source += "SELECT '" + strings.Repeat("x", max(0, kB*1000-len(source)-9)) + "'"
			b.Run(fmt.Sprintf("%s/%dkB", dialect, kB), func(b *testing.B) {
				b.SetBytes(int64(len(source)))
				b.ReportAllocs()
				for b.Loop() {
					if r := Read(dialect, []byte(source)); r.Error != nil {
						b.Fatal(r.Error.Message)
					}
				}
			})
		}
	}
}
