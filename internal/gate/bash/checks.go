// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"regexp"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// checks are the commands whose words take more than the table to read.
var checks = map[string]func(*script, command, *tool){
	"sed": (*script).sed, "awk": (*script).awk, "gawk": (*script).awk, "mawk": (*script).awk, "nawk": (*script).awk,
	"dd": (*script).dd, "printenv": (*script).printenv, "jq": (*script).jq, "tar": (*script).tar, "ln": (*script).ln,
	"strings": (*script).strings, "md5sum": (*script).sums, "sha1sum": (*script).sums, "sha224sum": (*script).sums, "sha256sum": (*script).sums,
	"sha384sum": (*script).sums, "sha512sum": (*script).sums, "b2sum": (*script).sums, "cksum": (*script).sums, "sum": (*script).sums,
	"tree": (*script).tree, "curl": (*script).download, "xxd": (*script).xxd, "iconv": (*script).iconv, "chmod": (*script).chmod,
	"cp": (*script).copies, "mv": (*script).copies, "install": (*script).copies, "wget": (*script).download, "date": (*script).date, "mktemp": (*script).mktemp,
	"split": (*script).split, "csplit": (*script).csplit, "gzip": (*script).compress, "gunzip": (*script).compress, "zcat": (*script).compress,
	"bzip2": (*script).compress, "bunzip2": (*script).compress, "xz": (*script).compress, "unxz": (*script).compress,
	"grep": (*script).grep, "egrep": (*script).grep, "fgrep": (*script).grep, "zgrep": (*script).grep,
	"test": func(s *script, c command, _ *tool) { s.bracket(c) }, "[": func(s *script, c command, _ *tool) { s.bracket(c) },
}

// jqEffects are what a filter of jq can reach beside its input.
var jqEffects = regexp.MustCompile(`\b(env|import|include|input_filename|modulemeta|get_search_list|halt_error)\b|\$ENV|\$__`)

func (s *script) jq(c command, t *tool) {
	var words []arg
	// --arg NAME VALUE and --slurpfile NAME FILE take two words each.
	for i := 0; i < len(c.args); i++ {
		text, _ := c.args[i].literal()
		if text == "--" {
			words = append(words, c.args[i:]...)
			break
		}
		pair := i+2 < len(c.args) && !c.args[i+1].divides() && !c.args[i+2].divides()
		switch {
		case pair && (text == "--arg" || text == "--argjson"):
			i += 2
		case pair && (text == "--slurpfile" || text == "--rawfile"):
			s.uses(c, roleRead, c.args[i+2])
			i += 2
		case text == "--indent" && i+1 < len(c.args):
			// Its value is the next word, whatever that looks like: --indent --arg . x reads x.
			words = append(words, c.args[i], c.args[i+1])
			i++
		default:
			words = append(words, c.args[i])
		}
	}
	p := t.parse(words)
	if len(p.operands) > 0 {
		filter, ok := p.operands[0].literal()
		if !ok || jqEffects.MatchString(filter) {
			p.problem = orElse(p.problem, "the filter is not known, or reads the environment or modules")
		}
	}
	s.report(c, t, p)
}

// tar reports tar(1). What it extracts lands below the directory that it runs in.
func (s *script) tar(c command, t *tool) {
	words := c.args
	if len(words) > 0 {
		// The old style: the letters without a dash.
		if first := words[0].first(); first != "" && first[0] != '-' && !strings.ContainsAny(first, "/.") {
			words = append([]arg{{texts: texts{lit("-" + first)}, from: words[0].from, to: words[0].to}}, words[1:]...)
			// Their values are the next words, one for each letter: tar cCf . host:x.
			if strings.ContainsAny(strings.TrimSuffix(first, "f"), "fCXTIgKNVHLbF") {
				s.refuse(c, "more than one of the letters takes a value, or f is not the last one")
				return
			}
		}
	}
	p := t.parse(words)
	archive := roleReadWrite
	if p.has("-x", "--extract", "--get", "-t", "--list") && !p.has("-c", "--create") {
		archive = roleRead
	}
	for _, g := range p.options {
		if g.name == "--mtime" {
			s.moment(c, g.value)
		}
		if name := g.value.first(); g.name == "-f" || g.name == "--file" {
			s.uses(c, archive, g.value)
			if strings.Contains(name, ":") || name == "" {
				p.problem = orElse(p.problem, "a name with a colon is a file of another machine")
			}
		}
	}
	if p.has("-x", "--extract", "--get") {
		p.problem = orElse(p.problem, s.unpacks(c, p))
	}
	s.report(c, t, p)
	if p.has("-x", "--extract", "--get") && !p.has("-C", "--directory") {
		s.uses(c, roleWrite, arg{texts: texts{lit(".")}})
	}
}

// ln reports what a link points to as read and written: later operations go through it.
func (s *script) ln(c command, t *tool) {
	p := t.parse(c.args)
	s.report(c, t, p)
	if len(p.operands) == 1 {
		s.uses(c, roleWrite, arg{texts: texts{lit(".")}})
	}
}

