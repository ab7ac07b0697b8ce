// SPDX-License-Identifier: Apache-2.0

// Package python lists the operations of Python source.
//
// It assumes a closed world: whatever is not in its tables is Unknown. Every
// reference to a name with an effect is reported, whether it is called or not,
// so that no flow analysis is needed to know that calling any other value is
// safe. docs/spec/report.md describes what it reports; the rules are numbered
// as in the design.
package python

import (
	"errors"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Parser names this reader in reports. Its version changes whenever the same
// source may give another report.
const Parser = "airlock-python/1"

// analysis is the state of reading one source.
type analysis struct {
	known *knowledge
	out   *report.Builder
	// scopes holds the scope that each function, class and comprehension opens.
	scopes map[syntax.Node]*scope
	// defined are attribute names that the code gives to its own classes and objects.
	defined set
	// fields are the values that the code assigns to attributes, by name; nil when
	// a library may assign others.
	fields map[string]*field
	// imported are the modules that the code imports, and their parents.
	imported set
	// moved is set when the code changes the working directory, so that
	// relative paths mean nothing.
	moved bool
	// named are calls type(x) whose result is only compared or shown.
	named map[syntax.Expr]bool
	// innermost maps the last decorator of a definition to the definition.
	innermost map[syntax.Expr]syntax.Stmt
	// metaclass are the values of metaclass= in class statements.
	metaclass map[syntax.Expr]bool
	// classes are the names of the classes of the source, without underscores in front.
	classes set
	// annotating is set while the annotations of a function are read.
	annotating bool
	// declaring is set while the annotation of a variable is read.
	declaring bool
	// looked holds the references to functions that are only looked at, or called with one argument.
	looked map[syntax.Node]bool
	// walks are calls of os.walk whose lists of directories nothing can extend.
	walks map[*syntax.Call]bool
	// overflow is set when a bound on aliases was hit.
	overflow bool
	// picks counts the steps of pick.
	picks int
	// index holds the subscript of expressions that are subscripted.
	index map[syntax.Expr]syntax.Expr
}

// Read lists the operations of source.
func Read(source []byte) *report.Report {
	file, err := syntax.Parse(source)
	known := world()
	out := report.NewBuilder(report.Python, Parser, known.version, file.Source)
	if err != nil {
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			out.Fail(bad.Offset, bad.Message)
			if bad.Limit != "" {
				out.Limit(bad.Limit)
			}
		} else {
			out.Fail(0, err.Error())
		}
		return out.Report()
	}
	for _, o := range file.Oddities {
		out.Add(o.Offset, o.Offset+1, report.Operation{Kind: report.Unknown, Form: report.FormReference, Name: "source", Reason: o.Message})
	}
	analyse(file, known, out)
	return out.Report()
}

func analyse(file *syntax.File, known *knowledge, out *report.Builder) {
	b := &binder{scopes: map[syntax.Node]*scope{}, defined: set{}, imported: set{}, classes: set{}, fields: map[string]*field{}}
	module := newScope(moduleScope, nil)
	b.file(file.Body, module)
	if b.plots && b.imported.has("pandas") || b.imported.has("pandas.plotting") {
		b.imported.add("matplotlib")
	}
	countLoads(b.loads, b.scopes)
	for _, v := range b.order {
		v.isGiven = v.statement != nil && b.hasClassMethods
	}
	a := &analysis{
		known: known, out: out, scopes: b.scopes, defined: b.defined, imported: b.imported, fields: b.fields,
		classes: b.classes, walks: map[*syntax.Call]bool{}, index: map[syntax.Expr]syntax.Expr{}, named: map[syntax.Expr]bool{},
		innermost: map[syntax.Expr]syntax.Stmt{}, metaclass: map[syntax.Expr]bool{}, looked: map[syntax.Node]bool{},
	}
	a.settle(b.order)
	a.moved = changesDirectory(file.Body)
	a.body(file.Body, module)
}

// changesDirectory reports whether the code mentions a
// function that changes the working directory by its name.
func changesDirectory(body []syntax.Stmt) bool {
	found := false
	for _, stmt := range body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Attribute:
				found = found || n.Name == "chdir" || n.Name == "fchdir"
			case *syntax.Alias:
				found = found || n.Name == "chdir" || n.Name == "fchdir"
			case *syntax.Str:
				found = found || n.Value == "chdir" || n.Value == "fchdir"
			}
			return !found
		})
	}
	return found
}
