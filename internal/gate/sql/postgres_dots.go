// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"slices"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
)

// PostgreSQL reads x.f as f(x) where x has no column f: ('/etc/passwd'::text).pg_read_file,
// and u.pg_read_file FROM unnest(ARRAY['/etc/passwd']) AS u, as a row of a
// function that gives no composite type is its value (ParseFuncOrColumn and
// makeWholeRowVar of the server). Rows of tables and subqueries are composite:
// only functions that somebody wrote for them take them.

// qualified is the use of a name behind that of something in FROM.
type qualified struct {
	of, name string
	at       span
}

// columnRef remembers x.f until all of the FROM clauses are known.
func (w *postgresWalk) columnRef(n *pganalyze.ColumnRef) {
	if parts, ok := words(n.Fields); ok && len(parts) == 2 {
		w.dots = append(w.dots, qualified{parts[0], parts[1], w.placeOf(n.ProtoReflect())})
	}
}

// rangeFunction remembers the name of a function in FROM, and those of its columns.
func (w *postgresWalk) rangeFunction(n *pganalyze.RangeFunction) {
	columns, _ := words(n.Alias.GetColnames())
	names := []string{n.Alias.GetAliasname()}
	columns = append(columns, definedColumns(n.Coldeflist)...)
	for _, item := range n.Functions {
		pair := item.GetList().GetItems() // the call, and the columns that it is said to have
		if len(pair) > 1 {
			columns = append(columns, definedColumns(pair[1].GetList().GetItems())...)
		}
		if n.Alias == nil {
			called, _ := words(pair[0].GetFuncCall().GetFuncname())
			if len(called) == 0 {
				w.unknown(w.stmt, "FROM", "The name of this expression in FROM depends on the server.")
				continue
			}
			names = append(names, called[len(called)-1])
		}
	}
	for _, name := range names {
		if len(columns) == 0 {
			w.called[name] = append(w.called[name], set{name: {}}) // its one column is called as it is
			continue
		}
		given := set{}
		for _, column := range columns {
			given[column] = struct{}{}
		}
		w.called[name] = append(w.called[name], given)
	}
}

func definedColumns(nodes []*pganalyze.Node) (names []string) {
	for _, node := range nodes {
		names = append(names, node.GetColumnDef().GetColname())
	}
	return names
}

// indirection judges the names behind a value in brackets.
func (w *postgresWalk) indirection(n *pganalyze.A_Indirection) {
	for _, node := range n.Indirection {
		if name := node.GetString_(); name != nil {
			w.dotted(w.stmt, name.Sval)
		}
	}
}

// settleDots judges the names behind those of functions in FROM, at the end of a statement.
func (w *postgresWalk) settleDots() {
	for _, q := range w.dots {
		// The name may stand for several functions, at different depths.
		if slices.ContainsFunc(w.called[q.of], func(columns set) bool { return !columns.has(q.name) }) {
			w.dotted(q.at, q.name)
		}
	}
	w.dots = nil
	w.called = map[string][]set{}
}

// dotted reports what may be a column or a function: the columns of built-in
// functions are known, and all other names are functions.
func (w *postgresWalk) dotted(at span, name string) {
	switch {
	case w.world.names["columns"].has(name):
	case w.world.names["functions"].has(name):
		w.compute(at, name)
	default:
		w.unknown(at, name, "PostgreSQL takes x.f for f(x) where x has no such column, and the function is not one of those known to have no effect.")
	}
}
