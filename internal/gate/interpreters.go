// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// interpreter describes how a program takes code on its command line. An option
// that is not listed here makes the code unknown: it may name a file to run.
type interpreter struct {
	language Language // of the code; empty when the gate reads no such language
	dialect  Dialect
	// codeFlag is the short option whose value is code, as one letter, and
	// codeOptions are the long ones.
	codeFlag    string
	codeOptions []string
	// flags are the short options without a value that change nothing about which code runs.
	flags string
	// operand says that the code is the first operand, as it is for sh -c, and
	// not the value of the option.
	operand bool
	// behind says what the words behind the code can be.
	behind wordsBehind
	// connects are the options, with a value, that choose a database.
	connects []string
	// answers says that --version and --help as its first word are all that it
	// reads. busybox sh, csh and tclsh go on to read code.
	answers bool
	// isolation is the flag or option without which the program also runs code
	// that is not in its arguments: modules of the working directory, start-up files.
	isolation string
}

// wordsBehind says what a program takes the words behind its code for. Among
// options, more code may follow: psql -c TEXT -f FILE, node -e TEXT -r FILE.
type wordsBehind int

const (
	optionsAnywhere     wordsBehind = iota // options and operands in any order, as getopt_long(3) reads them
	optionsThenOperands                    // options up to the first operand
	argumentsOnly                          // arguments of the code
)

var (
	shellCode  = interpreter{language: report.Bash, codeFlag: "c", flags: "eux", operand: true, behind: argumentsOnly}
	bashCode   = interpreter{language: report.Bash, codeFlag: "c", flags: "eux", operand: true, behind: argumentsOnly, answers: true}
	pythonCode = interpreter{language: report.Python, codeFlag: "c", flags: "bBIOsSEu", isolation: "I", behind: argumentsOnly, answers: true}
	nodeCode   = interpreter{language: report.JavaScript, codeFlag: "e", codeOptions: []string{"--eval"}, behind: optionsThenOperands, answers: true}
	psqlCode   = interpreter{
		language: report.SQL, dialect: report.PostgreSQL, codeFlag: "c", codeOptions: []string{"--command"}, flags: "AXqtwx1", isolation: "X", answers: true,
		connects: []string{"-h", "-p", "-U", "-d", "--host", "--port", "--username", "--dbname"},
	}
	mysqlCode = interpreter{
		language: report.SQL, dialect: report.MySQL, codeFlag: "e", codeOptions: []string{"--execute"}, flags: "BNrst", isolation: "--no-defaults", answers: true,
		connects: []string{"-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"},
	}
	otherCode  = interpreter{answers: true}
	silentCode = interpreter{}
)

// interpreters are programs that run code they are given, by name without version.
var interpreters = map[string]interpreter{
	"sh": shellCode, "dash": shellCode, "bash": bashCode, "rbash": bashCode,
	"python": pythonCode, "node": nodeCode, "nodejs": nodeCode,
	"psql": psqlCode, "mysql": mysqlCode, "mariadb": mysqlCode,
	"busybox": silentCode, "csh": silentCode, "tclsh": silentCode,
	"zsh": otherCode, "ksh": otherCode, "mksh": otherCode, "fish": otherCode, "tcsh": otherCode,
	"perl": otherCode, "ruby": otherCode, "php": otherCode, "lua": otherCode, "expect": otherCode, "Rscript": otherCode,
	"deno": otherCode, "bun": otherCode, "tsx": otherCode, "ts-node": otherCode, "pypy": otherCode, "ipython": otherCode, "sqlite": otherCode,
}

// code finds the code among the arguments. Asking for the version runs none.
func (i interpreter) code(args []Fact) (embeddedCode, bool) {
	if i.answers && asksForVersion(args) {
		return embeddedCode{}, false
	}
	isolated := i.isolation == ""
	for len(args) > 0 && args[0].Known == FactLiteral {
		word := args[0].Value
		args = args[1:]
		isolated = isolated || i.isolates(word)
		kind, value := i.option(word)
		switch {
		case kind == codeOption && !isolated:
			return embeddedCode{dynamic: fmt.Sprintf("without the option %s before its code, it runs other code first", i.isolation)}, true
		case kind == codeOption:
			return i.codeIn(value, args), true
		case kind == connectOption:
			args = args[min(1, len(args)):]
		case kind != plainOption:
			args = nil
		}
	}
	return embeddedCode{dynamic: "it runs code that is not written out in its arguments"}, true
}

