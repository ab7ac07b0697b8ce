// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// presence says whether a call passes an argument.
type presence uint8

const (
	hidden presence = iota // it may be inside *args or **kwargs
	absent
	given
)

// find finds an argument of a call.
func (arg argument) find(call *syntax.Call) (syntax.Expr, presence) {
	if call == nil {
		return nil, hidden
	}
	position, sure := 0, true
	for _, x := range call.Args {
		switch {
		case x.Star != syntax.NoStar:
			sure = false
		case x.Name != "":
			if x.Name == arg.keyword {
				return x.Value, given
			}
		case position == arg.position && sure:
			return x.Value, given
		default:
			position++
		}
	}
	if sure {
		return nil, absent
	}
	return nil, hidden
}

// argumentFact folds an argument to a constant.
func (a *analysis) argumentFact(arg argument, e emission) report.Fact {
	x, presence := arg.find(e.call)
	switch {
	case presence == given:
		return a.foldArgument(bound{x, e.scope})
	case presence == absent && arg.hasDefault:
		return report.Fact{Known: report.Literal, Value: arg.fallback}
	}
	return report.Fact{Known: report.UnknownValue}
}

// argumentValues gives all values that an argument can have. None stands for
// the default; where there is none it is a TypeError, and names no file.
func (a *analysis) argumentValues(arg argument, e emission) facts {
	x, presence := arg.find(e.call)
	if presence != given {
		return facts{a.argumentFact(arg, e)}
	}
	b := bound{x, e.scope}
	if _, ok := a.single(b).expr.(*syntax.Bytes); ok {
		return facts{a.foldArgument(b)}
	}
	all := a.values(x, e.scope)
	out := all.withoutNone()
	if len(out) < len(all) && arg.hasDefault {
		out = union(out, facts{literal(arg.fallback)})
	}
	if len(all) == 0 {
		return nothing
	}
	return out
}

// foldArgument folds what is passed as it is. Only here are bytes as good as
// text: inside of text they are shown as b'...'.
func (a *analysis) foldArgument(b bound) report.Fact {
	if x, ok := a.single(b).expr.(*syntax.Bytes); ok {
		return literal(x.Value)
	}
	return a.fold(b.expr, b.scope)
}

// isAbsent reports whether an argument is certainly not given, or None.
func (a *analysis) isAbsent(arg argument, e emission) bool {
	x, presence := arg.find(e.call)
	return presence == absent || presence == given && (isConstant(x, "None") || a.values(x, e.scope).all(none))
}

// isFalse reports whether a switch is certainly off.
func (a *analysis) isFalse(arg argument, call *syntax.Call) bool {
	x, presence := arg.find(call)
	return presence == absent || presence == given && isConstant(x, "False")
}

func isConstant(x syntax.Expr, text string) bool {
	c, ok := x.(*syntax.Constant)
	return ok && c.Text == text
}

// filePaths gives the paths of a file operation, none when it touches no file by name.
func (a *analysis) filePaths(name string, arg argument, e emission) []*report.Fact {
	var all facts
	switch name {
	case "self":
		if all = nothing; e.receiver != nil {
			all = a.values(e.receiver, e.scope)
		}
	case "template":
		return []*report.Fact{a.temporaryPath(e)}
	case "glob":
		for _, f := range a.argumentValues(arg, e) {
			all = append(all, globDirectory(f))
		}
	default:
		if x, presence := arg.find(e.call); presence == given && a.isNoPath(x, e.scope) {
			return nil
		}
		all = a.argumentValues(arg, e)
	}
	if a.mayStray(e) {
		all = nothing
	}
	var out []*report.Fact
	for _, f := range all {
		out = append(out, a.cleanPath(f))
	}
	return out
}

