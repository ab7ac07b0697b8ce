// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// matches says whether any one entry of a rule matches the operation. Dynamic
// and Unknown operations, and kinds that are not in the closed set, are not for
// it: decide handles them first.
func matches(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	return matchesCall(rule.Calls, op) || matchesEffect(rule, op) || matchesUnresolved(rule.Unresolved, op)
}

// matchesCall compares the resolved name, segment by segment: "logging.*"
// matches logging.info and not logging.handlers.SocketHandler.
func matchesCall(calls []string, op *gate.Operation) bool {
	return isResolvedName(op.Name) && slices.ContainsFunc(calls, func(pattern string) bool {
		return match(pattern, op.Name, ".")
	})
}

// matchesEffect compares what the operation does with the entry for its kind.
func matchesEffect(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	switch op.Kind {
	case gate.KindImport, gate.KindCompute:
		return matchesImport(rule.Imports, op)
	case gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete:
		return matchesPath(patternsFor(rule, op), op)
	case gate.KindNetwork:
		return matchesHost(rule.Hosts, op)
	case gate.KindProcess:
		return matchesCommand(rule.Commands, op)
	case gate.KindEnvironment:
		return matchesEnvironment(rule.Environment, op)
	case gate.KindSQL:
		return matchesSQL(rule.SQL, op)
	case gate.KindDynamic, gate.KindUnknown:
		return false
	default:
		return false
	}
}

// matchesImport matches a module and everything below it. "*" alone is every
// module that the gate knows: others are Unknown and never get here.
func matchesImport(imports []string, op *gate.Operation) bool {
	return isResolvedName(op.Name) && slices.ContainsFunc(imports, func(module string) bool {
		return module == "*" || op.Name == module || strings.HasPrefix(op.Name, module+".")
	})
}

// patternsFor gives the paths of a rule for the kind of the operation.
func patternsFor(rule *v1alpha1.OperationRule, op *gate.Operation) []string {
	switch {
	case rule.Paths == nil:
		return nil
	case op.Kind == gate.KindFileRead:
		return rule.Paths.Read
	case op.Kind == gate.KindFileWrite:
		return rule.Paths.Write
	case op.Kind == gate.KindFileDelete:
		return rule.Paths.Delete
	default:
		return nil
	}
}

// mayMatchPath says whether a path with a part that is made up at run time may
// turn out to be one of those that the rule asks for: "/workspace/XXXXXXXX" may
// be "/workspace/keep/ledger.csv".
func mayMatchPath(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	value, ok := literalPath(op.Args.Path)
	known, _, madeUp := strings.Cut(value, gate.MadeUp)
	return ok && madeUp && slices.ContainsFunc(patternsFor(rule, op), func(pattern string) bool {
		return reachesBelow(strings.Split(pattern, "/"), strings.Split(path.Dir(known+"x"), "/"))
	})
}

// reachesBelow says whether a pattern matches anything below a directory, both
// split into segments.
func reachesBelow(pattern, dir []string) bool {
	for i, segment := range dir {
		switch {
		case i >= len(pattern):
			return false
		case pattern[i] == "**":
			return true
		case !matchSegment(pattern[i], segment):
			return false
		}
	}
	return len(pattern) > len(dir)
}

// encloses says whether the path of an operation is a directory above what the
// rule asks for: who may delete "/workspace" deletes "/workspace/keep" as well.
// Only the part of a pattern before "**" tells: everything lies above "/**/keep".
func encloses(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	value, ok := literalPath(op.Args.Path)
	dir := strings.Split(strings.TrimSuffix(value, "/"), "/")
	return ok && slices.ContainsFunc(patternsFor(rule, op), func(pattern string) bool {
		segments := strings.Split(pattern, "/")
		if len(segments) <= len(dir) {
			return false
		}
		for i, segment := range dir {
			if segments[i] == "**" || !matchSegment(segments[i], segment) {
				return false
			}
		}
		return true
	})
}

