// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"errors"
	"sync"

	"github.com/airlock-dev/airlock/internal/gate/report"
	pganalyze "github.com/pganalyze/pg_query_go/v6"
	"github.com/wasilibs/go-pgquery/parser"
)

// postgresWorld is what is known about PostgreSQL before any code is read.
type postgresWorld struct {
	nodes map[string]nodeRule
	names map[string]set
}

var knownPostgres = sync.OnceValue(func() *postgresWorld {
	return &postgresWorld{nodes: readNodes(postgresNodesText), names: readSections(postgresFunctionsText)}
})

// readPostgres adds the operations of PostgreSQL source to out.
func readPostgres(source []byte, out *report.Builder) {
	if roughTokens(source) > maxRoughTokens {
		refuseLimit(out, "tokens")
		return
	}
	tokens, err := postgres.scan(string(source))
	if err != nil {
		failPostgres(out, source, err)
		return
	}
	if limit := limitOf(tokens); limit != "" {
		refuseLimit(out, limit)
		return
	}
	tree, err := postgres.parse(string(source))
	if err != nil {
		failPostgres(out, source, err)
		return
	}
	if len(tree.Stmts) == 0 {
		out.Fail(0, noStatement)
		return
	}
	e := emitter{out}
	ambiguities(source, tokens, e)
	w := &postgresWalk{emitter: e, world: knownPostgres(), source: source, tokens: withoutComments(tokens), called: map[string][]set{}}
	for _, raw := range tree.Stmts {
		from := int(raw.StmtLocation)
		to := from + int(raw.StmtLen)
		if raw.StmtLen == 0 {
			to = len(source)
		}
		w.stmt = w.trim(span{from, to})
		w.visit(raw.ProtoReflect(), scope{})
		w.settleDots()
	}
}

// noStatement is the error of a source that says nothing in its dialect; in
// another dialect its comments may be code.
const noStatement = "the source holds no statement"

func refuseLimit(out *report.Builder, limit string) {
	out.Limit(limit)
	out.Fail(0, "the source is larger or nested deeper than the gate reads: "+limit)
}

func failPostgres(out *report.Builder, source []byte, err error) {
	offset := 0
	if bad, ok := errors.AsType[*parser.Error](err); ok {
		offset = runeOffset(source, bad.Cursorpos-1)
	}
	out.Fail(offset, err.Error())
}

// runeOffset gives the byte offset of the n-th character.
func runeOffset(source []byte, n int) int {
	for i := range string(source) {
		if n <= 0 {
			return i
		}
		n--
	}
	return len(source)
}

func withoutComments(tokens []*pganalyze.ScanToken) []span {
	spans := make([]span, 0, len(tokens))
	for _, t := range tokens {
		if !isComment(t) {
			spans = append(spans, span{int(t.Start), int(t.End)})
		}
	}
	return spans
}