// download reports curl and wget.
func (s *script) download(c command, t *tool) {
	p := t.parse(c.args)
	urls := p.operands
	for _, g := range p.options {
		if g.name == "--url" {
			urls = append(urls, g.value)
		}
	}
	p.operands = nil
	for _, g := range p.options {
		if c.name == "curl" && readsBehindAt(g) {
			p.problem = orElse(p.problem, "the value of "+g.name+" may name a file")
		}
	}
	if p.problem != "" {
		s.refuse(c, p.problem)
	}
	for _, g := range p.options {
		s.uses(c, t.options[g.name].role, g.value)
	}
	for _, u := range urls {
		host := networkFact(u)
		s.op(c.at, report.Operation{Kind: report.Network, Name: c.name, Args: report.Args{Host: &host, Argv: argv(c.name, c.args)}})
	}
	if len(urls) == 0 {
		s.op(c.at, report.Operation{Kind: report.Network, Name: c.name, Args: report.Args{Host: &report.Fact{Known: report.UnknownValue}}})
	}
	if p.has("-O", "--remote-name", "-J") && c.name == "curl" || c.name == "wget" {
		s.uses(c, roleWrite, arg{texts: texts{lit(".")}})
	}
}

// readsBehindAt tells whether curl may take the value of an option for the name
// of a file: -d @x, -H @x, -w @x, -b x, or write one: -w %output{x}, -o #1.
func readsBehindAt(g given) bool {
	text, ok := g.value.literal()
	switch g.name {
	case "-d", "-H", "--header", "-w", "--url", "-K", "-F", "-E":
		return !ok || strings.HasPrefix(text, "@") || strings.Contains(text, "%output")
	case "-b":
		return !strings.Contains(text, "=")
	case "-o", "--output":
		return !ok || strings.Contains(text, "#")
	}
	return false
}

// date sets the clock when it is given a time without a plus.
func (s *script) date(c command, t *tool) {
	p := t.parse(c.args)
	for _, w := range p.operands {
		if !strings.HasPrefix(w.first(), "+") {
			p.problem = orElse(p.problem, "the operand may set the clock")
		}
	}
	p.operands = nil
	s.report(c, t, p)
}

func (s *script) mktemp(c command, t *tool) {
	if text, ok := only(c.args).literal(); len(c.args) > 0 && (!ok || text != "-d") {
		s.refuse(c, "the place of the temporary file is not known")
		return
	}
	c.args = nil
	s.report(c, t, parsed{})
	s.uses(c, roleWrite, arg{texts: texts{lit(temporary)}})
}

// split names its files by a prefix, or x.
func (s *script) split(c command, t *tool) {
	p := t.parse(c.args)
	files := p.operands
	p.operands = nil
	s.report(c, t, p)
	if len(files) > 0 {
		s.uses(c, roleRead, files[0])
	}
	prefix := arg{texts: texts{lit("x")}}
	if len(files) > 1 {
		prefix = files[1]
	}
	s.uses(c, roleWrite, prefix.pieces())
}

// pieces gives the names of the files that begin with one of the alternatives.
func (a arg) pieces() arg {
	var ts texts
	for _, t := range a.texts {
		if s, ok := t.literal(); ok {
			t = lit(s + report.MadeUp)
		} else {
			t = t.add(piece{glob, "*"})
		}
		ts = ts.join(texts{t})
	}
	a.texts = ts
	return a
}

// csplit names its files by the prefix xx.
func (s *script) csplit(c command, t *tool) {
	p := t.parse(c.args)
	for i, g := range p.options {
		if g.name == "-f" || g.name == "--prefix" {
			p.options[i].value = g.value.pieces()
		}
		// The suffix goes behind the prefix as it is: -b /../../x%d.
		if suffix, ok := g.value.literal(); g.name == "-b" && (!ok || strings.Contains(suffix, "/")) {
			p.problem = orElse(p.problem, "the suffix of the files that are written may leave the directory")
		}
	}
	s.report(c, t, p)
	s.uses(c, roleWrite, arg{texts: texts{lit("xx")}}.pieces())
}

// compress replaces a file by another one beside it.
func (s *script) compress(c command, t *tool) {
	p := t.parse(c.args)
	files := p.operands
	p.operands = nil
	for _, g := range p.options {
		// It goes behind the name as it is: mkdir a.d; gzip -S .d/../../x a.
		if suffix, ok := g.value.literal(); (g.name == "-S" || g.name == "--suffix") && (!ok || strings.Contains(suffix, "/")) {
			p.problem = orElse(p.problem, "the suffix of the files that are written may leave the directory")
		}
	}
	s.report(c, t, p)
	for _, f := range files {
		others := f
		others.texts = besides(c.name, p, f.texts)
		sources := []arg{f}
		if guesses := guessed(c.name, p, f); len(guesses) > 0 {
			others.texts = others.texts.join(f.texts)
			sources = append(sources, guesses...)
		}
		for _, source := range sources {
			s.uses(c, roleRead, source)
		}
		if c.name == "zcat" || keepsFiles(p) {
			continue
		}
		for _, source := range sources {
			s.uses(c, roleDelete, source)
		}
		s.uses(c, roleWrite, others)
	}
}

// grep takes its pattern from -e or -f, or from the first operand, and searches a directory with -r.
func (s *script) grep(c command, t *tool) {
	p := t.parse(c.args)
	files := p.operands
	if !p.has("-e", "--regexp", "-f", "--file") {
		if len(files) > 0 && files[0].divides() && !files[0].texts.areNumbers() {
			p.problem = orElse(p.problem, "the pattern may be several words, and so name files: grep {x,/etc/passwd}")
		}
		files = files[min(1, len(files)):]
	}
	p.operands = nil
	s.report(c, t, p)
	for _, f := range files {
		if text, ok := f.literal(); !ok || text != "-" {
			s.uses(c, roleRead, f)
		}
	}
	if len(files) == 0 && p.has("-r", "-R", "--recursive", "--dereference-recursive") {
		s.uses(c, roleRead, arg{texts: texts{lit(".")}})
	}
}
