// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// builtins are the commands of the shell itself. Declarations and let, when
// they are written plainly, are syntax; by another spelling they come here.
var builtins map[string]func(*script, command)

func init() {
	builtins = map[string]func(*script, command){
		"builtin": (*script).prefixed, "command": (*script).prefixed, "exec": (*script).exec,
		"cd": (*script).changeDirectory, "pushd": (*script).changeDirectory, "popd": (*script).changeDirectory,
		"read": (*script).readInput, "mapfile": (*script).readInput, "readarray": (*script).readInput,
		"getopts": (*script).getopts, "unset": (*script).unset, "printf": (*script).printf, "wait": (*script).wait,
		"set": (*script).set, "shopt": (*script).shopt, "trap": (*script).trap,
		"test": (*script).bracket, "[": (*script).bracket,
	}
	for name := range strings.FieldsSeq(": true false echo pwd exit return break continue shift times type dirs caller umask logout") {
		builtins[name] = (*script).compute
	}
	for name := range strings.FieldsSeq("eval source . let declare typeset local export readonly alias unalias fc bind complete compopt") {
		builtins[name] = func(s *script, c command) { s.evaluates(c, "the command evaluates its arguments as code") }
	}
	for name := range strings.FieldsSeq("compgen enable jobs hash history help suspend fg bg disown ulimit") {
		builtins[name] = func(s *script, c command) {
			s.refuse(c, "a builtin that changes the shell, or what the gate does not model")
		}
	}
	builtins["kill"] = (*script).process
}

// prefixed looks through "builtin" and "command".
func (s *script) prefixed(c command) {
	external := c.name == "command"
	t := &tool{options: map[string]option{}, stop: true}
	if external {
		t.readOptions([]string{"pvV"}, option{})
	}
	p := t.parse(c.args)
	if p.problem != "" {
		s.evaluates(c, p.problem)
		return
	}
	if p.has("-v", "-V") || len(p.operands) == 0 {
		s.compute(c)
		return
	}
	inner, ok := s.innerCommand(c, p.operands)
	if !ok {
		return
	}
	if b, is := builtins[inner.name]; is {
		if slices.ContainsFunc(c.args[:len(c.args)-len(inner.args)], func(a arg) bool { return !a.static }) {
			// c=read; command $c x: what is collected ahead does not see it.
			s.evaluates(c, "the name of the builtin is computed")
			return
		}
		b(s, inner)
		return
	}
	if !external {
		s.refuse(c, "there is no such builtin")
		return
	}
	inner.external = true
	s.run(inner)
}

// innerCommand takes the command that another one runs from its words.
func (s *script) innerCommand(c command, words []arg) (command, bool) {
	if len(words) == 0 {
		s.refuse(c, "there is no command for it to run")
		return command{}, false
	}
	name, ok := words[0].literal()
	if !ok || name == "" {
		s.evaluates(c, "the name of the command is computed")
		return command{}, false
	}
	c.name, c.args = name, words[1:]
	return c, true
}

func (s *script) exec(c command) {
	if len(c.args) == 0 {
		return
	}
	if text, ok := c.args[0].literal(); !ok || strings.HasPrefix(text, "-") {
		s.process(c)
		return
	}
	if inner, ok := s.innerCommand(c, c.args); ok {
		inner.external = true
		s.run(inner)
	}
}

// changeDirectory follows cd. It may fail, so that the directory before stays possible.
func (s *script) changeDirectory(c command) {
	t := &tool{options: map[string]option{}, stop: true}
	t.readOptions([]string{"PLe"}, option{})
	p := t.parse(c.args)
	if len(p.operands) == 0 && c.name == "cd" {
		s.readVariable("HOME", c.at)
	}
	target := only(p.operands)
	text, _ := target.literal()
	turns := c.name == "pushd" && text != "" && strings.ContainsRune("+-", rune(text[0])) // pushd +1
	if c.name == "popd" || turns || p.problem != "" || target.split || target.list || text == "-" {
		target = arg{texts: texts{unknown}}
	}
	s.files(readsFile, c.name, target, c.at)
	s.moveTo(target)
}

// moveTo makes a directory a possible one, or all unknown.
func (s *script) moveTo(target arg) {
	var dirs []string
	for _, t := range target.texts {
		for _, dir := range s.cwd {
			f := pathFact(t, dir)
			text, whole := t.literal()
			if f.Known != report.Literal || !whole || text == "" {
				s.cwd = nil
				return
			}
			dirs = append(dirs, f.Value)
		}
	}
	s.cwd = joinDirectories(dirs, s.cwd, len(dirs) == 0)
}

