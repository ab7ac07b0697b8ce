// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"slices"
	"strings"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// special applies the rule of a node that the table calls special.
func (w *postgresWalk) special(m protoreflect.Message, s scope) {
	if !w.specialExpression(m, s) && !w.specialStatement(m, s) && !w.specialDefinition(m, s) && !w.specialPart(m, s) {
		w.unknown(w.placeOf(m), string(m.Descriptor().Name()), "The gate has no rule for this part of the grammar.")
	}
}

func (w *postgresWalk) specialExpression(m protoreflect.Message, s scope) bool {
	switch n := m.Interface().(type) {
	case *pganalyze.RangeVar:
		w.read(n, s)
	case *pganalyze.FuncCall:
		w.function(n, s)
	case *pganalyze.TypeName:
		w.typeName(n, s)
	case *pganalyze.A_Expr:
		w.expression(n, s)
	case *pganalyze.SortBy:
		w.operator(w.placeOf(m), n.UseOp)
		w.parts(m, s, "use_op")
	case *pganalyze.SubLink:
		w.operator(w.placeOf(m), n.OperName)
		w.parts(m, s, "oper_name")
	case *pganalyze.SQLValueFunction:
		at := w.placeOf(m)
		w.compute(at, strings.ToLower(string(w.source[at.from:at.to])))
	case *pganalyze.RangeTableSample:
		if name, known := w.world.builtin("samples", n.Method); !known {
			w.unknown(w.placeOf(m), name, "The sampling method is not one of those known to have no effect.")
		}
		w.parts(m, s, "method")
	default:
		return w.specialName(m, s)
	}
	return true
}

// specialName handles the names that may be those of functions.
func (w *postgresWalk) specialName(m protoreflect.Message, s scope) bool {
	switch n := m.Interface().(type) {
	case *pganalyze.ColumnRef:
		w.columnRef(n)
	case *pganalyze.A_Indirection:
		w.indirection(n)
	case *pganalyze.RangeFunction:
		w.rangeFunction(n)
	default:
		return false
	}
	w.parts(m, s)
	return true
}

func (w *postgresWalk) specialStatement(m protoreflect.Message, s scope) bool {
	switch n := m.Interface().(type) {
	case *pganalyze.SelectStmt:
		w.selection(n, s)
	case *pganalyze.InsertStmt:
		w.statement(w.placeOf(n.Relation.ProtoReflect()), "INSERT", w.world.table(n.Relation))
		w.parts(m, s, "relation", "select_stmt")
		if n.SelectStmt != nil {
			s.quiet = len(n.SelectStmt.GetSelectStmt().GetValuesLists()) > 0
			w.visit(n.SelectStmt.ProtoReflect(), s)
		}
	case *pganalyze.CopyStmt:
		w.copy(n, s)
	case *pganalyze.TransactionStmt:
		w.transaction(n)
	case *pganalyze.TruncateStmt:
		w.act(m, "TRUNCATE", []string{"relations"}, s)
		w.cascade("TRUNCATE", n.Behavior)
	case *pganalyze.VacuumStmt:
		w.vacuum(n, s)
	case *pganalyze.ReindexStmt:
		w.wholeOr(m, n.Relation, "REINDEX", s)
	case *pganalyze.ClusterStmt:
		w.wholeOr(m, n.Relation, "CLUSTER", s)
	default:
		return false
	}
	return true
}

func (w *postgresWalk) specialDefinition(m protoreflect.Message, s scope) bool {
	switch n := m.Interface().(type) {
	case *pganalyze.IntoClause:
		w.into(n, "CREATE TABLE", s)
	case *pganalyze.CreateTableAsStmt:
		w.createAs(n, s)
	case *pganalyze.CreateStmt:
		w.accessMethod(n.AccessMethod, "heap")
		w.act(m, "CREATE TABLE", []string{"relation", "inh_relations"}, s)
	case *pganalyze.IndexStmt:
		w.accessMethod(n.AccessMethod, "btree", "hash", "gist", "gin", "brin", "spgist")
		w.act(m, "CREATE INDEX", []string{"relation"}, s)
	case *pganalyze.AlterTableStmt:
		w.alter(n, s)
	case *pganalyze.AlterTableCmd:
		if !alterations[n.Subtype] {
			w.unknown(w.stmt, "ALTER TABLE", "The gate does not model this change of a table.")
		}
		w.parts(m, s)
	case *pganalyze.RenameStmt:
		w.rename(n)
	case *pganalyze.DropStmt:
		w.drop(n)
	case *pganalyze.CommentStmt:
		w.comment(n)
	default:
		return false
	}
	return true
}

// specialPart handles the parts of definitions.
func (w *postgresWalk) specialPart(m protoreflect.Message, s scope) bool {
	switch n := m.Interface().(type) {
	case *pganalyze.IndexElem:
		w.operatorClass(n.Opclass)
	case *pganalyze.PartitionElem:
		w.operatorClass(n.Opclass)
	case *pganalyze.Constraint:
		if n.Contype == pganalyze.ConstrType_CONSTR_EXCLUSION {
			w.unknown(w.stmt, "EXCLUDE", "The gate does not model exclusion constraints.")
		}
	default:
		return false
	}
	w.parts(m, s)
	return true
}

// selection reports the tables of a SELECT, or the SELECT itself when it names none.
func (w *postgresWalk) selection(n *pganalyze.SelectStmt, s scope) {
	quiet := s.quiet
	s.quiet = false
	if !quiet && n.Op <= pganalyze.SetOperation_SETOP_NONE && !w.namesTable(n.FromClause, s) {
		w.statement(w.stmt, "SELECT", nil)
	}
	s.locks = s.locks || len(n.LockingClause) > 0
	w.parts(n.ProtoReflect(), s, "locking_clause")
}

// namesTable reports whether a FROM clause itself names a table, outside subqueries.
func (w *postgresWalk) namesTable(from []*pganalyze.Node, s scope) bool {
	for _, node := range from {
		if t := node.GetRangeVar(); t != nil && !w.isQuery(t, s) {
			return true
		}
		if j := node.GetJoinExpr(); j != nil && w.namesTable([]*pganalyze.Node{j.Larg, j.Rarg}, s) {
			return true
		}
		if t := node.GetRangeTableSample(); t != nil && w.namesTable([]*pganalyze.Node{t.Relation}, s) {
			return true
		}
	}
	return false
}

// accessMethod refuses a storage or index method that is not built in.
func (w *postgresWalk) accessMethod(name string, builtin ...string) {
	if name != "" && !slices.Contains(builtin, name) {
		w.unknown(w.stmt, name, "The access method is not built in.")
	}
}
