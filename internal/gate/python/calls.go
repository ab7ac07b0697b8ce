// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// call reports a call: its function, what its strings name, and its arguments.
func (a *analysis) call(n *syntax.Call, s *scope) {
	if a.resolve(n.Func, s).all(showsTypes) {
		for _, arg := range n.Args {
			a.nameTypes(arg.Value)
		}
	}
	a.noteExhausted(n, s)
	a.noteLooked(n, s)
	switch f := n.Func.(type) {
	case *syntax.Name:
		a.reference(f, n, s)
		a.sourceEnum(f, n, s)
	case *syntax.Attribute:
		a.reference(f, n, s)
		a.dispatch(f.Name, n, s)
	default:
		a.visit(f, s)
	}
	for _, arg := range n.Args {
		a.keyword(n, arg, s)
		a.visit(arg.Value, s)
	}
}

// specials are functions whose arguments name attributes or make classes.
var specials map[string]func(*analysis, nameUse, *scope)

func init() {
	specials = map[string]func(*analysis, nameUse, *scope){
		"getattr":                      (*analysis).getattr,
		"hasattr":                      (*analysis).getattr,
		"type":                         (*analysis).typeCall,
		"pandas.pivot_table":           (*analysis).dispatchFunction,
		"pandas.crosstab":              (*analysis).dispatchFunction,
		"functools.wraps":              (*analysis).wraps,
		"dataclasses.dataclass":        (*analysis).dataclass,
		"abc.ABCMeta":                  (*analysis).metaclassUse,
		"typing.ABCMeta":               (*analysis).metaclassUse,
		"enum.EnumMeta":                (*analysis).metaclassUse,
		"enum.EnumType":                (*analysis).metaclassUse,
		"operator.attrgetter":          (*analysis).attributeNames,
		"operator.methodcaller":        (*analysis).attributeNames,
		"enum.Enum":                    (*analysis).enumCall,
		"enum.IntEnum":                 (*analysis).enumCall,
		"enum.StrEnum":                 (*analysis).enumCall,
		"enum.Flag":                    (*analysis).enumCall,
		"enum.IntFlag":                 (*analysis).enumCall,
		"enum.ReprEnum":                (*analysis).enumCall,
		"matplotlib.pyplot.setp":       (*analysis).setProperties,
		"matplotlib.artist.setp":       (*analysis).setProperties,
		"matplotlib.rc":                (*analysis).settingsGroup,
		"matplotlib.rc_context":        (*analysis).settingsGroup,
		"matplotlib.pyplot.rc":         (*analysis).settingsGroup,
		"matplotlib.pyplot.rc_context": (*analysis).settingsGroup,
	}
}

// specialFor gives the rule for a name: its own, or that of the settings it is a method of.
func specialFor(name string) func(*analysis, nameUse, *scope) {
	if name == settingsName || strings.HasPrefix(name, settingsName+".") {
		return (*analysis).settings
	}
	return specials[name]
}

// getattr reads getattr(x, "name") as x.name. A computed name could be any (rule 5).
func (a *analysis) getattr(u nameUse, s *scope) {
	if u.call != nil && len(u.call.Args) >= 2 && u.call.Args[0].Star == syntax.NoStar && u.call.Args[1].Star == syntax.NoStar {
		if f := a.fold(u.call.Args[1].Value, s); f.Known == report.Literal && (isText(u.call.Args[1].Value) || !isNoted(f.Value)) {
			a.reportUse(u, report.Compute, "")
			v := a.resolve(u.call.Args[0].Value, s)
			for _, t := range v.targets {
				named := target{a.known.canonical(t.name + "." + f.Value), t.via}
				a.use(nameUse{target: named, expr: u.call}, s)
			}
			if v.other {
				a.attribute(attributeUse{name: f.Value, from: u.call.Pos(), to: u.call.End(), receiver: u.call.Args[0].Value}, s)
			}
			return
		}
	}
	a.reportUse(u, report.Dynamic, "the attribute it reads is only known at run time")
}

// typeCall allows type(x) where the class is only compared or shown. Elsewhere
// it could be called: type(open("a", "rb", 0))("/etc/passwd") opens another
// file. With three arguments, type makes a class out of run-time names.
func (a *analysis) typeCall(u nameUse, _ *scope) {
	switch {
	case u.call == nil:
		a.reportUse(u, report.Dynamic, "type can make a class with names that are only known at run time")
	case len(u.call.Args) != 1 || u.call.Args[0].Star != syntax.NoStar || u.call.Args[0].Name != "":
		a.reportUse(u, report.Dynamic, "it makes a class with names that are only known at run time")
	case !a.named[u.call]:
		a.reportUse(u, report.Dynamic, "the class of a value can be called to make another value, which is only known at run time")
	default:
		a.reportUse(u, report.Compute, "")
	}
}