func asksForVersion(args []Fact) bool {
	return len(args) > 0 && (args[0] == literal("--version") || args[0] == literal("--help"))
}

func literal(value string) Fact { return Fact{Known: FactLiteral, Value: value} }

// codeIn finds the code of its option: attached to it, the next word, or the
// next that is no option.
func (i interpreter) codeIn(attached string, rest []Fact) embeddedCode {
	if attached != "" {
		return i.text(literal(attached), rest)
	}
	for i.operand && len(rest) > 0 && rest[0].Known == FactLiteral && strings.HasPrefix(rest[0].Value, "-") {
		if kind, _ := i.option(rest[0].Value); kind != plainOption {
			return i.text(Fact{}, nil)
		}
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return i.text(Fact{}, nil)
	}
	return i.text(rest[0], rest[1:])
}

// text is the code itself, if it is written out and all that the program runs.
func (i interpreter) text(f Fact, rest []Fact) embeddedCode {
	switch {
	case f.Known != FactLiteral:
		return embeddedCode{dynamic: fmt.Sprintf("the %s that it runs is only known at run time", i.language)}
	case !i.isAll(rest):
		return embeddedCode{dynamic: "a word behind its code may be an option with more code"}
	}
	return embeddedCode{language: i.language, dialect: i.dialect, text: f.Value}
}

// isAll reports whether the words behind the code bring no more of it.
func (i interpreter) isAll(rest []Fact) bool {
	for len(rest) > 0 && i.behind != argumentsOnly && rest[0] != literal("--") {
		word := rest[0]
		rest = rest[1:]
		if !mayBeOption(word) {
			if i.behind == optionsThenOperands {
				return true
			}
			continue
		}
		kind, _ := i.option(word.Value)
		if word.Known != FactLiteral || kind != plainOption && kind != connectOption {
			return false
		}
		if kind == connectOption {
			rest = rest[min(1, len(rest)):]
		}
	}
	return true
}

// mayBeOption reports whether a word starts with a hyphen, as far as is known.
func mayBeOption(f Fact) bool {
	known := f.Known == FactLiteral || f.Known == FactPrefix && f.Value != ""
	return !known || strings.HasPrefix(f.Value, "-")
}

type optionKind int

const (
	unknownOption optionKind = iota
	plainOption
	codeOption
	connectOption
)

// option tells what a word is, and the value that is attached to it.
func (i interpreter) option(word string) (kind optionKind, value string) {
	name, value, attached := strings.Cut(word, "=")
	switch {
	case word == i.isolation:
		return plainOption, ""
	case slices.Contains(i.codeOptions, name) && (value != "" || !attached):
		return codeOption, value
	case slices.Contains(i.connects, name) && attached:
		return plainOption, ""
	case slices.Contains(i.connects, name):
		return connectOption, ""
	case len(word) < 2 || word[0] != '-' || word[1] == '-':
		return unknownOption, ""
	}
	return i.bundle(word[1:])
}

// bundle tells what short options in one word are. The one with a value comes
// last, as in -IcTEXT, but sh -ce is sh -c -e.
func (i interpreter) bundle(letters string) (kind optionKind, value string) {
	before, rest, isCode := strings.Cut(letters, i.codeFlag)
	if strings.Trim(before, i.flags) != "" || i.codeFlag == "" {
		return unknownOption, ""
	}
	switch {
	case !isCode:
		return plainOption, ""
	case !i.operand:
		return codeOption, rest
	case strings.Trim(rest, i.flags) != "":
		return unknownOption, ""
	}
	return codeOption, ""
}

// isolates reports whether a word is, or among other flags has, the isolation flag.
func (i interpreter) isolates(word string) bool {
	if len(i.isolation) != 1 {
		return word == i.isolation
	}
	flags, _, _ := strings.Cut(word, i.codeFlag)
	return len(flags) > 1 && flags[0] == '-' && flags[1] != '-' && strings.Contains(flags, i.isolation)
}
