// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"sync"

	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/pingcap/tidb/pkg/parser"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // literals of the grammar; the name is historical
)

// mysqlWorld is what is known about MySQL before any code is read.
type mysqlWorld struct {
	nodes map[string]nodeRule
	names map[string]set
}

var knownMySQL = sync.OnceValue(func() *mysqlWorld {
	return &mysqlWorld{nodes: readNodes(mysqlNodesText), names: readSections(mysqlFunctionsText)}
})

// readMySQL adds the operations of MySQL source to out.
func readMySQL(source []byte, out *report.Builder) {
	known := knownMySQL()
	scanner := &mysqlScanner{source: source, client: known.names["client"]}
	if roughTokens(source) > maxRoughTokens {
		refuseLimit(out, "tokens")
		return
	}
	if scanner.scan(); scanner.message != "" {
		out.Fail(scanner.offset, scanner.message)
		return
	}
	if limit := scanner.limit(); limit != "" {
		refuseLimit(out, limit)
		return
	}
	statements, warnings, err := parser.New().ParseSQL(string(source))
	if err != nil {
		out.Fail(0, err.Error())
		return
	}
	if len(statements) == 0 {
		out.Fail(0, noStatement)
		return
	}
	e := emitter{out}
	for _, warning := range warnings {
		e.unknown(span{0, len(source)}, "warning", "The grammar says: "+warning.Error())
	}
	e.escapes(scanner)
	w := &mysqlWalk{emitter: e, world: known, source: string(source), tokens: scanner.tokens}
	for _, statement := range statements {
		w.start(statement)
		w.visit(statement, mysqlScope{})
	}
}

// escapes reports literals that end elsewhere in another mode of the server.
func (e emitter) escapes(s *mysqlScanner) {
	for _, t := range s.tokens {
		if t.quote != 0 && t.quote != '`' && hidesQuote(s.source[t.from:t.to], t.quote) {
			e.unknown(t.span, "string", "With NO_BACKSLASH_ESCAPES or ANSI_QUOTES, this literal ends elsewhere.")
		}
	}
}
