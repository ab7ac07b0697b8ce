// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"strings"
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
	e.stored(scanner, known.names["spaced"])
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

// stored reports calls of the functions that are built in only if "(" follows
// at once: otherwise they are stored functions of that name.
func (e emitter) stored(s *mysqlScanner, spaced set) {
	for i, t := range s.tokens[:max(0, len(s.tokens)-1)] {
		name, next := strings.ToLower(string(s.source[t.from:t.to])), s.tokens[i+1]
		if t.word && spaced.has(name) && s.source[next.from] == '(' && next.from != t.to {
			e.unknown(t.span, name, "With a blank behind its name, it is a function of the database, unless IGNORE_SPACE is set.")
		}
	}
}
