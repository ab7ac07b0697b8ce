// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
)

//go:embed tools.txt
var toolsText string

//go:embed variables.txt
var variablesText string

// tablesVersion is raised when the tables change in a way that matters to people.
const tablesVersion = "bash 5.2 coreutils 9.1"

// knowledge is what the tables say.
type knowledge struct {
	version string
	tools   map[string]*tool
	// variables are the names that the shell itself sets.
	variables map[string]variableClass
	settings  map[string]bool
	// settingPrefixes begin the names of further settings.
	settingPrefixes []string
	// plainWords make up names that no secret of an environment has.
	plainWords map[string]bool
	// interpreters run code; the value is the option that takes it as text.
	interpreters map[string]string
}

// variableClass says what is known about a variable without reading the script.
type variableClass uint8

const (
	_ variableClass = iota
	// variableNumber always holds a number, and evaluates what it is given as arithmetic.
	variableNumber
	// variableShell is set by the shell and gives nothing away.
	variableShell
)

// role says what the value of an option, or an operand, is to a command.
type role uint8

const (
	// roleText has no effect.
	roleText role = iota
	roleRead
	roleWrite
	roleDelete
	// roleReadWrite is a file that is changed.
	roleReadWrite
	// roleMoment is a date, in which TZ="…" names a file that is read.
	roleMoment
)

var roles = map[string]role{"text": roleText, "read": roleRead, "write": roleWrite, "delete": roleDelete, "change": roleReadWrite, "moment": roleMoment}

// option is what the table says about one option.
type option struct {
	value, optional bool
	role            role
}

// operand is a place for one operand, or for many.
type operand struct {
	role     role
	many     bool
	fallback string // of what the command takes when there is none
}

// tool is what the table says about a command.
type tool struct {
	name     string
	options  map[string]option
	operands []operand
	// safe: no option has an effect. paths: options can only name files.
	safe, paths bool
	// stop: the options end at the first operand. digits: -NUMBER is an option.
	stop, digits bool
}

var world = sync.OnceValue(func() *knowledge {
	sum := sha256.Sum256([]byte(toolsText + "\x00" + variablesText))
	k := &knowledge{
		version: tablesVersion + " sha256:" + hex.EncodeToString(sum[:])[:12],
		tools:   map[string]*tool{}, variables: map[string]variableClass{}, settings: map[string]bool{}, interpreters: map[string]string{}, plainWords: map[string]bool{},
	}
	k.readTools()
	k.readVariables()
	return k
})

// readTools reads tools.txt. The file is part of the program: an error in it is a bug.
func (k *knowledge) readTools() {
	var under []*tool
	for line := range strings.Lines(toolsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || line[0] == '#':
		case line[0] == ' ':
			for _, t := range under {
				t.read(words)
			}
		case words[0] == "tool":
			under = under[:0:0]
			for _, name := range words[1:] {
				t := &tool{name: name, options: map[string]option{"--help": {}, "--version": {}}}
				k.tools[name] = t
				under = append(under, t)
			}
		case words[0] == "interpreter":
			for _, name := range words[2:] {
				k.interpreters[name] = words[1]
			}
		default:
			panic("tools.txt: unknown header " + words[0])
		}
	}
}

func (t *tool) read(words []string) {
	switch words[0] {
	case "safe":
		t.safe = true
	case "paths":
		t.paths = true
	case "stop":
		t.stop = true
	case "digits":
		t.digits = true
	case "operands":
		for _, w := range words[1:] {
			t.operands = append(t.operands, readOperand(w))
		}
	case "flags":
		t.readOptions(words[1:], option{})
	case "optional":
		t.readOptions(words[1:], option{optional: true})
	case "value":
		t.readOptions(words[1:], option{value: true})
	default:
		r, ok := roles[words[0]]
		if !ok {
			panic("tools.txt: unknown role " + words[0])
		}
		t.readOptions(words[1:], option{value: true, role: r})
	}
}

// readOptions reads "ab" as -a and -b, and "--long" as it is.
func (t *tool) readOptions(words []string, o option) {
	for _, w := range words {
		if strings.HasPrefix(w, "-") {
			t.options[w] = o
			continue
		}
		for _, c := range w {
			t.options["-"+string(c)] = o
		}
	}
}

func readOperand(word string) operand {
	name, fallback, _ := strings.Cut(word, "=")
	name, many := strings.CutSuffix(name, "*")
	r, ok := roles[name]
	if !ok {
		panic("tools.txt: unknown operand " + word)
	}
	return operand{role: r, many: many, fallback: fallback}
}

// readVariables reads variables.txt.
func (k *knowledge) readVariables() {
	for line := range strings.Lines(variablesText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		for _, w := range words[1:] {
			switch words[0] {
			case "number":
				k.variables[w] = variableNumber
			case "shell":
				k.variables[w] = variableShell
			case "setting":
				if prefix, ok := strings.CutSuffix(w, "*"); ok {
					k.settingPrefixes = append(k.settingPrefixes, prefix)
				}
				k.settings[w] = true
			case "plain":
				k.plainWords[w] = true
			default:
				panic("variables.txt: unknown header " + words[0])
			}
		}
	}
}

// isSetting tells whether a variable changes what the shell or a command does.
func (k *knowledge) isSetting(name string) bool {
	if k.settings[name] {
		return true
	}
	for _, prefix := range k.settingPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isPlain tells whether a name is made of words such as OUT_DIR or max_rows, so
// that reading it, where the script sets it too or gives a default, is no look
// at what the environment keeps.
func (k *knowledge) isPlain(name string) bool {
	for word := range strings.SplitSeq(strings.ToLower(strings.TrimRight(name, "0123456789")), "_") {
		if !k.plainWords[word] {
			return false
		}
	}
	return !k.isSetting(name)
}

// passesOn notes a variable that other programs are given. A shell reads those
// with plain names, and those that it takes for numbers, as if they were its own.
func (s *script) passesOn(name string) {
	s.passes = s.passes || s.known.isPlain(name) || s.known.variables[name] == variableNumber
}

// shadows tells whether a function of that name changes what other code does. One
// in place of a tool does not: it is read wherever the script calls it, commands
// that run others (xargs, find) pass it over, and no script may export functions.
func (k *knowledge) shadows(name string) bool {
	_, isInterpreter := k.interpreters[name]
	_, isBuiltin := builtins[name]
	return isInterpreter || isBuiltin || wrappers[name] != nil || !functionName.MatchString(name) || name == "command_not_found_handle"
}
