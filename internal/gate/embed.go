// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Code that one language hands to another is bounded as a whole: a short
// program can mention a long text many times.
const (
	maxEmbeddingDepth = 4
	maxEmbeddedBytes  = MaxSourceBytes
)

// embedding reads the code that operations of a report run in other languages,
// such as the text of `sh -c`, and adds its operations to the report.
type embedding struct {
	bytes int // read so far, at all depths
}

// expand adds the operations of the embedded code of r, which was read from source.
func (e *embedding) expand(r *Report, source []byte, depth int) {
	if r.Error != nil {
		return
	}
	lines := bytes.Split(source, []byte("\n"))
	all := make([]Operation, 0, len(r.Operations))
	moved := r.Language == Bash && slices.ContainsFunc(r.Operations, changesDirectory)
	for _, op := range r.Operations {
		all = append(all, op)
		inner := e.operations(r, op, lines, depth)
		if moved {
			forgetPaths(inner)
		}
		if len(all)+len(inner) > report.MaxOperations {
			if !slices.Contains(r.Limits, "operations") {
				r.Limits = append(r.Limits, "operations")
			}
			break
		}
		all = append(all, inner...)
	}
	slices.SortStableFunc(all, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Position.Line, b.Position.Line), cmp.Compare(a.Position.Column, b.Position.Column))
	})
	r.Operations = all
}

// changesDirectory reports whether the commands behind an operation may start in
// another directory than the working directory, which readers take paths to be relative to.
func changesDirectory(op Operation) bool {
	return slices.Contains([]string{"cd", "pushd", "popd"}, op.Name) ||
		slices.ContainsFunc(op.Args.Argv, func(f Fact) bool { return f == literal("-execdir") || f == literal("-okdir") })
}

// forgetPaths makes the paths of embedded code unknown: they were made absolute
// from a directory that it may not start in.
func forgetPaths(operations []Operation) {
	for i := range operations {
		if operations[i].Args.Path != nil {
			operations[i].Args.Path = &Fact{Known: FactUnknown}
		}
	}
}

// operations gives what the code that op runs can do, at its place in the source
// of outer, which then depends on the same libraries.
func (e *embedding) operations(outer *Report, op Operation, lines [][]byte, depth int) []Operation {
	code, found := embeddedIn(outer.Language, op)
	switch {
	case !found:
		return nil
	case code.dynamic != "":
		return []Operation{unread(op, report.Dynamic, code.dynamic)}
	case depth >= maxEmbeddingDepth:
		return []Operation{unread(op, report.Unknown, fmt.Sprintf("code is embedded in code more than %d times", maxEmbeddingDepth))}
	}
	if e.bytes += len(code.text); e.bytes > maxEmbeddedBytes {
		return []Operation{unread(op, report.Unknown, fmt.Sprintf("the embedded code has more than %d bytes in all", maxEmbeddedBytes))}
	}
	r := readOne(Code{Language: code.language, Dialect: code.dialect, Source: []byte(code.text)})
	e.expand(r, []byte(code.text), depth+1)
	place := locate(code.text, op.Position, lines)
	if !r.Complete() {
		bad := unread(op, report.Unknown, fmt.Sprintf("the %s that it runs cannot be read: %s", code.language, whyIncomplete(r)))
		if r.Error != nil {
			bad.Position = place(r.Error.Position)
		}
		return []Operation{bad}
	}
	if r.Inventory != "" {
		outer.Inventory = r.Inventory
	}
	for i := range r.Operations {
		r.Operations[i].Position = place(r.Operations[i].Position)
		r.Operations[i].Via = append([]string{op.Name}, r.Operations[i].Via...)
	}
	return r.Operations
}

// unread is an operation in place of code that was not read.
func unread(op Operation, kind Kind, reason string) Operation {
	return Operation{Language: op.Language, Kind: kind, Form: op.Form, Name: op.Name, Position: op.Position, Snippet: op.Snippet, Reason: reason, Via: op.Via}
}

