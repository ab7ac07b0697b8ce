// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// xxd takes the letters of one word for one option: -pc x reads x, and -p alone
// decides. Its digits are no option either.
func (s *script) xxd(c command, t *tool) {
	p := t.parse(c.args)
	for _, w := range c.args {
		if text, ok := w.literal(); ok && len(text) > 2 && text[0] == '-' && !xxdWord.MatchString(text) {
			p.problem = orElse(p.problem, "letters in one word are one option to xxd")
		}
	}
	s.report(c, t, p)
}

// tree takes the value of an option from the next word even when there are
// letters behind it: -Pa -L /etc shows /etc.
func (s *script) tree(c command, t *tool) {
	p := t.parse(c.args)
	for _, w := range c.args {
		if head := w.first(); len(head) > 2 && head[0] == '-' && head[1] != '-' && strings.ContainsAny(head, "LPIHT") {
			p.problem = orElse(p.problem, "an option with a value stands in one word with other letters")
		}
	}
	s.report(c, t, p)
}

var xxdWord = regexp.MustCompile(`^-[clgosn][0-9]+$`)

// iconv reads a file for the name of an encoding that has a slash.
func (s *script) iconv(c command, t *tool) {
	p := t.parse(c.args)
	for _, g := range p.options {
		if t.options[g.name].role != roleText || !t.options[g.name].value {
			continue
		}
		if name, ok := g.value.literal(); !ok || !encodingName.MatchString(name) {
			p.problem = orElse(p.problem, "the name of an encoding may name a file")
		}
	}
	s.report(c, t, p)
}

var encodingName = regexp.MustCompile(`^[A-Za-z0-9_.:-]+(//(TRANSLIT|IGNORE))*$`)

// chmod takes no mode when it copies the one of a file.
func (s *script) chmod(c command, t *tool) {
	p := t.parse(c.args)
	if p.has("--reference") {
		for _, w := range p.operands {
			s.uses(c, roleWrite, w)
		}
	}
	s.report(c, t, p)
}

// copies reports cp, mv and install, where -t and -d change what the operands are.
func (s *script) copies(c command, t *tool) {
	p := t.parse(c.args)
	role := roleText
	switch {
	case c.name == "install" && p.has("-d", "--directory"):
		role = roleWrite
	case p.has("-t", "--target-directory"):
		if role = roleRead; c.name == "mv" {
			role = roleDelete
		}
	}
	if role == roleText {
		s.report(c, t, p)
		return
	}
	words := p.operands
	p.operands = nil
	s.report(c, t, p)
	for _, w := range words {
		s.uses(c, role, w)
	}
}

// zonePrefix begins a date that brings its time zone. The GNU commands read
// that zone from a file when it is a path: date -d 'TZ="/etc/shadow" now'.
const zonePrefix = `TZ="`

// moment reports the file of the time zone that a date may name.
func (s *script) moment(c command, a arg) {
	for _, t := range a.texts {
		text, known := t.literal()
		head := strings.TrimLeft(t.prefix(), " \t\n\v\f\r")
		zone, named := strings.CutPrefix(head, zonePrefix)
		zone, _, _ = strings.Cut(zone, `"`)
		switch {
		case t.isNumber(), !named && (known || !strings.HasPrefix(zonePrefix, head)):
		case named && strings.Contains(strings.TrimPrefix(strings.TrimSpace(text), zonePrefix), `"`) && zonePattern.MatchString(zone):
		default:
			s.uses(c, roleRead, arg{texts: texts{unknown}})
		}
	}
}

// strings takes its options from the file behind an "@".
func (s *script) strings(c command, t *tool) {
	p := t.parse(c.args)
	for _, w := range c.args {
		for _, x := range w.texts {
			if head := x.prefix(); strings.HasPrefix(head, "@") || head == "" && !x.isNumber() {
				p.problem = orElse(p.problem, "a word may stand for the options in a file")
			}
		}
	}
	s.report(c, t, p)
}

// sums reads, with -c, the files that a list names: only a list that the same
// script has made of files in its own report is known.
func (s *script) sums(c command, t *tool) {
	p := t.parse(c.args)
	if p.has("-c", "--check") {
		f := report.Fact{}
		if list, ok := only(p.operands).literal(); ok && len(c.dirs) == 1 {
			f = pathFact(lit(list), c.dirs[0])
		}
		if f.Known != report.Literal || !s.isDefined(listKey(c.dirs, f.Value)) {
			p.problem = orElse(p.problem, namesUnknown)
		}
		s.checked = append(s.checked, use{f.Value, c})
	}
	s.report(c, t, p)
}

const namesUnknown = "the files that the list names are not known"

// use is a file that a command relies on.
type use struct {
	path string
	by   command
}

