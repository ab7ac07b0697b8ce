// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// sed reports sed(1). Its scripts can read, write and run: r, R, w, W, e, and
// the flags w and e of s. Only scripts that use none of them are harmless.
func (s *script) sed(c command, t *tool) {
	p := t.parse(c.args)
	scripts := []arg{}
	inPlace := false
	for _, g := range p.options {
		switch g.name {
		case "-e", "--expression":
			scripts = append(scripts, g.value)
		case "-i", "--in-place":
			inPlace = true
			if suffix, ok := g.value.literal(); !g.value.empty() && (!ok || strings.ContainsAny(suffix, "/*")) {
				p.problem = "the names of the backups are not known"
			}
		case "-s", "-n":
		}
	}
	files := p.operands
	if len(scripts) == 0 && len(files) > 0 {
		scripts, files = files[:1], files[1:]
	}
	for _, a := range scripts {
		if reason := sedProblem(a); reason != "" && p.problem == "" {
			p.problem = reason
		}
	}
	p.operands = nil
	s.report(c, t, p)
	for _, f := range files {
		if text, ok := f.literal(); ok && text == "-" {
			continue
		}
		s.uses(c, roleRead, f)
		if inPlace {
			s.uses(c, roleWrite, f)
		}
	}
}

func (a arg) empty() bool { return len(a.texts) == 0 || len(a.texts) == 1 && len(a.texts[0]) == 0 }

// sedProblem says why a script of sed is not known to be harmless, "" when it is.
func sedProblem(a arg) string {
	if a.split || a.list {
		return "the script is not known"
	}
	for _, t := range a.texts {
		text, ok := t.literal()
		if !ok {
			if t.isUnknown() || a.isPattern() {
				return "the script is not known"
			}
			if text, ok = numbered(t); !ok {
				return "a number may end a command of the script, or escape what is behind it"
			}
		}
		p := sedParser{text: text}
		if !p.script() {
			return "the script of sed has a command that reads, writes or runs, or that is not known"
		}
	}
	return ""
}

// numbered writes a script with 0 for its numbers. Where a number is no mark
// (isMark) and nothing is escaped by the backslash before it, it cannot end a
// command or begin another one, whether it is there or empty.
func numbered(t text) (string, bool) {
	var out strings.Builder
	for _, p := range t {
		switch {
		case p.kind != number:
			out.WriteString(p.text)
		case strings.HasSuffix(out.String(), `\`):
			return "", false
		default:
			out.WriteString("0")
		}
	}
	return out.String(), true
}

// sedParser reads scripts of sed as far as they are harmless.
type sedParser struct {
	text string
	at   int
}

func (p *sedParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *sedParser) skip(chars string) {
	for p.at < len(p.text) && strings.IndexByte(chars, p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *sedParser) script() bool {
	for {
		p.skip(" \t\n;}")
		if p.at == len(p.text) {
			return true
		}
		if !p.addresses() || !p.command() {
			return false
		}
	}
}

// addresses reads "1,/x/I!" and leaves the command.
func (p *sedParser) addresses() bool {
	for {
		switch c := p.peek(); {
		case c == '/':
			p.at++
			if !p.delimited('/') {
				return false
			}
			p.skip("IM")
		case c == '\\' && p.at+1 < len(p.text):
			mark := p.text[p.at+1]
			p.at += 2
			if !isMark(mark) || !p.delimited(mark) {
				return false
			}
			p.skip("IM")
		case c >= '0' && c <= '9', c == '$', c == ',', c == '~', c == '+', c == '!', c == ' ', c == '\t':
			p.at++
		default:
			return true
		}
	}
}

// delimited reads up to an unescaped mark. A mark within brackets ends the
// text for some versions of sed and not for others.
func (p *sedParser) delimited(mark byte) bool {
	bracket := false
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '\\':
			if bracket {
				return false
			}
			p.at++
		case mark:
			p.at++
			return !bracket
		case '[':
			bracket = true
			if p.at+1 < len(p.text) && p.text[p.at+1] == '^' {
				p.at++
			}
			if p.at+1 < len(p.text) && p.text[p.at+1] == ']' {
				p.at++
			}
		case ']':
			bracket = false
		case '\n':
			return false
		}
	}
	return false
}

func (p *sedParser) command() bool {
	c := p.peek()
	p.at++
	switch c {
	case '{':
		return true
	case '=', 'd', 'D', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'z', 'F':
		return p.ends()
	case 'q', 'Q', 'l', 'L':
		p.skip(" \t0123456789")
		return p.ends()
	case 'b', 't', 'T', ':':
		return p.label()
	case 'a', 'i', 'c':
		// Text up to the end of the line; the backslash that continues it is not followed.
		line, _, more := strings.Cut(p.text[p.at:], "\n")
		p.at += len(line)
		return !more || !strings.Contains(line, `\`)
	case 's':
		return p.substitute()
	case 'y':
		mark := p.peek()
		p.at++
		return isMark(mark) && p.plain(mark) && p.plain(mark) && p.ends()
	}
	return false
}

// isMark tells whether a script may use c to divide its texts. Digits are left
// out: they may come from a number that is not known, s${n}a${n}b${n}e.
func isMark(c byte) bool {
	return c != 0 && c != '\n' && c != '\\' && c != '[' && c != ' ' && (c < '0' || c > '9')
}

func (p *sedParser) ends() bool {
	p.skip(" \t")
	return p.at >= len(p.text) || strings.IndexByte(";\n}", p.text[p.at]) >= 0
}

// label reads a label, which only letters keep from running on differently.
func (p *sedParser) label() bool {
	p.skip(" \t")
	for isLetter(p.peek()) {
		p.at++
	}
	return p.ends()
}

// plain reads a replacement up to its mark.
func (p *sedParser) plain(mark byte) bool {
	for ; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
		case mark:
			p.at++
			return true
		}
	}
	return false
}

func (p *sedParser) substitute() bool {
	mark := p.peek()
	p.at++
	if !isMark(mark) || !p.delimited(mark) || !p.plain(mark) {
		return false
	}
	// The flags that are left out are e, which runs the line, w, which writes it, and m.
	p.skip("gpiI0123456789")
	return p.ends()
}

// dd takes its operands as NAME=VALUE.
func (s *script) dd(c command, _ *tool) {
	s.compute(c)
	for _, w := range c.args {
		name, value, ok := strings.Cut(w.first(), "=")
		if !ok {
			s.refuse(c, "an operand of dd is not known")
			continue
		}
		a := w
		a.texts = texts{append(text{}.add(piece{literal, value}), w.texts[0][1:]...)}
		switch name {
		case "if":
			s.uses(c, roleRead, a)
		case "of":
			s.uses(c, roleWrite, a)
		case "bs", "ibs", "obs", "cbs", "count", "skip", "seek", "conv", "iflag", "oflag", "status":
		default:
			s.refuse(c, "the operand "+name+" of dd is not known")
		}
	}
}

// printenv reads the environment.
func (s *script) printenv(c command, _ *tool) {
	if len(c.args) == 0 {
		s.environment(c.at, c.name, report.Fact{Known: report.UnknownValue})
	}
	for _, w := range c.args {
		s.environment(c.at, c.name, w.fact())
	}
}