// nameTypes notes the calls, such as type(x), whose value goes no further than
// a comparison, a lookup or a text.
func (a *analysis) nameTypes(exprs ...syntax.Expr) {
	for _, x := range exprs {
		switch x := x.(type) {
		case *syntax.Call:
			a.named[x] = true
		case *syntax.Tuple:
			a.nameTypes(x.Elts...)
		case *syntax.List:
			a.nameTypes(x.Elts...)
		}
	}
}

// comparisons are methods of the source that a comparison gives its operands to.
var comparisons = []string{"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__iter__", "__getitem__"}

// isClass reports whether an operand is certainly a class, which compares as its metaclass does.
func (a *analysis) isClass(x syntax.Expr, s *scope) bool {
	switch x := x.(type) {
	case *syntax.Call:
		return a.resolve(x.Func, s).all(set{"type": {}})
	case *syntax.Name:
		v := s.sole(x.ID)
		return v != nil && v.statement != nil && a.isFunction(x, s) || v == nil && a.known.modules[builtinsModule].has(x.ID)
	}
	return false
}

// showsTypes are functions that only look at a class.
var showsTypes = set{"print": {}, "str": {}, "repr": {}, "isinstance": {}, "issubclass": {}, "format": {}, "hash": {}, "id": {}}

// attributeNames judges the names given to operator.attrgetter and methodcaller.
func (a *analysis) attributeNames(u nameUse, s *scope) {
	if u.call == nil || len(u.call.Args) == 0 {
		a.reportUse(u, report.Dynamic, "the attribute it reads is only known at run time")
		return
	}
	args := u.call.Args
	if u.name == "operator.methodcaller" {
		args = args[:1]
	}
	for _, arg := range args {
		f := a.fold(arg.Value, s)
		if f.Known != report.Literal || arg.Star != syntax.NoStar || isNoted(f.Value) && !isText(arg.Value) {
			a.reportUse(u, report.Dynamic, "the attribute it reads is only known at run time")
			return
		}
		for name := range strings.SplitSeq(f.Value, ".") {
			a.attribute(attributeUse{name: name, from: arg.Pos(), to: arg.End()}, s)
		}
	}
	a.reportUse(u, report.Compute, "")
}

// isFunction reports whether a name is bound once, by a def or class of the
// source, and no decorator can have put something else in its place.
func (a *analysis) isFunction(x *syntax.Name, s *scope) bool {
	v := s.sole(x.ID)
	if v == nil || !v.definition || v.bindings != 1 {
		return false
	}
	return !slices.ContainsFunc(v.decorators, func(b bound) bool {
		if call, ok := b.expr.(*syntax.Call); ok {
			b.expr = call.Func
		}
		return !a.resolve(b.expr, b.scope).all(plainDecorators)
	})
}

// plainDecorators give back what they decorate, or a function around it.
var plainDecorators = set{
	"dataclasses.dataclass": {}, "functools.total_ordering": {}, "functools.wraps": {}, "functools.cache": {}, "functools.lru_cache": {},
	"enum.unique": {}, "contextlib.contextmanager": {}, "abc.abstractmethod": {}, "typing.final": {}, "typing.overload": {},
}

// replacementField matches the path of a replacement field, and attributeStep an attribute in it.
var (
	replacementField = regexp.MustCompile(`\{[^{}!:]*`)
	attributeStep    = regexp.MustCompile(`\.([^.\[\]]*)`)
)

// formatTemplate judges the attributes that a str.format template reads (rule 4).
func (a *analysis) formatTemplate(u attributeUse, s *scope) {
	f := unknownFact
	if u.receiver != nil {
		f = a.fold(u.receiver, s)
	}
	if f.Known != report.Literal {
		a.reportAt(u.from, u.to, report.Operation{
			Kind: report.Dynamic, Form: u.form(), Name: "." + u.name, Reason: "the template, which can read attributes, is only known at run time",
		})
		return
	}
	if strings.Contains(f.Value, "__") {
		a.reportAt(u.from, u.to, report.Operation{
			Kind: report.Unknown, Form: u.form(), Name: "." + u.name, Reason: fmt.Sprintf("the template %.40q reads special attributes", f.Value),
		})
		return
	}
	for _, field := range replacementField.FindAllString(f.Value, -1) {
		for _, step := range attributeStep.FindAllStringSubmatch(field, -1) {
			a.attribute(attributeUse{name: step[1], from: u.from, to: u.to}, s)
		}
	}
}
