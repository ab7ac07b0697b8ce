// SPDX-License-Identifier: Apache-2.0

package python

import (
	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

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
