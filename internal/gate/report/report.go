// SPDX-License-Identifier: Apache-2.0

// Package report is the model of what the gate found in one piece of source
// code. The language readers fill it in, internal/policy judges it, and people
// see it in status, in Approvals and in the audit log. docs/spec/report.md
// describes its JSON form.
package report

// Language names a programming language as the API spells it.
type Language string

// The languages of the ExecutionRequest API.
const (
	Python     Language = "Python"
	Bash       Language = "Bash"
	JavaScript Language = "JavaScript"
	TypeScript Language = "TypeScript"
	SQL        Language = "SQL"
)

// Dialect names the grammar of SQL source. The zero value is no dialect: it is never read.
type Dialect string

// The dialects that the gate reads.
const (
	PostgreSQL Dialect = "PostgreSQL"
	MySQL      Dialect = "MySQL"
)

// Kind says what an operation can do. It is a closed set: the zero value, and
// every value not listed here, is to be judged as Unknown.
type Kind string

const (
	// Import loads a module that the tables know. Loading it has no effect of its own.
	Import Kind = "Import"
	// Compute uses a name of a table module or a builtin that is known to have no effect outside the process.
	Compute Kind = "Compute"
	// FileRead reads a file, or the metadata of a file or directory.
	FileRead Kind = "FileRead"
	// FileWrite creates or changes a file or directory.
	FileWrite Kind = "FileWrite"
	// FileDelete removes a file or directory, or moves it away.
	FileDelete Kind = "FileDelete"
	// Network connects, listens, or resolves a name.
	Network Kind = "Network"
	// Process starts, replaces, signals or ends a process.
	Process Kind = "Process"
	// SQL runs a statement against a database.
	SQLStatement Kind = "SQL"
	// Environment reads or changes environment variables or process-wide settings.
	Environment Kind = "Environment"
	// Dynamic runs code, or uses a name, that is only known at run time.
	Dynamic Kind = "Dynamic"
	// Unknown could not be proven to be any of the above.
	Unknown Kind = "Unknown"
)

// Form says how the source refers to the operation.
type Form string

const (
	// FormImport is an import statement.
	FormImport Form = "import"
	// FormCall is a call with the arguments given in Args.
	FormCall Form = "call"
	// FormReference mentions the name without calling it, so its arguments are not known.
	FormReference Form = "reference"
	// FormAttribute reads an attribute of a value that could not be resolved.
	FormAttribute Form = "attribute"
	// FormStore assigns to, or deletes, a name or an attribute.
	FormStore Form = "store"
)

// FactState says how much of an argument the gate could prove.
type FactState string

const (
	// Literal means that Value is the whole argument.
	Literal FactState = "Literal"
	// Prefix means that the argument starts with Value; the rest is computed at run time.
	Prefix FactState = "Prefix"
	// UnknownValue means that nothing is known; Value is empty. The zero FactState means the same.
	UnknownValue FactState = "Unknown"
)

// Fact is one argument as far as it is known before the code runs.
type Fact struct {
	Known FactState `json:"known"`
	Value string    `json:"value,omitempty"`
}

// Args holds the arguments that a policy can match. Absent facts do not apply
// to the operation; a fact that applies but is not known is UnknownValue.
type Args struct {
	// Path is absolute and clean; relative paths were resolved against WorkingDirectory.
	Path *Fact `json:"path,omitempty"`
	// Host is "host:port", lower case, IDNA encoded.
	Host *Fact `json:"host,omitempty"`
	// SQL is the text of a statement that another language runs.
	SQL *Fact `json:"sql,omitempty"`
	// Verb is the verb of an SQL statement in capitals: "SELECT", "CREATE TABLE".
	Verb string `json:"verb,omitempty"`
	// Table is the table that the verb applies to, "schema.table" or "table" as the statement names it.
	// It is absent when the statement touches none.
	Table *Fact `json:"table,omitempty"`
	// Argv is the command line of a process, word by word.
	Argv []Fact `json:"argv,omitempty"`
	// Env is the name of an environment variable.
	Env *Fact `json:"env,omitempty"`
}

// Position is a range of the source. Lines and columns start at 1, columns
// count Unicode code points, and the end is exclusive.
type Position struct {
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndLine   int `json:"endLine"`
	EndColumn int `json:"endColumn"`
}

// Operation is one thing that the code can do, at one place of the source.
type Operation struct {
	Language Language `json:"language"`
	Kind     Kind     `json:"kind"`
	Form     Form     `json:"form"`
	// Name is resolved and dotted: "pandas.read_csv", "os.remove". A leading
	// dot (".to_csv") marks an attribute of a value that was not resolved.
	Name string `json:"name"`
	// Core marks a Compute operation of the language itself, and not of a module:
	// "print", "Math.max".
	Core     bool     `json:"core,omitempty"`
	Args     Args     `json:"args,omitzero"`
	Position Position `json:"position"`
	// Snippet is the first line at Position, at most 160 runes, with control
	// and bidirectional characters written as escapes.
	Snippet string `json:"snippet,omitempty"`
	// Reason is one sentence on why an operation is Unknown or Dynamic.
	Reason string `json:"reason,omitempty"`
	// Via lists the names through which the source reached Name, outermost first.
	Via []string `json:"via,omitempty"`
}

// ReadError says why the source could not be read.
type ReadError struct {
	Position Position `json:"position"`
	Message  string   `json:"message"`
}

// Report is everything that the gate found in one source. Operations are in
// the order of their positions.
type Report struct {
	Language     Language `json:"language"`
	SourceSHA256 string   `json:"sourceSHA256"`
	// Parser is the name and version of the reader.
	Parser string `json:"parser"`
	// Tables is the version and digest of the tables of known names.
	Tables string `json:"tables"`
	// Inventory is the digest of the libraries that the tables were made from,
	// "sha256:" and hexadecimal; empty where they depend on none. The code must
	// run with these libraries and no others.
	Inventory  string      `json:"inventory,omitempty"`
	Operations []Operation `json:"operations"`
	// Limits names the caps that were hit; what lies beyond them was not read.
	Limits []string   `json:"limits,omitempty"`
	Error  *ReadError `json:"error,omitempty"`
}

// Complete reports whether the whole source was read. The zero Report is not
// complete, and an incomplete Report must never lead to Allow.
func (r *Report) Complete() bool {
	return r != nil && r.Error == nil && len(r.Limits) == 0 && r.SourceSHA256 != "" && r.Parser != ""
}