// cleanPath makes a path absolute. Relative paths of code that changes the
// working directory could be anywhere.
func (a *analysis) cleanPath(f report.Fact) *report.Fact {
	if f.Known != report.Literal && f.Known != report.Prefix || a.moved && !path.IsAbs(f.Value) || hasParent(f.Value) {
		return &report.Fact{Known: report.UnknownValue}
	}
	return new(report.CleanPath(showPath(f)))
}

// hasParent reports whether a path goes up: behind a symbolic link that leads anywhere.
func hasParent(name string) bool {
	return slices.Contains(strings.Split(name, "/"), "..")
}

// isNoPath reports whether x is an open file, or one of the standard streams by number.
func (a *analysis) isNoPath(x syntax.Expr, s *scope) bool {
	if n, ok := x.(*syntax.Number); ok {
		return n.Text == "0" || n.Text == "1" || n.Text == "2"
	}
	return a.isHandle(x, s)
}

// globDirectory gives the directory under which a pattern looks.
func globDirectory(f report.Fact) report.Fact {
	magic := strings.IndexAny(f.Value, "*?[")
	if magic < 0 {
		return f
	}
	if f.Known == report.UnknownValue {
		return f
	}
	if hasParent(f.Value) {
		return unknownFact
	}
	dir, _ := path.Split(f.Value[:magic])
	if dir == "" {
		dir = "."
	}
	return report.Fact{Known: report.Literal, Value: dir}
}

// temporaryFile stands for the name that tempfile makes up.
const temporaryFile = "/tmp/tmpXXXXXXXX"

// temporaryPath gives where tempfile writes. A prefix or suffix with a slash
// would lead out of the directory.
func (a *analysis) temporaryPath(e emission) *report.Fact {
	unknown := &report.Fact{Known: report.UnknownValue}
	if e.call == nil {
		return unknown
	}
	dir := report.Fact{Known: report.Literal, Value: temporaryFile}
	for i, x := range e.call.Args {
		switch {
		case x.Name == "" && i >= a.namePositions(e.call, e.scope):
			return unknown
		case x.Star != syntax.NoStar:
			return unknown
		case x.Name == "dir":
			if !isConstant(x.Value, "None") {
				dir = a.fold(x.Value, e.scope)
			}
		case x.Name == "prefix", x.Name == "suffix", x.Name == "":
			f := a.fold(x.Value, e.scope)
			if _, constant := x.Value.(*syntax.Constant); !constant && (f.Known != report.Literal || strings.Contains(f.Value, "/")) {
				return unknown
			}
		}
	}
	return a.cleanPath(dir)
}

// namePositions gives how many positional arguments of a function of tempfile
// come before the directory.
func (a *analysis) namePositions(call *syntax.Call, s *scope) int {
	v := a.resolve(call.Func, s)
	switch {
	case v.all(set{"tempfile.NamedTemporaryFile": {}, "tempfile.TemporaryFile": {}}):
		return 6
	case v.all(set{"tempfile.SpooledTemporaryFile": {}}):
		return 7
	}
	return 2
}

// locationOperations handles arguments that may be a path, a URL, or an open file.
func (a *analysis) locationOperations(op report.Operation, arg argument, e emission) []report.Operation {
	if x, presence := arg.find(e.call); presence == given && a.isHandle(x, e.scope) {
		return nil
	}
	var out []report.Operation
	for _, f := range a.argumentValues(arg, e) {
		out = append(out, a.locationOperation(op, f)...)
	}
	return out
}

func (a *analysis) locationOperation(op report.Operation, f report.Fact) []report.Operation {
	start := f
	if i := strings.IndexAny(f.Value, placeholders); i >= 0 {
		start = prefix(f.Value[:i])
	}
	if scheme := report.URLScheme(start.Value); scheme != "" && scheme != "file" {
		return []report.Operation{{Kind: report.Network, Args: report.Args{Host: new(report.URLHost(start))}}}
	}
	isURL := mayBecomeURL(start)
	if isURL || strings.HasPrefix(strings.ToLower(f.Value), "file:") {
		f = report.Fact{Known: report.UnknownValue}
	}
	op.Args.Path = a.cleanPath(f)
	out := []report.Operation{op}
	if isURL {
		out = append(out, report.Operation{Kind: report.Network, Args: report.Args{Host: &report.Fact{Known: report.UnknownValue}}})
	}
	return out
}

