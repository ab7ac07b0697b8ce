// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// mysqlWalk visits every node of a syntax tree: all exported fields of all its
// structures, as the grammar's own visitor passes some by.
type mysqlWalk struct {
	emitter
	world  *mysqlWorld
	source string
	tokens []mysqlToken
	// next is the first token behind the statements visited so far.
	next int
	// stmt is the statement that is being visited.
	stmt span
	// places are those tokens of the statement that are names and were not shown yet.
	places map[string][]span
}

// mysqlScope is what holds for a part of the tree.
type mysqlScope struct {
	queries []string
	// verb is what happens to the tables that are named here; "" is SELECT.
	verb  string
	locks bool
}

func (s mysqlScope) with(name string) mysqlScope {
	s.queries = append(slices.Clone(s.queries), name)
	return s
}

// isQuery reports whether a table is the name of a query in WITH. Case counts, as
// it does for MySQL with lower_case_table_names=0: elsewhere one more table is reported.
func (s mysqlScope) isQuery(t *ast.TableName) bool {
	return t.Schema.O == "" && slices.Contains(s.queries, t.Name.O)
}

var astPackage = reflect.TypeFor[ast.TableName]().PkgPath()

// visit reports what a node can do, and all its parts.
func (w *mysqlWalk) visit(node any, s mysqlScope) { w.value(reflect.ValueOf(node), s) }

func (w *mysqlWalk) value(v reflect.Value, s mysqlScope) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			w.value(v.Elem(), s)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			w.value(v.Index(i), s)
		}
	case reflect.Struct:
		if v.Type().PkgPath() == astPackage {
			w.node(v, s)
		}
	case reflect.Map, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.unknown(w.stmt, v.Type().String(), "The gate does not know this part of the grammar.")
	default: // numbers and text
	}
}

func (w *mysqlWalk) node(v reflect.Value, s mysqlScope) {
	name := v.Type().Name()
	rule, known := w.world.nodes[name]
	if !known {
		rule.reason = "the gate does not know this part of the grammar"
	}
	s = w.withQueries(v, s)
	switch rule.kind {
	case walk:
		w.parts(v, s)
	case verb:
		w.act(v, rule.verb, rule.targets, s)
	case special:
		w.special(v, s)
	case dynamic:
		w.dynamic(w.stmt, spelled(name), sentence(rule.reason))
		w.parts(v, s)
	default:
		w.unknown(w.stmt, spelled(name), sentence(rule.reason))
		w.parts(v, s)
	}
}

// parts visits the exported fields of a node but those named.
func (w *mysqlWalk) parts(v reflect.Value, s mysqlScope, but ...string) {
	if name := v.Type().Name(); name == "SubqueryExpr" || strings.HasSuffix(name, "Stmt") {
		s.verb, s.locks = "", s.locks && name == "SelectStmt"
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() && field.Name != "With" && !slices.Contains(but, field.Name) {
			w.value(v.Field(i), s)
		}
	}
}

// withQueries visits the WITH clause of a statement and gives the scope of its
// body. A query sees only those before it, and with RECURSIVE itself: what comes
// later is a table to MySQL, if not to MariaDB.
func (w *mysqlWalk) withQueries(v reflect.Value, s mysqlScope) mysqlScope {
	field := v.FieldByName("With")
	if !field.IsValid() {
		return s
	}
	clause, ok := reflect.TypeAssert[*ast.WithClause](field)
	if !ok || clause == nil {
		return s
	}
	for _, query := range clause.CTEs {
		before := s.queries
		s = s.with(query.Name.O)
		if clause.IsRecursive {
			before = s.queries
		}
		w.visit(query, mysqlScope{queries: before})
	}
	return s
}

// act reports a statement: its verb for the tables that its target fields
// name outside subqueries, and whatever is in its other fields.
func (w *mysqlWalk) act(v reflect.Value, verb string, targets []string, s mysqlScope) {
	target := s
	target.verb, target.queries = verb, nil
	found := false
	for _, name := range targets {
		found = found || hasTable(v.FieldByName(name))
		w.value(v.FieldByName(name), target)
	}
	if !found {
		w.statement(w.stmt, verb, nil)
	}
	s.verb = ""
	w.parts(v, s, targets...)
}

// placeOf gives the first token of the statement that is the name and was not shown before.
func (w *mysqlWalk) placeOf(name string) span {
	name = strings.ToLower(name)
	places := w.places[name]
	if len(places) == 0 {
		return w.stmt
	}
	w.places[name] = places[1:]
	return places[0]
}

// start turns to the next statement.
func (w *mysqlWalk) start(statement ast.StmtNode) {
	text := strings.TrimRight(strings.TrimSpace(statement.OriginalText()), "; \t\r\n")
	from := w.stmt.to + max(0, strings.Index(w.source[w.stmt.to:], text))
	w.stmt = span{from, min(from+len(text), len(w.source))}
	for w.next < len(w.tokens) && w.tokens[w.next].from < from {
		w.next++
	}
	if w.next < len(w.tokens) {
		w.stmt.from = w.tokens[w.next].from // behind its comments
	}
	w.places = map[string][]span{}
	for ; w.next < len(w.tokens) && w.tokens[w.next].to <= w.stmt.to; w.next++ {
		if t := w.tokens[w.next]; t.word || t.quote != 0 {
			name := strings.ToLower(strings.Trim(w.source[t.from:t.to], "`\""))
			w.places[name] = append(w.places[name], t.span)
		}
	}
}
