// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// The bounds of a finding, in characters, as the schema has them.
const (
	maxOperation = 256
	maxReason    = 512
	maxSnippet   = 200
	maxPosition  = 1_000_000
	maxQuoted    = 120
)

// Findings about a request as a whole. They have no place in the code.
var (
	noPolicy    = whole("policy", "There is no policy that could judge this code.")
	notRead     = whole("source", "The gate did not read this code.")
	noStatement = whole("source", "The source is not empty, and yet no SQL statement was found in it. Send the statements alone, in the declared dialect.")

	untrustedDenied = whole("provenance", "Untrusted content drove this code, and the policy permits nothing to such code: spec.untrusted is not set. "+
		"Give the inputs with the trust they have, or ask the policy's owner to set spec.untrusted.")
)

func whole(operation, reason string) v1alpha1.Finding {
	return v1alpha1.Finding{Decision: v1alpha1.Deny, Operation: operation, Reason: reason}
}

func noRuntime(lang gate.Language) v1alpha1.Finding {
	return whole("language", fmt.Sprintf("The policy runs no %s: ask its owner to add a runtime to spec.runtimes.", quoted(string(lang))))
}

// otherLibraries says that the tables are for another image: a name that is
// harmless in one version of a library need not be in the next.
func otherLibraries(report *gate.Report, r v1alpha1.Runtime) v1alpha1.Finding {
	declared := "none"
	if r.Inventory != "" {
		declared = r.Inventory
	}
	return whole("runtime", fmt.Sprintf("The gate knows the libraries of the inventory %s (%s), and the policy's runtime for %s declares %s. "+
		"Use the image that belongs to this operator, and set the runtime's inventory to the image's label dev.airlock.inventory.",
		report.Inventory, report.Tables, report.Language, declared))
}

// incomplete says where reading stopped.
func incomplete(report *gate.Report) v1alpha1.Finding {
	f := whole("source", "The gate did not read this code to its end.")
	switch {
	case report.Error != nil:
		f.Line, f.Column = position(report.Error.Position)
		f.Reason = clip("The code could not be read: "+printable(report.Error.Message)+".", maxReason)
	case len(report.Limits) > 0:
		f.Reason = clip("The code is beyond what the gate reads: "+printable(strings.Join(report.Limits, ", "))+". Make it smaller or flatter.", maxReason)
	}
	return f
}

// found makes a finding of an operation. Names and snippets are the agent's, so
// they are bounded and made safe to print (CWE-150).
func found(op *gate.Operation, d v1alpha1.Decision, reason string) v1alpha1.Finding {
	name := clip(printable(op.Name), maxOperation)
	if name == "" {
		name = "(no name)"
	}
	f := v1alpha1.Finding{Decision: d, Operation: name, Reason: clip(reason, maxReason), Snippet: clip(printable(op.Snippet), maxSnippet)}
	f.Line, f.Column = position(op.Position)
	return f
}

// position returns line and column within the bounds of the schema, 0 where
// there is none.
func position(p gate.Position) (line, column int32) {
	bounded := func(n int) int32 { return int32(max(0, min(n, maxPosition))) }
	return bounded(p.Line), bounded(p.Column)
}

func reasonDynamic(op *gate.Operation) string {
	return fmt.Sprintf("It runs code or uses a name that is only known at run time%s. No rule can permit that: write out what the code does.", because(op))
}

func reasonKind(op *gate.Operation) string {
	return fmt.Sprintf("The gate reports the kind %s, which this version does not know.", quoted(string(op.Kind)))
}

func (j judge) reasonUnknown(op *gate.Operation) string {
	fix := "Use something that the gate knows."
	if isResolvedName(op.Name) {
		fix = fmt.Sprintf("Use something that the gate knows, or have people asked: add it to %s.requireApproval[].calls.", j.path)
	}
	return fmt.Sprintf("What it does could not be proven%s. %s", because(op), fix)
}

func (j judge) reasonApproval(op *gate.Operation, rule int) string {
	why := ""
	if d := j.rules.RequireApproval[rule].Description; d != "" {
		why = " (" + clip(printable(d), maxQuoted) + ")"
	}
	return fmt.Sprintf("It %s; %s.requireApproval[%d]%s asks an approver to agree.", effect(op), j.path, rule, why)
}

