// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
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
	// connects are the options, with a value, that choose a database.
	connects []string
	// isolation is the flag or option without which the program also runs code
	// that is not in its arguments: modules of the working directory, start-up files.
	isolation string
}

var (
	shellCode  = interpreter{language: report.Bash, codeFlag: "c", flags: "eux", operand: true}
	pythonCode = interpreter{language: report.Python, codeFlag: "c", flags: "bBIOsSEu", isolation: "I"}
	nodeCode   = interpreter{language: report.JavaScript, codeFlag: "e", codeOptions: []string{"--eval"}}
	psqlCode   = interpreter{
		language: report.SQL, dialect: report.PostgreSQL, codeFlag: "c", codeOptions: []string{"--command"}, flags: "AXqtwx1", isolation: "X",
		connects: []string{"-h", "-p", "-U", "-d", "--host", "--port", "--username", "--dbname"},
	}
	mysqlCode = interpreter{
		language: report.SQL, dialect: report.MySQL, codeFlag: "e", codeOptions: []string{"--execute"}, flags: "BNrst", isolation: "--no-defaults",
		connects: []string{"-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"},
	}
	otherCode = interpreter{}
)

// interpreters are programs that run code they are given, by name without version.
var interpreters = map[string]interpreter{
	"sh": shellCode, "bash": shellCode, "dash": shellCode, "rbash": shellCode,
	"python": pythonCode, "node": nodeCode, "nodejs": nodeCode,
	"psql": psqlCode, "mysql": mysqlCode, "mariadb": mysqlCode,
	"zsh": otherCode, "ksh": otherCode, "mksh": otherCode, "fish": otherCode, "csh": otherCode, "tcsh": otherCode, "busybox": otherCode,
	"perl": otherCode, "ruby": otherCode, "php": otherCode, "lua": otherCode, "tclsh": otherCode, "expect": otherCode, "Rscript": otherCode,
	"deno": otherCode, "bun": otherCode, "tsx": otherCode, "ts-node": otherCode, "pypy": otherCode, "ipython": otherCode, "sqlite": otherCode,
}

// code finds the code among the arguments.
func (i interpreter) code(args []Fact) (embeddedCode, bool) {
	unknown := embeddedCode{dynamic: "it runs code that is not written out in its arguments"}
	wantsOperand, isolated := false, i.isolation == ""
	for n := 0; n < len(args); n++ {
		if args[n].Known != FactLiteral {
			return unknown, true
		}
		word := args[n].Value
		switch {
		case word == "--version" || word == "--help":
			return embeddedCode{}, false
		case wantsOperand && !strings.HasPrefix(word, "-"), i.language == "":
			return i.text(args[n], i.language != "")
		}
		option, value, attached := i.option(word)
		isolated = isolated || i.isolates(word)
		switch option {
		case plainOption:
		case connectOption:
			if !attached {
				n++
			}
		case codeOption:
			switch {
			case !isolated:
				return embeddedCode{dynamic: fmt.Sprintf("without the option %s before its code, it runs other code first", i.isolation)}, true
			case i.operand:
				wantsOperand = true
			case attached:
				return i.text(Fact{Known: FactLiteral, Value: value}, true)
			case n+1 < len(args):
				return i.text(args[n+1], true)
			default:
				return unknown, true
			}
		default:
			return unknown, true
		}
	}
	return unknown, true
}

// text is the code itself, if it is written out and the gate reads its language.
func (i interpreter) text(f Fact, readable bool) (embeddedCode, bool) {
	switch {
	case !readable:
		return embeddedCode{dynamic: "it runs code in a language that the gate does not read"}, true
	case f.Known != FactLiteral:
		return embeddedCode{dynamic: fmt.Sprintf("the %s that it runs is only known at run time", i.language)}, true
	}
	return embeddedCode{language: i.language, dialect: i.dialect, text: f.Value}, true
}

type optionKind int

const (
	unknownOption optionKind = iota
	plainOption
	codeOption
	connectOption
)

// option tells what a word is, and the value that is attached to it: "-cTEXT",
// "--eval=TEXT". Short options may be bundled, the one with a value last: "-Ic".
func (i interpreter) option(word string) (kind optionKind, value string, attached bool) {
	name, value, attached := strings.Cut(word, "=")
	if word == i.isolation {
		return plainOption, "", false
	}
	for _, o := range i.codeOptions {
		if name == o {
			return codeOption, value, attached
		}
	}
	for _, o := range i.connects {
		if name == o {
			return connectOption, value, attached
		}
	}
	if len(word) < 2 || word[0] != '-' || word[1] == '-' {
		return unknownOption, "", false
	}
	for n, letter := range word[1:] {
		switch {
		case string(letter) == i.codeFlag:
			rest := word[n+2:]
			if i.operand { // sh -ce is sh -c -e
				return i.bundled(rest), "", false
			}
			return codeOption, rest, rest != ""
		case !strings.ContainsRune(i.flags, letter):
			return unknownOption, "", false
		}
	}
	return plainOption, "", false
}

// isolates reports whether a word is, or among other flags has, the isolation flag.
func (i interpreter) isolates(word string) bool {
	if len(i.isolation) != 1 {
		return word == i.isolation
	}
	flags, _, _ := strings.Cut(word, i.codeFlag)
	return len(flags) > 1 && flags[0] == '-' && flags[1] != '-' && strings.Contains(flags, i.isolation)
}

// bundled is codeOption if all letters behind it are plain options.
func (i interpreter) bundled(rest string) optionKind {
	if strings.Trim(rest, i.flags) != "" {
		return unknownOption
	}
	return codeOption
}
