// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

func (a *analysis) importNames(n *syntax.Import, s *scope) {
	for _, alias := range n.Names {
		a.importedAs(alias, s)
		a.importModule(alias, alias.Name)
		if s.kind == classScope {
			a.classImport(alias, alias.Name)
		}
	}
}

// importedAs judges the name that an import binds.
func (a *analysis) importedAs(alias *syntax.Alias, s *scope) {
	if alias.As != nil {
		a.bindName(alias.As, s)
	} else {
		a.bindNameAt(alias.Name, alias, s)
	}
}

func (a *analysis) importModule(n syntax.Node, module string) {
	op := report.Operation{Kind: report.Import, Form: report.FormImport, Name: module}
	if !a.known.isModule(a.known.canonical(module)) {
		op.Kind = report.Unknown
		op.Reason = fmt.Sprintf("the module %s is not in the tables of known modules", module)
	}
	a.report(n, op)
}

// classImport reports an import in a class body: what it binds is also an
// attribute of the class, which is not tracked.
func (a *analysis) classImport(n syntax.Node, name string) {
	a.report(n, report.Operation{
		Kind: report.Unknown, Form: report.FormImport, Name: name,
		Reason: "an import in a class body can be reached as an attribute of the class",
	})
}

func (a *analysis) importFrom(n *syntax.ImportFrom, s *scope) {
	if n.Level > 0 {
		a.report(n, report.Operation{
			Kind: report.Unknown, Form: report.FormImport, Name: strings.Repeat(".", n.Level) + n.Module,
			Reason: "a relative import depends on where the code is placed",
		})
		return
	}
	a.importModule(n, n.Module)
	for _, alias := range n.Names {
		a.importedAs(alias, s)
		name := a.known.canonical(n.Module + "." + alias.Name)
		switch {
		case alias.Name == "*":
			a.report(alias, report.Operation{
				Kind: report.Unknown, Form: report.FormImport, Name: n.Module + ".*",
				Reason: "a star import binds names that the source does not show",
			})
		case a.known.isModule(name):
			a.importModule(alias, n.Module+"."+alias.Name)
		case !a.isKnownName(name) && a.known.isModule(n.Module):
			a.report(alias, report.Operation{
				Kind: report.Unknown, Form: report.FormImport, Name: name,
				Reason: fmt.Sprintf("%s is not in the tables of known names", name),
			})
		}
		if s.kind == classScope {
			a.classImport(alias, name)
		}
	}
}

// isKnownName reports whether a name of a module has an entry of any kind.
func (a *analysis) isKnownName(name string) bool {
	if _, special := specials[name]; special || a.effectsOf(name) != nil {
		return true
	}
	module, rest := a.known.split(name)
	return len(rest) == 1 && a.namesOf(module).has(rest[0])
}
