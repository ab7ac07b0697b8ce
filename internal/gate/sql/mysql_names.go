// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"reflect"
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// hasTable reports whether a field names a table outside subqueries.
func hasTable(v reflect.Value) bool {
	switch n := v.Interface().(type) {
	case []*ast.TableName:
		return len(n) > 0
	case *ast.TableName:
		return n != nil
	default:
		return len(tablesOf(v.Interface())) > 0
	}
}

// tablesOf gives the tables of a FROM clause and their aliases, without those of subqueries.
func tablesOf(node any) []*ast.TableSource {
	switch n := node.(type) {
	case *ast.TableRefsClause:
		if n != nil {
			return tablesOf(n.TableRefs)
		}
	case *ast.Join:
		if n != nil {
			return slices.Concat(tablesOf(n.Left), tablesOf(n.Right))
		}
	case *ast.TableSource:
		if _, ok := n.Source.(*ast.TableName); ok {
			return []*ast.TableSource{n}
		}
		return tablesOf(n.Source)
	}
	return nil
}

// table reports a table: the verb of its place, or SELECT. A name with
// capitals is reported in small letters too: whether they differ depends on
// the server's lower_case_table_names.
func (w *mysqlWalk) table(t *ast.TableName, s mysqlScope) {
	if s.isQuery(t) {
		return
	}
	verb := s.verb
	if verb == "" {
		verb = "SELECT"
	}
	at := w.placeOf(t.Name.O)
	for _, fact := range tableFacts(t) {
		w.statement(at, verb, fact)
		if s.locks {
			w.statement(at, "LOCK", fact)
		}
	}
}

func tableFacts(t *ast.TableName) []*report.Fact {
	fact := func(schema, name string) *report.Fact {
		if schema == "" {
			return tableFact(name)
		}
		return tableFact(schema, name)
	}
	facts := []*report.Fact{fact(t.Schema.O, t.Name.O)}
	if t.Schema.O != t.Schema.L || t.Name.O != t.Name.L {
		facts = append(facts, fact(t.Schema.L, t.Name.L))
	}
	return facts
}