func (j judge) reasonUnlisted(op *gate.Operation) string {
	entry := listedUnder(op)
	if unresolved(op) {
		return fmt.Sprintf("It %s; no rule of %s permits that. Write it as a literal, or ask the policy's owner to add %s to %s.requireApproval[].unresolved.",
			effect(op), j.path, op.Kind, j.path)
	}
	return fmt.Sprintf("It %s; no rule of %s permits that. Do without it, or ask the policy's owner to add it to %s.allow[].%s or to %s.requireApproval[].%s.",
		effect(op), j.path, j.path, entry, j.path, entry)
}

// listedUnder is the field of a rule that would list the operation.
func listedUnder(op *gate.Operation) string {
	switch op.Kind {
	case gate.KindImport, gate.KindCompute:
		return "imports"
	case gate.KindFileRead:
		return "paths.read"
	case gate.KindFileWrite:
		return "paths.write"
	case gate.KindFileDelete:
		return "paths.delete"
	case gate.KindNetwork:
		return "hosts"
	case gate.KindProcess:
		return "commands"
	case gate.KindEnvironment:
		return "environment"
	case gate.KindSQL:
		return "sql"
	case gate.KindDynamic, gate.KindUnknown:
		return "calls"
	default:
		return "calls"
	}
}

// effect says in words what the operation does, and to what.
func effect(op *gate.Operation) string {
	switch op.Kind {
	case gate.KindImport:
		return "imports " + quoted(op.Name)
	case gate.KindCompute:
		return "uses " + quoted(op.Name)
	case gate.KindFileRead:
		return "reads " + object(op.Args.Path, "a file whose path")
	case gate.KindFileWrite:
		return "writes " + object(op.Args.Path, "a file whose path")
	case gate.KindFileDelete:
		return "deletes " + object(op.Args.Path, "a file whose path")
	case gate.KindNetwork:
		return "connects to " + object(op.Args.Host, "a host whose name")
	case gate.KindProcess:
		return "starts or controls " + commandLine(op)
	case gate.KindSQL:
		return statement(op)
	case gate.KindEnvironment:
		return "uses the environment variable " + object(op.Args.Env, "whose name")
	case gate.KindDynamic, gate.KindUnknown:
		return "could not be proven" + because(op)
	default:
		return "could not be proven" + because(op)
	}
}

// object shows an argument as far as it is known.
func object(f *gate.Fact, unknown string) string {
	switch {
	case f != nil && f.Known == gate.FactLiteral:
		return quoted(f.Value)
	case f != nil && f.Known == gate.FactPrefix && f.Value != "":
		return unknown + " starts with " + quoted(f.Value) + " and is otherwise computed"
	default:
		return unknown + " cannot be read off the code"
	}
}

// statement names the verb and the table, or the text that was not read.
func statement(op *gate.Operation) string {
	switch {
	case op.Args.Verb == "":
		return "runs " + object(op.Args.SQL, "a statement whose text")
	case op.Args.Table == nil:
		return "runs " + printable(op.Args.Verb)
	default:
		return "runs " + printable(op.Args.Verb) + " on " + object(op.Args.Table, "a table whose name")
	}
}

func commandLine(op *gate.Operation) string {
	if len(op.Args.Argv) == 0 {
		return "a process that cannot be read off the code"
	}
	words := make([]string, 0, len(op.Args.Argv))
	for _, fact := range op.Args.Argv[:min(len(op.Args.Argv), 8)] {
		if fact.Known == gate.FactLiteral {
			words = append(words, fact.Value)
		} else {
			words = append(words, fact.Value+"…")
		}
	}
	return "the process " + quoted(strings.Join(words, " "))
}

func because(op *gate.Operation) string {
	reason := strings.TrimRight(printable(op.Reason), ". ")
	if reason == "" {
		return ""
	}
	return " (" + clip(reason, 240) + ")"
}

// quoted is the agent's text as one bounded Go string literal, which has no
// control and no bidirectional characters (CVE-2021-42574).
func quoted(s string) string {
	return strconv.Quote(clip(s, maxQuoted))
}

// printable is the text with everything that is not printable written as an escape.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		if strconv.IsPrint(r) || unicode.Is(unicode.Zs, r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// clip bounds a text to n characters and shows that it was cut.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
