// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// script is the state of reading one source.
type script struct {
	known  *knowledge
	out    *report.Builder
	source []byte
	// values holds, for every variable, all that the script assigns to it anywhere.
	// "f\x001" is the first argument of the function f, "f\x00@" any, and "f\x00>" what it prints.
	values    map[string]texts
	functions map[string]*function
	// early are the variables that are read where they may have no value yet.
	early map[string]bool
	// handlers are the parsed texts of traps, by the place of their words.
	handlers  map[span]*syntax.File
	inHandler bool
	// integers have the attribute -i, arrays were given a list, unsets were removed.
	// maps have keys that are text, locals belong to a call of a function.
	integers, arrays, unsets, maps, locals map[string]bool
	// ifs is set when the script changes how words are split, moves when it
	// changes the directory, open when a trap changes the arguments of functions.
	ifs, moves, open bool
	// passes is set when the script gives other programs a variable that a
	// shell takes for harmless.
	passes    bool
	equations []equation
	// written counts what writes a file, packed without tar; checked and unpacked
	// are the lists and archives that are read as such.
	written, packed   map[string]int
	checked, unpacked []use
	state
}

// function is a function that the script defines.
type function struct {
	decls []*syntax.FuncDecl
	// open is set when the arguments are not known, shifts when they move.
	open, shifts, called bool
	// least is the smallest number of words that a call has.
	least int
	analysed
}

// equation says that the alternatives of a word reach a variable.
type equation struct {
	key, fn string
	of      func(e evaluator) texts
	append  bool
}

// maxRounds bounds the search for a fixed point of the values; behind
// settledRounds what still grows is a number, or unknown.
const (
	maxRounds     = 24
	settledRounds = 8
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// collect finds what the script assigns to each variable and passes to each function.
func (s *script) collect(file *syntax.File) {
	s.values, s.functions, s.handlers = map[string]texts{}, map[string]*function{}, map[span]*syntax.File{}
	s.integers, s.arrays, s.unsets = map[string]bool{}, map[string]bool{}, map[string]bool{}
	s.maps, s.locals = map[string]bool{}, map[string]bool{}
	s.written, s.packed = map[string]int{}, map[string]int{}
	syntax.Walk(file, func(n syntax.Node) bool {
		if decl, ok := n.(*syntax.FuncDecl); ok {
			f := s.functions[decl.Name.Value]
			if f == nil {
				f = &function{}
				s.functions[decl.Name.Value] = f
			}
			f.decls = append(f.decls, decl)
		}
		return true
	})
	s.gather(file, "")
	s.gatherUnset()
	s.solve()
	for _, f := range s.functions {
		f.open = f.open || !f.called
	}
}

// gatherUnset adds what variables are that the script has not given a value, or
// not any more: empty, x="$d/etc/passwd"; d=out, or what the shell gives them.
func (s *script) gatherUnset() {
	for _, q := range slices.Clone(s.equations) {
		if s.known.variables[q.key] == variableShell {
			s.add(q.key, "", isUnknown)
		}
		if s.early[q.key] || s.unsets[q.key] {
			s.add(q.key, "", isEmpty)
		}
	}
}

// gather adds the equations of a tree.
func (s *script) gather(root syntax.Node, fn string) {
	syntax.Walk(root, func(n syntax.Node) bool {
		if decl, ok := n.(*syntax.FuncDecl); ok && decl != root {
			s.gather(decl, decl.Name.Value)
			return false
		}
		s.gatherNode(n, fn)
		return true
	})
	if decl, ok := root.(*syntax.FuncDecl); ok {
		s.add(fn+"\x00>", fn, func(e evaluator) texts { return e.printedBy(decl.Body) })
	}
}

func (s *script) gatherNode(n syntax.Node, fn string) {
	switch n := n.(type) {
	case *syntax.Assign:
		s.gatherAssign(n, fn)
	case *syntax.CallExpr:
		s.gatherCall(n, fn)
	case *syntax.DeclClause:
		s.gatherDeclare(n, fn)
	case *syntax.ForClause:
		if loop, ok := n.Loop.(*syntax.WordIter); ok {
			s.gatherLoop(loop, fn)
		}
	default:
		s.gatherExpansion(n, fn)
	}
}

// gatherExpansion adds what expansions and arithmetic assign.
func (s *script) gatherExpansion(n syntax.Node, fn string) {
	switch n := n.(type) {
	case *syntax.BinaryArithm:
		if isAssignment(n.Op) {
			s.add(arithmeticName(n.X), fn, isANumber)
		}
	case *syntax.UnaryArithm:
		if n.Op == syntax.Inc || n.Op == syntax.Dec {
			s.add(arithmeticName(n.X), fn, isANumber)
		}
	case *syntax.ParamExp:
		if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
			s.add(n.Param.Value, fn, func(e evaluator) texts { return e.nested(n.Exp.Word) })
		}
	case *syntax.Redirect:
		if n.N != nil {
			s.add(strings.Trim(n.N.Value, "{}"), fn, isANumber)
		}
	}
}

