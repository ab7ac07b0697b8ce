// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// maxFolded bounds the length of a folded constant.
const maxFolded = 4096

var unknownFact = report.Fact{Known: report.UnknownValue}

func literal(s string) report.Fact {
	if len(s) > maxFolded {
		return unknownFact
	}
	return report.Fact{Known: report.Literal, Value: s}
}

func prefix(s string) report.Fact {
	if s == "" || len(s) > maxFolded {
		return unknownFact
	}
	return report.Fact{Known: report.Prefix, Value: s}
}

// fold finds out which string an expression is (rule 7): a literal, a name
// bound once, or built of such by +, %, f-strings, str.format, os.path and pathlib.
//
//nolint:gocyclo // one case for each kind of expression
func (a *analysis) fold(x syntax.Expr, s *scope) report.Fact {
	switch x := x.(type) {
	case *syntax.Str:
		if !x.Opaque {
			return literal(x.Value)
		}
	case *syntax.Name:
		return a.foldName(x, s)
	case *syntax.NamedExpr:
		return a.fold(x.Value, s)
	case *syntax.JoinedStr:
		return a.foldParts(x.Parts, s)
	case *syntax.Formatted:
		if !x.Conversion && len(x.Spec) == 0 {
			return a.fold(x.X, s)
		}
	case *syntax.BinOp:
		return a.foldOperator(x, s)
	case *syntax.Attribute:
		return a.foldAttribute(x, s)
	case *syntax.Call:
		return a.foldCall(x, s)
	}
	return unknownFact
}

// foldName folds a name that is bound exactly once: to an expression, or as a parameter.
func (a *analysis) foldName(x *syntax.Name, s *scope) report.Fact {
	v := s.sole(x.ID)
	if v == nil || v.param == nil && (v.other || len(v.contexts) > 0 || len(v.targets) > 0 || len(v.values) != 1) {
		return unknownFact
	}
	switch v.foldState {
	case folding:
		return unknownFact
	case notFolded:
		v.foldState = folding
		if v.param != nil {
			v.folded = a.foldParameter(v)
		} else {
			v.folded = a.fold(v.values[0].expr, v.values[0].scope)
		}
		v.foldState = folded
	case folded:
	}
	return v.folded
}

// single follows names that are bound once to what they are bound to.
func (a *analysis) single(b bound) bound {
	for range maxParts {
		name, ok := b.expr.(*syntax.Name)
		if !ok {
			return b
		}
		v := b.scope.sole(name.ID)
		if v == nil || v.other || len(v.values)+len(v.contexts) != 1 || len(v.targets) > 0 {
			return b
		}
		b = append(v.values, v.contexts...)[0]
	}
	return b
}

// foldParts joins the parts of an f-string, whose result is always a string.
func (a *analysis) foldParts(parts []syntax.Expr, s *scope) report.Fact {
	var text strings.Builder
	for _, part := range parts {
		f := a.fold(part, s)
		text.WriteString(f.Value)
		if f.Known != report.Literal || text.Len() > maxFolded {
			return prefix(text.String())
		}
	}
	return literal(text.String())
}

// foldOperator folds "a" + "b", "a%s" % b and Path("a") / "b". An operand of
// unknown type may answer with a reflected method that returns anything.
func (a *analysis) foldOperator(x *syntax.BinOp, s *scope) report.Fact {
	if a.defined.has("__radd__") || a.defined.has("__rmod__") || a.defined.has("__rtruediv__") {
		return unknownFact
	}
	switch x.Op {
	case syntax.Plus:
		return a.foldParts(x.Operands, s)
	case syntax.Percent:
		f := a.fold(x.Operands[0], s)
		text, _, _ := strings.Cut(f.Value, "%")
		return prefix(text)
	case syntax.Slash:
		return a.joinPaths(x.Operands, s)
	default:
		return unknownFact
	}
}

// joinPaths joins path elements. An element that is not known may be absolute
// and replace all before it.
func (a *analysis) joinPaths(elements []syntax.Expr, s *scope) report.Fact {
	joined := ""
	for i, x := range elements {
		f := a.fold(x, s)
		if f.Known == report.UnknownValue || f.Known == report.Prefix && i < len(elements)-1 {
			return unknownFact
		}
		switch {
		case joined == "" || path.IsAbs(f.Value):
			joined = f.Value
		default:
			joined = strings.TrimSuffix(joined, "/") + "/" + f.Value
		}
		if f.Known == report.Prefix {
			return prefix(joined)
		}
	}
	return literal(joined)
}

