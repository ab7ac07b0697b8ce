// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"github.com/airlock-dev/airlock/internal/gate/report"
	pganalyze "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// copy reports COPY: its table or query, and the file or program at the server.
func (w *postgresWalk) copy(n *pganalyze.CopyStmt, s scope) {
	verb, kind := "COPY TO", report.FileWrite
	if n.IsFrom {
		verb, kind = "COPY FROM", report.FileRead
	}
	w.act(n.ProtoReflect(), verb, []string{"relation"}, s)
	switch {
	case n.IsProgram:
		w.out.Add(w.stmt.from, w.stmt.to, report.Operation{Kind: report.Process, Form: report.FormCall, Name: verb + " PROGRAM", Args: report.Args{Argv: shell(n.Filename)}})
	case n.Filename != "":
		w.file(w.stmt, kind, verb, n.Filename)
	case n.IsFrom:
		w.unknown(w.stmt, verb+" STDIN", "What follows is data for the client and not the statements that it looks like.")
	}
}

// shell is the command line with which the server runs a program: system(3) and popen(3).
func shell(command string) []report.Fact {
	return []report.Fact{{Known: report.Literal, Value: "sh"}, {Known: report.Literal, Value: "-c"}, {Known: report.Literal, Value: command}}
}

var transactionVerbs = map[pganalyze.TransactionStmtKind]string{
	pganalyze.TransactionStmtKind_TRANS_STMT_BEGIN:             "BEGIN",
	pganalyze.TransactionStmtKind_TRANS_STMT_START:             "BEGIN",
	pganalyze.TransactionStmtKind_TRANS_STMT_COMMIT:            "COMMIT",
	pganalyze.TransactionStmtKind_TRANS_STMT_ROLLBACK:          "ROLLBACK",
	pganalyze.TransactionStmtKind_TRANS_STMT_SAVEPOINT:         "SAVEPOINT",
	pganalyze.TransactionStmtKind_TRANS_STMT_RELEASE:           "RELEASE SAVEPOINT",
	pganalyze.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:       "ROLLBACK",
	pganalyze.TransactionStmtKind_TRANS_STMT_PREPARE:           "PREPARE TRANSACTION",
	pganalyze.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:   "COMMIT PREPARED",
	pganalyze.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}

func (w *postgresWalk) transaction(n *pganalyze.TransactionStmt) {
	verb := transactionVerbs[n.Kind]
	if verb == "" {
		w.unknown(w.stmt, "TransactionStmt", "The gate does not know this transaction statement.")
		return
	}
	w.statement(w.stmt, verb, nil)
	for _, option := range n.Options {
		// READ WRITE undoes a default_transaction_read_only that protects the database.
		if d := option.GetDefElem(); d.GetDefname() == "transaction_read_only" && d.GetArg().GetAConst().GetIval().GetIval() == 0 {
			w.unknown(w.stmt, verb+" READ WRITE", "Settings change the meaning of what follows.")
		}
	}
}

// cascade reports that more tables are hit than the statement names.
func (w *postgresWalk) cascade(verb string, behavior pganalyze.DropBehavior) {
	if behavior == pganalyze.DropBehavior_DROP_CASCADE {
		w.statement(w.stmt, verb, unknownTable())
	}
}

func (w *postgresWalk) vacuum(n *pganalyze.VacuumStmt, s scope) {
	verb := "ANALYZE"
	if n.IsVacuumcmd {
		verb = "VACUUM"
	}
	for _, node := range n.Rels {
		table := node.GetVacuumRelation().GetRelation()
		w.statement(w.placeOf(table.ProtoReflect()), verb, w.world.table(table))
	}
	if len(n.Rels) == 0 {
		w.statement(w.stmt, verb, unknownTable())
	}
	w.parts(n.ProtoReflect(), s, "rels")
}

// wholeOr reports a statement about one table, or about the whole database.
func (w *postgresWalk) wholeOr(m protoreflect.Message, table *pganalyze.RangeVar, verb string, s scope) {
	if table == nil {
		w.statement(w.stmt, verb, unknownTable())
		w.parts(m, s)
		return
	}
	w.act(m, verb, []string{"relation"}, s)
}
