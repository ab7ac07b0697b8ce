// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// emission is a use of something with effects, about to be reported.
type emission struct {
	name     string
	node     syntax.Node // the range to report, or
	from, to int         // its offsets
	form     report.Form
	via      []string
	call     *syntax.Call // nil when the arguments are not known
	receiver syntax.Expr  // what a method is called on; nil when not known
	env      *report.Fact
	scope    *scope
	through  bool // only something behind the name is used
}

// emitAll reports all effects of one use. A use whose arguments rule out every
// effect is Compute.
func (a *analysis) emitAll(effects []effect, e emission) {
	if e.node != nil {
		e.from, e.to = e.node.Pos(), e.node.End()
	}
	reported, redirected := false, isRedirected(effects, e)
	for _, eff := range effects {
		for _, op := range a.operations(eff, e) {
			op.Form, op.Name, op.Via = e.form, e.name, e.via
			if redirected && op.Args.Path != nil {
				op.Args.Path = &report.Fact{Known: report.UnknownValue}
			}
			if op.Kind == report.Dynamic && op.Reason == "" {
				op.Reason = "it runs code, or uses names, that are only known at run time"
			}
			a.reportAt(e.from, e.to, op)
			reported = true
		}
	}
	if !reported {
		a.reportAt(e.from, e.to, report.Operation{Kind: report.Compute, Form: e.form, Name: e.name, Via: e.via})
	}
}

// operations turns one effect of one use into operations with their facts: one
// for each path that it can be.
func (a *analysis) operations(eff effect, e emission) []report.Operation {
	if a.isRuledOut(eff, e) {
		return nil
	}
	op, paths, below := report.Operation{Kind: eff.kind}, []*report.Fact{nil}, true
	for _, name := range eff.order {
		arg := eff.facts[name]
		switch name {
		case "url":
			return a.urlOperations(op, arg, e)
		case "location":
			return a.locationOperations(op, arg, e)
		case "path", "glob", "self", "template":
			paths = a.filePaths(name, arg, e)
		case "pattern":
			below = a.staysBelow(arg, e)
		default:
			a.addFact(&op, name, eff, e)
		}
	}
	var out []report.Operation
	for _, p := range paths {
		one := op
		if one.Args.Path = p; !below {
			one.Args.Path = &report.Fact{Known: report.UnknownValue}
		}
		addUnknown(&one, e)
		out = append(out, a.byMode(one, eff, e)...)
	}
	return out
}

// staysBelow reports whether a pattern finds only what is below the directory it is used in.
func (a *analysis) staysBelow(arg argument, e emission) bool {
	f := a.argumentFact(arg, e)
	return f.Known == report.Literal && !path.IsAbs(f.Value) && !hasParent(f.Value)
}

// isRuledOut reports whether the arguments of a use exclude the effect.
func (a *analysis) isRuledOut(eff effect, e emission) bool {
	if eff.optional && a.isAbsent(eff.facts[eff.order[0]], e) {
		return true
	}
	if eff.called && e.call == nil || eff.evaluated && a.annotating || eff.computed && e.call == nil && (e.through || a.annotating || a.declaring || a.looked[e.node]) {
		return true
	}
	for _, name := range eff.order {
		if excludes := conditions[name]; excludes != nil && excludes(a, eff.facts[name], e) {
			return true
		}
	}
	return false
}

// conditions tell for facts that are no part of the report whether the argument
// excludes the effect.
var conditions = map[string]func(*analysis, argument, emission) bool{
	"flag":    func(a *analysis, arg argument, e emission) bool { return a.isFalse(arg, e.call) },
	"style":   (*analysis).isSafeStyle,
	"font":    (*analysis).isSafeFont,
	"props":   (*analysis).areSafeProperties,
	"zone":    (*analysis).isSafeZone,
	"text":    (*analysis).isNoText,
	"map":     (*analysis).isReadOnlyMap,
	"latex":   (*analysis).isNoLatex,
	"backend": (*analysis).isNoBackend,
}

// addFact adds a fact that does not change which operation it is.
func (a *analysis) addFact(op *report.Operation, name string, eff effect, e emission) {
	arg := eff.facts[name]
	switch name {
	case "env":
		op.Args.Env = new(a.argumentFact(arg, e))
	case "sql":
		op.Args.SQL = new(a.argumentFact(arg, e))
	case "command", "shell", "words":
		op.Args.Argv = a.commandFact(name, arg, e)
	case "address", "host":
		op.Args.Host = a.hostFact(eff, e)
	}
}

