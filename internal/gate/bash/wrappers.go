// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// wrappers run another command, which they are told by their words.
var wrappers map[string]func(*script, command)

func init() {
	wrappers = map[string]func(*script, command){
		"env": (*script).env, "xargs": (*script).xargs, "find": (*script).find,
		"timeout": wrapper("fv", "ks", []string{"--foreground", "--verbose", "--preserve-status"}, []string{"--kill-after", "--signal"}, 1, false),
		"nice":    wrapper("", "n", nil, []string{"--adjustment"}, 0, false),
		"stdbuf":  wrapper("", "ioe", nil, []string{"--input", "--output", "--error"}, 0, false),
		"setsid":  wrapper("cfw", "", []string{"--wait", "--fork", "--ctty"}, nil, 0, true),
		"nohup":   (*script).nohup,
		"ionice":  wrapper("t", "cn", nil, nil, 0, true),
		"sudo":    wrapper("nEHSkKbi", "ugpCT", []string{"--non-interactive"}, []string{"--user", "--group"}, 0, true),
		"doas":    wrapper("ns", "uC", nil, nil, 0, true),
		"flock":   wrapper("sxeunoF", "wE", []string{"--shared", "--exclusive", "--nonblock"}, []string{"--wait", "--timeout"}, 1, true),
		"chroot":  wrapper("", "", nil, nil, 1, true),
		"strace":  wrapper("fqtTvyc", "eopsuE", nil, nil, 0, true),
		"time":    wrapper("pvq", "", []string{"--verbose", "--portability"}, nil, 0, false),
	}
	for _, name := range []string{"parallel", "watch", "script", "ssh", "at", "batch", "crontab", "entr", "unbuffer"} {
		wrappers[name] = func(s *script, c command) {
			s.process(c)
			if len(c.args) > 0 {
				s.evaluates(c, "the command passes its words to a shell")
			}
		}
	}
	for _, name := range []string{"busybox", "toybox"} {
		wrappers[name] = func(s *script, c command) { s.process(c) }
	}
}

// wrapper is a command that runs another one behind its options and a number
// of operands of its own. When it has an effect of its own, it is a Process as well.
func wrapper(flags, values string, longFlags, longValues []string, operands int, effect bool) func(*script, command) {
	t := &tool{options: map[string]option{}, stop: true}
	t.readOptions(append(longFlags, flags), option{})
	t.readOptions(append(longValues, values), option{value: true})
	return func(s *script, c command) {
		p := t.parse(c.args)
		if effect {
			s.process(c)
		}
		if p.problem != "" || len(p.operands) <= operands {
			s.process(c)
			return
		}
		for _, w := range p.operands[:operands] {
			if w.split || w.list || w.isPattern() {
				s.evaluates(c, "the name of the command is computed")
				return
			}
		}
		s.inner(c, p.operands[operands:])
	}
}

// inner runs the command that the words of another one give, not functions and builtins.
func (s *script) inner(c command, words []arg) {
	if !c.external {
		s.compute(c)
	}
	if inner, ok := s.innerCommand(c, words); ok {
		inner.external = true
		if inner.within++; inner.within > maxWithin {
			s.refuse(c, "a command within too many others")
			return
		}
		s.run(inner)
	}
}

// maxWithin bounds commands that are words of commands: env env env ls.
const maxWithin = 8

func (s *script) nohup(c command) {
	out := arg{texts: texts{lit("nohup.out")}}
	s.filesIn(c.dirs, writesFile, c.name, out, c.at)
	if len(c.args) == 0 || c.args[0].mayBeOption() {
		s.process(c)
		return
	}
	s.inner(c, c.args)
}

// env sets variables, and splits the text of -S into a command.
func (s *script) env(c command) {
	words := c.args
	for len(words) > 0 {
		text, ok := words[0].literal()
		assignment := strings.IndexByte(words[0].first(), '=')
		switch {
		case ok && (text == "-i" || text == "-" || text == "--ignore-environment" || text == "-0"):
		case ok && text == "--":
		case ok && (text == "-u" || text == "--unset") && len(words) > 1:
			words = words[1:]
		case words[0].mayBeOption():
			s.evaluates(c, "an option of env that may split text into a command, or change the directory")
			return
		case ok && zoneWord.MatchString(text):
		case assignment > 0:
			s.checkName(words[0].first()[:assignment], c.at)
			s.passesOn(words[0].first()[:assignment])
		default:
			s.inner(c, words)
			return
		}
		words = words[1:]
	}
	s.environment(c.at, c.name, report.Fact{Known: report.UnknownValue})
}

