// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/airlock-dev/airlock/internal/gate/report"

// These are the names of the report model, which lives in its own package so that
// the language readers can fill it in without importing this one.
type (
	// Language names a programming language; see report.Language, and so on for the others.
	Language  = report.Language
	Kind      = report.Kind
	Form      = report.Form
	FactState = report.FactState
	Fact      = report.Fact
	Args      = report.Args
	Position  = report.Position
	Operation = report.Operation
	ReadError = report.ReadError
	Report    = report.Report
)

// The languages of the API.
const (
	Python     = report.Python
	Bash       = report.Bash
	JavaScript = report.JavaScript
	TypeScript = report.TypeScript
	SQL        = report.SQL
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