// mayBecomeURL reports whether the part of a location that is not known can make it a URL.
func mayBecomeURL(f report.Fact) bool {
	switch f.Known {
	case report.Literal:
		return false
	case report.Prefix:
		return !strings.ContainsAny(f.Value, "/_ ~") && !strings.HasPrefix(f.Value, ".")
	default:
		return true
	}
}

// urlOperations handles arguments that are URLs. urllib also opens local files by URL.
func (a *analysis) urlOperations(op report.Operation, arg argument, e emission) []report.Operation {
	f := a.urlFact(arg, e)
	op.Args.Host = new(report.URLHost(f))
	local := report.Operation{Kind: report.FileRead, Args: report.Args{Path: &report.Fact{Known: report.UnknownValue}}}
	isUrllib := strings.HasPrefix(e.name, "urllib.")
	switch {
	case !isUrllib || report.URLScheme(f.Value) != "" && report.URLScheme(f.Value) != "file":
		return []report.Operation{op}
	case report.URLScheme(f.Value) == "file" && f.Known == report.Literal:
		if name, ok := strings.CutPrefix(f.Value[len("file://"):], "/"); ok && !strings.ContainsAny(name, "%?#;") {
			local.Args.Path = new(report.CleanPath(report.Fact{Known: report.Literal, Value: "/" + name}))
		}
		return []report.Operation{local}
	}
	return []report.Operation{op, local}
}

// urlFact folds a URL; a Request made of a known URL is as good.
func (a *analysis) urlFact(arg argument, e emission) report.Fact {
	f := a.argumentFact(arg, e)
	if f.Known == report.Literal || f.Known == report.Prefix {
		return f
	}
	x, presence := arg.find(e.call)
	if presence != given {
		return f
	}
	b := a.single(bound{x, e.scope})
	if call, ok := b.expr.(*syntax.Call); ok && a.isCallOf(call, b.scope, "urllib.request.Request") {
		return a.argumentFact(argument{position: 0, keyword: "url"}, emission{call: call, scope: b.scope})
	}
	return f
}

// hostFact gives "host:port" from a (host, port) pair or from two arguments.
func (a *analysis) hostFact(eff effect, e emission) *report.Fact {
	var host, port report.Fact
	if arg, ok := eff.facts["address"]; ok {
		x, _ := arg.find(e.call)
		pair, ok := x.(*syntax.Tuple)
		if !ok || len(pair.Elts) < 2 {
			return &report.Fact{Known: report.UnknownValue}
		}
		host, port = a.fold(pair.Elts[0], e.scope), a.port(pair.Elts[1], e.scope)
	} else {
		host = a.argumentFact(eff.facts["host"], e)
		port = report.Fact{Known: report.Literal, Value: "0"}
		if arg, ok := eff.facts["port"]; ok {
			port = a.argumentFact(arg, e)
			if x, presence := arg.find(e.call); presence == given {
				port = a.port(x, e.scope)
			}
		}
	}
	if host.Known != report.Literal || port.Known != report.Literal {
		return &report.Fact{Known: report.UnknownValue}
	}
	if name, explicit, ok := strings.Cut(host.Value, ":"); ok && strings.Count(host.Value, ":") == 1 {
		host.Value, port.Value = name, explicit // http.client takes "host:port" as a host
	}
	return new(report.HostPort(host.Value, port.Value))
}

// port folds a port, which is a number or a string.
func (a *analysis) port(x syntax.Expr, s *scope) report.Fact {
	if n, ok := a.single(bound{x, s}).expr.(*syntax.Number); ok {
		return literal(n.Text)
	}
	return a.fold(x, s)
}
