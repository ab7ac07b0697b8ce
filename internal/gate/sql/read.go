// SPDX-License-Identifier: Apache-2.0

// Package sql lists the operations of SQL source in a declared dialect.
//
// It assumes a closed world: every node of the syntax tree has a rule in the
// tables, and what has none is Unknown. Each statement, at every depth, is one
// operation per table that its verb applies to; functions, operators and types
// outside the tables are Unknown. docs/gate-sql.md describes the rules.
package sql

import (
	"fmt"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Parser names this reader in reports. Its version changes whenever the same
// source may give another report.
const Parser = "airlock-sql/1"

// maxBytes is the largest source that is read.
const maxBytes = 256 << 10

// Read lists the operations of source, which is SQL of the dialect. It never
// guesses: an empty or unfamiliar dialect is an error.
func Read(dialect report.Dialect, source []byte) *report.Report {
	out := report.NewBuilder(report.SQL, Parser, tablesVersion(), source)
	if len(source) > maxBytes {
		out.Limit("size")
		out.Fail(0, fmt.Sprintf("the source has %d bytes; at most %d are read", len(source), maxBytes))
		return out.Report()
	}
	if offset, message := checkText(source); message != "" {
		out.Fail(offset, message)
		return out.Report()
	}
	switch dialect {
	case report.PostgreSQL:
		readPostgres(source, out)
	case report.MySQL:
		readMySQL(source, out)
	default:
		out.Fail(0, fmt.Sprintf("no reader for the SQL dialect %q; those read are %q and %q", dialect, report.PostgreSQL, report.MySQL))
	}
	return out.Report()
}