func whyIncomplete(r *Report) string {
	if r.Error != nil {
		return r.Error.Message
	}
	return "limits: " + strings.Join(r.Limits, ", ")
}

// locate tells where positions in text are in the outer source. Where the text
// stands there letter by letter, as in most literals, they are exact; a text
// with escapes, or made of parts, is at the place of the whole operation. So is
// one that may stand in a comment: run("id\x20x")  # id x
func locate(text string, at Position, lines [][]byte) func(Position) Position {
	region := cut(at, lines)
	start := bytes.Index(region, []byte(text))
	if start < 0 || text == "" || bytes.Contains(region[start+1:], []byte(text)) || mayBeComment(region[:start]) {
		return func(Position) Position { return at }
	}
	before := region[:start]
	line := at.Line + bytes.Count(before, []byte("\n"))
	column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))
	if line == at.Line {
		column += at.Column - 1
	}
	return func(p Position) Position {
		out := Position{Line: p.Line + line - 1, Column: p.Column, EndLine: p.EndLine + line - 1, EndColumn: p.EndColumn}
		if p.Line == 1 {
			out.Column += column
		}
		if p.EndLine == 1 {
			out.EndColumn += column
		}
		return out
	}
}

// cut gives the part of the source at a position, nothing if there is none.
func cut(at Position, lines [][]byte) []byte {
	if at.Line < 1 || at.EndLine > len(lines) || at.Line > at.EndLine {
		return nil
	}
	region := slices.Clone(lines[at.Line-1 : at.EndLine])
	last := []rune(string(region[len(region)-1]))
	region[len(region)-1] = []byte(string(last[:min(max(at.EndColumn-1, 0), len(last))]))
	first := []rune(string(region[0]))
	region[0] = []byte(string(first[min(max(at.Column-1, 0), len(first)):]))
	return bytes.Join(region, []byte("\n"))
}

// mayBeComment reports whether what comes behind a part of an operation may
// belong to a comment in it, in any of the languages.
func mayBeComment(before []byte) bool {
	if bytes.Contains(before, []byte("/*")) {
		return true
	}
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return bytes.Contains(line, []byte("#")) || bytes.Contains(line, []byte("//")) || bytes.Contains(line, []byte("--"))
}

// embeddedCode is the code that an operation runs, or the reason why it is only
// known at run time.
type embeddedCode struct {
	language Language
	dialect  Dialect
	text     string
	dynamic  string
}

// embeddedIn finds the code that a process gets in its arguments. A command of
// another language than Bash is itself read as a command line.
func embeddedIn(outer Language, op Operation) (embeddedCode, bool) {
	argv := op.Args.Argv
	if op.Kind != report.Process || len(argv) == 0 || argv[0].Known != FactLiteral {
		return embeddedCode{}, false
	}
	if i, ok := interpreterFor(argv[0].Value); ok {
		return i.code(argv[1:])
	}
	if outer == Bash {
		return embeddedCode{}, false
	}
	return embeddedCode{language: Bash, text: commandLine(argv)}, true
}

// commandLine spells words for Bash so that it runs just these words: quoted,
// they are no keywords and no aliases. What is not known is a parameter that no
// script sets.
func commandLine(argv []Fact) string {
	words := make([]string, 0, len(argv))
	for _, f := range argv {
		word := ""
		if f.Value != "" || f.Known == FactLiteral {
			word = "'" + strings.ReplaceAll(f.Value, "'", `'\''`) + "'"
		}
		if f.Known != FactLiteral {
			word += `"$1"`
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// interpreterFor finds the interpreter that a program name stands for, whatever
// its directory and version: /usr/bin/python3.11 is python.
func interpreterFor(program string) (interpreter, bool) {
	name := strings.TrimRight(path.Base(program), "0123456789.")
	i, ok := interpreters[name]
	return i, ok
}
