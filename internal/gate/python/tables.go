// SPDX-License-Identifier: Apache-2.0

package python

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
)

// tablesText lists the names without effect of the libraries in the sandbox
// image, and namesText all other names of attributes that an object there may
// have; hack/gatetables writes both. effectsText models the names with effects.
var (
	//go:embed tables.txt
	tablesText string
	//go:embed names.txt
	namesText string
	//go:embed effects.txt
	effectsText string
)

type set map[string]struct{}

func (s set) has(key string) bool { _, ok := s[key]; return ok }
func (s set) add(key string)      { s[key] = struct{}{} }

// readSet makes a set of the words of a text.
func readSet(words string) set {
	s := set{}
	for w := range strings.FieldsSeq(words) {
		s.add(w)
	}
	return s
}

// knowledge is the closed world: what is known about names before any code is read.
type knowledge struct {
	// version names the libraries and the digest of both tables.
	version string
	// inventory is the digest of the interpreter and libraries that tables.txt was made from.
	inventory string
	// modules maps each module that may be imported to its names without effect.
	modules map[string]set
	// aliases maps other dotted names of modules to their own name.
	aliases map[string]string
	// attributes may be read from any value.
	attributes set
	// sensitive attributes are never allowed, even if the code defines them itself.
	sensitive set
	// others are attributes that some object of the image has and that are not
	// in attributes: code may not read them.
	others set
	// effects maps dotted names to what they do; "module.*" is for every other public name.
	effects map[string][]effect
	// methods maps names of methods to what they do, each for values of certain modules.
	methods map[string][]method
	// guarded maps attributes that only the code's own objects may be asked for to
	// the modules whose objects have them, too.
	guarded map[string][]string
	// stores maps attributes that must not be assigned to the modules whose objects have them.
	stores map[string][]string
}

// world is parsed once: it is the same for every source.
var world = sync.OnceValue(loadKnowledge)

// Tables names the version of the tables in use: the libraries that they were
// made from, and the start of TablesDigest.
func Tables() string { return world().version }

// TablesDigest gives "sha256:" and the digest of the tables in hexadecimal.
func TablesDigest() string {
	sum := sha256.Sum256([]byte(tablesText + namesText + effectsText))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Inventory gives "sha256:" and the digest of the interpreter and the Python
// packages that the tables were made from. hack/gatetables/inventory.py prints
// that of an image.
func Inventory() string { return world().inventory }

func loadKnowledge() *knowledge {
	k := &knowledge{
		modules: map[string]set{}, aliases: map[string]string{}, attributes: set{}, sensitive: set{},
		effects: map[string][]effect{}, methods: map[string][]method{}, stores: map[string][]string{}, guarded: map[string][]string{},
	}
	version := k.readTables()
	k.version = version + " " + TablesDigest()[:len("sha256:")+16]
	_, names, _ := strings.Cut(namesText, "\n")
	k.others = readSet(names)
	k.readEffects()
	for name := range k.modules { // the parents of a known package are known, though empty
		for i := strings.LastIndexByte(name, '.'); i > 0; i = strings.LastIndexByte(name[:i], '.') {
			k.module(name[:i])
		}
	}
	return k
}

// module gives the names of a module, which is known from now on.
func (k *knowledge) module(name string) set {
	if k.modules[name] == nil {
		k.modules[name] = set{}
	}
	return k.modules[name]
}

// readTables reads tables.txt: headers, each followed by indented names.
//

func (k *knowledge) readTables() (version string) {
	var target set
	acting := map[string]set{}
	for line := range strings.Lines(tablesText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || line[0] == '#':
		case line[0] == ' ':
			for _, w := range words {
				target.add(w)
			}
		case words[0] == "version":
			version = strings.Join(words[1:], " ")
		case words[0] == "inventory":
			k.inventory = words[1]
		case words[0] == "module":
			target = k.module(words[1])
		case words[0] == "alias":
			k.aliases[words[1]] = words[2]
		case words[0] == "attributes":
			target = k.attributes
		case words[0] == "sensitive":
			target = k.sensitive
		case words[0] == "guarded":
			target = set{}
			acting[words[1]] = target
		default:
			panic("tables.txt: unknown section " + words[0])
		}
	}
	for module, names := range acting {
		for name := range names {
			k.guarded[name] = append(k.guarded[name], module)
		}
	}
	return version
}

// canonical resolves aliases at the start of a dotted name, so that
// "builtins.open" is "open" and "matplotlib.pyplot.style.use" is "matplotlib.style.use".
func (k *knowledge) canonical(name string) string {
	name = strings.TrimPrefix(name, builtinsModule+".")
	for i := strings.IndexByte(name, '.'); i > 0; {
		if target, ok := k.aliases[name[:i]]; ok {
			name = target + name[i:]
			i = len(target)
		}
		next := strings.IndexByte(name[i+1:], '.')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	if target, ok := k.aliases[name]; ok {
		name = target
	}
	return name
}

// isModule reports whether name may be imported.
func (k *knowledge) isModule(name string) bool { return k.modules[name] != nil }

// split cuts a dotted name behind its longest module: "os.path.join.x" gives
// "os.path" and ["join", "x"].
func (k *knowledge) split(name string) (module string, rest []string) {
	end := len(name)
	for end > 0 {
		if k.isModule(name[:end]) {
			if end == len(name) {
				return name, nil
			}
			return name[:end], strings.Split(name[end+1:], ".")
		}
		end = strings.LastIndexByte(name[:end], '.')
	}
	return "", strings.Split(name, ".")
}
