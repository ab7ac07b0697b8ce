// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
	pganalyze "github.com/pganalyze/pg_query_go/v6"
)

const catalogSchema = "pg_catalog"

// table gives the fact of a table's name. The grammar has folded its case.
func (k *postgresWorld) table(t *pganalyze.RangeVar) *report.Fact {
	if t.Catalogname != "" {
		return unknownTable()
	}
	if t.Schemaname == "" {
		return k.tableNamed(t.Relname)
	}
	return tableFact(t.Schemaname, t.Relname)
}

// tableNamed gives the fact of a name in parts. A name without schema that
// starts with pg_ is a relation of pg_catalog, which is searched first, or one
// of another version or of an extension, whose schema is not known.
func (k *postgresWorld) tableNamed(parts ...string) *report.Fact {
	if len(parts) != 1 || !strings.HasPrefix(parts[0], "pg_") {
		return tableFact(parts...)
	}
	if k.names["catalogs"].has(parts[0]) {
		return tableFact(catalogSchema, parts[0])
	}
	return unknownTable()
}

// read reports a table in a FROM clause; the name of a query in WITH is none.
func (w *postgresWalk) read(t *pganalyze.RangeVar, s scope) {
	if w.isQuery(t, s) {
		return
	}
	at, table := w.placeOf(t.ProtoReflect()), w.world.table(t)
	w.statement(at, "SELECT", table)
	if s.locks {
		w.statement(at, "LOCK", table)
	}
}

func (w *postgresWalk) isQuery(t *pganalyze.RangeVar, s scope) bool {
	return t.Schemaname == "" && t.Catalogname == "" && slices.Contains(s.queries, t.Relname)
}

// words gives the strings of a list of nodes; ok is false when one is no string.
func words(nodes []*pganalyze.Node) (parts []string, ok bool) {
	for _, node := range nodes {
		if node.GetString_() == nil {
			return parts, false
		}
		parts = append(parts, node.GetString_().GetSval())
	}
	return parts, true
}

// builtin gives the name that is looked up in a section: one without schema, or in pg_catalog.
func (k *postgresWorld) builtin(section string, nodes []*pganalyze.Node) (name string, ok bool) {
	parts, ok := words(nodes)
	name = strings.Join(parts, ".")
	if len(parts) == 2 && parts[0] == catalogSchema {
		parts, name = parts[1:], parts[1]
	}
	return name, ok && len(parts) == 1 && k.names[section].has(name)
}

func (w *postgresWalk) function(call *pganalyze.FuncCall, s scope) {
	at := w.placeOf(call.ProtoReflect())
	name, known := w.world.builtin("functions", call.Funcname)
	_, reads := w.world.builtin("files", call.Funcname)
	_, connects := w.world.builtin("networks", call.Funcname)
	switch {
	case known:
		w.compute(at, name)
	case reads:
		w.file(at, report.FileRead, name, firstString(call.Args))
	case connects:
		w.out.Add(at.from, at.to, report.Operation{Kind: report.Network, Form: report.FormCall, Name: name, Args: report.Args{Host: unknownTable()}})
	default:
		w.unknown(at, name, "The function is not one of those known to have no effect.")
	}
	w.parts(call.ProtoReflect(), s, "funcname")
}

// firstString gives the first argument when it is a string.
func firstString(args []*pganalyze.Node) string {
	if len(args) == 0 {
		return ""
	}
	return args[0].GetAConst().GetSval().GetSval()
}

func (w *postgresWalk) typeName(t *pganalyze.TypeName, s scope) {
	name, known := w.world.builtin("types", t.Names)
	if !known || t.PctType || t.Setof {
		w.unknown(w.placeOf(t.ProtoReflect()), name, "The type is not one of those known to have no effect.")
	}
	w.parts(t.ProtoReflect(), s, "names")
}

func (w *postgresWalk) expression(expr *pganalyze.A_Expr, s scope) {
	switch expr.Kind {
	case pganalyze.A_Expr_Kind_AEXPR_BETWEEN, pganalyze.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		pganalyze.A_Expr_Kind_AEXPR_BETWEEN_SYM, pganalyze.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM: // the name is made of keywords
	default:
		w.operator(w.placeOf(expr.ProtoReflect()), expr.Name)
	}
	w.parts(expr.ProtoReflect(), s, "name")
}

// operator refuses one that is not built in; names is empty where the syntax implies one.
func (w *postgresWalk) operator(at span, names []*pganalyze.Node) {
	if len(names) == 0 {
		return
	}
	if name, known := w.world.builtin("operators", names); !known {
		w.unknown(at, name, "The operator is not one of those known to have no effect.")
	}
}

// operatorClass refuses a class of operators, which may bring functions of its own.
func (w *postgresWalk) operatorClass(names []*pganalyze.Node) {
	if len(names) > 0 {
		parts, _ := words(names)
		w.unknown(w.stmt, strings.Join(parts, "."), "The operator class may bring functions of its own.")
	}
}
