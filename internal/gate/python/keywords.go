// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// keyword judges keyword arguments that change what a call does, whatever is called (rule 6).
func (a *analysis) keyword(n *syntax.Call, arg *syntax.Argument, s *scope) {
	if arg.Star == syntax.DoubleStar {
		a.keywords(n, arg, s)
		return
	}
	a.namedArgument(arg.Name, arg.Value, arg, s)
	if propertyKeywords.has(arg.Name) && a.imported.has("matplotlib") && !a.areTextProperties(bound{arg.Value, s}) {
		a.report(arg, report.Operation{
			Kind: report.Unknown, Form: report.FormReference, Name: arg.Name + "=",
			Reason: "properties that are only known at run time can choose files and programs",
		})
	}
}

// keywords judges **x, whose keys are keywords like any others.
func (a *analysis) keywords(n *syntax.Call, arg *syntax.Argument, s *scope) {
	b := a.only(bound{arg.Value, s})
	if d, ok := b.expr.(*syntax.Dict); ok && a.areLiteralKeys(d, b.scope) {
		for _, item := range d.Items {
			a.namedArgument(a.fold(item.Key, b.scope).Value, item.Value, arg, s)
		}
		return
	}
	if isConstant(arg.Value, "None") || a.isForwarded(b) || !a.takesJudgedKeywords(n.Func, s) {
		return
	}
	a.report(arg, report.Operation{
		Kind: report.Unknown, Form: report.FormReference, Name: "**",
		Reason: "keywords that are only known at run time can choose files, modules and programs",
	})
}

func (a *analysis) areLiteralKeys(d *syntax.Dict, s *scope) bool {
	for _, item := range d.Items {
		if item.Key == nil || a.fold(item.Key, s).Known != report.Literal {
			return false
		}
	}
	return true
}

// isForwarded reports whether x is the **parameter of a function that does
// nothing but pass it on: its keywords are judged where they are written.
func (a *analysis) isForwarded(b bound) bool {
	name, ok := b.expr.(*syntax.Name)
	if !ok {
		return false
	}
	v := b.scope.sole(name.ID)
	return v != nil && v.keywords && v.bindings == 1 && v.loads == 1
}

// judgedKeywords are the modules of which a keyword can name code or files.
var judgedKeywords = []string{"pandas", "matplotlib", "seaborn", "argparse", "mpl_toolkits"}

// takesJudgedKeywords reports whether a function may be one of those modules.
func (a *analysis) takesJudgedKeywords(f syntax.Expr, s *scope) bool {
	if name, ok := f.(*syntax.Name); ok && a.isFunction(name, s) {
		return false
	}
	v := a.resolve(f, s)
	for _, module := range judgedKeywords {
		if v.other && a.imported.has(module) {
			return true
		}
		for _, t := range v.targets {
			if strings.HasPrefix(t.name, module+".") {
				return true
			}
		}
	}
	return false
}

// keywordLibrary names the libraries for which a keyword has its meaning, where
// others use it, too.
var keywordLibrary = map[string][]string{
	"storage_options": {"pandas"}, "backend": {"pandas", "matplotlib"}, "tz": {"pandas", "matplotlib"}, "dtype": {"pandas"}, "font": {"matplotlib"},
}

// namedArgument judges one keyword and its value.
//

func (a *analysis) namedArgument(name string, x syntax.Expr, at syntax.Node, s *scope) {
	if isConstant(x, "False") || isConstant(x, "None") {
		return
	}
	op := report.Operation{Form: report.FormReference, Name: name + "="}
	switch name {
	case "storage_options":
		op.Kind, op.Args.Host = report.Network, &report.Fact{Known: report.UnknownValue}
	case "backend":
		if f := a.fold(x, s); f.Known == report.Literal && (f.Value == "matplotlib" || isBackend(f.Value)) {
			return
		}
		op.Kind, op.Reason = report.Dynamic, "it imports the module that this names"
	case "usetex", "text.usetex":
		op.Kind, op.Args.Argv = report.Process, []report.Fact{{Known: report.Literal, Value: "latex"}}
	case "fromfile_prefix_chars", "stylesheet":
		op.Kind, op.Args.Path = report.FileRead, &report.Fact{Known: report.UnknownValue}
	case "fontproperties", "font_properties", "font", "title_fontproperties":
		if a.isFontName(bound{x, s}) {
			return
		}
		op.Kind, op.Args.Path = report.FileRead, &report.Fact{Known: report.UnknownValue}
	case "tz", "dtype":
		if a.isZone(bound{x, s}, maxParts) {
			return
		}
		op.Kind, op.Args.Path = report.FileRead, &report.Fact{Known: report.UnknownValue}
	default:
		return
	}
	if libraries := keywordLibrary[name]; libraries != nil && !slices.ContainsFunc(libraries, a.imported.has) {
		return
	}
	a.report(at, op)
}
