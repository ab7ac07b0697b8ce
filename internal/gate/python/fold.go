// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"slices"
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

// fold finds out which string an expression is (rule 7), if it can only be one.
// A part that is only known not to have a slash ends what is known of it.
func (a *analysis) fold(x syntax.Expr, s *scope) report.Fact {
	all := a.values(x, s)
	if len(all) != 1 || all[0].Known != report.Literal && all[0].Known != report.Prefix {
		return unknownFact
	}
	if i := strings.IndexAny(all[0].Value, placeholders); i >= 0 {
		return prefix(all[0].Value[:i])
	}
	return all[0]
}

// values finds out which strings an expression can be: literals, names bound to
// known strings only, or built of such by +, %, f-strings, str.format, os.path
// and pathlib.
//

func (a *analysis) values(x syntax.Expr, s *scope) facts {
	switch x := x.(type) {
	case *syntax.Str:
		if !x.Opaque && !strings.ContainsAny(x.Value, placeholders) {
			return facts{literal(x.Value)}
		}
	case *syntax.Number:
		return facts{numberFact(x.Text)}
	case *syntax.Constant:
		if x.Text == "None" {
			return facts{noneFact}
		}
	case *syntax.Name:
		return a.nameValues(x, s)
	case *syntax.NamedExpr:
		return a.values(x.Value, s)
	case *syntax.IfExp:
		return union(a.values(x.Then, s), a.values(x.Else, s))
	case *syntax.BoolOp:
		return a.eachValue(x.Values, s)
	case *syntax.JoinedStr:
		return a.joined(x.Parts, s)
	case *syntax.Formatted:
		return a.formatted(x, s)
	case *syntax.BinOp:
		return a.operatorValues(x, s)
	case *syntax.Subscript:
		return a.subscriptValues(x, s)
	case *syntax.Attribute:
		return a.attributeValues(x, s)
	case *syntax.Call:
		return a.callValues(x, s)
	}
	return nothing
}

func (a *analysis) eachValue(exprs []syntax.Expr, s *scope) facts {
	var out facts
	for _, x := range exprs {
		out = union(out, a.values(x, s))
	}
	return out
}

// nameValues gives what a name can be, if the source shows everything that it is bound to.
func (a *analysis) nameValues(x *syntax.Name, s *scope) facts {
	v := s.sole(x.ID)
	if v == nil || !v.isAccounted() {
		return nothing
	}
	switch v.foldState {
	case folding:
		return nothing
	case notFolded:
		v.foldState = folding
		v.folded = a.variableValues(v)
		v.foldState = folded
	case folded:
	}
	return v.folded
}

func (a *analysis) variableValues(v *variable) facts {
	var out facts
	if v.param != nil {
		out = a.parameterValues(v)
	}
	for _, b := range v.values {
		out = union(out, a.values(b.expr, b.scope))
	}
	for _, i := range v.items {
		out = union(out, a.pick(i.bound, i.path, maxParts))
	}
	for _, b := range v.contexts {
		out = union(out, a.contextValues(b))
	}
	for _, b := range v.steps {
		out = union(out, a.values(b.expr, b.scope))
	}
	if len(v.steps) > 0 && !out.all(scalar) {
		return nothing
	} else if len(v.steps) > 0 {
		return facts{scalarFact}
	}
	return out
}

// contextValues gives what "with x as name" binds: the directory that tempfile makes.
func (a *analysis) contextValues(b bound) facts {
	if call, ok := b.expr.(*syntax.Call); ok && a.isCallOf(call, b.scope, "tempfile.TemporaryDirectory") {
		return a.temporaryValues(call, b.scope)
	}
	return nothing
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

// joined joins the parts of an f-string, whose result is always a string.
func (a *analysis) joined(parts []syntax.Expr, s *scope) facts {
	out := facts{literal("")}
	for _, part := range parts {
		if !slices.ContainsFunc(out, func(f report.Fact) bool { return f.Known == report.Literal }) {
			break // nothing that follows is known
		}
		out = out.concat(a.values(part, s))
	}
	return out
}

// operatorValues folds "a" + "b", "a%s" % b and Path("a") / "b". An operand of
// unknown type may answer with a reflected method that returns anything.
func (a *analysis) operatorValues(x *syntax.BinOp, s *scope) facts {
	if a.defined.has("__radd__") || a.defined.has("__rmod__") || a.defined.has("__rtruediv__") {
		return nothing
	}
	if x.Op == syntax.Percent {
		if f := a.fold(x.Operands[0], s); f.Known == report.Literal && len(x.Operands) == 2 {
			return a.percent(f.Value, x.Operands[1], s)
		}
	}
	if all := a.eachValue(x.Operands, s); all.all(scalar) {
		return facts{scalarFact}
	}
	switch x.Op {
	case syntax.Plus:
		return a.joined(x.Operands, s).onlyText()
	case syntax.Slash:
		return normalized(a.joinPaths(x.Operands, s))
	default:
		return nothing
	}
}

// joinPaths joins path elements. An element that is not known may be absolute
// and replace all before it.
func (a *analysis) joinPaths(elements []syntax.Expr, s *scope) facts {
	out := facts{literal("")}
	for i, x := range elements {
		next := a.values(x, s).withoutNone()
		if !next.all(report.Literal) && (i < len(elements)-1 || !next.all(report.Literal, report.Prefix)) {
			return nothing
		}
		out = out.cross(next, joinPath)
	}
	return out
}

// normalized gives the text of paths of pathlib, which has no "." and no slash
// at its end: f"{Path('/tmp/')}x" is /tmpx.
func normalized(paths facts) facts {
	if !paths.all(report.Literal) {
		return paths
	}
	return paths.mapText(func(p string) (string, bool) {
		if hasParent(p) {
			return p, true // no file operation takes it
		}
		return path.Clean(p), showPath(literal(p)).Known == report.Literal
	})
}

func joinPath(dir, next string) string {
	if dir == "" || path.IsAbs(next) {
		return next
	}
	return strings.TrimSuffix(dir, "/") + "/" + next
}
