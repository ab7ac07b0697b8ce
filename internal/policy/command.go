// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

const (
	anyWords  = "**" // a pattern in args
	openEnded = "*"  // the only entry of options, under requireApproval
	endOption = "--"
)

// matchesCommand says whether an entry stands for the command line of a process.
func matchesCommand(commands []v1alpha1.Command, op *gate.Operation) bool {
	argv := op.Args.Argv
	return slices.ContainsFunc(commands, func(c v1alpha1.Command) bool {
		if !isOpenEnded(&c) {
			words, ok := literalWords(argv)
			return ok && words[0] == c.Name && matchesWords(&c, words[1:])
		}
		lead := 1 + leading(c.Args)
		words, ok := literalWords(argv[:min(lead, len(argv))])
		return ok && slices.Equal(words, append([]string{c.Name}, c.Args...))
	})
}

// isOpenEnded says whether an entry compares the beginning of a command line
// alone. Check keeps it out of allow.
func isOpenEnded(c *v1alpha1.Command) bool { return slices.Contains(c.Options, openEnded) }

// literalWords returns the words where all of them can be read off the code: one
// that is computed may be an option, and a shell may split it into several.
func literalWords(argv []gate.Fact) ([]string, bool) {
	words := make([]string, 0, len(argv))
	for _, fact := range argv {
		if fact.Known != gate.FactLiteral || !utf8.ValidString(fact.Value) || strings.ContainsRune(fact.Value, 0) {
			return nil, false
		}
		words = append(words, fact.Value)
	}
	return words, len(words) > 0
}

// matchesWords compares the words behind a command's name. With options, the
// leading words without a star have to come first: what an option means depends
// on the subcommand that it follows ("git -p log" starts a pager, "git log -p"
// prints a patch).
func matchesWords(c *v1alpha1.Command, words []string) bool {
	args := c.Args
	if len(c.Options) > 0 {
		lead := leading(args)
		if len(words) < lead || !slices.Equal(args[:lead], words[:lead]) {
			return false
		}
		operands, ok := withoutOptions(c.Options, words[lead:])
		if !ok {
			return false
		}
		args, words = args[lead:], operands
	}
	return matchSequence(args, words, anyWords, matchWord, isFree)
}

// leading counts the words at the beginning of args that have no star.
func leading(args []string) int {
	if i := slices.IndexFunc(args, func(a string) bool { return strings.Contains(a, "*") }); i >= 0 {
		return i
	}
	return len(args)
}

// withoutOptions takes the listed options out of words, with the values that
// stand in words of their own. It fails on every other word that a program may
// read as an option: "--outp" abbreviates "--output", "-lf" is "-l -f", and
// "-ofile" is "-o file". Behind "--" programs read such words as operands, so
// they can be neither compared with options nor with operands.
func withoutOptions(options, words []string) (operands []string, ok bool) {
	ended := false
	for i := 0; i < len(words); i++ {
		if !isOption(words[i]) {
			operands = append(operands, words[i])
			continue
		}
		taken := optionLength(options, words[i:])
		if taken == 0 || ended {
			return nil, false
		}
		ended = words[i] == endOption
		i += taken - 1
	}
	return operands, true
}

// optionLength returns how many words the option takes that words begin with: 2
// with a value in a word of its own, 0 where it is not listed.
func optionLength(options, words []string) int {
	taken := 0
	for _, entry := range options {
		name, value, hasValue := strings.Cut(entry, " ")
		switch {
		case hasValue && len(words) > 1 && words[0] == name && matchWord(value, words[1]):
			return 2
		case !hasValue && matchWord(entry, words[0]):
			taken = 1
		}
	}
	return taken
}

func isOption(word string) bool { return strings.HasPrefix(word, "-") }

// isAbsolute finds words that name a file wherever the program stands.
func isAbsolute(word string) bool { return strings.HasPrefix(word, "/") }

// matchWord compares one word with one pattern, path segment by path segment.
func matchWord(pattern, word string) bool {
	switch {
	case pattern == word:
		return true
	case !strings.Contains(pattern, "*"), word == "", climbs(word),
		isOption(word) != isOption(pattern), isAbsolute(word) != isAbsolute(pattern):
		return false
	default:
		return match(pattern, word, "/")
	}
}

// isFree says whether the pattern "**" may stand for a word: not for an option,
// so that none is smuggled in as an operand, and not for a file elsewhere ("git
// diff /dev/null /credentials/git" prints the second), also where that stands
// within the word: "file:///credentials/git", "if=/credentials/git", "@/credentials/git".
func isFree(word string) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("=:,@", r) })
	return word != "" && !isOption(word) && !climbs(word) && !slices.ContainsFunc(parts, isAbsolute)
}

// climbs says whether a part of a word is "..", which leaves the directory that a
// pattern names: /workspace/../etc, --file=.., host:../x. A percent-encoded one
// is decoded by programs that take URLs.
func climbs(word string) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("/=:,@ \t\n", r) })
	return slices.Contains(parts, "..") || hidesPathSyntax(word)
}
