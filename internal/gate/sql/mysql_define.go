// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"reflect"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

func (w *mysqlWalk) specialDefinition(node any, v reflect.Value, s mysqlScope) bool {
	switch n := node.(type) {
	case *ast.CreateTableStmt:
		w.act(v, "CREATE TABLE", []string{"Table"}, s)
	case *ast.CreateViewStmt:
		if n.Definer != nil && !n.Definer.CurrentUser {
			w.unknown(w.stmt, "DEFINER", "The view would run with the rights of another user.")
		}
		w.act(v, "CREATE VIEW", []string{"ViewName"}, s)
	case *ast.DropTableStmt:
		verb := "DROP TABLE"
		if n.IsView {
			verb = "DROP VIEW"
		}
		w.act(v, verb, []string{"Tables"}, s)
	case *ast.DropDatabaseStmt:
		w.statement(w.stmt, "DROP DATABASE", unknownTable())
	case *ast.RenameTableStmt:
		for _, pair := range n.TableToTables {
			w.table(pair.OldTable, mysqlScope{verb: "ALTER TABLE"})
			w.table(pair.NewTable, mysqlScope{verb: "ALTER TABLE"})
		}
	default:
		return false
	}
	return true
}

// specialPart handles the parts of definitions.
func (w *mysqlWalk) specialPart(node any, v reflect.Value, s mysqlScope) bool {
	switch n := node.(type) {
	case *ast.TableOption:
		if !w.plainOption(n) {
			w.unknown(w.stmt, "table option", "The gate does not model this option of a table.")
		}
		w.parts(v, s)
	case *ast.AlterTableSpec:
		if !alterationsMySQL[n.Tp] {
			w.unknown(w.stmt, "ALTER TABLE", "The gate does not model this change of a table.")
		}
		s.verb = ""
		w.parts(v, s)
	default:
		return false
	}
	return true
}

// tableOptions say how rows are stored; others name files, servers or further tables.
var tableOptions = setOf(
	ast.TableOptionCharset, ast.TableOptionCollate, ast.TableOptionAutoIncrement, ast.TableOptionComment, ast.TableOptionAvgRowLength,
	ast.TableOptionCheckSum, ast.TableOptionKeyBlockSize, ast.TableOptionMaxRows, ast.TableOptionMinRows, ast.TableOptionRowFormat,
)

func (w *mysqlWalk) plainOption(n *ast.TableOption) bool {
	if n.Tp == ast.TableOptionEngine {
		return w.world.names["engines"].has(strings.ToLower(n.StrValue))
	}
	return tableOptions[n.Tp]
}

// alterationsMySQL are the changes of a table that touch no other table and no file.
var alterationsMySQL = setOf(
	ast.AlterTableOption, ast.AlterTableAddColumns, ast.AlterTableAddConstraint, ast.AlterTableDropColumn, ast.AlterTableDropPrimaryKey,
	ast.AlterTableDropIndex, ast.AlterTableDropForeignKey, ast.AlterTableModifyColumn, ast.AlterTableChangeColumn,
	ast.AlterTableRenameColumn, ast.AlterTableAlterColumn, ast.AlterTableRenameIndex,
)
