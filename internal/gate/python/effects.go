// SPDX-License-Identifier: Apache-2.0

package python

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// kindFile stands for FileRead, FileWrite or both; the mode argument decides.
const kindFile report.Kind = "File"

// effect is one thing that a name does, and where its facts are found. The
// syntax is explained at the top of effects.txt.
type effect struct {
	kind report.Kind
	// facts maps the name of a fact to the argument that tells it.
	facts map[string]argument
	// order holds the names of facts as written; the first decides about optional.
	order    []string
	optional bool
	arity    int // -1 for any
	most     int // positional arguments that leave the path as it is; -1 for any
	called   bool
	// computed is set when a reference has the effect unless it is only looked
	// at, or called with one argument (references.go).
	computed bool
	// evaluated is set when annotations of functions do not have the effect.
	evaluated bool
}

// argument says how a value is passed: by position (-1 for none), by keyword, or by default.
type argument struct {
	position   int
	keyword    string
	fallback   string
	hasDefault bool
}

// method is an attribute with effects, on values that only the providers create.
type method struct {
	providers []string
	effects   []effect
}

var effectKinds = map[string]report.Kind{
	"File": kindFile, "FileRead": report.FileRead, "FileWrite": report.FileWrite, "FileDelete": report.FileDelete,
	"Network": report.Network, "Process": report.Process, "SQL": report.SQLStatement,
	"Environment": report.Environment, "Dynamic": report.Dynamic,
}

// readEffects reads effects.txt. The file is part of the program: an error in it is a bug.
func (k *knowledge) readEffects() {
	var under section
	for line := range strings.Lines(effectsText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || line[0] == '#':
		case line[0] == ' ':
			k.readEntry(under, words)
		default:
			under = k.readHeader(words, line)
		}
	}
}

// section is what the indented lines below a header belong to.
type section struct {
	module    string
	providers []string
}

func (k *knowledge) readHeader(words []string, line string) section {
	switch words[0] {
	case "module":
		k.module(words[1])
		return section{module: words[1]}
	case "attributes":
		return section{providers: words[1:]}
	case "alias":
		k.aliases[words[1]] = words[2]
	case "stores":
		readAttributes(k.stores, line)
	case "guarded":
		readAttributes(k.guarded, line)
	default:
		panic("effects.txt: unknown header " + words[0])
	}
	return section{}
}

func (k *knowledge) readEntry(under section, words []string) {
	name := words[0]
	switch {
	case name == "compute":
		for _, w := range words[1:] {
			k.modules[under.module].add(w)
		}
	case under.providers != nil:
		k.methods[name] = append(k.methods[name], method{under.providers, parseEffects(words[1:])})
	default:
		k.effects[joinName(under.module, name)] = parseEffects(words[1:])
	}
}

// readAttributes reads a header, modules, a colon, and attributes of their objects.
func readAttributes(into map[string][]string, line string) {
	modules, names, _ := strings.Cut(line, ":")
	for name := range strings.FieldsSeq(names) {
		into[name] = append(into[name], strings.Fields(modules)[1:]...)
	}
}

// joinName gives the dotted name of a module's name; builtins have no prefix.
func joinName(module, name string) string {
	if module == builtinsModule {
		return name
	}
	return module + "." + name
}

func parseEffects(words []string) []effect {
	var out []effect
	var e *effect
	for _, w := range words {
		switch kind, isKind := effectKinds[w]; {
		case w == ";":
			e = nil
		case e == nil && isKind:
			out = append(out, effect{kind: kind, facts: map[string]argument{}, arity: -1, most: -1})
			e = &out[len(out)-1]
		case e == nil:
			panic("effects.txt: unknown kind " + w)
		default:
			e.parse(w)
		}
	}
	return out
}

// parse reads one fact or flag: "path=0:file", "self", "optional", "arity=1".
func (e *effect) parse(word string) {
	name, spec, isFact := strings.Cut(word, "=")
	switch {
	case word == "optional":
		e.optional = true
	case word == "called":
		e.called = true
	case word == "computed":
		e.computed = true
	case word == "evaluated":
		e.evaluated = true
	case name == "arity":
		e.arity = mustAtoi(spec)
	case name == "most":
		e.most = mustAtoi(spec)
	case !isFact:
		e.facts[name] = argument{position: -1}
		e.order = append(e.order, name)
	default:
		parts := strings.SplitN(spec, ":", 3)
		a := argument{position: -1}
		if parts[0] != "" {
			a.position = mustAtoi(parts[0])
		}
		if len(parts) > 1 {
			a.keyword = parts[1]
		}
		if len(parts) > 2 {
			a.fallback, a.hasDefault = parts[2], true
		}
		e.facts[name] = a
		e.order = append(e.order, name)
	}
}

func mustAtoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("effects.txt: %v", err))
	}
	return n
}
