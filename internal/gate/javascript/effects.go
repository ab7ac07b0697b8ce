// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

var unknownFact = report.Fact{Known: report.UnknownValue}

func literal(s string) report.Fact { return report.Fact{Known: report.Literal, Value: s} }

// effects reports every effect of one use and gives the kinds of its result.
func (a *analysis) effects(u use, effects []effect) kinds {
	if u.name == "process.chdir" {
		a.moved = true
	}
	if a.reporting {
		for _, e := range effects {
			a.chosen = nil
			a.choice = 0
			for more := true; more; {
				for _, op := range a.operations(u, e) {
					op.Form, op.Name = u.form, u.name
					a.report(u.node, op)
				}
				a.choice++
				more = a.chosen != nil && a.choice < len(a.chosen.sites)
			}
			a.choice, a.chosen = 0, nil
		}
	}
	if u.passed.all.has(hot) {
		a.unknown(u.node, u.name, u.form, "a value that a key made at run time may have reached is passed to a function that may call it")
	}
	switch {
	case effects[0].kind == report.Dynamic, effects[0].kind == report.Unknown:
		return hot
	case u.form != report.FormCall:
		return builtin | handle
	case strings.HasPrefix(u.name, "fs.") && !strings.Contains(u.name, "Stream") && !strings.Contains(u.name, "open") && !strings.Contains(u.name, "watch"):
		return unknownData
	}
	return unknownData | handle
}

// operations turns one effect of one use into operations with their facts.
func (a *analysis) operations(u use, e effect) []report.Operation {
	op := report.Operation{Kind: e.kind}
	switch e.kind {
	case report.Dynamic:
		op.Reason = "it runs code that is only known at run time"
	case report.Unknown:
		op.Reason = "what it reaches cannot be told before it runs"
	case report.Network:
		op.Args.Host = new(a.host(u, e))
	case report.Process:
		op.Args.Argv = a.argv(u, e)
	case report.Environment:
		if i, ok := e.facts["path"]; ok {
			op.Args.Path = new(a.path(u, i))
		}
	case report.FileRead, report.FileWrite, report.FileDelete, kindFile:
		return a.fileOperations(u, e)
	default:
	}
	return []report.Operation{op}
}

// fileOperations adds path facts, and what the flags of a call add.
func (a *analysis) fileOperations(u use, e effect) []report.Operation {
	path := unknownFact
	if i, ok := e.facts["path"]; ok {
		path = a.path(u, i)
		if a.isDescriptor(u, i) {
			return []report.Operation{{Kind: report.Compute}}
		}
	} else if i, ok := e.facts["temporary"]; ok {
		if f := a.argument(u, i); f.Known == report.Literal {
			path = a.cleanPath(literal(f.Value + report.MadeUp))
		}
	}
	modes := []report.Kind{e.kind}
	if i, ok := e.facts["flags"]; ok {
		modes = openModes(a.argumentOr(u, i, "r"))
	}
	if i, ok := e.facts["options"]; ok {
		more, redirected := a.options(u, i)
		modes = append(modes, more...)
		if redirected {
			path = unknownFact
			modes = []report.Kind{report.FileRead, report.FileWrite}
		}
	}
	var out []report.Operation
	for _, kind := range modes {
		out = append(out, report.Operation{Kind: kind, Args: report.Args{Path: new(path)}})
	}
	return out
}

// isDescriptor reports whether a file is given by number, as in fs.readFileSync(0).
func (a *analysis) isDescriptor(u use, i int) bool {
	return u.form == report.FormCall && i < len(u.list) && !u.passed.spread && u.list[i].Kind == syntax.Number
}

// openModes gives what flags open a file for.
func openModes(f report.Fact) []report.Kind {
	if f.Known == report.Literal {
		switch f.Value {
		case "r", "rs", "sr":
			return []report.Kind{report.FileRead}
		case "w", "wx", "xw", "a", "ax", "xa", "as", "sa":
			return []report.Kind{report.FileWrite}
		}
	}
	return []report.Kind{report.FileRead, report.FileWrite}
}

// harmlessOptions do not change which file a call acts on, nor how.
var harmlessOptions = set{
	"encoding": {}, "recursive": {}, "withFileTypes": {}, "force": {}, "mode": {}, "maxRetries": {}, "retryDelay": {}, "highWaterMark": {}, "signal": {}, "start": {}, "end": {},
	"autoClose": {}, "emitClose": {}, "flush": {}, "bigint": {}, "dereference": {}, "errorOnExist": {}, "preserveTimestamps": {}, "verbatimSymlinks": {}, "bufferSize": {},
}

