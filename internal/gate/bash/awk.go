// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"slices"
	"strings"
)

// awkForbidden are the names by which a program of awk reads files, runs
// commands, loads code, or reaches the environment, wherever they stand.
var awkForbidden = regexp.MustCompile(`\b(system|getline|ENVIRON|ARGV|ARGC|ARGIND|PROCINFO|SYMTAB|FUNCTAB|include|load|extension|namespace|fflush)\b`)

// awk reports awk(1) for programs that are known and compute only.
func (s *script) awk(c command, t *tool) {
	p := t.parse(c.args)
	words := p.operands
	if p.problem == "" && len(words) == 0 {
		p.problem = "there is no program"
	}
	for _, g := range p.options {
		if g.name == "-v" || g.name == "--assign" {
			p.problem = orElse(p.problem, awkAssignment(g.value))
		}
	}
	var writes []string
	if len(words) > 0 {
		program, ok := words[0].literal()
		if !ok {
			p.problem = orElse(p.problem, "the program is not known")
		} else {
			r := awkReader{text: program, forks: new(int)}
			p.problem = orElse(p.problem, r.read())
			writes = r.writes
		}
		words = words[1:]
	}
	p.operands = nil
	s.report(c, t, p)
	for _, path := range writes {
		s.uses(c, roleWrite, arg{texts: texts{lit(path)}})
	}
	for _, w := range words {
		text, ok := w.literal()
		if ok && text == "-" || ok && awkVariable.MatchString(text) && awkAssignment(w) == "" {
			continue
		}
		s.uses(c, roleRead, w)
	}
}

var awkVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^/]*$`)

func awkAssignment(a arg) string {
	for _, t := range a.texts {
		name, _, ok := strings.Cut(t.prefix(), "=")
		if !ok || a.divides() || !identifier.MatchString(name) || awkForbidden.MatchString(name) {
			return "the variable that is set is not known"
		}
	}
	if len(a.texts) == 0 {
		return "the variable that is set is not known"
	}
	return ""
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// awkReader reads the tokens of a program, as far as it takes to find pipes and redirections.
type awkReader struct {
	text string
	at   int
	// last is the token before: "v" for a value, "k" for a keyword, "o" for all else.
	last string
	// printing is the depth of brackets of a print statement plus 1, 0 outside of one.
	printing, depth int
	writes          []string
	// forks counts the slashes that were read both ways.
	forks *int
	// brackets says what a slash between brackets does to a pattern.
	brackets brackets
}

// brackets says how a slash within the brackets of a pattern is read.
type brackets uint8

const (
	bracketsRefuse brackets = iota // readers disagree
	bracketsHide                   // it is a letter: gawk
	bracketsEnd                    // it ends the pattern
)

// maxForks bounds the slashes that are read both ways, each of which doubles the work at worst.
const maxForks = 32

const awkEffect = "the program of awk reads, writes or runs, or cannot be read"

// read says why the program is not known to compute only, "" when it does.
func (r *awkReader) read() string {
	if awkForbidden.MatchString(r.text) || strings.Contains(r.text, "\\\n") {
		return awkEffect
	}
	if !r.rest() {
		return awkEffect
	}
	return ""
}

func (r *awkReader) rest() bool {
	for r.at < len(r.text) {
		if !r.token() {
			return false
		}
	}
	return true
}

func (r *awkReader) token() bool {
	switch c := r.text[r.at]; {
	case c == ' ' || c == '\t':
		r.at++
	case c == '#':
		line, _, _ := strings.Cut(r.text[r.at:], "\n")
		r.at += len(line)
	case c == '"':
		_, ok := r.str()
		r.last = "v"
		return ok
	case c == '/':
		return r.slash()
	case isLetter(c) || c == '$' || c == '.':
		r.word()
	default:
		return r.sign(c)
	}
	return true
}

func (r *awkReader) word() {
	start := r.at
	for r.at < len(r.text) && (isLetter(r.text[r.at]) || r.text[r.at] == '$' || r.text[r.at] == '.') {
		r.at++
	}
	word := r.text[start:r.at]
	if strings.HasSuffix(word, "$") {
		r.last = "?" // $/x/ is the field that a pattern gives, to some versions
		return
	}
	switch word {
	case "print", "printf":
		r.printing, r.last = r.depth+1, "k"
	case "length":
		r.last = "?"
	case "in", "return", "if", "while", "for", "do", "else", "case", "BEGIN", "END", "delete", "exit":
		r.last = "k"
	default:
		r.last = "v"
	}
}

// str reads a string without its quotes.
func (r *awkReader) str() (string, bool) {
	start := r.at + 1
	for r.at = start; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++
		case '\n':
			return "", false
		case '"':
			r.at++
			return r.text[start : r.at-1], true
		}
	}
	return "", false
}

// slash tells a division from a pattern. Where it takes the grammar to tell
// them apart, and a second slash follows, the program is read both ways.
func (r *awkReader) slash() bool {
	rest := r.text[r.at+1:]
	switch r.last {
	case "v":
		r.at++
		r.last = "o"
		return true
	case ")", "?":
		if line, _, _ := strings.Cut(rest, "\n"); strings.Contains(line, "/") && !r.fork() {
			return false
		}
		r.at++
		r.last = "o"
		return true
	}
	return r.pattern(rest)
}

// fork reads what is left of the program with a pattern at this slash.
func (r *awkReader) fork() bool {
	if *r.forks++; *r.forks > maxForks {
		return false
	}
	for _, how := range []brackets{bracketsHide, bracketsEnd} {
		other := *r
		other.brackets, other.writes = how, slices.Clone(r.writes)
		if !other.pattern(r.text[r.at+1:]) {
			continue // a pattern without an end: awk refuses the program as a whole
		}
		if !other.rest() {
			return false
		}
		for _, path := range other.writes {
			if !slices.Contains(r.writes, path) {
				r.writes = append(r.writes, path)
			}
		}
	}
	return true
}

// pattern reads a pattern between slashes.
func (r *awkReader) pattern(rest string) bool {
	in := patternState{}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\':
			i++
			in.first = false
		case c == '\n':
			return false
		case c != '/':
			i += in.step(rest[i:])
		case in.listed != in.opened, in.listed && r.brackets == bracketsRefuse:
			return false
		case !in.listed || r.brackets == bracketsEnd:
			r.at += i + 2
			r.last = "v"
			return true
		}
	}
	return false
}

// patternState tells whether a pattern is within brackets: listed as POSIX has
// it, where "]" may come first and "[:alpha:]" be inside, opened by the last
// bracket alone. Where the two differ, versions of awk do.
type patternState struct{ listed, opened, first bool }

// step reads the byte at the start of rest, and gives how many more it takes.
func (p *patternState) step(rest string) int {
	switch c := rest[0]; {
	case c == '[' && p.listed && len(rest) > 1 && strings.IndexByte(":.=", rest[1]) >= 0:
		if end := strings.Index(rest[2:], rest[1:2]+"]"); end >= 0 && !strings.ContainsAny(rest[2:2+end], "/\\\n") {
			p.opened = false
			return end + 3
		}
		p.opened = true
	case c == '[':
		p.first = !p.listed
		p.listed, p.opened = true, true
		if p.first && strings.HasPrefix(rest, "[^") {
			return 1
		}
		return 0
	case c == ']':
		p.listed, p.opened = p.listed && p.first, false
	}
	p.first = false
	return 0
}

func (r *awkReader) sign(c byte) bool {
	r.at++
	next := byte(0)
	if r.at < len(r.text) {
		next = r.text[r.at]
	}
	switch c {
	case '|':
		if next != '|' {
			return false
		}
		r.at++
	case '(', '[':
		r.depth++
	case ')', ']':
		r.depth--
		r.last = string(c)
		if c == ']' {
			r.last = "v"
		}
		return true
	case '\n':
		// A line goes on behind an operator or a comma.
		if r.last != "o" {
			r.printing = 0
		}
	case ';', '{', '}':
		r.printing = 0
	case '>':
		if r.printing > 0 && r.depth < r.printing {
			return r.redirection()
		}
	case '+', '-':
		if next == c {
			r.at++
			r.last = "?"
			return true
		}
	case '&', '<', '=', '!', '~', '*', '%', '^', ',', '?', ':':
	default:
		return false
	}
	r.last = "o"
	return true
}

// redirection reads the file that print writes, which has to be a plain string.
func (r *awkReader) redirection() bool {
	for r.at < len(r.text) && strings.IndexByte("> \t", r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) || r.text[r.at] != '"' {
		return false
	}
	path, ok := r.str()
	if !ok { // at may lie behind the end: a backslash was the last character
		return false
	}
	rest := strings.TrimLeft(r.text[r.at:], " \t")
	if strings.Contains(path, `\`) || rest != "" && strings.IndexByte(";\n}", rest[0]) < 0 {
		return false
	}
	if !slices.Contains(r.writes, path) {
		r.writes = append(r.writes, path)
	}
	r.last = "v"
	return true
}
