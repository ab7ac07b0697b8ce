// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	_ "embed"
	"regexp"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

//go:embed testdata/launder.txt
var launderText string

var sourceOfValue = regexp.MustCompile(`\bF\b`)

// launder gives a program that takes source from F to the sinks of a line.
func launder(line, source string, sink func(string) string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(line, "USE(")
		out.WriteString(before)
		if !found {
			break
		}
		depth, end := 1, 0
		for ; depth > 0; end++ {
			switch rest[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		out.WriteString(sink("(" + rest[:end-1] + ")"))
		line = rest[end:]
	}
	return "const k = atob('Y29uc3RydWN0b3I=');\n" + sourceOfValue.ReplaceAllLiteralString(out.String(), source)
}

// TestValuesAreFollowedOnEveryWay holds that no container, call, promise, iterator or
// hook of the language loses what a value may be.
func TestValuesAreFollowedOnEveryWay(t *testing.T) {
	const text = "('return 1')()"
	byKey := func(x string) string { return x + "[k]" + text }
	for _, tc := range []struct {
		name, source string
		sink         func(string) string
	}{
		{"a function", "(() => 1)", byKey},
		{"a function, destructured", "(() => 1)", func(x string) string { return "{ const { [k]: z } = " + x + "; z" + text + " }" }},
		{"a method of the language", "[].map", byKey},
		{"a function of the language", "parseInt", byKey},
		{"Function, called", "(() => 1)[k]", func(x string) string { return x + text }},
		{"Function, constructed", "(() => 1)[k]", func(x string) string { return "new " + x + text }},
		{"Function, as a callback", "(() => 1)[k]", func(x string) string { return "['return 1'].map(" + x + ")[0]()" }},
	} {
		for line := range strings.Lines(launderText) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || strings.HasPrefix(tc.name, "Function") && !sourceOfValue.MatchString(line) {
				continue
			}
			t.Run(tc.name+": "+line, func(t *testing.T) {
				source := launder(line, tc.source, tc.sink)
				r := Read(report.JavaScript, []byte(source))
				if r.Error != nil {
					t.Fatalf("%s: %s", source, r.Error.Message)
				}
				if isAllowed(r) {
					t.Errorf("%s was allowed: %v", source, r.Operations)
				}
			})
		}
	}
}
