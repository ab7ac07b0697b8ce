// SPDX-License-Identifier: Apache-2.0

package python

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// safeStyles tells, for names whose string argument selects what they do, which
// strings only compute. Elsewhere matplotlib imports a backend from a module or
// reads a style from a URL, and pandas evaluates an expression.
var safeStyles = map[string]func(string) bool{
	"matplotlib.use":                   isBackend,
	"matplotlib.pyplot.switch_backend": isBackend,
	"matplotlib.style.use":             isStyleName,
	"matplotlib.style.context":         isStyleName,
	"pandas.set_option":                isPandasOption,
	"pandas.reset_option":              isPandasOption,
	"pandas.option_context":            isPandasOption,
	".query":                           isPlainExpression,
	".eval":                            isPlainExpression,
}

var (
	isBackend      = regexp.MustCompile(`^(?i:agg|svg|pdf|ps)$`).MatchString
	isStyleName    = regexp.MustCompile(`^(default|classic|ggplot|bmh|dark_background|grayscale|fast|fivethirtyeight|seaborn[-_a-z0-9]*|Solarize_Light2|tableau-colorblind10|petroff10)$`).MatchString
	isPandasOption = regexp.MustCompile(`^(display|mode|compute)\.[a-z_.]+$|^(precision|max_rows|max_columns|max_colwidth|width|expand_frame_repr|float_format)$`).MatchString

	plainCharacters = regexp.MustCompile("^[\\w\\s<>=!&|+*/%'\"\\[\\],:~^.()@`-]*$")
	wordBeforeParen = regexp.MustCompile(`(\w+|[\])'"` + "`" + `])\s*\(`)
	localAttribute  = regexp.MustCompile(`@\s*\w+\s*[.\[(]`)
)

// isPlainExpression reports whether pandas only compares and calculates with an
// expression: it has no call, no special name, and uses local variables (@x) as they are.
func isPlainExpression(text string) bool {
	if !plainCharacters.MatchString(text) || localAttribute.MatchString(text) {
		return false
	}
	for _, m := range wordBeforeParen.FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "and", "or", "not", "in":
		default:
			return false
		}
	}
	return true
}

// isSafeStyle reports whether the argument that selects what a name does is a known harmless one.
func (a *analysis) isSafeStyle(arg argument, e emission) bool {
	safe, ok := safeStyles[e.name]
	isSafe := func(f report.Fact) bool {
		return f.Known == report.Literal && safe(f.Value) && !strings.Contains(f.Value, "__")
	}
	if !ok || !isSafe(a.argumentFact(arg, e)) {
		return false
	}
	if !strings.HasPrefix(e.name, "pandas.") {
		return true
	}
	for i, x := range e.call.Args { // set_option("a", 1, "b", 2) sets both
		if x.Star != syntax.NoStar || x.Name == "" && i > 0 && i%2 == 0 && !isSafe(a.fold(x.Value, e.scope)) {
			return false
		}
	}
	return true
}

// isNoLatex reports whether a figure is certainly not saved in the format pgf,
// for which matplotlib runs LaTeX.
func (a *analysis) isNoLatex(arg argument, e emission) bool {
	format, presence := argument{position: -1, keyword: "format"}.find(e.call)
	if presence == given && !isConstant(format, "None") {
		f := a.fold(format, e.scope)
		return f.Known == report.Literal && !strings.EqualFold(f.Value, "pgf")
	}
	x, presence := arg.find(e.call)
	if presence != given || a.isHandle(x, e.scope) {
		return true
	}
	return !slices.ContainsFunc(a.values(x, e.scope), func(f report.Fact) bool {
		name := strings.ToLower(f.Value)
		return strings.HasSuffix(name, ".pgf") || strings.HasSuffix(name, someName) || strings.HasSuffix(name, somePart)
	})
}

// safeSettings matches the rcParams that only change how figures look. Others
// choose a backend module, a LaTeX run or an encoder program.
var safeSettings = regexp.MustCompile(`^(axes|axes3d|boxplot|contour|date|errorbar|figure|font|grid|hatch|hist|image|legend|lines|markers|mathtext|patch|polaraxes|scatter|xaxis|yaxis|xtick|ytick)(\.[A-Za-z0-9_.]+)?$|^text\.(color|antialiased|hinting|parse_math)$|^(pdf|svg|ps)\.fonttype$|^savefig\.(dpi|bbox|facecolor|edgecolor|transparent|pad_inches|orientation)$|^agg\.path\.chunksize$`)

const settingsName = "matplotlib.rcParams"

// settings judges rcParams["key"], rcParams.update({...}) and reading methods.
func (a *analysis) settings(u nameUse, s *scope) {
	safe := false
	switch strings.TrimPrefix(u.name, settingsName) {
	case "":
		index, ok := a.index[u.expr]
		safe = ok && a.isSafeSetting(index, s)
	case ".update":
		safe = u.call != nil && len(u.call.Args) == 1 && a.areSafeSettings(u.call, s)
	case ".copy", ".get", ".keys", ".find_all":
		safe = true
	}
	if safe {
		a.reportUse(u, report.Compute, "")
	} else {
		a.reportSettings(u)
	}
}

func (a *analysis) reportSettings(u nameUse) {
	a.reportUse(u, report.Dynamic, "these settings can choose modules and programs to run, and which are changed is not known")
}

// settingsGroup judges rc("group", ...) and rc_context({...}).
func (a *analysis) settingsGroup(u nameUse, s *scope) {
	isGroup := !strings.HasSuffix(u.name, "_context")
	if u.call != nil && (isGroup || len(u.call.Args) == 1) && a.areSafeSettings(u.call, s) {
		a.reportUse(u, report.Compute, "")
		return
	}
	a.reportSettings(u)
}

// areSafeSettings reports whether a call names only safe groups or keys: its
// first argument is a group or a dictionary, and only keywords follow.
func (a *analysis) areSafeSettings(call *syntax.Call, s *scope) bool {
	if len(call.Args) == 0 {
		return false
	}
	first := call.Args[0]
	isFirst := first.Star == syntax.NoStar && (first.Name == "" || first.Name == "rc")
	isFile := func(arg *syntax.Argument) bool {
		return arg.Name == "fname" || arg.Name == "" && arg.Star == syntax.NoStar
	}
	if !isFirst || slices.ContainsFunc(call.Args[1:], isFile) {
		return false
	}
	d, ok := a.only(bound{first.Value, s}).expr.(*syntax.Dict)
	if !ok {
		return a.isSafeSetting(first.Value, s)
	}
	return !slices.ContainsFunc(d.Items, func(item syntax.DictItem) bool {
		return item.Key == nil || !a.isSafeSetting(item.Key, s)
	})
}

func (a *analysis) isSafeSetting(x syntax.Expr, s *scope) bool {
	f := a.fold(x, s)
	return f.Known == report.Literal && safeSettings.MatchString(f.Value)
}

// settingKeys reports the settings that run a program or read a file in any
// dictionary: matplotlib takes it as a font, a style or the properties of a text.
func (a *analysis) settingKeys(d *syntax.Dict, s *scope) {
	if !a.imported.has("matplotlib") {
		return
	}
	for _, item := range d.Items {
		if item.Key == nil {
			continue
		}
		switch name := a.fold(item.Key, s).Value; name {
		case "usetex", "text.usetex", "fontproperties", "font_properties":
			a.namedArgument(name, item.Value, item.Key, s)
		}
	}
}
