// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// given is an option on a command line, with its value.
type given struct {
	name  string
	value arg
}

// parsed is a command line taken apart as getopt_long(3) does.
type parsed struct {
	options  []given
	operands []arg
	// problem says why the command line could not be understood.
	problem string
	// named is set when an operand that is a pattern may be an option that names a file.
	named bool
}

// tool reports a command that the tables know.
func (s *script) tool(c command, t *tool) {
	if check, ok := checks[c.name]; ok {
		check(s, c, t)
		return
	}
	p := t.parse(c.args)
	s.report(c, t, p)
}

// report reports what the options and operands of a command say.
func (s *script) report(c command, t *tool, p parsed) {
	if p.problem != "" {
		s.refuse(c, p.problem)
	} else {
		s.compute(c)
	}
	for _, g := range p.options {
		s.uses(c, t.options[g.name].role, g.value)
	}
	s.operands(c, t.operands, p.operands)
	if p.named {
		for _, r := range t.pathRoles() {
			s.uses(c, r, arg{texts: texts{lit(".")}})
		}
	}
}

// uses reports a file by what the command does with it.
func (s *script) uses(c command, r role, a arg) {
	name := c.name
	switch r {
	case roleText:
	case roleRead:
		s.filesIn(c.dirs, readsFile, name, a, c.at)
	case roleWrite:
		s.filesIn(c.dirs, writesFile, name, a, c.at)
	case roleDelete:
		s.filesIn(c.dirs, deletesFile, name, a, c.at)
	case roleReadWrite:
		s.filesIn(c.dirs, readsFile, name, a, c.at)
		s.filesIn(c.dirs, writesFile, name, a, c.at)
	case roleMoment:
		s.moment(c, a)
	}
}

// operands gives each operand its role. With "read* write", the last one is written.
func (s *script) operands(c command, places []operand, words []arg) {
	for i, w := range words {
		if text, ok := w.literal(); ok && text == "-" {
			continue
		}
		for _, r := range rolesAt(places, words, i) {
			s.uses(c, r, w)
		}
	}
	if len(words) == 0 && len(places) > 0 && places[0].fallback != "" {
		s.uses(c, places[0].role, arg{texts: texts{lit(places[0].fallback)}})
	}
	if len(places) == 0 && len(words) > 0 {
		s.refuse(c, "the command takes no operands")
	}
}

// rolesAt gives the roles of the i-th operand. A word that may be several ones,
// or none, moves those behind it, and the last one.
func rolesAt(places []operand, words []arg, i int) []role {
	if len(places) == 0 {
		return nil
	}
	n, w := len(words), words[i]
	if len(places) > 1 && !places[0].many && slices.ContainsFunc(words[:i+1], arg.divides) {
		return allRoles(places)
	}
	if len(places) > 1 && i < n-1 && !slices.ContainsFunc(words[i+1:], func(a arg) bool { return !a.split && !a.list }) {
		return allRoles(places)
	}
	last := places[len(places)-1]
	many := -1
	for j, p := range places {
		if p.many {
			many = j
		}
	}
	switch {
	case many < 0:
		if i < len(places) {
			return []role{places[i].role}
		}
		return []role{last.role}
	case i < many:
		if w.split || w.list || w.isPattern() {
			return []role{places[i].role, places[many].role}
		}
		return []role{places[i].role}
	case many == len(places)-1 || i < n-1 && !last.many:
		return []role{places[many].role}
	case w.split || w.list || w.isPattern():
		return []role{places[many].role, last.role}
	}
	return []role{last.role}
}

func allRoles(places []operand) []role {
	var out []role
	for _, p := range places {
		if !slices.Contains(out, p.role) {
			out = append(out, p.role)
		}
	}
	return out
}

// pathRoles gives the roles of the options that name files.
func (t *tool) pathRoles() []role {
	seen := map[role]bool{}
	var out []role
	for _, o := range t.options {
		if o.role != roleText && !seen[o.role] {
			seen[o.role] = true
		}
	}
	for r := roleRead; r <= roleReadWrite; r++ {
		if seen[r] {
			out = append(out, r)
		}
	}
	return out
}

