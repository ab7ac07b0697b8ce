// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"strings"
	"testing"
)

// script is a report over a CSV, about 1 kB, as agents write them.
const script = `import os
import pandas as pd
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

INPUT = "/inputs/sales.csv"
OUTPUT = "/workspace"


def load(path=INPUT):
    frame = pd.read_csv(path, parse_dates=["date"])
    frame["month"] = frame["date"].dt.to_period("M").astype(str)
    frame["revenue"] = frame["units"] * frame["price"]
    return frame.dropna(subset=["revenue"])


def summarise(frame):
    by_month = frame.groupby(["month", "region"])["revenue"].agg(["sum", "mean", "count"])
    top = frame.sort_values("revenue", ascending=False).head(10)
    return by_month.reset_index(), top


def chart(table):
    fig, ax = plt.subplots(figsize=(8, 4))
    for region, rows in table.groupby("region"):
        ax.plot(rows["month"], rows["sum"], marker="o", label=region)
    ax.set_ylabel("revenue")
    ax.legend()
    fig.savefig(os.path.join(OUTPUT, "revenue.png"), dpi=120)


months, best = summarise(load())
months.to_csv(os.path.join(OUTPUT, "months.csv"), index=False)
chart(months)
print(f"{len(months)} rows, total {months['sum'].sum():,.2f}")
print(best.to_string(index=False))
`

func BenchmarkRead(b *testing.B) {
	for _, copies := range []int{1, 10, 100} {
		source := []byte(strings.Repeat(script, copies))
		b.Run(fmt.Sprintf("%dkB", len(source)/1000), func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			b.ReportAllocs()
			for b.Loop() {
				Read(source)
			}
		})
	}
}