// addUnknown adds the fact that every operation of a kind has, where it is not known.
func addUnknown(op *report.Operation, e emission) {
	missing := func(f **report.Fact) {
		if *f == nil {
			*f = &report.Fact{Known: report.UnknownValue}
		}
	}
	switch op.Kind {
	case report.FileRead, report.FileWrite, report.FileDelete, kindFile:
		missing(&op.Args.Path)
	case report.Network:
		missing(&op.Args.Host)
	case report.SQLStatement:
		missing(&op.Args.SQL)
	case report.Process:
		if op.Args.Argv == nil {
			op.Args.Argv = []report.Fact{unknownFact}
		}
	case report.Environment:
		if op.Args.Env == nil {
			op.Args.Env = e.env
		}
	default:
	}
}

// byMode splits the opening of a file into reading and writing.
func (a *analysis) byMode(op report.Operation, eff effect, e emission) []report.Operation {
	if op.Kind != kindFile {
		return []report.Operation{op}
	}
	var out []report.Operation
	read, write := a.mode(eff.facts["mode"], e)
	if read {
		op.Kind = report.FileRead
		out = append(out, op)
	}
	if write {
		op.Kind = report.FileWrite
		out = append(out, op)
	}
	return out
}

// mode tells what a file is opened for; an unknown mode means both.
func (a *analysis) mode(arg argument, e emission) (read, write bool) {
	f := a.argumentFact(arg, e)
	if f.Known != report.Literal {
		return true, true
	}
	both := strings.Contains(f.Value, "+")
	write = strings.ContainsAny(f.Value, "wax")
	return both || !write, both || write
}

// harmlessKeywords do not change which files a function acts on.
var harmlessKeywords = readSet(`
encoding errors newline buffering closefd compresslevel compression level preset check format threads allowZip64 strict_timestamps metadata_encoding
exist_ok mode parents missing_ok ignore_errors onerror onexc topdown followlinks recursive include_hidden case_sensitive effective_ids follow_symlinks
dirs_exist_ok ignore ignore_dangling_symlinks delete delete_on_close suffix prefix dir bufsize shallow verbose dry_run owner group filter times ns length
timeout isolation_level check_same_thread cached_statements detect_types maxBytes backupCount delay when interval utc atTime level datefmt style force handlers stream
allow_pickle mmap_mode fix_imports sep count offset dtype shape order data context parser events source pwd members numeric_owner
`)

// redirecting are keywords of any library that name further files, or move the others.
var redirecting = set{"dir_fd": {}, "src_dir_fd": {}, "dst_dir_fd": {}, "base_dir": {}, "root_dir": {}, "opener": {}, "stylesheet": {}, "symlinks": {}, "uri": {}}

// isRedirected reports whether a call has a keyword that may change which files
// it acts on. The libraries for data have too many harmless ones to list.
func isRedirected(effects []effect, e emission) bool {
	if e.call != nil && slices.ContainsFunc(effects, func(eff effect) bool { return eff.takes(e.call) }) {
		return true
	}
	return e.call != nil && slices.ContainsFunc(e.call.Args, func(arg *syntax.Argument) bool {
		switch {
		case arg.Star == syntax.DoubleStar:
			return true
		case arg.Name == "" || isConstant(arg.Value, "None") || isConstant(arg.Value, "False"):
			return false
		case redirecting.has(arg.Name):
			return true
		}
		return !harmlessKeywords.has(arg.Name) && isStandard(e.name) && !isModelled(effects, arg.Name)
	})
}

// isStandard reports whether a name is one of a module, and not one of the libraries for data.
func isStandard(name string) bool {
	top, _, _ := strings.Cut(name, ".")
	return top != "" && !slices.Contains([]string{"pandas", "numpy", "matplotlib", "argparse", "logging"}, top)
}

// isModelled reports whether an effect has a fact of this keyword.
func isModelled(effects []effect, keyword string) bool {
	return slices.ContainsFunc(effects, func(eff effect) bool {
		for _, arg := range eff.facts {
			if arg.keyword == keyword {
				return true
			}
		}
		return false
	})
}

// takes reports whether a call passes more positional arguments than most.
func (e effect) takes(call *syntax.Call) bool {
	n := 0
	for _, arg := range call.Args {
		if arg.Name == "" {
			n++
		}
	}
	return e.most >= 0 && n > e.most
}
