// SPDX-License-Identifier: Apache-2.0

package python

import (
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// scalarMakers are functions whose result is a number, a date or an identifier:
// as text it has no slash and is not only dots.
var scalarMakers = readSet(`
len int float ord hash id time.time time.time_ns time.monotonic time.perf_counter random.random os.getpid
uuid.uuid4 datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today datetime.datetime.strptime datetime.datetime.fromtimestamp
datetime.datetime datetime.date datetime.timedelta pandas.Timestamp pandas.Timestamp.now pandas.Timestamp.today
`)

// keepsNames are methods of str that change a name into another; partMakers may
// leave only dots of it, or nothing.
var (
	keepsNames = set{"lower": {}, "upper": {}, "title": {}, "capitalize": {}, "casefold": {}, "swapcase": {}}
	partMakers = set{"strip": {}, "lstrip": {}, "rstrip": {}, "removeprefix": {}, "removesuffix": {}}
)

// pathMakers join their arguments to a path.
var pathMakers = set{"os.path.join": {}, "pathlib.Path": {}, "pathlib.PosixPath": {}, "pathlib.PurePath": {}, "pathlib.PurePosixPath": {}}

// sameText are functions that give back the text of their argument, or the same path.
var sameText = set{"os.fspath": {}, "os.path.abspath": {}, "os.path.normpath": {}, "os.fsdecode": {}}

// callValues folds the calls that make strings and paths of known ones.
func (a *analysis) callValues(x *syntax.Call, s *scope) facts {
	v := a.resolve(x.Func, s)
	if !v.other && len(v.targets) == 1 {
		return a.knownCallValues(v.targets[0].name, x, s)
	}
	if method, ok := x.Func.(*syntax.Attribute); ok && len(v.targets) == 0 {
		return a.methodValues(method, x, s)
	}
	return nothing
}

func (a *analysis) knownCallValues(name string, x *syntax.Call, s *scope) facts {
	isRandom := name == "random.randint" || name == "random.randrange"
	if scalarMakers.has(name) || isRandom && a.hasPlainNumbers() {
		return facts{scalarFact}
	}
	if strings.HasPrefix(name, "tempfile.mk") && name != "tempfile.mkstemp" {
		return a.temporaryValues(x, s)
	}
	elements, ok := positional(x)
	if !ok {
		return nothing
	}
	switch {
	case pathMakers.has(name) && len(elements) == 0:
		return facts{literal(".")}
	case name == "os.path.join":
		return a.joinPaths(elements, s)
	case pathMakers.has(name):
		return normalized(a.joinPaths(elements, s))
	case name == "os.getcwd", name == "pathlib.Path.cwd":
		if !a.moved {
			return facts{literal(report.WorkingDirectory)}
		}
	case name == "tempfile.gettempdir":
		return facts{literal("/tmp")}
	case name == "time.strftime" && len(elements) > 0:
		return dateText(a.fold(elements[0], s))
	case name == "re.sub" && len(elements) == 3:
		return a.substituted(elements, s)
	case len(elements) != 1:
	case name == "str":
		return a.values(elements[0], s).text().onlyText()
	case sameText.has(name):
		return a.values(elements[0], s).onlyText()
	case name == "os.path.basename":
		return a.baseName(elements[0], s)
	case name == "os.path.dirname":
		return a.values(elements[0], s).mapText(directoryName)
	}
	return nothing
}

// baseName gives what os.path.basename makes of any path: it has no slash.
func (a *analysis) baseName(x syntax.Expr, s *scope) facts {
	known := a.values(x, s).mapText(func(p string) (string, bool) { return p[strings.LastIndexByte(p, '/')+1:], true })
	if known.all(report.Literal) {
		return known
	}
	return facts{literal(somePart)}
}

func directoryName(p string) (string, bool) {
	return path.Dir(p), !hasParent(p) && strings.Contains(p, "/") && !strings.HasSuffix(p, "/")
}

// splitPath splits a path as pathlib does, which drops "." and empty elements.
func splitPath(p string) (dir, name string, ok bool) {
	if hasParent(p) || showPath(literal(p)).Known != report.Literal {
		return "", "", false
	}
	dir, name = path.Split(path.Clean(p))
	return dir, name, name != "" && name != "."
}

// methodValues folds methods of strings, paths and dates.
//

func (a *analysis) methodValues(f *syntax.Attribute, x *syntax.Call, s *scope) facts {
	elements, plain := positional(x)
	switch f.Name {
	case "format":
		if t := a.fold(f.X, s); t.Known == report.Literal {
			return a.format(t.Value, x, s)
		}
	case "strftime":
		if plain && !a.defined.has(f.Name) && len(elements) == 1 && a.values(f.X, s).all(scalar) {
			return dateText(a.fold(elements[0], s))
		}
	case "isoformat", "hexdigest":
		if len(x.Args) == 0 && (a.values(f.X, s).all(scalar) || f.Name == "hexdigest" && !a.defined.has(f.Name)) {
			return facts{literal(someName)}
		}
	case "joinpath":
		if plain {
			return normalized(a.joinPaths(append([]syntax.Expr{f.X}, elements...), s))
		}
	case "absolute", "as_posix":
		return a.values(f.X, s).onlyText()
	case "with_suffix", "with_name", "with_stem":
		if plain && len(elements) == 1 {
			return a.renamed(f, elements[0], s)
		}
	case "replace":
		if plain && len(elements) == 2 {
			return a.replaced(f.X, a.values(elements[1], s), s)
		}
	}
	switch {
	case keepsNames.has(f.Name) && len(x.Args) == 0:
		return a.values(f.X, s).mapText(keepName)
	case partMakers.has(f.Name) && plain:
		return a.values(f.X, s).mapText(partOf)
	}
	return nothing
}

// keepName gives another spelling of a name, which is no more dots than it was.
func keepName(text string) (string, bool) {
	if strings.Trim(text, ".") == "" || strings.Contains(text, somePart) {
		return partOf(text)
	}
	return someName, !strings.Contains(text, "/")
}

// replaced folds text.replace(old, new): of a name, a name is left if new is one.
func (a *analysis) replaced(x syntax.Expr, next facts, s *scope) facts {
	if !next.mapText(partOf).all(report.Literal) {
		return nothing
	}
	if next.mapText(keepName).all(report.Literal) && !slices.Contains(next.mapText(keepName), literal(somePart)) {
		return a.values(x, s).mapText(keepName)
	}
	return a.values(x, s).mapText(partOf)
}

// renamed folds Path.with_suffix and the like: another name in the same directory.
func (a *analysis) renamed(f *syntax.Attribute, change syntax.Expr, s *scope) facts {
	next := a.values(change, s)
	if !next.mapText(partOf).all(report.Literal) {
		return nothing
	}
	isSure := !slices.Contains(next.mapText(keepName), literal(somePart))
	return a.values(f.X, s).mapText(func(p string) (string, bool) {
		dir, name, ok := splitPath(p)
		ext := path.Ext(name)
		switch {
		case !isSure: // with_name(".."), and "...a" with the suffix ""
			return dir + somePart, ok
		case len(next) != 1 || strings.ContainsAny(name+next[0].Value, placeholders) || name == ext || ext == ".":
			return dir + someName, ok
		case f.Name == "with_suffix":
			return dir + strings.TrimSuffix(name, ext) + next[0].Value, ok
		case f.Name == "with_name":
			return dir + next[0].Value, ok
		}
		return dir + next[0].Value + ext, ok
	})
}

// attributeValues folds the attributes of known paths and of temporary files.
func (a *analysis) attributeValues(x *syntax.Attribute, s *scope) facts {
	if a.classOf(x.X, s) != nil {
		return a.fieldValues(x, s)
	}
	switch x.Name {
	case "parent":
		return a.values(x.X, s).mapText(func(p string) (string, bool) {
			dir, _, ok := splitPath(p)
			return path.Clean(dir), ok
		})
	case "hex":
		if a.values(x.X, s).all(scalar) {
			return facts{literal(someName)}
		}
	case "name":
		b := a.single(bound{x.X, s})
		if call, ok := b.expr.(*syntax.Call); ok && a.resolve(call.Func, b.scope).all(temporaryMakers) {
			return a.temporaryValues(call, b.scope)
		}
		return a.values(x.X, s).mapText(func(p string) (string, bool) {
			if _, name, ok := splitPath(p); ok {
				return name, true
			}
			return somePart, true
		})
	case "stem", "suffix":
		return a.values(x.X, s).mapText(func(string) (string, bool) { return somePart, true })
	}
	return nothing
}

var temporaryMakers = set{"tempfile.NamedTemporaryFile": {}, "tempfile.TemporaryDirectory": {}}

// temporaryValues gives the path that tempfile makes up.
func (a *analysis) temporaryValues(call *syntax.Call, s *scope) facts {
	f := a.temporaryPath(emission{call: call, scope: s})
	switch {
	case f.Known != report.Literal:
		return nothing
	case f.Value == temporaryFile:
		return facts{*f}
	}
	return facts{literal(f.Value + "/" + someName)}
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

// substituted folds re.sub(pattern, replacement, text) where the pattern takes
// out every slash and the replacement puts none in.
func (a *analysis) substituted(elements []syntax.Expr, s *scope) facts {
	pattern, replacement := a.fold(elements[0], s), a.fold(elements[1], s)
	if pattern.Known != report.Literal || replacement.Known != report.Literal || strings.ContainsAny(replacement.Value, `/\`) {
		return nothing
	}
	if slices.ContainsFunc(slashTakers, func(matches func(string) bool) bool { return matches(pattern.Value) }) {
		return facts{literal(somePart)}
	}
	return nothing
}