// options judges the options of a call: what else they open a file for, and
// whether they may redirect it to another one.
func (a *analysis) options(u use, position int) (modes []report.Kind, redirected bool) {
	if u.form != report.FormCall || u.passed.spread {
		return nil, true
	}
	if a.polluted && strings.Contains(u.name, "Stream") {
		return nil, true // the defaults of streams come from Object.prototype, too
	}
	for i := position; i < len(u.list); i++ {
		x, k := u.list[i], u.passed.each[i]
		switch {
		case x.Kind == syntax.Function, k&^(named|text|primitive) == 0, k&^(function|builtin) == 0:
		case x.Kind != syntax.Object || a.polluted:
			return nil, true
		default:
			more, other := a.optionObject(x, u.scope)
			if other {
				return nil, true
			}
			modes = append(modes, more...)
		}
	}
	return modes, false
}

func (a *analysis) optionObject(x *syntax.Node, s *scope) (modes []report.Kind, redirected bool) {
	for _, p := range x.List {
		switch {
		case p.Kind == syntax.Spread || p.Has(syntax.Computed) || p.Text != "":
			return nil, true
		case p.Left.Text == "flag" || p.Left.Text == "flags":
			modes = append(modes, openModes(a.fold(p.Right, s))...)
		case !harmlessOptions.has(p.Left.Text):
			return nil, true
		}
	}
	return modes, false
}

// argument folds an argument of a call.
func (a *analysis) argument(u use, i int) report.Fact {
	if u.form != report.FormCall || i >= len(u.list) {
		return unknownFact
	}
	for _, x := range u.list[:i+1] {
		if x.Kind == syntax.Spread {
			return unknownFact
		}
	}
	return a.fold(u.list[i], u.scope)
}

// argumentOr gives the default where the argument is absent.
func (a *analysis) argumentOr(u use, i int, fallback string) report.Fact {
	if u.form == report.FormCall && !u.passed.spread && (i >= len(u.list) || u.list[i].Kind == syntax.Function) {
		return literal(fallback)
	}
	return a.argument(u, i)
}

func (a *analysis) path(u use, i int) report.Fact { return a.cleanPath(a.argument(u, i)) }

// cleanPath makes a path absolute. One that goes up may follow a link on the way,
// and relative ones mean nothing once the code changes directory.
func (a *analysis) cleanPath(f report.Fact) report.Fact {
	absolute := strings.HasPrefix(f.Value, "/")
	if hasParent(f.Value) || a.moved && !absolute || f.Known == report.Prefix && f.Value == "" {
		return unknownFact
	}
	return report.CleanPath(f)
}

func hasParent(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// host gives the host of a call by its URL, its options, or its arguments.
func (a *analysis) host(u use, e effect) report.Fact {
	if i, ok := e.facts["host"]; ok {
		return report.URLHost(a.argument(u, i))
	}
	if i, ok := e.facts["name"]; ok {
		if f := a.argument(u, i); f.Known == report.Literal {
			return report.HostPort(f.Value, "0")
		}
	}
	if i, ok := e.facts["address"]; ok && u.form == report.FormCall && len(u.list) > i+1 && u.list[i].Kind == syntax.Number {
		if f := a.argument(u, i+1); f.Known == report.Literal {
			return report.HostPort(f.Value, u.list[i].Text)
		}
	}
	return unknownFact
}

// argv gives the command line of a process word by word.
func (a *analysis) argv(u use, e effect) []report.Fact {
	unknown := []report.Fact{unknownFact}
	if u.form != report.FormCall || u.passed.spread {
		return unknown
	}
	if i, ok := e.facts["shell"]; ok {
		if !a.plainProcess(u, i+1) {
			return unknown
		}
		return []report.Fact{literal("sh"), literal("-c"), a.argument(u, i)}
	}
	i, ok := e.facts["command"]
	if !ok || !a.plainProcess(u, i+1) {
		return unknown
	}
	out := []report.Fact{a.argument(u, i)}
	if len(u.list) > i+1 && u.list[i+1].Kind == syntax.Array {
		for _, x := range u.list[i+1].List {
			if x == nil || x.Kind == syntax.Spread {
				return unknown
			}
			out = append(out, a.fold(x, u.scope))
		}
	}
	return out
}

// plainProcess reports whether the options of a process keep it the one that its arguments name.
func (a *analysis) plainProcess(u use, from int) bool {
	for i := from; i < len(u.list); i++ {
		x := u.list[i]
		switch x.Kind {
		case syntax.Function, syntax.String:
		case syntax.Array:
		case syntax.Object:
			for _, p := range x.List {
				if p.Kind == syntax.Spread || p.Has(syntax.Computed) || !processOptions.has(p.Left.Text) {
					return false
				}
			}
		default:
			return false
		}
	}
	return !a.polluted
}

// processOptions do not change what is run.
var processOptions = set{"encoding": {}, "stdio": {}, "timeout": {}, "maxBuffer": {}, "killSignal": {}, "input": {}, "detached": {}, "windowsHide": {}, "signal": {}}