func isANumber(evaluator) texts { return texts{aNumber} }
func isUnknown(evaluator) texts { return texts{unknown} }
func isEmpty(evaluator) texts   { return texts{nil} }

func (s *script) add(key, fn string, of func(evaluator) texts) {
	// IFS can be set by all that sets variables: printf -v IFS x.
	s.ifs = s.ifs || key == "IFS"
	if key != "" {
		s.equations = append(s.equations, equation{key: key, fn: fn, of: of})
	}
}

func (s *script) gatherAssign(a *syntax.Assign, fn string) {
	if a.Name == nil {
		return
	}
	name := a.Name.Value
	s.ifs = s.ifs || name == "IFS"
	if a.Array != nil {
		s.arrays[name] = true
		for _, elem := range a.Array.Elems {
			s.add(name, fn, func(e evaluator) texts { return e.element(elem.Value) })
		}
		s.add(name, fn, func(evaluator) texts { return texts{nil} })
		return
	}
	s.equations = append(s.equations, equation{key: name, fn: fn, append: a.Append, of: func(e evaluator) texts { return e.assigned(a.Value) }})
}

// element gives what one word of a list can become.
func (e evaluator) element(w *syntax.Word) texts {
	a := e.word(w)
	if a.split && !a.texts.areNumbers() {
		if _, ok := w.Parts[0].(*syntax.ParamExp); !ok || len(w.Parts) > 1 {
			return texts{unknown}
		}
		return e.fields(a.texts)
	}
	return a.texts
}

