// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// The tables of known names; each file explains its format.
var (
	//go:embed names.txt
	namesText string
	//go:embed effects.txt
	effectsText string
	//go:embed methods.txt
	methodsText string
	//go:embed sensitive.txt
	sensitiveText string
	//go:embed global.txt
	globalText string
	//go:embed builtins.txt
	builtinsText string
)

type set map[string]struct{}

func (s set) add(name string)      { s[name] = struct{}{} }
func (s set) has(name string) bool { _, ok := s[name]; return ok }

// pure is a name without effects.
type pure struct {
	form   string // function, class or value
	result kinds
}

// effect is one thing that a name does; facts maps the name of a fact to the
// position of the argument that tells it.
type effect struct {
	kind  report.Kind
	facts map[string]int
}

// kindFile stands for FileRead, FileWrite or both, by the flags.
const kindFile report.Kind = "File"

// method is a method of values of any type.
type method struct {
	result            kinds
	callback, storing bool
}

// knowledge is what the tables say.
type knowledge struct {
	version    string
	pure       map[string]pure
	effects    map[string][]effect
	modules    set
	same       map[string]string
	namespaces set
	methods    map[string]method
	sensitive  set
	onGlobal   set
	// builtins are names of functions that values of the language and of Node have, and that methods does not list.
	builtins set
}

var resultKinds = map[string]kinds{
	"number": primitive, "string": text | primitive, "name": named, "data": unknownData, "handle": unknownData | handle, "any": unknownData, "callback": unknownData, "storing": unknownData,
}

// world reads the tables once. They are part of the program: an error in them is a bug.
var world = sync.OnceValue(func() *knowledge {
	sum := sha256.Sum256([]byte(namesText + effectsText + methodsText + sensitiveText + globalText + builtinsText))
	k := &knowledge{
		version: "node 20 sha256:" + hex.EncodeToString(sum[:6]),
		pure:    map[string]pure{}, effects: map[string][]effect{}, modules: set{}, same: map[string]string{},
		namespaces: set{}, methods: map[string]method{}, sensitive: set{}, onGlobal: set{}, builtins: set{},
	}
	entries(namesText, k.readNames)
	entries(effectsText, k.readEffect)
	entries(methodsText, k.readMethods)
	entries(sensitiveText, func(words []string) { addAll(k.sensitive, words) })
	entries(globalText, func(words []string) { addAll(k.onGlobal, words) })
	entries(builtinsText, func(words []string) { addAll(k.builtins, words) })
	return k
})

func entries(text string, read func(words []string)) {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			read(words)
		}
	}
}

func addAll(s set, words []string) {
	for _, w := range words {
		s.add(w)
	}
}

func (k *knowledge) readNames(words []string) {
	switch words[0] {
	case "modules:":
		addAll(k.modules, words[1:])
		return
	case "same":
		k.same[words[1]] = words[2]
		return
	}
	form, result := words[1], resultKinds[strings.TrimSuffix(words[2], ":")]
	for _, w := range words[3:] {
		name := w
		if words[0] != "-" {
			name = words[0] + "." + w
		}
		k.pure[name] = pure{form, result}
		k.addNamespaces(name)
	}
}

func (k *knowledge) addNamespaces(name string) {
	for i := strings.LastIndexByte(name, '.'); i > 0; i = strings.LastIndexByte(name[:i], '.') {
		k.namespaces.add(name[:i])
	}
}

func (k *knowledge) readEffect(words []string) {
	name := words[0]
	var out []effect
	e := effect{facts: map[string]int{}}
	for _, w := range words[1:] {
		fact, position, isFact := strings.Cut(w, "=")
		switch {
		case w == ";":
			out = append(out, e)
			e = effect{facts: map[string]int{}}
		case isFact:
			n, err := strconv.Atoi(position)
			if err != nil {
				panic("effects.txt: " + w)
			}
			e.facts[fact] = n
		default:
			e.kind = report.Kind(w)
		}
	}
	k.effects[name] = append(out, e)
	k.addNamespaces(name)
}

func (k *knowledge) readMethods(words []string) {
	class := strings.TrimSuffix(words[0], ":")
	m := method{result: resultKinds[class], callback: class == "callback", storing: class == "storing"}
	for _, w := range words[1:] {
		k.methods[w] = m
	}
}

// isGlobal reports whether the language or Node has a global of that name that the tables know.
func (k *knowledge) isGlobal(name string) bool {
	_, known := k.pure[name]
	return !strings.Contains(name, ".") && (known && !k.modules.has(name) || k.effects[name] != nil || specialGlobals.has(name) || k.onGlobal.has(name) && !k.modules.has(name) ||
		name == "process" || name == "console" || name == "crypto" || name == "Buffer")
}

// specialGlobals have rules of their own.
var specialGlobals = set{"require": {}, "module": {}, "exports": {}, "global": {}, "globalThis": {}, "self": {}, "process": {}, "arguments": {}}

// canonical gives the name that the tables list.
func (k *knowledge) canonical(name string) string {
	for range 4 {
		before := name
		name = strings.ReplaceAll(name+".", ".default.", ".")
		name = strings.TrimSuffix(name, ".")
		if to, ok := k.same[name]; ok {
			name = to
		} else if head, rest, ok := strings.Cut(name, "."); ok && k.same[head] != "" {
			name = k.same[head] + "." + rest
		} else if first, rest, ok := cutTwo(name); ok && k.same[first] != "" {
			name = k.same[first] + "." + rest
		}
		name = strings.Replace(name, "path.posix.", "path.", 1)
		if name == "path.posix" {
			name = "path"
		}
		if name == before {
			break
		}
	}
	return name
}

// cutTwo cuts a name behind its second part.
func cutTwo(name string) (first, rest string, ok bool) {
	i := strings.IndexByte(name, '.')
	if i < 0 {
		return "", "", false
	}
	j := strings.IndexByte(name[i+1:], '.')
	if j < 0 {
		return "", "", false
	}
	return name[:i+1+j], name[i+1+j+1:], true
}

// effectsOf gives the effects of a name; the functions of fs come in three variants.
func (k *knowledge) effectsOf(name string) []effect {
	if e := k.effects[name]; e != nil {
		return e
	}
	if base, ok := strings.CutPrefix(name, "fs.promises."); ok {
		return k.effects["fs."+base]
	}
	if base, ok := strings.CutPrefix(name, "dns.promises."); ok {
		return k.effects["dns."+base]
	}
	if base, ok := strings.CutSuffix(name, "Sync"); ok && strings.HasPrefix(name, "fs.") {
		return k.effects[base]
	}
	return nil
}
