// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/airlock-dev/airlock/internal/gate/report"

// These are the names of the report model, which lives in its own package so that
// the language readers can fill it in without importing this one.
type (
	// Language names a programming language: see report.Language.
	Language = report.Language
	// Dialect names the grammar of SQL source: see report.Dialect.
	Dialect = report.Dialect
	// Kind is what an operation does: see report.Kind.
	Kind = report.Kind
	// Form is how the source uses a name: see report.Form.
	Form = report.Form
	// FactState is how much is known about an argument: see report.FactState.
	FactState = report.FactState
	// Fact is what is known about one argument: see report.Fact.
	Fact = report.Fact
	// Args are the arguments that a policy looks at: see report.Args.
	Args = report.Args
	// Position is a range in the source: see report.Position.
	Position = report.Position
	// Operation is one use of a name with or without an effect: see report.Operation.
	Operation = report.Operation
	// ReadError says why source could not be read: see report.ReadError.
	ReadError = report.ReadError
	// Report lists the operations of one source: see report.Report.
	Report = report.Report
)

// MadeUp stands for a part of a path that is only known at run time: see report.MadeUp.
const MadeUp = report.MadeUp

// The languages of the API.
const (
	Python     = report.Python
	Bash       = report.Bash
	JavaScript = report.JavaScript
	TypeScript = report.TypeScript
	SQL        = report.SQL
)

// The dialects of SQL.
const (
	PostgreSQL = report.PostgreSQL
	MySQL      = report.MySQL
)

// The kinds of operation.
const (
	KindImport      = report.Import
	KindCompute     = report.Compute
	KindFileRead    = report.FileRead
	KindFileWrite   = report.FileWrite
	KindFileDelete  = report.FileDelete
	KindNetwork     = report.Network
	KindProcess     = report.Process
	KindSQL         = report.SQLStatement
	KindEnvironment = report.Environment
	KindDynamic     = report.Dynamic
	KindUnknown     = report.Unknown
)

// The forms of operation.
const (
	FormImport    = report.FormImport
	FormCall      = report.FormCall
	FormReference = report.FormReference
	FormAttribute = report.FormAttribute
	FormStore     = report.FormStore
)

// How much is known about an argument.
const (
	FactLiteral = report.Literal
	FactPrefix  = report.Prefix
	FactUnknown = report.UnknownValue
)