// mayMatch says whether an operation that is allowed or asked for anyway may turn
// out to be one that the rule asks for: its path is above those that the rule
// lists, or its argument is not known and the rule lists arguments of this kind.
func mayMatch(rule *v1alpha1.OperationRule, op *gate.Operation) bool {
	if !unresolved(op) {
		return encloses(rule, op)
	}
	switch op.Kind {
	case gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete:
		return len(patternsFor(rule, op)) > 0
	case gate.KindNetwork:
		return len(rule.Hosts) > 0
	case gate.KindProcess:
		return len(rule.Commands) > 0
	case gate.KindEnvironment:
		return len(rule.Environment) > 0
	case gate.KindSQL:
		return len(rule.SQL) > 0
	case gate.KindImport, gate.KindCompute, gate.KindDynamic, gate.KindUnknown:
		return false
	default:
		return false
	}
}

func matchesPath(patterns []string, op *gate.Operation) bool {
	value, ok := literalPath(op.Args.Path)
	return ok && slices.ContainsFunc(patterns, func(pattern string) bool {
		return match(pattern, value, "/")
	})
}

func matchesHost(patterns []string, op *gate.Operation) bool {
	t, ok := literalTarget(op.Args.Host)
	return ok && slices.ContainsFunc(patterns, func(pattern string) bool {
		return matchTarget(pattern, t)
	})
}

// matchTarget compares one entry, "host" or "host:port". A star stands for a
// DNS label and never for a part of an address: only "**" alone and the address
// itself match one.
func matchTarget(pattern string, t target) bool {
	want, ok := splitTarget(pattern)
	switch {
	case !ok, want.port != "" && want.port != t.port:
		return false
	case want.host == "**", want.host == t.host:
		return true
	default:
		return !isAddress(t.host) && match(want.host, t.host, ".")
	}
}

// matchesSQL compares the verb and the table of a statement. Names are compared
// as the database sees them: the gate has folded their case.
func matchesSQL(statements []v1alpha1.SQLOperation, op *gate.Operation) bool {
	if op.Args.Verb == "" {
		return false
	}
	return slices.ContainsFunc(statements, func(s v1alpha1.SQLOperation) bool {
		return slices.Contains(s.Verbs, op.Args.Verb) && (op.Args.Table == nil || matchesTable(s.Tables, op))
	})
}

func matchesTable(patterns []string, op *gate.Operation) bool {
	table, ok := literal(op.Args.Table)
	return ok && slices.ContainsFunc(patterns, func(pattern string) bool {
		return !strings.Contains(pattern, "**") && match(pattern, table, ".")
	})
}

func matchesEnvironment(patterns []string, op *gate.Operation) bool {
	name, ok := literal(op.Args.Env)
	return ok && slices.ContainsFunc(patterns, func(pattern string) bool {
		return matchSegment(pattern, name)
	})
}

// matchesUnresolved matches an operation of a listed kind whose argument cannot
// be read off the code.
func matchesUnresolved(kinds []v1alpha1.OperationKind, op *gate.Operation) bool {
	return unresolved(op) && slices.Contains(kinds, v1alpha1.OperationKind(op.Kind))
}

// unresolved says whether the argument that the policy would judge is not
// proven. Mentioning a function without calling it leaves all its arguments open.
func unresolved(op *gate.Operation) bool {
	var resolved bool
	switch op.Kind {
	case gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete:
		_, resolved = literalPath(op.Args.Path)
	case gate.KindNetwork:
		_, resolved = literalTarget(op.Args.Host)
	case gate.KindProcess:
		resolved = !slices.ContainsFunc(op.Args.Argv, func(f gate.Fact) bool { return f.Known != gate.FactLiteral }) && len(op.Args.Argv) > 0
	case gate.KindEnvironment:
		_, resolved = literal(op.Args.Env)
	case gate.KindSQL:
		resolved = op.Args.Verb != ""
		if op.Args.Table != nil {
			_, named := literal(op.Args.Table)
			resolved = resolved && named
		}
	case gate.KindImport, gate.KindCompute, gate.KindDynamic, gate.KindUnknown:
		return false
	default:
		return false
	}
	return !resolved
}
