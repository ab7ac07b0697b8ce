// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// overrides are arguments of subprocess that make the command another one than argv says.
var overrides = set{"executable": {}, "env": {}, "cwd": {}, "preexec_fn": {}, "pass_fds": {}, "startupinfo": {}}

// commandFact gives the command line of a process, word by word; a shell
// command is "sh -c TEXT". What is not known is one unknown word.
func (a *analysis) commandFact(form string, arg argument, e emission) []report.Fact {
	unknown := []report.Fact{unknownFact}
	if e.call == nil || isOverridden(e.call) {
		return unknown
	}
	switch form {
	case "words":
		return a.program(e, arg, a.words(e.call, arg.position, e.scope))
	case "shell":
		return shellWords(a.argumentFact(arg, e))
	}
	x, presence := arg.find(e.call)
	switch {
	case presence != given:
		return unknown
	case arg.position > 0:
		return a.program(e, arg, a.argv(x, e.scope))
	}
	return a.popen(x, e)
}

func isOverridden(call *syntax.Call) bool {
	return slices.ContainsFunc(call.Args, func(x *syntax.Argument) bool {
		return overrides.has(x.Name) || x.Star == syntax.DoubleStar
	})
}

// popen folds the command of subprocess, which runs in a shell if it is told to.
func (a *analysis) popen(x syntax.Expr, e emission) []report.Fact {
	if len(e.call.Args) > 1 && e.call.Args[1].Name == "" {
		return []report.Fact{unknownFact} // the third positional argument of Popen is another executable
	}
	shell, presence := argument{position: -1, keyword: "shell"}.find(e.call)
	switch {
	case presence == absent || presence == given && isConstant(shell, "False"):
		return a.argv(x, e.scope)
	case presence == given && isConstant(shell, "True"):
		return shellWords(a.fold(x, e.scope))
	}
	return []report.Fact{unknownFact}
}

// program replaces the first word, which a program is only told, by the
// argument before it, which the exec family runs: execv("/bin/sh", ["ls"]).
func (a *analysis) program(e emission, arg argument, words []report.Fact) []report.Fact {
	if arg.position > 0 {
		words[0] = a.argumentFact(argument{position: arg.position - 1}, e)
	}
	return words
}

func shellWords(command report.Fact) []report.Fact {
	return []report.Fact{{Known: report.Literal, Value: "sh"}, {Known: report.Literal, Value: "-c"}, command}
}

// argv folds an argument vector. Only a display counts: a list in a variable may have been changed.
func (a *analysis) argv(x syntax.Expr, s *scope) []report.Fact {
	var words []syntax.Expr
	switch x := x.(type) {
	case *syntax.List:
		words = x.Elts
	case *syntax.Tuple:
		words = x.Elts
	default:
		return []report.Fact{a.fold(x, s)}
	}
	out := []report.Fact{}
	for _, w := range words {
		out = append(out, a.fold(w, s)) // a starred word folds to unknown
	}
	if len(out) == 0 {
		out = append(out, report.Fact{Known: report.UnknownValue})
	}
	return out
}

// words folds the positional arguments from a position on.
func (a *analysis) words(call *syntax.Call, position int, s *scope) []report.Fact {
	out := []report.Fact{}
	for i, x := range call.Args {
		if i >= position && x.Name == "" {
			out = append(out, a.fold(x.Value, s))
		}
		if x.Star == syntax.SingleStar {
			out = append(out, report.Fact{Known: report.UnknownValue})
		}
	}
	if len(out) == 0 {
		out = append(out, report.Fact{Known: report.UnknownValue})
	}
	return out
}