// parse takes a command line apart.
func (t *tool) parse(words []arg) parsed {
	var p parsed
	for i := 0; i < len(words); i++ {
		w := words[i]
		text, known := w.literal()
		switch {
		case known && text == "--":
			p.operands = append(p.operands, words[i+1:]...)
			return p
		case known && len(text) > 1 && text[0] == '-', !known && glued(w):
			i += t.option(&p, w, words[i+1:])
		default:
			p.operand(t, w)
			if t.stop {
				p.operands = append(p.operands, words[i+1:]...)
				return p
			}
		}
	}
	return p
}

// glued tells whether a word is an option whose value is not known: --key=$x, -k$x.
func glued(w arg) bool {
	if w.split || w.list || len(w.texts) == 0 {
		return false
	}
	for _, t := range w.texts {
		if head := t.prefix(); len(head) < 2 || head[0] != '-' || head == "--" {
			return false
		}
	}
	return len(w.texts) == 1
}

// operand adds a word that is no known option.
func (p *parsed) operand(t *tool, w arg) {
	p.operands = append(p.operands, w)
	switch {
	case t.safe || !w.mayBeOption():
	case t.paths && w.isPattern() && hasExtension(w):
		p.named = true
	default:
		p.problem = "a word that is not known may be an option with an effect"
	}
}

// hasExtension tells whether a pattern ends in text, so that a file name that
// is taken for an option names a file of this directory, and not "..".
func hasExtension(w arg) bool {
	for _, t := range w.texts {
		if len(t) == 0 {
			continue
		}
		last := t[len(t)-1]
		if last.kind != literal || strings.Trim(last.text, ".") == "" || t.isUnknown() {
			return false
		}
	}
	return true
}

// option adds the options of one word, and gives how many further words they take.
func (t *tool) option(p *parsed, w arg, rest []arg) int {
	head := w.texts[0].prefix()
	tail := w.texts[0][1:]
	if strings.HasPrefix(head, "--") {
		return t.long(p, head, tail, rest)
	}
	if t.digits && digits.MatchString(head[1:]) && len(tail) == 0 {
		return 0
	}
	for i := 1; i < len(head); i++ {
		name := "-" + head[i:i+1]
		o, ok := t.options[name]
		value := append(text{}.add(piece{literal, head[i+1:]}), tail...)
		switch {
		case !ok:
			p.problem = "the option " + name + " is not known"
			return 0
		case o.optional:
			p.options = append(p.options, given{name, arg{texts: texts{value}}})
			return 0
		case o.value && len(value) > 0:
			p.options = append(p.options, given{name, arg{texts: texts{value}}})
			return 0
		case o.value:
			return p.takeNext(name, rest)
		}
		p.options = append(p.options, given{name: name})
	}
	if len(tail) > 0 {
		p.problem = "a word that is not known may hold an option"
	}
	return 0
}

func (t *tool) long(p *parsed, head string, tail text, rest []arg) int {
	name, value, hasValue := strings.Cut(head, "=")
	o, ok := t.options[name]
	switch {
	case !ok || !hasValue && len(tail) > 0 || hasValue && !o.value && !o.optional:
		p.problem = "the option " + name + " is not known"
		return 0
	case hasValue:
		p.options = append(p.options, given{name, arg{texts: texts{append(text{}.add(piece{literal, value}), tail...)}}})
		return 0
	case o.value:
		return p.takeNext(name, rest)
	}
	p.options = append(p.options, given{name: name})
	return 0
}

// takeNext gives an option the next word as its value.
func (p *parsed) takeNext(name string, rest []arg) int {
	if len(rest) == 0 {
		return 0
	}
	vanishes := rest[0].split && slices.ContainsFunc(rest[1:], arg.mayBeOption)
	if rest[0].split && !rest[0].texts.areNumbers() || rest[0].list || rest[0].isPattern() || vanishes {
		p.problem = "the value of the option " + name + " may be several words"
	}
	p.options = append(p.options, given{name, rest[0]})
	return 1
}

// has tells whether one of the options was given.
func (p *parsed) has(names ...string) bool {
	for _, g := range p.options {
		if slices.Contains(names, g.name) {
			return true
		}
	}
	return false
}

// networkFact gives the host of a URL as far as it is known.
func networkFact(a arg) report.Fact {
	f := a.fact()
	if f.Known != report.UnknownValue && report.URLScheme(f.Value) == "" {
		f.Value = "http://" + f.Value
	}
	return report.URLHost(f)
}
