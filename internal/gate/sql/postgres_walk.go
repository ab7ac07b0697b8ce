// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"slices"
	"strings"
	"unicode"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// postgresWalk visits every node of a syntax tree.
type postgresWalk struct {
	emitter
	world  *postgresWorld
	source []byte
	// tokens are the places of all tokens but comments, in order.
	tokens []span
	// stmt is the statement that is being visited.
	stmt span
	// dots are the names behind another in the statement, and called the
	// functions in its FROM clauses with their columns: see postgres_dots.go.
	dots   []qualified
	called map[string][]set
}

// scope is what holds for a part of the tree.
type scope struct {
	// queries are the names of the common table expressions that are visible.
	queries []string
	// locks is set where the tables read are locked by FOR UPDATE or FOR SHARE.
	locks bool
	// quiet is set for a SELECT that is only the list of values of an INSERT.
	quiet bool
}

// with gives the scope in which one more query is visible.
func (s scope) with(name string) scope {
	s.queries = append(slices.Clone(s.queries), name)
	return s
}

// visit reports what m can do, and all its parts.
func (w *postgresWalk) visit(m protoreflect.Message, s scope) {
	name := string(m.Descriptor().Name())
	if name == "Node" {
		if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil {
			w.visit(m.Get(f).Message(), s)
		}
		return
	}
	rule, known := w.world.nodes[name]
	if !known {
		rule.reason = "the gate does not know this part of the grammar"
	}
	s = w.withQueries(m, s)
	switch rule.kind {
	case walk:
		w.parts(m, s)
	case verb:
		w.act(m, rule.verb, rule.targets, s)
	case special:
		w.special(m, s)
	case dynamic:
		w.dynamic(w.placeOf(m), spelled(name), sentence(rule.reason))
		w.parts(m, s)
	default:
		w.unknown(w.placeOf(m), spelled(name), sentence(rule.reason))
		w.parts(m, s)
	}
}

// spelled writes the name of a node as the statement is: CreateTrigStmt is CREATE TRIG.
func spelled(node string) string {
	var out strings.Builder
	for i, r := range strings.TrimSuffix(node, "Stmt") {
		if i > 0 && unicode.IsUpper(r) {
			out.WriteByte(' ')
		}
		out.WriteRune(unicode.ToUpper(r))
	}
	return out.String()
}

// sentence writes the reason of a table as one.
func sentence(reason string) string {
	return strings.ToUpper(reason[:1]) + reason[1:] + "."
}

// parts visits the fields of m but those named.
func (w *postgresWalk) parts(m protoreflect.Message, s scope, but ...string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		if f.Message() == nil || !m.Has(f) || name == "with_clause" || slices.Contains(but, name) {
			continue
		}
		if f.IsList() {
			for j := range m.Get(f).List().Len() {
				w.visit(m.Get(f).List().Get(j).Message(), s)
			}
		} else {
			w.visit(m.Get(f).Message(), s)
		}
	}
}

// withQueries visits the WITH clause of a statement and gives the scope of its
// body. Without RECURSIVE a query sees only those before it.
func (w *postgresWalk) withQueries(m protoreflect.Message, s scope) scope {
	f := m.Descriptor().Fields().ByName("with_clause")
	if f == nil || f.Message() == nil || !m.Has(f) {
		return s
	}
	clause := m.Get(f).Message().Interface().(*pganalyze.WithClause)
	if clause.Recursive {
		for _, node := range clause.Ctes {
			s = s.with(node.GetCommonTableExpr().GetCtename())
		}
	}
	for _, node := range clause.Ctes {
		query := node.GetCommonTableExpr()
		w.parts(query.ProtoReflect(), scope{queries: s.queries})
		if !clause.Recursive {
			s = s.with(query.GetCtename())
		}
	}
	return s
}

// act reports a statement: its verb for the tables in its target fields, and
// whatever is in its other fields.
func (w *postgresWalk) act(m protoreflect.Message, verb string, targets []string, s scope) {
	found := false
	for _, target := range targets {
		for _, table := range tablesIn(m, target) {
			found = true
			w.statement(w.placeOf(table.ProtoReflect()), verb, w.world.table(table))
		}
	}
	if !found {
		w.statement(w.stmt, verb, nil)
	}
	w.parts(m, s, targets...)
}

// tablesIn gives the tables in a field that holds one or a list.
func tablesIn(m protoreflect.Message, field string) []*pganalyze.RangeVar {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(field))
	if f == nil || !m.Has(f) {
		return nil
	}
	if !f.IsList() {
		if table, ok := m.Get(f).Message().Interface().(*pganalyze.RangeVar); ok {
			return []*pganalyze.RangeVar{table}
		}
		return nil
	}
	var tables []*pganalyze.RangeVar
	for i := range m.Get(f).List().Len() {
		if node, ok := m.Get(f).List().Get(i).Message().Interface().(*pganalyze.Node); ok && node.GetRangeVar() != nil {
			tables = append(tables, node.GetRangeVar())
		}
	}
	return tables
}

// placeOf gives the tokens of a dotted name at the node's location, or the statement.
func (w *postgresWalk) placeOf(m protoreflect.Message) span {
	f := m.Descriptor().Fields().ByName("location")
	if f == nil {
		return w.stmt
	}
	from := int(m.Get(f).Int())
	i, found := slices.BinarySearchFunc(w.tokens, from, func(t span, at int) int { return t.from - at })
	if !found {
		return w.stmt
	}
	end := i
	for end+2 < len(w.tokens) && w.source[w.tokens[end+1].from] == '.' {
		end += 2
	}
	return span{from, w.tokens[end].to}
}

// trim cuts what is not a token off a range.
func (w *postgresWalk) trim(at span) span {
	first, _ := slices.BinarySearchFunc(w.tokens, at.from, func(t span, at int) int { return t.from - at })
	last, _ := slices.BinarySearchFunc(w.tokens, at.to, func(t span, at int) int { return t.from - at })
	if first >= last {
		return at
	}
	return span{w.tokens[first].from, w.tokens[last-1].to}
}
