// SPDX-License-Identifier: Apache-2.0

package python

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// isPrivate reports whether a class changes the name: in a class C, __x is _C__x
// (The Python Language Reference, 6.2.1).
func isPrivate(name string) bool {
	return strings.HasPrefix(name, "__") && !strings.HasSuffix(name, "__")
}

// maxPrivate bounds the length of names that are taken apart.
const maxPrivate = 200

// mayBePrivate reports whether a name has the form of a private one that is spelled out.
func mayBePrivate(name string) bool {
	return strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "__") && strings.Contains(name, "__")
}

// privateNames gives the private names that a name may be written for: __x for _C__x.
func privateNames(name string, isClass func(string) bool) []string {
	var out []string
	if !mayBePrivate(name) || len(name) > maxPrivate {
		return nil
	}
	for i := 2; i < len(name)-2; i++ {
		if name[i:i+2] == "__" && isClass(name[1:i]) {
			out = append(out, name[i:])
		}
	}
	return out
}

// innermostClass gives the innermost class around a scope, nil if there is none.
func (s *scope) innermostClass() *scope {
	for s != nil && s.kind != classScope {
		s = s.parent
	}
	return s
}

// privateName refuses private names that are not those of the class that they
// are read in: _C__x or a name of another class is meant.
func (a *analysis) privateName(n *syntax.Name, s *scope) {
	class := s.innermostClass()
	if class == nil || !isPrivate(n.ID) {
		return
	}
	if v := s.lookup(n.ID); v == nil || v.scope.innermostClass() != class {
		a.reportPrivate(n.ID, n)
	}
}

// spelledOut refuses to bind private names under their full name.
func (a *analysis) spelledOut(name string, at syntax.Node) {
	if mayBePrivate(name) && len(name) > maxPrivate || len(privateNames(name, a.classes.has)) > 0 {
		a.reportPrivate(name, at)
	}
}

func (a *analysis) reportPrivate(name string, at syntax.Node) {
	a.report(at, report.Operation{
		Kind: report.Unknown, Form: report.FormReference, Name: name,
		Reason: "the class around a private name changes it, so that it is another one",
	})
}
