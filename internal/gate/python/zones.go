// SPDX-License-Identifier: Apache-2.0

package python

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// filePrefix starts time zones that pandas has dateutil read from any file:
// tz="dateutil//etc/passwd", dtype="datetime64[ns, dateutil//etc/passwd]".
const filePrefix = "dateutil/"

// isSafeZone reports whether a time zone, or a data type, which can hold one,
// is certainly not read from a file that the code chooses.
func (a *analysis) isSafeZone(arg argument, e emission) bool {
	x, presence := arg.find(e.call)
	return presence == absent || presence == given && a.isZone(bound{x, e.scope}, maxParts)
}

func (a *analysis) isZone(b bound, depth int) bool {
	b = a.only(b)
	if elements, ok := elementsOf(b.expr); ok && depth > 0 {
		return !slices.ContainsFunc(elements, func(x syntax.Expr) bool { return !a.isZone(bound{x, b.scope}, depth-1) })
	}
	v := a.resolve(b.expr, b.scope)
	switch x := b.expr.(type) {
	case *syntax.Constant, *syntax.Number:
		return true
	case *syntax.Attribute: // df["a"].dtype, datetime.timezone.utc
		return zoneFields.has(x.Name) && !a.defined.has(x.Name) || v.isKnown()
	case *syntax.Call:
		f := a.resolve(x.Func, b.scope)
		return f.isKnown() && !slices.ContainsFunc(f.targets, func(t target) bool { return !zoneMakers(t.name) })
	}
	all := a.values(b.expr, b.scope)
	return v.isKnown() || len(all) > 0 && !slices.ContainsFunc(all, mayNameFile)
}

// isKnown reports whether a value is certainly something with a dotted name.
func (v value) isKnown() bool { return len(v.targets) > 0 && !v.other }

// mayNameFile reports whether a time zone or data type can name a file. Those
// of matplotlib are read by dateutil whatever they start with.
func mayNameFile(f report.Fact) bool {
	return f.Known != report.Literal && f.Known != none && f.Known != scalar ||
		strings.Contains(f.Value, filePrefix) || strings.HasPrefix(f.Value, "/") || strings.HasPrefix(f.Value, ":") || hasParent(f.Value) || f.Known == report.Literal && strings.ContainsAny(f.Value, placeholders)
}

// zoneFields are attributes that hold a time zone or a data type.
var zoneFields = set{"dtype": {}, "dtypes": {}, "tz": {}, "tzinfo": {}}

// zoneMakers matches functions that make a time zone or a data type; those that
// can read a file are judged where they are called.
var zoneMakers = regexp.MustCompile(`^(pytz\.|zoneinfo\.ZoneInfo$|datetime\.timezone$|dateutil\.tz\.|numpy\.dtype$|pandas\.(api\.types\.)?[A-Za-z0-9]*Dtype$)`).MatchString

// zoneText reports text that names a file as a time zone, wherever it is.
func (a *analysis) zoneText(x *syntax.Str) {
	if strings.Contains(x.Value, filePrefix) && a.imported.has("pandas") {
		a.report(x, report.Operation{
			Kind: report.FileRead, Form: report.FormReference, Name: "time zone",
			Args: report.Args{Path: &report.Fact{Known: report.UnknownValue}},
		})
	}
}

// isNoText reports whether a check of data types is given a value that does not
// look like a text made at run time. Mostly it is a column, of which nothing is known.
func (a *analysis) isNoText(arg argument, e emission) bool {
	x, presence := arg.find(e.call)
	return presence != given || !a.isMadeText(bound{x, e.scope}, maxParts)
}

// textMakers are functions and methods that give a text.
var textMakers = readSet(`
input str format join replace strip lstrip rstrip lower upper decode read readline removeprefix removesuffix translate getvalue read_text os.getenv
chr repr b64decode hex ascii os.environ.get sys.stdin.read sys.stdin.readline str.join json.loads
`)

// isMadeText reports whether x is a text, or an element of a display that may be one.
func (a *analysis) isMadeText(b bound, depth int) bool {
	b = a.only(b)
	if depth == 0 {
		return true
	}
	if elements, ok := elementsOf(b.expr); ok {
		return slices.ContainsFunc(elements, func(x syntax.Expr) bool { return a.isMadeText(bound{x, b.scope}, depth-1) })
	}
	switch x := b.expr.(type) {
	case *syntax.JoinedStr, *syntax.BinOp:
		return true
	case *syntax.Str:
		return strings.Contains(x.Value, filePrefix)
	case *syntax.Subscript:
		return !isNamePath(x.X) && a.isMadeText(bound{x.X, b.scope}, depth-1) || a.resolve(x.X, b.scope).isKnown()
	case *syntax.Call:
		if method, ok := x.Func.(*syntax.Attribute); ok && textMakers.has(method.Name) {
			return true
		}
		return a.resolve(x.Func, b.scope).all(textMakers)
	}
	return false
}