// readInput is read, mapfile and readarray: their names may have subscripts, and -C runs code.
func (s *script) readInput(c command) {
	t := &tool{options: map[string]option{}, stop: true}
	if c.name == "read" {
		t.readOptions([]string{"ers"}, option{})
		t.readOptions([]string{"adinNptu"}, option{value: true})
	} else {
		t.readOptions([]string{"t"}, option{})
		t.readOptions([]string{"dnOsu"}, option{value: true})
	}
	p := t.parse(c.args)
	if p.problem != "" {
		s.evaluates(c, "an option, or a word that may be one, runs or evaluates code: "+p.problem)
		return
	}
	for _, g := range p.options {
		if g.name == "-a" {
			p.operands = append(p.operands, g.value)
		}
	}
	s.compute(c)
	s.names(c, p.operands)
	for _, name := range []string{"REPLY", "MAPFILE"} {
		s.define(name)
	}
}

// names reports that words name variables which are set. Anything but a plain
// name may have a subscript, which is evaluated: read 'a[$(id)]'.
func (s *script) names(c command, words []arg) {
	for _, w := range words {
		name, ok := w.literal()
		if !ok || !identifier.MatchString(name) {
			s.evaluates(c, "a subscript in the name of a variable is evaluated")
			continue
		}
		if s.known.variables[name] == variableNumber || s.integers[name] {
			s.evaluates(c, notANumber)
		}
		if !s.values[name].isUnknown() {
			// n=x; read "$n": what is collected ahead does not see it.
			s.evaluates(c, "the name of the variable that is set is computed")
		}
		s.assignsName(name, c.at)
	}
}

func (s *script) getopts(c command) {
	if len(c.args) < 2 {
		s.refuse(c, "getopts takes two words")
		return
	}
	if _, ok := c.args[0].literal(); !ok {
		s.refuse(c, "the options are not known")
	}
	s.compute(c)
	s.names(c, c.args[1:2])
	s.define("OPTARG")
}

func (s *script) unset(c command) {
	words := c.args
	if len(words) > 0 {
		text, _ := words[0].literal()
		switch text {
		case "-v":
			words = words[1:]
		case "-f", "-n":
			s.evaluates(c, "functions and references to names change")
			return
		}
	}
	s.compute(c)
	for _, w := range words {
		name, ok := w.literal()
		if ok && elementPattern.MatchString(name) {
			continue
		}
		if !ok || !identifier.MatchString(name) || s.functions[name] != nil || !s.unsets[name] {
			s.evaluates(c, "a subscript in the name of a variable is evaluated")
			continue
		}
		s.checkName(name, c.at)
	}
}

// elementPattern matches the elements of arrays whose subscript is a constant.
var elementPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\[-?[0-9]+\]$`)

// printf evaluates the subscript of the name behind -v, and %n sets the variable that a word names.
func (s *script) printf(c command) {
	words := c.args
	if len(c.args) > 0 {
		first := c.args[0]
		text, ok := first.literal()
		switch {
		case ok && text == "-v" && len(c.args) > 1:
			s.names(c, c.args[1:2])
			words = words[2:]
		case ok && text == "--":
			words = words[1:]
		case len(c.args) == 1 && !first.split && !first.list:
			// One word alone is a format, or an error.
		case first.mayBeOption():
			s.evaluates(c, "a subscript in the name behind -v is evaluated")
			return
		}
	}
	if setsByFormat(words) {
		s.evaluates(c, "the format may have %n, which sets the variable that a word names")
		return
	}
	s.compute(c)
}

func (s *script) wait(c command) {
	for i, w := range c.args {
		text, ok := w.literal()
		if ok && text == "-p" && i+1 < len(c.args) {
			s.names(c, c.args[i+1:i+2])
		} else if w.mayBeOption() && text != "-n" && text != "-f" {
			s.evaluates(c, "a subscript in the name behind -p is evaluated")
			return
		}
	}
	s.compute(c)
}

// set changes options; those that only stop the script earlier or print more are harmless.
func (s *script) set(c command) {
	if len(c.args) == 0 {
		s.environment(c.at, "set", report.Fact{Known: report.UnknownValue})
		return
	}
	named := false // the next word is the long name of an option
	for _, w := range c.args {
		text, ok := w.literal()
		switch {
		case ok && named && slices.Contains(setNames, text):
			named = false
		case ok && !named && text == "--":
			s.compute(c)
			return
		case ok && !named && setFlags.MatchString(text):
			named = strings.HasSuffix(text, "o")
		default:
			s.refuse(c, "the option changes how the script is read")
			return
		}
	}
	s.compute(c)
}

// The options of set that only stop the script earlier, print more or expand less.
var (
	setFlags = regexp.MustCompile(`^[-+][euxvCETf]*o?$`)
	setNames = strings.Fields("errexit nounset pipefail noclobber errtrace functrace xtrace verbose noglob")
)

func (s *script) shopt(c command) {
	for i, w := range c.args {
		text, ok := w.literal()
		if i == 0 && (text == "-s" || text == "-u" || text == "-q" || text == "-qs") {
			continue
		}
		if !ok || text == "" || !strings.Contains(" nullglob failglob nocaseglob nocasematch globstar inherit_errexit ", " "+text+" ") {
			s.refuse(c, "the option changes how the script is read or run")
			return
		}
	}
	s.compute(c)
}
