// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"
)

var (
	testFiles    = strings.Fields("-a -b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S")
	testStrings  = strings.Fields("-n -z -t -o !")
	testJoins    = strings.Fields("! ( ) -a -o")
	testBinary   = strings.Fields("= == != < > -eq -ne -lt -le -gt -ge -a -o")
	testCompares = strings.Fields("-nt -ot -ef")
)

// bracket reports test(1) of the shell: it looks at files, and -v evaluates
// the subscript of a name. Unlike in [[, numbers are not evaluated.
func (s *script) bracket(c command) {
	words := c.args
	if c.name == "[" && len(words) > 0 {
		words = words[:len(words)-1]
	}
	s.compute(c)
	for i := 0; i < len(words); {
		n := s.primary(c, words[i:])
		if n == 0 {
			s.evaluates(c, "a word that is not known may be -v, which evaluates a subscript")
			return
		}
		i += n
	}
}

// primary reports one test at the start of the words, and gives how many it takes; 0 when it cannot tell.
func (s *script) primary(c command, words []arg) int {
	first, ok := words[0].literal()
	operator := ""
	if len(words) > 2 {
		operator, _ = words[1].literal()
	}
	switch {
	case ok && slices.Contains(testJoins, first) && (len(words) > 1 || first == ")"):
		if !slices.Contains(testBinary, operator) {
			return 1
		}
	case words[0].mayHoldOperator():
		return 0
	}
	if slices.Contains(testCompares, operator) {
		s.uses(c, roleRead, words[0])
		s.uses(c, roleRead, words[2])
		return 3
	}
	if slices.Contains(testBinary, operator) && operator != "-a" && operator != "-o" {
		if words[2].mayHoldOperator() {
			return 0
		}
		return 3
	}
	return s.unary(c, words, first, ok)
}

// mayHoldOperator tells whether a word that the value divides into may be an operator.
func (a arg) mayHoldOperator() bool {
	if !a.split || a.texts.areNumbers() {
		return false
	}
	return len(a.texts) == 0 || slices.ContainsFunc(a.texts, func(t text) bool {
		text, ok := t.literal()
		return !ok || strings.Contains(text, "-")
	})
}

func (s *script) unary(c command, words []arg, first string, ok bool) int {
	switch {
	case len(words) == 1:
		return 1
	case ok && (first == "-v" || first == "-R"):
		name, known := words[1].literal()
		if !known || !identifier.MatchString(name) {
			return 0
		}
		s.readVariable(name, c.at)
		return 2
	case ok && slices.Contains(testFiles, first):
		s.uses(c, roleRead, words[1])
		return 2
	case ok && slices.Contains(testStrings, first):
		if words[1].mayHoldOperator() {
			return 0
		}
		return 2
	}
	next, known := words[1].literal()
	if known && (next == "-a" || next == "-o" || next == ")") {
		return 1
	}
	return 0
}
