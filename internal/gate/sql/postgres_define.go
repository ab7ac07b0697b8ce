// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"github.com/airlock-dev/airlock/internal/gate/report"
	pganalyze "github.com/pganalyze/pg_query_go/v6"
)

// relations are the kinds of object that have a name among the tables.
var relations = map[pganalyze.ObjectType]string{
	pganalyze.ObjectType_OBJECT_TABLE:    "TABLE",
	pganalyze.ObjectType_OBJECT_VIEW:     "VIEW",
	pganalyze.ObjectType_OBJECT_MATVIEW:  "MATERIALIZED VIEW",
	pganalyze.ObjectType_OBJECT_INDEX:    "INDEX",
	pganalyze.ObjectType_OBJECT_SEQUENCE: "SEQUENCE",
}

func (w *postgresWalk) into(n *pganalyze.IntoClause, verb string, s scope) {
	w.accessMethod(n.AccessMethod, "heap")
	w.act(n.ProtoReflect(), verb, []string{"rel"}, s)
}

func (w *postgresWalk) createAs(n *pganalyze.CreateTableAsStmt, s scope) {
	kind := relations[n.Objtype]
	if kind == "" {
		w.unknown(w.stmt, "CREATE AS", "The gate does not model this kind of object.")
	}
	w.into(n.Into, "CREATE "+kind, s)
	w.parts(n.ProtoReflect(), s, "into")
}

// alterations are the changes of a table that run nothing later, touch no
// other table than those named, and leave its owner and its protection alone.
var alterations = setOf(
	pganalyze.AlterTableType_AT_AddColumn, pganalyze.AlterTableType_AT_DropColumn, pganalyze.AlterTableType_AT_ColumnDefault,
	pganalyze.AlterTableType_AT_DropNotNull, pganalyze.AlterTableType_AT_SetNotNull, pganalyze.AlterTableType_AT_AlterColumnType,
	pganalyze.AlterTableType_AT_AddConstraint, pganalyze.AlterTableType_AT_ValidateConstraint, pganalyze.AlterTableType_AT_DropConstraint,
	pganalyze.AlterTableType_AT_SetStatistics, pganalyze.AlterTableType_AT_SetStorage, pganalyze.AlterTableType_AT_SetCompression,
	pganalyze.AlterTableType_AT_AddIdentity, pganalyze.AlterTableType_AT_SetIdentity, pganalyze.AlterTableType_AT_DropIdentity,
	pganalyze.AlterTableType_AT_DropExpression, pganalyze.AlterTableType_AT_ClusterOn, pganalyze.AlterTableType_AT_DropCluster,
)

func setOf[T comparable](values ...T) map[T]bool {
	m := map[T]bool{}
	for _, v := range values {
		m[v] = true
	}
	return m
}

func (w *postgresWalk) alter(n *pganalyze.AlterTableStmt, s scope) {
	kind := relations[n.Objtype]
	if kind == "" {
		w.unknown(w.stmt, "ALTER", "The gate does not model this kind of object.")
		kind = "TABLE"
	}
	verb := "ALTER " + kind
	w.act(n.ProtoReflect(), verb, []string{"relation"}, s)
	for _, node := range n.Cmds {
		w.cascade(verb, node.GetAlterTableCmd().GetBehavior())
	}
}

func (w *postgresWalk) rename(n *pganalyze.RenameStmt) {
	kind := relations[n.RenameType]
	if n.RenameType == pganalyze.ObjectType_OBJECT_COLUMN || n.RenameType == pganalyze.ObjectType_OBJECT_TABCONSTRAINT {
		kind = "TABLE"
	}
	if kind == "" || n.Relation == nil {
		w.unknown(w.stmt, "RENAME", "The gate does not model a new name for this kind of object.")
		return
	}
	at, verb := w.placeOf(n.Relation.ProtoReflect()), "ALTER "+kind
	w.statement(at, verb, w.world.table(n.Relation))
	if relations[n.RenameType] != "" {
		w.statement(at, verb, unknownTable()) // what is read under the new name from now on
	}
	w.cascade(verb, n.Behavior)
}

func (w *postgresWalk) drop(n *pganalyze.DropStmt) {
	kind := relations[n.RemoveType]
	if n.RemoveType == pganalyze.ObjectType_OBJECT_SCHEMA {
		w.statement(w.stmt, "DROP SCHEMA", unknownTable())
		return
	}
	if kind == "" {
		w.unknown(w.stmt, "DROP", "The gate does not model this kind of object.")
		return
	}
	for _, object := range n.Objects {
		w.statement(w.stmt, "DROP "+kind, w.named(object))
	}
	w.cascade("DROP "+kind, n.Behavior)
}

// named gives the table of a name that is a list of strings.
func (w *postgresWalk) named(object *pganalyze.Node) *report.Fact {
	parts, ok := words(object.GetList().GetItems())
	if !ok {
		return unknownTable()
	}
	return w.world.tableNamed(parts...)
}

func (w *postgresWalk) comment(n *pganalyze.CommentStmt) {
	items := n.Object.GetList().GetItems()
	switch {
	case relations[n.Objtype] != "":
		w.statement(w.stmt, "COMMENT", w.named(n.Object))
	case n.Objtype == pganalyze.ObjectType_OBJECT_COLUMN && len(items) > 1:
		parts, _ := words(items[:len(items)-1])
		w.statement(w.stmt, "COMMENT", w.world.tableNamed(parts...))
	default:
		w.unknown(w.stmt, "COMMENT", "The gate does not model comments on this kind of object.")
	}
}
