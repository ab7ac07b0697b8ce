// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"reflect"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
	"github.com/pingcap/tidb/pkg/parser/ast"
)

// special applies the rule of a node that the table calls special.
func (w *mysqlWalk) special(v reflect.Value, s mysqlScope) {
	node := v.Addr().Interface()
	if !w.specialExpression(node, v, s) && !w.specialStatement(node, v, s) && !w.specialDefinition(node, v, s) && !w.specialPart(node, v, s) {
		w.unknown(w.stmt, v.Type().Name(), "The gate has no rule for this part of the grammar.")
	}
}

func (w *mysqlWalk) specialExpression(node any, v reflect.Value, s mysqlScope) bool {
	switch n := node.(type) {
	case *ast.TableName:
		w.table(n, s)
	case *ast.ColumnName:
		if n.Table.O != "" && (n.Name.L == "nextval" || n.Name.L == "currval") {
			w.unknown(w.placeOf(n.Name.O), n.Name.L, "With sql_mode=ORACLE, MariaDB takes a number from a sequence here.")
		}
	case *ast.DefaultExpr:
		if n.Name != nil {
			w.unknown(w.placeOf("default"), "default", "The default of a column may be an expression with an effect, such as NEXTVAL in MariaDB.")
		}
	case *ast.FuncCallExpr:
		name := n.FnName.L
		if n.Schema.O != "" {
			name = n.Schema.O + "." + name
		}
		w.function(name, "functions")
	case *ast.AggregateFuncExpr:
		w.function(strings.ToLower(n.F), "aggregates")
	case *ast.WindowFuncExpr:
		w.function(strings.ToLower(n.Name), "windows", "aggregates")
	case *ast.SelectIntoOption:
		w.file(w.stmt, report.FileWrite, "SELECT INTO OUTFILE", n.FileName)
	default:
		return false
	}
	w.parts(v, s)
	return true
}

// literals are the functions that the grammar makes of DATE '2020-01-01' and the like.
var literals = map[string]string{ast.DateLiteral: "date", ast.TimeLiteral: "time", ast.TimestampLiteral: "timestamp"}

func (w *mysqlWalk) function(name string, sections ...string) {
	if literal := literals[name]; literal != "" {
		name = literal
	}
	at := w.placeOf(name[strings.LastIndexByte(name, '.')+1:])
	switch {
	case slices.ContainsFunc(sections, func(section string) bool { return w.world.names[section].has(name) }):
		w.compute(at, name)
	case name == "load_file":
		w.file(at, report.FileRead, name, "")
	default:
		w.unknown(at, name, "The function is not one of those known to have no effect.")
	}
}

func (w *mysqlWalk) specialStatement(node any, v reflect.Value, s mysqlScope) bool {
	switch n := node.(type) {
	case *ast.SelectStmt:
		w.selection(n, v, s)
	case *ast.InsertStmt:
		verb := "INSERT"
		if n.IsReplace {
			verb = "REPLACE"
		}
		w.act(v, verb, []string{"Table"}, s)
	case *ast.UpdateStmt:
		w.act(v, "UPDATE", []string{"TableRefs"}, s)
	case *ast.DeleteStmt:
		w.deletion(n, v, s)
	case *ast.LoadDataStmt:
		w.load(n, v, s)
	case *ast.BeginStmt:
		// READ WRITE undoes a transaction_read_only that protects the database; the tree does not keep it.
		if len(w.places["write"]) > 0 {
			w.unknown(w.stmt, "BEGIN READ WRITE", "Settings change the meaning of what follows.")
		}
		w.act(v, "BEGIN", nil, s)
	default:
		return false
	}
	return true
}

// selection reports the tables of a SELECT, or the SELECT itself when it names none.
func (w *mysqlWalk) selection(n *ast.SelectStmt, v reflect.Value, s mysqlScope) {
	reads := false
	for _, source := range tablesOf(n.From) {
		t, _ := source.Source.(*ast.TableName)
		reads = reads || !s.isQuery(t)
	}
	if !reads {
		w.statement(w.stmt, "SELECT", nil)
	}
	s.locks = s.locks || n.LockInfo != nil && n.LockInfo.LockType != ast.SelectLockNone
	w.parts(v, s, "LockInfo")
}

// deletion reports DELETE for the tables that rows are deleted from, and SELECT
// for those that are only joined.
func (w *mysqlWalk) deletion(n *ast.DeleteStmt, v reflect.Value, s mysqlScope) {
	if !n.IsMultiTable {
		w.act(v, "DELETE", []string{"TableRefs"}, s)
		return
	}
	sources := tablesOf(n.TableRefs)
	for _, target := range n.Tables.Tables {
		found := false
		for _, source := range sources {
			t, _ := source.Source.(*ast.TableName)
			if target.Name.L == source.AsName.L || source.AsName.L == "" && target.Name.L == t.Name.L {
				found = true
				w.table(t, mysqlScope{verb: "DELETE"})
			}
		}
		if !found {
			w.statement(w.stmt, "DELETE", unknownTable())
		}
	}
	w.parts(v, s, "Tables")
}

// load reports LOAD DATA: LOCAL reads a file where the client runs, other files are the server's.
func (w *mysqlWalk) load(n *ast.LoadDataStmt, v reflect.Value, s mysqlScope) {
	w.act(v, "LOAD DATA", []string{"Table"}, s)
	if n.FileLocRef != ast.FileLocClient {
		w.file(w.stmt, report.FileRead, "LOAD DATA", n.Path)
		return
	}
	fact := report.Fact{Known: report.UnknownValue}
	if !strings.Contains(n.Path, "..") && !strings.Contains(n.Path, `\`) {
		fact = report.CleanPath(report.Fact{Known: report.Literal, Value: n.Path})
	}
	w.out.Add(w.stmt.from, w.stmt.to, report.Operation{Kind: report.FileRead, Form: report.FormCall, Name: "LOAD DATA LOCAL", Args: report.Args{Path: &fact}})
}
