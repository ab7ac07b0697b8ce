// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

func TestJudge(t *testing.T) {
	unknownPath := gate.Args{Path: &gate.Fact{Known: gate.FactUnknown}}
	tests := map[string]struct {
		report *gate.Report
		policy *v1alpha1.ExecutionPolicySpec
		trust  v1alpha1.Trust // Internal if empty
		want   v1alpha1.Decision
	}{
		"what is listed is allowed": {
			report: complete(op(gate.KindImport, "pandas", gate.Args{}), op(gate.KindCompute, "pandas.DataFrame.groupby", gate.Args{}), pathOp(gate.KindFileRead, "/inputs/sales.csv")),
			want:   v1alpha1.Allow,
		},
		"code without operations is allowed": {report: complete(), want: v1alpha1.Allow},
		"the core of the language is allowed": {
			report: complete(coreOp("print"), coreOp(".strip"), coreOp("Math.max")),
			want:   v1alpha1.Allow,
		},
		"the core of the language can be asked for": {
			report: complete(coreOp("print")),
			policy: asking(v1alpha1.OperationRule{Calls: []string{"print"}}),
			want:   v1alpha1.RequireApproval,
		},
		"an effect of a builtin is not its core": {
			report: complete(op(gate.KindFileRead, "open", gate.Args{Path: lit("/etc/passwd")})),
			want:   v1alpha1.Deny,
		},
		"a name of a module is not the core": {report: complete(op(gate.KindCompute, "requests.codes", gate.Args{})), want: v1alpha1.Deny},
		"what is not listed is denied":       {report: complete(op(gate.KindImport, "requests", gate.Args{})), want: v1alpha1.Deny},
		"a name made up at run time may be the one that people are asked for": {
			report: complete(pathOp(gate.KindFileDelete, "/workspace/"+gate.MadeUp+".csv")),
			policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
				s.RequireApproval = asks(v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/workspace/keep/ledger.csv"}}})
			}),
			want: v1alpha1.RequireApproval,
		},
		"a name made up elsewhere may not": {
			report: complete(pathOp(gate.KindFileDelete, "/workspace/out/"+gate.MadeUp)),
			policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
				s.RequireApproval = asks(v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/workspace/keep/**", "/workspace/out"}}})
			}),
			want: v1alpha1.Allow,
		},
		"a star is every module that the gate knows": {report: complete(op(gate.KindImport, "json", gate.Args{}), op(gate.KindCompute, "json.loads", gate.Args{})), policy: allowing(v1alpha1.OperationRule{Imports: []string{"*"}}), want: v1alpha1.Allow},
		"a star is no effect of a module":            {report: complete(op(gate.KindEnvironment, "os.environ", gate.Args{})), policy: allowing(v1alpha1.OperationRule{Imports: []string{"*"}}), want: v1alpha1.Deny},
		"a star is nothing that is unknown":          {report: complete(op(gate.KindUnknown, "requests", gate.Args{})), policy: allowing(v1alpha1.OperationRule{Imports: []string{"*"}}), want: v1alpha1.Deny},
		"a module with a listed name at its front is another module": {
			report: complete(op(gate.KindImport, "pandas_evil", gate.Args{})), want: v1alpha1.Deny,
		},
		"the effects of a listed module need their own entry": {
			report: complete(op(gate.KindNetwork, "pandas.read_csv", gate.Args{Host: lit("evil.attacker.example:80")})), want: v1alpha1.Deny,
		},
		"a read entry is no write entry": {report: complete(pathOp(gate.KindFileWrite, "/inputs/a")), want: v1alpha1.Deny},
		"a listed path asks people":      {report: complete(pathOp(gate.KindFileDelete, "/data/x")), want: v1alpha1.RequireApproval},
		"requireApproval outweighs allow": {
			report: complete(pathOp(gate.KindFileDelete, "/workspace/x")),
			policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
				s.RequireApproval = asks(v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/**"}}})
			}),
			want: v1alpha1.RequireApproval,
		},
		"the strictest operation decides": {
			report: complete(pathOp(gate.KindFileRead, "/inputs/a"), pathOp(gate.KindFileDelete, "/data/x"), pathOp(gate.KindFileDelete, "/etc/x")),
			want:   v1alpha1.Deny,
		},

		"an unresolved path is not a listed path": {report: complete(op(gate.KindFileRead, "f", unknownPath)), want: v1alpha1.Deny},
		"an unresolved path has its own entry": {
			report: complete(op(gate.KindFileRead, "f", unknownPath)),
			policy: asking(v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"FileRead"}}),
			want:   v1alpha1.RequireApproval,
		},
		"the entry for one kind is not for another": {
			report: complete(op(gate.KindFileDelete, "f", unknownPath)),
			policy: asking(v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"FileRead"}}),
			want:   v1alpha1.Deny,
		},
		"the entry for the unresolved does not take in what is resolved and unlisted": {
			report: complete(pathOp(gate.KindFileRead, "/etc/shadow")),
			policy: allowing(v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"FileRead"}}),
			want:   v1alpha1.Deny,
		},
		"a mere mention of os.remove has no path": {
			report: complete(gate.Operation{Language: gate.Python, Kind: gate.KindFileDelete, Form: gate.FormReference, Name: "os.remove"}),
			want:   v1alpha1.Deny,
		},
		"a call entry matches whatever the arguments": {
			report: complete(op(gate.KindFileDelete, "os.remove", unknownPath)),
			policy: allowing(v1alpha1.OperationRule{Calls: []string{"os.remove"}}),
			want:   v1alpha1.Allow,
		},
		"a call entry's star is one segment": {
			report: complete(op(gate.KindNetwork, "logging.handlers.SocketHandler", gate.Args{})),
			policy: allowing(v1alpha1.OperationRule{Calls: []string{"logging.*"}}),
			want:   v1alpha1.Deny,
		},
		"a call entry does not match an attribute of an unresolved value": {
			report: complete(op(gate.KindFileWrite, ".to_csv", gate.Args{})),
			policy: allowing(v1alpha1.OperationRule{Calls: []string{"**", "*", ".to_csv", "*.to_csv"}}),
			want:   v1alpha1.Deny,
		},

		"dynamic code is matched by nothing": {
			report: complete(op(gate.KindDynamic, "eval", gate.Args{})),
			policy: testPolicy(permitEverything),
			want:   v1alpha1.Deny,
		},
		"an unknown operation is never allowed": {
			report: complete(op(gate.KindUnknown, "mystery.call", gate.Args{})),
			policy: allowing(v1alpha1.OperationRule{Calls: []string{"mystery.call", "**"}, Imports: []string{"mystery"}}),
			want:   v1alpha1.Deny,
		},
		"people can be asked about an unknown operation by its name": {
			report: complete(op(gate.KindUnknown, "mystery.call", gate.Args{})),
			policy: asking(v1alpha1.OperationRule{Calls: []string{"mystery.*"}}),
			want:   v1alpha1.RequireApproval,
		},
		"but not when the name is not resolved": {
			report: complete(op(gate.KindUnknown, ".call", gate.Args{})),
			policy: asking(v1alpha1.OperationRule{Calls: []string{"**", "*.call", ".call"}}),
			want:   v1alpha1.Deny,
		},
		"nor when there is none": {
			report: complete(op(gate.KindUnknown, "", gate.Args{})),
			policy: asking(v1alpha1.OperationRule{Calls: []string{"**", "*"}}),
			want:   v1alpha1.Deny,
		},
		"a kind without a name denies": {
			report: complete(op("", "os.getpid", gate.Args{})), policy: testPolicy(permitEverything), want: v1alpha1.Deny,
		},
		"an invented kind denies": {
			report: complete(op("Harmless", "os.getpid", gate.Args{})), policy: testPolicy(permitEverything), want: v1alpha1.Deny,
		},

		"a listed command":                {report: complete(argv("git", "status")), policy: allowing(commands("git", "status")), want: v1alpha1.Allow},
		"a listed command and more":       {report: complete(argv("git", "status", "-s")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"another subcommand":              {report: complete(argv("git", "push")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"an option before the subcommand": {report: complete(argv("git", "-c", "core.pager=id", "status")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"a command by another path":       {report: complete(argv("/workspace/git", "status")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"too few words":                   {report: complete(argv("git")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"a wrapper is another command":    {report: complete(argv("env", "git", "status")), policy: allowing(commands("git", "status")), want: v1alpha1.Deny},
		"a computed word is not a literal": {
			report: complete(op(gate.KindProcess, "subprocess.run", gate.Args{Argv: []gate.Fact{*lit("git"), {Known: gate.FactPrefix, Value: "status"}}})),
			policy: allowing(commands("git", "status")), want: v1alpha1.Deny,
		},

		"a listed variable":                            {report: complete(op(gate.KindEnvironment, "os.getenv", gate.Args{Env: lit("APP_MODE")})), policy: allowing(v1alpha1.OperationRule{Environment: []string{"APP_*"}}), want: v1alpha1.Allow},
		"another variable":                             {report: complete(op(gate.KindEnvironment, "os.getenv", gate.Args{Env: lit("API_KEY")})), policy: allowing(v1alpha1.OperationRule{Environment: []string{"APP_*"}}), want: v1alpha1.Deny},
		"the whole of os.environ":                      {report: complete(op(gate.KindEnvironment, "os.environ", gate.Args{})), policy: allowing(v1alpha1.OperationRule{Environment: []string{"*"}}), want: v1alpha1.Deny},
		"a listed host":                                {report: complete(hostOp("api.example.com:443")), policy: allowing(v1alpha1.OperationRule{Hosts: []string{"api.example.com"}}), want: v1alpha1.Allow},
		"another host":                                 {report: complete(hostOp("evil.attacker.example:443")), policy: allowing(v1alpha1.OperationRule{Hosts: []string{"api.example.com"}}), want: v1alpha1.Deny},
		"a listed verb on a listed table":              {report: complete(sqlOp("SELECT", lit("shop.orders"))), policy: allowing(selects("shop.*")), want: v1alpha1.Allow},
		"a listed verb on another table":               {report: complete(sqlOp("SELECT", lit("hr.salaries"))), policy: allowing(selects("shop.*")), want: v1alpha1.Deny},
		"another verb on a listed table":               {report: complete(sqlOp("DELETE", lit("shop.orders"))), policy: allowing(selects("shop.*")), want: v1alpha1.Deny},
		"a listed verb without a table":                {report: complete(sqlOp("SELECT", nil)), policy: allowing(selects("shop.*")), want: v1alpha1.Allow},
		"a listed verb on a table that is not known":   {report: complete(sqlOp("SELECT", &gate.Fact{Known: gate.FactUnknown})), policy: allowing(selects("*")), want: v1alpha1.Deny},
		"a table without a schema is not one with one": {report: complete(sqlOp("SELECT", lit("orders"))), policy: allowing(selects("shop.*")), want: v1alpha1.Deny},
		"two stars match no table":                     {report: complete(sqlOp("SELECT", lit("pg_catalog.pg_authid"))), policy: allowing(selects("**")), want: v1alpha1.Deny},
		"a table in other letters":                     {report: complete(sqlOp("SELECT", lit("shop.Orders"))), policy: allowing(selects("shop.orders")), want: v1alpha1.Deny},
		"a statement that was not read has no verb": {
			report: complete(op(gate.KindSQL, "sqlite3.Cursor.execute", gate.Args{SQL: lit("SELECT 1")})),
			policy: allowing(selects("*")),
			want:   v1alpha1.Deny,
		},
		"a statement that was not read is unresolved": {
			report: complete(op(gate.KindSQL, "sqlite3.Cursor.execute", gate.Args{SQL: lit("SELECT 1")})),
			policy: asking(v1alpha1.OperationRule{Unresolved: []v1alpha1.OperationKind{"SQL"}}),
			want:   v1alpha1.RequireApproval,
		},

		"the libraries that the gate knows": {report: func() *gate.Report { r := complete(); r.Inventory = testInventory; return r }(), want: v1alpha1.Allow},
		"other libraries than the gate knows deny": {
			report: func() *gate.Report { r := complete(); r.Inventory = testInventory[:70] + "0"; return r }(),
			want:   v1alpha1.Deny,
		},
		"a runtime that does not say its libraries denies": {
			report: func() *gate.Report { r := complete(); r.Inventory = testInventory; return r }(),
			policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Runtimes[0].Inventory = "" }),
			want:   v1alpha1.Deny,
		},
		"a report that is not there denies": {report: nil, want: v1alpha1.Deny},
		"the zero report denies":            {report: &gate.Report{}, want: v1alpha1.Deny},
		"a parse error denies": {
			report: func() *gate.Report { r := complete(); r.Error = &gate.ReadError{Message: "bad"}; return r }(),
			want:   v1alpha1.Deny,
		},
		"a limit denies":                    {report: func() *gate.Report { r := complete(); r.Limits = []string{"operations"}; return r }(), want: v1alpha1.Deny},
		"a language without runtime denies": {report: func() *gate.Report { r := complete(); r.Language = gate.Bash; return r }(), want: v1alpha1.Deny},
		"a report without language denies":  {report: func() *gate.Report { r := complete(); r.Language = ""; return r }(), policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Runtimes[0].Language = "" }), want: v1alpha1.Deny},
		"SQL of another dialect in a comment is not nothing": {
			report: func() *gate.Report { r := complete(); r.Language = gate.SQL; return r }(),
			policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Runtimes[0].Language = v1alpha1.SQL }),
			want:   v1alpha1.Deny,
		},
		"the zero policy denies": {report: complete(), policy: &v1alpha1.ExecutionPolicySpec{}, want: v1alpha1.Deny},

		"untrusted content is judged by the stricter rules": {
			report: complete(pathOp(gate.KindFileWrite, "/workspace/a")), trust: v1alpha1.Untrusted, want: v1alpha1.Deny,
		},
		"untrusted content has what its rules list": {
			report: complete(pathOp(gate.KindFileRead, "/inputs/a")), trust: v1alpha1.Untrusted, want: v1alpha1.Allow,
		},
		"untrusted content has nothing without rules for it": {
			report: complete(), policy: testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Untrusted = nil }), trust: v1alpha1.Untrusted, want: v1alpha1.Deny,
		},
		"an invented trust is untrusted": {
			report: complete(pathOp(gate.KindFileWrite, "/workspace/a")), trust: "Certified", want: v1alpha1.Deny,
		},
		"trusted content has the ordinary rules": {
			report: complete(pathOp(gate.KindFileWrite, "/workspace/a")), trust: v1alpha1.Trusted, want: v1alpha1.Allow,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.policy == nil {
				tt.policy = testPolicy()
			}
			if tt.trust == "" {
				tt.trust = v1alpha1.Internal
			}
			got := Judge(tt.report, tt.policy, Given{Trust: tt.trust})
			if got.Decision != tt.want {
				t.Errorf("decision = %s, want %s; findings %+v", got.Decision, tt.want, got.Findings)
			}
			if (got.Decision == v1alpha1.Allow) != (len(got.Findings) == 0) {
				t.Errorf("decision %s with %d findings", got.Decision, len(got.Findings))
			}
		})
	}
}

// permitEverything lists all that rules can list.
func permitEverything(s *v1alpha1.ExecutionPolicySpec) {
	all := v1alpha1.OperationRule{
		Imports:     []string{"os"},
		Calls:       []string{"**", "*", "*.*"},
		Paths:       &v1alpha1.Paths{Read: []string{"/**"}, Write: []string{"/**"}, Delete: []string{"/**"}},
		Hosts:       []string{"**"},
		Environment: []string{"*"},
		Unresolved:  []v1alpha1.OperationKind{"FileRead", "FileWrite", "FileDelete", "Network", "Process", "SQL", "Environment", "Dynamic", "Unknown", "", "Harmless"},
	}
	s.Allow = []v1alpha1.OperationRule{all}
	s.RequireApproval = asks(all)
}

func commands(name string, args ...string) v1alpha1.OperationRule {
	return v1alpha1.OperationRule{Commands: []v1alpha1.Command{{Name: name, Args: args}}}
}

func coreOp(name string) gate.Operation {
	o := op(gate.KindCompute, name, gate.Args{})
	o.Core = true
	return o
}

func sqlOp(verb string, table *gate.Fact) gate.Operation {
	return op(gate.KindSQL, verb, gate.Args{Verb: verb, Table: table})
}

func selects(tables string) v1alpha1.OperationRule {
	return v1alpha1.OperationRule{SQL: []v1alpha1.SQLOperation{{Verbs: []string{"SELECT"}, Tables: []string{tables}}}}
}

func TestJudgeWithoutPolicyDenies(t *testing.T) {
	if got := Judge(complete(), nil, Given{Trust: v1alpha1.Trusted}); got.Decision != v1alpha1.Deny {
		t.Errorf("decision = %s, want Deny", got.Decision)
	}
}

// The rules of one kind never reach an operation of another kind.
func TestEveryKindNeedsItsOwnEntry(t *testing.T) {
	args := gate.Args{Path: lit("/x"), Host: lit("x.example:1"), Env: lit("X"), SQL: lit("SELECT 1"), Argv: []gate.Fact{*lit("x")}}
	entries := map[gate.Kind]v1alpha1.OperationRule{
		gate.KindImport:      {Imports: []string{"x"}},
		gate.KindCompute:     {Imports: []string{"x"}},
		gate.KindFileRead:    {Paths: &v1alpha1.Paths{Read: []string{"/x"}}},
		gate.KindFileWrite:   {Paths: &v1alpha1.Paths{Write: []string{"/x"}}},
		gate.KindFileDelete:  {Paths: &v1alpha1.Paths{Delete: []string{"/x"}}},
		gate.KindNetwork:     {Hosts: []string{"x.example"}},
		gate.KindProcess:     {Commands: []v1alpha1.Command{{Name: "x"}}},
		gate.KindEnvironment: {Environment: []string{"X"}},
		gate.KindSQL:         {Unresolved: []v1alpha1.OperationKind{"SQL"}},
	}
	for listed, rule := range entries {
		for kind := range entries {
			same := kind == listed || (kind == gate.KindImport || kind == gate.KindCompute) && (listed == gate.KindImport || listed == gate.KindCompute)
			want := v1alpha1.Deny
			if same {
				want = v1alpha1.Allow
			}
			got := Judge(complete(op(kind, "x.y", args)), allowing(rule), Given{Trust: v1alpha1.Internal}).Decision
			if got != want {
				t.Errorf("the entry for %s on an operation of kind %s: %s, want %s", listed, kind, got, want)
			}
		}
	}
}

func TestFindingsAreOrderedAndBounded(t *testing.T) {
	var ops []gate.Operation
	for line := 40; line > 0; line-- {
		o := pathOp(gate.KindFileDelete, "/data/x")
		o.Position.Line = line
		ops = append(ops, o)
	}
	last := pathOp(gate.KindFileRead, "/etc/passwd")
	last.Position.Line = 99
	got := Judge(complete(append(ops, last)...), testPolicy(), Given{Trust: v1alpha1.Internal})
	if len(got.Findings) != MaxFindings || *got.FindingsTotal != 41 {
		t.Fatalf("%d findings of %d, want %d of 41", len(got.Findings), *got.FindingsTotal, MaxFindings)
	}
	if f := got.Findings[0]; f.Decision != v1alpha1.Deny || f.Line != 99 {
		t.Errorf("the first finding is %s at line %d, want the denial at line 99", f.Decision, f.Line)
	}
	for i, f := range got.Findings[1:] {
		if f.Line != int32(i+1) {
			t.Fatalf("finding %d is at line %d, want %d", i+1, f.Line, i+1)
		}
	}
}

// What an agent writes ends in status and on approvers' screens.
func TestFindingsCannotRewriteTheScreenAndKeepTheSchemasBounds(t *testing.T) {
	hostile := "\x1b[2J\u202egnihton seteled\u2066\x00\xff" + strings.Repeat("long ", 400)
	reports := map[string]*gate.Report{
		"operations": complete(
			op(gate.KindFileDelete, hostile, gate.Args{Path: lit(hostile)}),
			op(gate.KindNetwork, hostile, gate.Args{Host: &gate.Fact{Known: gate.FactPrefix, Value: hostile}}),
			op(gate.KindProcess, hostile, gate.Args{Argv: []gate.Fact{*lit(hostile), {Known: gate.FactPrefix, Value: hostile}}}),
			gate.Operation{Kind: gate.KindDynamic, Name: "", Reason: hostile, Snippet: hostile, Position: gate.Position{Line: 1 << 40, Column: -1}},
			gate.Operation{Kind: gate.KindUnknown, Name: hostile, Reason: hostile, Snippet: hostile},
			gate.Operation{Kind: gate.Kind(hostile), Name: hostile},
		),
		"error":    {Language: gate.Language(hostile), Error: &gate.ReadError{Message: hostile, Position: gate.Position{Line: 1 << 40}}},
		"limits":   {Language: gate.Python, Limits: []string{hostile, hostile}},
		"approval": complete(op(gate.KindFileDelete, hostile, gate.Args{Path: &gate.Fact{Known: gate.FactPrefix, Value: hostile}})),
	}
	policies := []*v1alpha1.ExecutionPolicySpec{
		testPolicy(),
		asking(v1alpha1.OperationRule{Description: hostile, Unresolved: []v1alpha1.OperationKind{"FileDelete"}}),
	}
	for name, report := range reports {
		for _, policy := range policies {
			verdict := Judge(report, policy, Given{Trust: v1alpha1.Internal})
			if verdict.Decision == v1alpha1.Allow || len(verdict.Findings) == 0 {
				t.Errorf("%s: no findings", name)
			}
			for _, f := range verdict.Findings {
				checkBounds(t, name+" operation", f.Operation, 1, 256)
				checkBounds(t, name+" reason", f.Reason, 1, 512)
				checkBounds(t, name+" snippet", f.Snippet, 0, 200)
				if f.Line < 0 || f.Line > 1_000_000 || f.Column < 0 || f.Column > 1_000_000 {
					t.Errorf("%s: position %d:%d is out of bounds", name, f.Line, f.Column)
				}
			}
		}
	}
}

func checkBounds(t *testing.T, what, s string, least, most int) {
	t.Helper()
	if n := utf8.RuneCountInString(s); n < least || n > most || !utf8.ValidString(s) {
		t.Errorf("%s has %d characters, want %d to %d of UTF-8", what, n, least, most)
	}
	if strings.ContainsAny(s, "\x1b\x00\n\u202e\u2066") {
		t.Errorf("%s has control characters: %q", what, s)
	}
}

func TestReasons(t *testing.T) {
	tests := map[string]struct {
		op    gate.Operation
		trust v1alpha1.Trust
		want  string
	}{
		"an unlisted path": {
			op:   pathOp(gate.KindFileDelete, "/srv/x"),
			want: `It deletes "/srv/x"; no rule of spec permits that. Do without it, or ask the policy's owner to add it to spec.allow[].paths.delete or to spec.requireApproval[].paths.delete.`,
		},
		"an unlisted path for untrusted content": {
			op: pathOp(gate.KindFileWrite, "/workspace/x"), trust: v1alpha1.Untrusted,
			want: `It writes "/workspace/x"; no rule of spec.untrusted permits that. Do without it, or ask the policy's owner to add it to spec.untrusted.allow[].paths.write or to spec.untrusted.requireApproval[].paths.write.`,
		},
		"a path that needs people": {
			op:   pathOp(gate.KindFileDelete, "/data/x"),
			want: `It deletes "/data/x"; spec.requireApproval[0] (Deleting data) asks an approver to agree.`,
		},
		"a path that is computed": {
			op:   op(gate.KindFileDelete, "os.remove", gate.Args{Path: &gate.Fact{Known: gate.FactPrefix, Value: "/data/"}}),
			want: `It deletes a file whose path starts with "/data/" and is otherwise computed; no rule of spec permits that. Write it as a literal, or ask the policy's owner to add FileDelete to spec.requireApproval[].unresolved.`,
		},
		"a host": {
			op:   hostOp("evil.attacker.example:80"),
			want: `It connects to "evil.attacker.example:80"; no rule of spec permits that. Do without it, or ask the policy's owner to add it to spec.allow[].hosts or to spec.requireApproval[].hosts.`,
		},
		"computed code": {
			op:   gate.Operation{Kind: gate.KindDynamic, Name: "exec", Reason: "exec runs a value as code."},
			want: `It runs code or uses a name that is only known at run time (exec runs a value as code). No rule can permit that: write out what the code does.`,
		},
		"an unknown operation": {
			op:   gate.Operation{Kind: gate.KindUnknown, Name: "mystery.call", Reason: "mystery is not in the tables"},
			want: `What it does could not be proven (mystery is not in the tables). Use something that the gate knows, or have people asked: add it to spec.requireApproval[].calls.`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.trust == "" {
				tt.trust = v1alpha1.Internal
			}
			got := Judge(complete(tt.op), testPolicy(), Given{Trust: tt.trust})
			if len(got.Findings) != 1 {
				t.Fatalf("%d findings, want 1", len(got.Findings))
			}
			if diff := cmp.Diff(tt.want, got.Findings[0].Reason); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCodeOfTakesTheDialectFromTheRuntime(t *testing.T) {
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.Runtimes = append(s.Runtimes, v1alpha1.Runtime{Language: v1alpha1.SQL, Dialect: v1alpha1.MySQL})
	})
	for lang, want := range map[v1alpha1.Language]gate.Dialect{v1alpha1.SQL: gate.MySQL, v1alpha1.Python: "", v1alpha1.Bash: ""} {
		if got := CodeOf(spec, lang, "x"); got.Dialect != want || got.Language != gate.Language(lang) || string(got.Source) != "x" {
			t.Errorf("CodeOf(%s) = %+v, want the dialect %q", lang, got, want)
		}
	}
}

func TestFailingExample(t *testing.T) {
	read := func(code gate.Code) *gate.Report {
		r := complete()
		r.Language = code.Language
		for line := range strings.SplitSeq(string(code.Source), "\n") {
			r.Operations = append(r.Operations, pathOp(gate.KindFileDelete, line))
		}
		return r
	}
	example := func(name, code string, trust v1alpha1.Trust, expect v1alpha1.Decision) v1alpha1.Example {
		return v1alpha1.Example{Name: name, Language: v1alpha1.Python, Code: code, Trust: trust, Expect: expect}
	}
	good := example("own files", "/workspace/a", v1alpha1.Internal, v1alpha1.Allow)
	tests := map[string]struct {
		examples    []v1alpha1.Example
		name, about string
		ok          bool
	}{
		"no examples":                       {ok: true},
		"all as expected":                   {examples: []v1alpha1.Example{good, example("data", "/data/a", v1alpha1.Internal, v1alpha1.RequireApproval)}, ok: true},
		"too lenient":                       {examples: []v1alpha1.Example{good, example("must deny", "/workspace/a", v1alpha1.Internal, v1alpha1.Deny)}, name: "must deny", about: "expected Deny, the verdict is Allow"},
		"too strict names the finding":      {examples: []v1alpha1.Example{example("must run", "/etc/a", v1alpha1.Internal, v1alpha1.Allow)}, name: "must run", about: "some.function at 3:5: It deletes"},
		"trust counts":                      {examples: []v1alpha1.Example{example("untrusted", "/workspace/a", v1alpha1.Untrusted, v1alpha1.Allow)}, name: "untrusted", about: "the verdict is Deny"},
		"an expectation that is none fails": {examples: []v1alpha1.Example{example("typo", "/workspace/a", v1alpha1.Internal, "Permit")}, name: "typo", about: "expected Permit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Examples = tt.examples })
			got, message, ok := FailingExample(spec, read, nil)
			if got != tt.name || ok != tt.ok || !strings.Contains(message, tt.about) {
				t.Errorf("FailingExample() = %q, %q, %v; want %q, ...%q..., %v", got, message, ok, tt.name, tt.about, tt.ok)
			}
		})
	}
}

// Adding an operation to a report never makes the verdict milder.
func FuzzMoreOperationsAreNeverMilder(f *testing.F) {
	f.Add("FileRead", "some.function", "/inputs/a", "Literal")
	f.Add("Unknown", "x.y", "", "")
	f.Add("Network", "x", "evil:1", "Prefix")
	f.Fuzz(func(t *testing.T, kind, name, value, known string) {
		fact := &gate.Fact{Known: gate.FactState(known), Value: value}
		added := op(gate.Kind(kind), name, gate.Args{Path: fact, Host: fact, Env: fact, SQL: fact, Argv: []gate.Fact{*fact}})
		for _, trust := range []v1alpha1.Trust{v1alpha1.Untrusted, v1alpha1.Internal} {
			for _, base := range []gate.Operation{pathOp(gate.KindFileRead, "/inputs/a"), pathOp(gate.KindFileDelete, "/data/x"), hostOp("x:1")} {
				before := Judge(complete(base), testPolicy(), Given{Trust: trust})
				after := Judge(complete(base, added), testPolicy(), Given{Trust: trust})
				if strictness(after.Decision) < strictness(before.Decision) {
					t.Errorf("%s became %s with %+v", before.Decision, after.Decision, added)
				}
				if alone := Judge(complete(added), testPolicy(), Given{Trust: trust}); strictness(after.Decision) != max(strictness(before.Decision), strictness(alone.Decision)) {
					t.Errorf("%s and %s gave %s", before.Decision, alone.Decision, after.Decision)
				}
			}
		}
	})
}

func ExampleJudge() {
	verdict := Judge(complete(pathOp(gate.KindFileDelete, "/data/customers.db")), testPolicy(), Given{Trust: v1alpha1.Internal})
	fmt.Println(verdict.Decision)
	fmt.Println(verdict.Findings[0].Reason)
	// Output:
	// RequireApproval
	// It deletes "/data/customers.db"; spec.requireApproval[0] (Deleting data) asks an approver to agree.
}

// Anybody may call an input untrusted. That opens nothing that the policy does not
// allow, or asks people about, without it.
func TestCallingAnInputUntrustedDoesNotLoosenThePolicy(t *testing.T) {
	spec := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.Runtimes[0].Inventory = gate.Inventory(gate.Python)
		s.Allow = []v1alpha1.OperationRule{{Imports: []string{"*"}}}
		s.RequireApproval = []v1alpha1.ApprovalRule{{OperationRule: v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/data/**"}}}, Approvals: 2}}
		s.Untrusted = &v1alpha1.OperationRules{Allow: []v1alpha1.OperationRule{{Imports: []string{"*"}, Hosts: []string{"**"}, Paths: &v1alpha1.Paths{Delete: []string{"/**"}}}}}
	})
	for source, want := range map[string]v1alpha1.Decision{
		"import os\nos.remove('/data/a')\n":                                 v1alpha1.RequireApproval,
		"import urllib.request\nurllib.request.urlopen('http://a.example')": v1alpha1.Deny,
		"print(1)\n": v1alpha1.Allow,
	} {
		for _, trust := range []v1alpha1.Trust{v1alpha1.Internal, v1alpha1.Untrusted} {
			got := Judge(gate.Read(CodeOf(spec, v1alpha1.Python, source)), spec, Given{Trust: trust})
			if got.Decision != want {
				t.Errorf("%s, %s: %s, want %s", source, trust, got.Decision, want)
			}
			if want == v1alpha1.RequireApproval && got.Approvals != 2 {
				t.Errorf("%s, %s: %d people, want 2", source, trust, got.Approvals)
			}
		}
	}
}
