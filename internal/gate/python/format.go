// SPDX-License-Identifier: Apache-2.0

package python

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

var (
	// numberSpec matches format specifications for which any value but a number
	// is a ValueError or a TypeError (Format Specification Mini-Language).
	numberSpec = regexp.MustCompile(`^(?:[ 0*_=-]?[<>=^])?[-+ ]?0?[0-9]{0,3}[,_]?(?:\.[0-9]+)?[bdeEfFgGnoxX%]$`)
	// dateSpec matches templates of strftime of which at least one directive
	// gives digits and none gives a slash.
	dateSpec = regexp.MustCompile(`^(?:[A-Za-z0-9_ :.,-]|%[aAbBdfHIjmMpSuUVwWyYG])*%[dHIjmMSuUVwWyYG](?:[A-Za-z0-9_ :.,-]|%[aAbBdfHIjmMpSuUVwWyYG])*$`)

	// slashTakers match patterns of re.sub that match every slash.
	slashTakers = []func(string) bool{
		regexp.MustCompile(`^\\W[+]?$`).MatchString,
		regexp.MustCompile(`^\[\^(?:[A-Za-z0-9_ .@#]|[A-Z]-[A-Z]|[a-z]-[a-z]|0-9|\\[wsd.-])*-?\][+]?$`).MatchString,
		regexp.MustCompile(`^\[(?:[\\]{2}|[:*?"<>|])*/(?:[\\]{2}|[:*?"<>|])*\][+]?$`).MatchString,
	}
)

// dateText gives what strftime makes of a template.
func dateText(template report.Fact) facts {
	if template.Known == report.Literal && dateSpec.MatchString(template.Value) {
		return facts{literal(someName)}
	}
	return nothing
}

// formatted folds one replacement field of an f-string.
func (a *analysis) formatted(x *syntax.Formatted, s *scope) facts {
	spec := report.Fact{Known: report.Literal}
	if len(x.Spec) > 0 {
		all := a.joined(x.Spec, s)
		if len(all) != 1 {
			return nothing
		}
		spec = all[0]
	}
	if x.Conversion || spec.Known != report.Literal {
		return nothing
	}
	return a.field(x.X, spec.Value, s)
}

// field folds format(x, spec).
func (a *analysis) field(x syntax.Expr, spec string, s *scope) facts {
	switch {
	case spec == "":
		return a.values(x, s).text().onlyText()
	case !a.defined.has("__format__") && !a.defined.has("strftime") && (numberSpec.MatchString(spec) || strings.Contains(spec, "%") && dateSpec.MatchString(spec)):
		return facts{literal(someName)}
	}
	return nothing
}

var (
	percentField = regexp.MustCompile(`%(?:0?[0-9]{0,3}(?:\.[0-9]+)?[dif]|s|%)`)
	bracesField  = regexp.MustCompile(`\{([A-Za-z_0-9]*)(?::([^{}]*))?\}`)
)

// percent folds template % x.
func (a *analysis) percent(template string, x syntax.Expr, s *scope) facts {
	arguments := []syntax.Expr{x}
	if tuple, ok := x.(*syntax.Tuple); ok {
		arguments = tuple.Elts
	}
	out, next := facts{literal("")}, 0
	for template != "" {
		at := strings.IndexByte(template, '%')
		if at < 0 {
			return out.concat(facts{literal(template)})
		}
		out = out.concat(facts{literal(template[:at])})
		field := percentField.FindString(template[at:])
		switch {
		case field == "" || !strings.HasPrefix(template[at:], field) || field != "%%" && next >= len(arguments):
			return out.concat(nothing)
		case field == "%%":
			out = out.concat(facts{literal("%")})
		case field == "%s":
			out = out.concat(a.field(arguments[next], "", s))
			next++
		default:
			out = out.concat(facts{literal(someName)})
			next++
		}
		template = template[at+len(field):]
	}
	return out
}

// format folds template.format(...).
func (a *analysis) format(template string, call *syntax.Call, s *scope) facts {
	out, next := facts{literal("")}, 0
	for template != "" {
		at := strings.IndexAny(template, "{}")
		if at < 0 {
			return out.concat(facts{literal(template)})
		}
		out = out.concat(facts{literal(template[:at])})
		field := bracesField.FindStringSubmatchIndex(template[at:])
		if field == nil || field[0] != 0 {
			return out.concat(nothing)
		}
		groups := bracesField.FindStringSubmatch(template[at:])
		arg := argument{position: -1, keyword: groups[1]}
		if n, err := strconv.Atoi(groups[1]); err == nil {
			arg.position = n
		} else if groups[1] == "" {
			arg.position = next
			next++
		}
		x, presence := arg.find(call)
		if presence != given {
			return out.concat(nothing)
		}
		out = out.concat(a.field(x, groups[2], s))
		template = template[at+field[1]:]
	}
	return out
}