// foldAttribute folds the parent of a known path.
func (a *analysis) foldAttribute(x *syntax.Attribute, s *scope) report.Fact {
	if x.Name != "parent" {
		return unknownFact
	}
	f := a.fold(x.X, s)
	if f.Known != report.Literal || strings.Contains(f.Value, "..") {
		return unknownFact
	}
	return literal(path.Dir(f.Value))
}

// foldCall folds the calls that make strings and paths of known strings.
func (a *analysis) foldCall(x *syntax.Call, s *scope) report.Fact {
	v := a.resolve(x.Func, s)
	if !v.other && len(v.targets) == 1 {
		return a.foldKnownCall(v.targets[0].name, x, s)
	}
	method, ok := x.Func.(*syntax.Attribute)
	if !ok {
		return unknownFact
	}
	switch method.Name {
	case "format":
		f := a.fold(method.X, s)
		text, _, _ := strings.Cut(f.Value, "{")
		return prefix(text)
	case "joinpath":
		if elements, ok := positional(x); ok {
			return a.joinPaths(append([]syntax.Expr{method.X}, elements...), s)
		}
	case "absolute", "as_posix":
		return a.fold(method.X, s)
	}
	return unknownFact
}

func (a *analysis) foldKnownCall(name string, x *syntax.Call, s *scope) report.Fact {
	elements, ok := positional(x)
	if !ok {
		return unknownFact
	}
	switch name {
	case "os.path.join", "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath", "pathlib.PurePosixPath":
		if len(elements) == 0 {
			return literal(".")
		}
		return a.joinPaths(elements, s)
	case "os.getcwd", "pathlib.Path.cwd":
		if !a.moved {
			return literal(report.WorkingDirectory)
		}
	case "str", "os.fspath", "os.path.abspath", "os.path.normpath", "os.fsdecode":
		if len(elements) == 1 {
			return a.fold(elements[0], s)
		}
	case "tempfile.gettempdir":
		return literal("/tmp")
	}
	return unknownFact
}

// positional gives the arguments of a call that has no others.
func positional(x *syntax.Call) ([]syntax.Expr, bool) {
	var out []syntax.Expr
	for _, arg := range x.Args {
		if arg.Name != "" || arg.Star != syntax.NoStar {
			return nil, false
		}
		out = append(out, arg.Value)
	}
	return out, true
}

// handleMakers are functions whose result is an open file; their own effect is
// reported where they are called.
var handleMakers = set{
	"open": {}, "io.open": {}, "io.StringIO": {}, "io.BytesIO": {}, "io.TextIOWrapper": {}, "codecs.open": {}, "gzip.open": {}, "bz2.open": {}, "lzma.open": {},
	"tempfile.NamedTemporaryFile": {}, "tempfile.TemporaryFile": {}, "tempfile.SpooledTemporaryFile": {}, "os.fdopen": {},
	"urllib.request.urlopen": {}, "pandas.ExcelWriter": {}, "pandas.ExcelFile": {},
}

var standardStreams = set{"sys.stdin": {}, "sys.stdout": {}, "sys.stderr": {}, "sys.stdin.buffer": {}, "sys.stdout.buffer": {}, "sys.stderr.buffer": {}}

// isHandle reports whether an expression is certainly an open file.
func (a *analysis) isHandle(x syntax.Expr, s *scope) bool {
	switch x := x.(type) {
	case *syntax.Call:
		v := a.resolve(x.Func, s)
		return v.all(handleMakers)
	case *syntax.Attribute:
		v := a.resolve(x, s)
		return v.all(standardStreams)
	case *syntax.Name:
		v := s.sole(x.ID)
		if v == nil || v.other || len(v.targets) > 0 {
			return false
		}
		for _, b := range append(append([]bound{}, v.values...), v.contexts...) {
			call, ok := b.expr.(*syntax.Call)
			if !ok || !a.isHandle(call, b.scope) {
				return false
			}
		}
		return true
	}
	return false
}

// all reports whether the value is certainly one of names.
func (v value) all(names set) bool {
	for _, t := range v.targets {
		if !names.has(t.name) {
			return false
		}
	}
	return !v.other && len(v.targets) > 0
}

func (a *analysis) isCallOf(x *syntax.Call, s *scope, name string) bool {
	return a.resolve(x.Func, s).all(set{name: {}})
}