// listKey is the name under which a list of sums is known.
func listKey(dirs []string, path string) string {
	return "sums\x00" + strings.Join(dirs, "\x00") + "\x00\x00" + path
}

// madeList notes the list that "sha256sum a b > list" makes.
func (s *script) madeList(call *syntax.CallExpr, redirs []*syntax.Redirect) {
	if len(call.Args) == 0 || len(redirs) != 1 || len(s.cwd) != 1 {
		return
	}
	name, r, e := staticLit(call.Args[0]), redirs[0], s.evaluator()
	if !strings.HasSuffix(name, "sum") || s.known.tools[name] == nil || s.functions[name] != nil || r.Op != syntax.RdrOut || r.N != nil {
		return
	}
	for _, w := range call.Args[1:] {
		if a := e.word(w); a.mayBeOption() && (!a.isPattern() || !hasExtension(a)) {
			return
		}
	}
	if list, ok := e.word(r.Word).literal(); ok {
		f := pathFact(lit(list), s.cwd[0])
		s.define(listKey(s.cwd, f.Value))
		s.written[f.Value]--
	}
}

// finish reports what relies on a file that something else in the script may write.
func (s *script) finish() {
	for _, u := range s.checked {
		for path, n := range s.written {
			if n > 0 && (path == u.path || path == "/" || strings.HasPrefix(u.path, path+"/")) {
				s.refuse(u.by, namesUnknown)
				break
			}
		}
	}
	for _, u := range s.unpacked {
		for path, n := range s.packed {
			if n > 0 && (path == u.path || path == "/" || strings.HasPrefix(u.path, path+"/")) {
				s.refuse(u.by, "the archive is made by the script, and its names and links are not known")
				break
			}
		}
	}
}

// unpacks notes the archive that tar extracts, and says why it cannot be known.
// A script that writes an archive byte by byte chooses links in it: base64 -d | tar x.
func (s *script) unpacks(c command, p parsed) string {
	for _, g := range p.options {
		if g.name != "-f" && g.name != "--file" {
			continue
		}
		name, ok := g.value.literal()
		if !ok || name == "-" || standardFile.MatchString(name) {
			return "the archive is not known"
		}
		dirs := c.dirs
		if path.IsAbs(name) {
			dirs = []string{""}
		}
		for _, dir := range dirs {
			s.unpacked = append(s.unpacked, use{pathFact(lit(name), dir).Value, c})
		}
		return ""
	}
	return "the archive is not known"
}

// suffixes are the ends of the names that compressors give to files.
var suffixes = map[string]string{"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "gunzip": ".gz", "bunzip2": ".bz2", "unxz": ".xz"}

// keepsFiles tells whether a compressor only prints or tests. Of -t and -z, the
// last one counts for xz and bzip2.
func keepsFiles(p parsed) bool {
	return p.has("-c", "--stdout", "-l") || p.has("-t") && !p.has("-z", "-d", "--compress", "--decompress")
}

// gzipSuffixes are what gzip looks for behind a name that it does not find: gunzip a
// replaces a.gz by a. From gzip 1.12, open_input_file.
var gzipSuffixes = strings.Fields(".gz .z -z .Z")

// guessed gives the other files that gzip may take for the one that it unpacks.
func guessed(name string, p parsed, file arg) []arg {
	if name != "gunzip" && name != "zcat" && (name != "gzip" || !p.has("-d", "--decompress", "-l", "--list", "-t", "--test")) {
		return nil
	}
	suffixes := slices.Clone(gzipSuffixes)
	for _, g := range p.options {
		if suffix, ok := g.value.literal(); ok && (g.name == "-S" || g.name == "--suffix") {
			suffixes = append(suffixes, suffix)
		}
	}
	var out []arg
	for _, t := range file.texts {
		text, ok := t.literal()
		if !ok || slices.ContainsFunc(gzipSuffixes, func(end string) bool { return strings.HasSuffix(text, end) }) {
			continue
		}
		for _, suffix := range suffixes {
			out = append(out, arg{texts: texts{lit(text + suffix)}})
		}
	}
	return out
}

// besides gives the names of the files that a compressor writes; where they are
// not plain, what begins like the old ones.
func besides(name string, p parsed, files texts) texts {
	end := suffixes[name]
	unpack := strings.Contains(name, "un") || p.has("-d", "--decompress")
	both := unpack && p.has("-z", "--compress") // the last one counts
	var out texts
	for _, t := range files {
		text, ok := t.literal()
		base, cut := strings.CutSuffix(text, end)
		switch {
		case !ok || both || unpack && !cut || p.has("-S", "--suffix", "-r", "--recursive", "-N", "--name"):
			t = t.add(piece{glob, "*"})
		case unpack:
			t = lit(base)
		default:
			t = lit(text + end)
		}
		out = out.join(texts{t})
	}
	return out
}