var zoneWord = regexp.MustCompile(`^TZ=[A-Za-z0-9+-]+(/[A-Za-z0-9_+-]+)*$`)

// first gives the literal text that all alternatives of a word start with, when there is one alternative.
func (a arg) first() string {
	if len(a.texts) != 1 || a.split || a.list {
		return ""
	}
	return a.texts[0].prefix()
}

// xargs runs a command with words from its input.
func (s *script) xargs(c command) {
	t := &tool{options: map[string]option{}, stop: true}
	t.readOptions([]string{"0rtx", "--null", "--no-run-if-empty", "--verbose", "--exit"}, option{})
	t.readOptions([]string{"nPLsdIE", "--max-args", "--max-procs", "--max-chars", "--delimiter"}, option{value: true})
	t.readOptions([]string{"a", "--arg-file"}, option{value: true, role: roleRead})
	// Their values are never the next word: xargs --replace sh x runs sh.
	t.readOptions([]string{"iel", "--replace", "--max-lines", "--eof"}, option{optional: true})
	p := t.parse(c.args)
	if p.problem != "" {
		s.refuse(c, p.problem)
		return
	}
	place := ""
	for _, g := range p.options {
		s.uses(c, t.options[g.name].role, g.value)
		if g.name == "-I" || g.name == "--replace" || g.name == "-i" {
			text, ok := g.value.literal()
			if !ok {
				s.refuse(c, "the mark that is replaced is not known")
				return
			}
			if place = text; text == "" {
				place = "{}"
			}
		}
	}
	words := p.operands
	if len(words) == 0 {
		words = []arg{{texts: texts{lit("echo")}}}
	}
	s.inner(c, fed(words, place))
}

// fed gives the words of a command with what xargs adds: in place of a mark, or at the end.
func fed(words []arg, place string) []arg {
	if place == "" {
		return append(slices.Clip(words), arg{texts: texts{unknown}, split: true})
	}
	out := []arg{}
	for _, w := range words {
		out = append(out, w.replace(place, unknown))
	}
	return out
}

// replace puts a text in place of every mark in a word.
func (a arg) replace(mark string, with text) arg {
	var ts texts
	for _, t := range a.texts {
		var out text
		for _, p := range t {
			if p.kind != literal {
				out = out.add(p)
				continue
			}
			for i, part := range strings.Split(p.text, mark) {
				if i > 0 {
					out = out.concat(with)
				}
				out = out.add(piece{literal, part})
			}
		}
		ts = ts.join(texts{out})
	}
	a.texts = ts
	return a
}

// interpreter reports a command that runs code: its input, a file, or a text.
func (s *script) interpreter(c command, flag string) {
	if s.passes && flag == "-c" && !strings.HasPrefix(c.name, "py") {
		s.evaluates(c, "the script gives the shell a variable that its code may trust: n='a[$(id)]' sh -c 'echo $((${n:-1}))'")
	}
	for i, w := range c.args {
		text, ok := w.literal()
		switch {
		case ok && (text == "-" || text == "-s"):
			s.inputCode(c, c.args[:i], flag)
			return
		case ok && takesCode(text, flag):
			s.process(c)
			if only(c.args[i+1:min(i+2, len(c.args))]).fact().Known != report.Literal {
				s.evaluates(c, "the code is only known at run time")
			}
			return
		case ok && strings.HasPrefix(text, "-"):
		default:
			s.process(c)
			s.filesIn(c.dirs, readsFile, c.name, w, c.at)
			if w.mayBeOption() {
				s.evaluates(c, "the code is only known at run time")
			}
			return
		}
	}
	if asksVersion(c.args) {
		s.process(c)
		return
	}
	s.inputCode(c, c.args, flag)
}

// takesCode tells whether an option, alone or with others in its word, takes the code: -c, -lc.
func takesCode(text, flag string) bool {
	return text == flag || len(text) > 1 && text[0] == '-' && text[1] != '-' && strings.HasSuffix(text, flag[1:])
}

func asksVersion(words []arg) bool {
	text, ok := only(words).literal()
	return ok && (text == "--version" || text == "-V" || text == "--help")
}

// inputCode reports an interpreter that reads its input as code. The options
// stay before the code: python3 -x leaves out its first line, -m runs a module.
func (s *script) inputCode(c command, options []arg, flag string) {
	if c.input.given && c.input.text.Known == report.Literal {
		words := append(argv(c.name, options), report.Fact{Known: report.Literal, Value: flag}, c.input.text)
		s.op(c.at, report.Operation{Kind: report.Process, Name: c.name, Args: report.Args{Argv: words}})
		return
	}
	s.process(c)
	s.evaluates(c, "the code is read from the input, and only known at run time")
}