// fields divides the alternatives of an unquoted expansion as the shell does
// with its own IFS, when they are known and hold no pattern.
func (e evaluator) fields(ts texts) texts {
	var out texts
	for _, t := range ts {
		s, known := t.literal()
		if !known || e.s.ifs || strings.ContainsAny(s, `*?[\`) {
			return texts{unknown}
		}
		for field := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }) {
			out = out.join(texts{lit(field)})
		}
	}
	return out
}

func (s *script) gatherLoop(loop *syntax.WordIter, fn string) {
	name := loop.Name.Value
	if !loop.InPos.IsValid() {
		s.add(name, fn, func(e evaluator) texts { return e.positional("@") })
	}
	for _, w := range loop.Items {
		s.add(name, fn, func(e evaluator) texts { return e.element(w) })
	}
	s.add("REPLY", fn, isUnknown)
}

// gatherDeclare notes the attributes that a declaration gives.
func (s *script) gatherDeclare(d *syntax.DeclClause, fn string) {
	flags := declareFlags(d)
	for _, a := range d.Args {
		if a.Name == nil {
			continue
		}
		if d.Variant.Value == "export" || strings.Contains(flags, "x") {
			s.passesOn(a.Name.Value)
		}
		if strings.Contains(flags, "i") {
			s.integers[a.Name.Value] = true
		}
		if strings.ContainsAny(flags, "aA") {
			s.arrays[a.Name.Value] = true
		}
		if strings.Contains(flags, "A") {
			s.maps[a.Name.Value] = true
		}
		if fn != "" {
			s.locals[a.Name.Value] = true
		}
	}
}

// declareFlags gives the letters of the options of a declaration.
func declareFlags(d *syntax.DeclClause) string {
	var flags strings.Builder
	for _, a := range d.Args {
		if a.Naked && a.Name == nil && a.Value != nil {
			if s := a.Value.Lit(); strings.HasPrefix(s, "-") {
				flags.WriteString(s[1:])
			}
		}
	}
	return flags.String()
}

// gatherCall notes what a command does to variables, and the arguments of calls of functions.
func (s *script) gatherCall(c *syntax.CallExpr, fn string) {
	for _, a := range c.Assigns {
		if len(c.Args) > 0 && a.Name != nil {
			s.passesOn(a.Name.Value)
		}
	}
	name, rest := s.builtinOf(c)
	switch name {
	case "cd", "pushd", "popd":
		s.moves = true
	case "shift", "set":
		// A trap runs in the function that it interrupts: trap 'set -- x' DEBUG.
		s.open = s.open || s.inHandler
		if f := s.functions[fn]; f != nil {
			f.shifts = f.shifts || name == "shift"
			f.open = f.open || name == "set" && len(rest) > 0
		}
	case "unset":
		for _, w := range rest {
			s.unsets[staticLit(w)] = true
		}
	case "trap":
		s.gatherTrap(rest)
	case "read", "mapfile", "readarray", "getopts", "printf", "wait":
		s.gatherNames(rest, fn)
	}
	if len(c.Args) > 0 {
		called := staticLit(c.Args[0])
		if f := s.functions[called]; f != nil {
			s.gatherArguments(f, called, c.Args[1:], fn)
		}
	}
}

// gatherNames gives every word that can be the name of a variable an unknown value.
func (s *script) gatherNames(words []*syntax.Word, fn string) {
	for _, w := range words {
		word := staticLit(w)
		s.add(strings.TrimLeft(word, "-"), fn, isUnknown)
		if len(word) > 2 && word[0] == '-' {
			s.add(word[2:], fn, isUnknown) // glued to its option: printf -vname, read -aname
		}
	}
	for _, word := range []string{"REPLY", "MAPFILE", "OPTARG"} {
		s.add(word, fn, isUnknown)
	}
}

// gatherArguments passes the words of a call to the parameters of a function.
func (s *script) gatherArguments(f *function, name string, words []*syntax.Word, fn string) {
	if len(words) > maxArguments {
		f.open, f.called = true, true
		return
	}
	if !f.called || len(words) < f.least {
		f.least = len(words)
	}
	f.called = true
	for i, w := range words {
		if i < maxPositional {
			s.add(name+"\x00"+strconv.Itoa(i+1), fn, func(e evaluator) texts { return e.argument(words, i) })
		}
		s.add(name+"\x00@", fn, func(e evaluator) texts { return e.element(w) })
	}
	// Behind the last one is what a word that divides moves there.
	s.add(name+"\x00+", fn, func(e evaluator) texts { return e.argument(words, len(words)) })
}

// maxPositional is how many positional parameters are told apart, maxArguments
// how many words a call may have for that.
const (
	maxPositional = 9
	maxArguments  = 64
)

// argument gives the i-th argument of a call. Once a word may become another
// number of words, the ones behind it can be anywhere.
func (e evaluator) argument(words []*syntax.Word, i int) texts {
	for _, w := range words[:min(i+1, len(words))] {
		if a := e.word(w); a.split || a.list || a.isPattern() {
			return e.all(words)
		}
	}
	if i >= len(words) {
		return texts{nil}
	}
	return e.element(words[i])
}

func (e evaluator) all(words []*syntax.Word) texts {
	out := texts{nil}
	for _, w := range words {
		out = out.join(e.element(w))
	}
	return out
}

// gatherTrap reads the text of a trap as the code that it is.
func (s *script) gatherTrap(words []*syntax.Word) {
	if len(words) == 0 || s.inHandler || len(s.handlers) == maxHandlers {
		return
	}
	action, ok := (evaluator{s: s}).word(words[0]).literal()
	if !ok {
		return
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true)).Parse(strings.NewReader(action), "")
	if err != nil || inspect(file, []byte(action)) != nil || scan([]byte(action)) != nil || hasFunction(file) {
		return
	}
	s.handlers[spanOf(words[0])] = file
	s.inHandler = true
	s.gather(file, "")
	s.inHandler = false
	if slices.ContainsFunc(words[1:], runsInside) {
		s.add(handlerPrints, "", func(e evaluator) texts {
			out := texts{nil}
			e.printedList(file.Stmts, &out)
			return out
		})
	}
}

// handlerPrints is the key of what handlers print into command substitutions:
// set -E; trap 'echo /etc/passwd' ERR; cat "$(false)".
const handlerPrints = "\x00trap>"

// runsInside tells whether a handler for what a word names can run within a command substitution.
func runsInside(w *syntax.Word) bool {
	name := strings.TrimPrefix(strings.ToUpper(staticLit(w)), "SIG")
	return name == "" || name == "ERR" || name == "DEBUG" || name == "RETURN"
}

// maxHandlers bounds the texts of traps that are parsed.
const maxHandlers = 32

func hasFunction(root syntax.Node) bool {
	found := false
	syntax.Walk(root, func(n syntax.Node) bool {
		_, is := n.(*syntax.FuncDecl)
		found = found || is
		return !found
	})
	return found
}

// solve repeats the equations until nothing changes. What does not settle is unknown.
func (s *script) solve() {
	for _, q := range s.equations {
		s.values[q.key] = nil
	}
	for round := range maxRounds {
		changed := false
		for _, q := range s.equations {
			old := s.values[q.key]
			add := q.of(evaluator{s: s, fn: q.fn})
			if q.append {
				add = add.join(old.concat(add))
			}
			joined := old.join(add)
			if round >= settledRounds && !joined.equal(old) {
				joined = joined.widen() // out=$((n % 2))$out
			}
			if !joined.equal(old) {
				s.values[q.key] = joined
				changed = true
			}
		}
		if !changed {
			return
		}
	}
	for _, q := range s.equations {
		s.values[q.key] = texts{unknown}
	}
}
