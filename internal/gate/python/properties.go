// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// propertyKeywords are keyword arguments that are dictionaries of such properties.
var propertyKeywords = set{"fontdict": {}, "prop": {}, "textprops": {}, "props": {}, "title_fontproperties": {}}

// isSafeFont reports whether a font is only named: a string with a colon is a
// pattern, which can name a file, and so can a path or an object.
func (a *analysis) isSafeFont(arg argument, e emission) bool {
	x, presence := arg.find(e.call)
	return presence == absent || presence == given && a.isFontName(bound{x, e.scope})
}

func (a *analysis) isFontName(b bound) bool {
	b = a.only(b)
	switch x := b.expr.(type) {
	case *syntax.Str:
		return !x.Opaque && !strings.Contains(x.Value, ":")
	case *syntax.Constant:
		return x.Text == "None"
	case *syntax.Call: // what it is made of is judged there
		return a.resolve(x.Func, b.scope).all(set{"matplotlib.font_manager.FontProperties": {}})
	case *syntax.List:
		return !slices.ContainsFunc(x.Elts, func(e syntax.Expr) bool { _, isText := e.(*syntax.Str); return !isText })
	case *syntax.Dict:
		return a.areKnownProperties(b)
	}
	return false
}

// areSafeProperties reports whether the keys of a dictionary of properties are
// known; settingKeys judges those that count where they are written.
func (a *analysis) areSafeProperties(arg argument, e emission) bool {
	x, presence := arg.find(e.call)
	return presence == absent || presence == given && a.areTextProperties(bound{x, e.scope})
}

// areTextProperties reports whether properties of a text name no file. Where
// they may be those of a font, a text is a pattern: legend.set_title("x", ":file=/etc/passwd").
func (a *analysis) areTextProperties(b bound) bool {
	switch end := a.only(b); end.expr.(type) {
	case *syntax.Str, *syntax.JoinedStr:
		return a.isFontName(end)
	default:
		return a.areKnownProperties(end)
	}
}

func (a *analysis) areKnownProperties(b bound) bool {
	b = a.only(b)
	switch x := b.expr.(type) {
	case *syntax.Dict:
		return a.areLiteralKeys(x, b.scope) && !slices.ContainsFunc(x.Items, func(i syntax.DictItem) bool {
			return a.fold(i.Key, b.scope).Value == "fname"
		})
	case *syntax.Call:
		v := a.resolve(x.Func, b.scope)
		isOpen := slices.ContainsFunc(x.Args, func(arg *syntax.Argument) bool { return arg.Name == "" || arg.Name == "fname" })
		return v.all(set{"dict": {}}) && !isOpen || v.all(set{"matplotlib.font_manager.FontProperties": {}})
	case *syntax.Constant, *syntax.Str, *syntax.JoinedStr, *syntax.Number, *syntax.List, *syntax.Tuple, *syntax.Set:
		return true
	case *syntax.Comprehension:
		return x.Value == nil
	}
	return false
}

// dictMakers are functions whose result has an update method of its own.
var dictMakers = set{"dict": {}, "set": {}, "collections.Counter": {}, "collections.defaultdict": {}, "collections.OrderedDict": {}}

// update judges x.update(d), which sets any properties if x is an artist.
func (a *analysis) update(u attributeUse, s *scope) bool {
	if u.name != "update" || u.call == nil || !a.imported.has("matplotlib") || u.receiver == nil {
		return false
	}
	for _, arg := range u.call.Args {
		if arg.Name == "" && (arg.Star != syntax.NoStar || !a.areKnownProperties(bound{arg.Value, s})) && !a.isDictionary(bound{u.receiver, s}) {
			a.reportAt(u.from, u.to, report.Operation{
				Kind: report.Dynamic, Form: u.form(), Name: ".update",
				Reason: "if this is a part of a figure, it sets properties that are only known at run time",
			})
			return true
		}
	}
	return false
}

// isDictionary reports whether a value is certainly a dictionary or a set, or a
// digest: everything that its name is ever bound to is.
func (a *analysis) isDictionary(b bound) bool {
	switch x := b.expr.(type) {
	case *syntax.Dict, *syntax.Set, *syntax.Comprehension:
		return true
	case *syntax.Call:
		v := a.resolve(x.Func, b.scope)
		return v.all(dictMakers) || len(v.targets) == 1 && !v.other && strings.HasPrefix(v.targets[0].name, "hashlib.")
	case *syntax.Name:
		v := b.scope.sole(x.ID)
		return v != nil && v.hasOnlyValues() && !slices.ContainsFunc(v.values, func(value bound) bool {
			return isNamePath(value.expr) || !a.isDictionary(value)
		})
	}
	return false
}

// hasOnlyValues reports whether a variable is only bound by assignments of values that have no names.
func (v *variable) hasOnlyValues() bool {
	return len(v.values) > 0 && len(v.values) == v.bindings && len(v.targets) == 0
}

// setProperties judges matplotlib.pyplot.setp(artist, "name", value, ...).
func (a *analysis) setProperties(u nameUse, s *scope) {
	if u.call == nil {
		a.reportUse(u, report.Dynamic, "it sets properties that are only known at run time")
		return
	}
	a.reportUse(u, report.Compute, "")
	args := u.call.Args
	for i := 1; i < len(args); i += 2 {
		if args[i].Name != "" {
			break
		}
		name := a.fold(args[i].Value, s)
		if args[i].Star != syntax.NoStar || name.Known != report.Literal || i+1 == len(args) || args[i+1].Star != syntax.NoStar {
			a.reportUse(u, report.Dynamic, "it sets properties that are only known at run time")
			return
		}
		a.namedArgument(name.Value, args[i+1].Value, args[i], s)
	}
}

// isReadOnlyMap reports whether numpy.load maps a file that cannot be written through the map.
func (a *analysis) isReadOnlyMap(arg argument, e emission) bool {
	if a.isAbsent(arg, e) {
		return true
	}
	f := a.argumentFact(arg, e)
	return f.Known == report.Literal && (f.Value == "r" || f.Value == "c" || f.Value == "readonly" || f.Value == "copyonwrite")
}
