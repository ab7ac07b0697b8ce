// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// span is a range of bytes in the source.
type span struct{ from, to int }

// emitter adds operations to a report.
type emitter struct{ out *report.Builder }

// statement reports one verb; table is nil when the verb touches none.
func (e emitter) statement(at span, verb string, table *report.Fact) {
	e.out.Add(at.from, at.to, report.Operation{
		Kind: report.SQLStatement, Form: report.FormCall, Name: verb, Args: report.Args{Verb: verb, Table: table},
	})
}

func (e emitter) unknown(at span, name, reason string) {
	e.out.Add(at.from, at.to, report.Operation{Kind: report.Unknown, Form: report.FormCall, Name: name, Reason: reason})
}

func (e emitter) dynamic(at span, name, reason string) {
	e.out.Add(at.from, at.to, report.Operation{Kind: report.Dynamic, Form: report.FormCall, Name: name, Reason: reason})
}

func (e emitter) compute(at span, name string) {
	e.out.Add(at.from, at.to, report.Operation{Kind: report.Compute, Core: true, Form: report.FormCall, Name: name})
}

// file reports an access to a file of the database server.
func (e emitter) file(at span, kind report.Kind, name, file string) {
	fact := serverPath(file)
	e.out.Add(at.from, at.to, report.Operation{Kind: kind, Form: report.FormCall, Name: name, Args: report.Args{Path: &fact}})
}

// serverPath is the fact of a file name that the database server opens. Only
// an absolute name is known: others start at the server's own directory.
func serverPath(file string) report.Fact {
	if !path.IsAbs(file) || path.Clean(file) != file || strings.Contains(file, `\`) {
		return report.Fact{Known: report.UnknownValue}
	}
	return report.CleanPath(report.Fact{Known: report.Literal, Value: file})
}

// unknownTable stands for tables that the statement does not name.
func unknownTable() *report.Fact { return &report.Fact{Known: report.UnknownValue} }

// maxIdentifier is the longest name in bytes that no server truncates:
// NAMEDATALEN-1 of PostgreSQL, and MySQL allows 64 characters.
const maxIdentifier = 62

// tableFact joins the parts of a name. Parts that would not read back as
// themselves ("a.b" in quotes), that servers may truncate or fold in their own
// way, and names in other databases are unknown.
func tableFact(parts ...string) *report.Fact {
	if len(parts) == 0 || len(parts) > 2 {
		return unknownTable()
	}
	for _, part := range parts {
		if !plainName(part) {
			return unknownTable()
		}
	}
	return &report.Fact{Known: report.Literal, Value: strings.Join(parts, ".")}
}

func plainName(name string) bool {
	return name != "" && len(name) <= maxIdentifier && strings.IndexFunc(name, odd) < 0
}

// odd characters mean something to patterns of tables, or are folded by some servers only.
func odd(r rune) bool {
	if r < utf8.RuneSelf {
		return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return !unicode.IsLetter(r) || unicode.ToLower(r) != r
}
