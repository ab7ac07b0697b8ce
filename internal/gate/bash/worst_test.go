// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// worst are the inputs that cost the most: nesting, long chains, long loops of
// functions, values that grow. Each is about maxSource bytes long.
func worst(maxSource int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, maxSource/len(s)+1)[:maxSource] }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < maxSource-2*len(format)-20; i++ {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String()
	}
	return map[string]string{
		"command substitutions without an end": fill("$("),
		"nested quotes":                        fill(`"${x:-`),
		"nested brackets in arithmetic":        "echo $((" + strings.Repeat("(", maxSource-10),
		"signs in arithmetic":                  "echo $((" + strings.Repeat("- ", maxSource/2-10) + "1))",
		"negations in a test":                  "[[ " + strings.Repeat("! ", maxSource/2-10) + "a ]]",
		"a long pipe":                          fill("a|") + "",
		"a long list":                          fill("a&&") + "",
		"nested conditions":                    fill("if "),
		"nested functions":                     fill("f() "),
		"many here-documents":                  fill("cat <<A\n"),
		"many words":                           "echo " + fill("a ")[:maxSource-10],
		"many commands":                        fill("ls a\n"),
		"nested braces":                        "echo " + fill("{a,")[:maxSource-10],
		"many braces":                          "echo " + fill("{a,b}")[:maxSource-10],
		"values that depend backwards":         numbered("a%d=$a%d\n"),
		"a value that grows":                   fill("x=$x$x\n"),
		"functions that call each other":       numbered("f%d() { f%d; }\n"),
		"functions that call all":              numbered("f%[1]d() { f%[2]d; f%[2]d; }\n"),
		"calls of one function":                "f() { echo $a; }\n" + fill("a=1;f 1\n")[:maxSource-20],
		"many traps":                           fill("trap 'ls a' INT\n"),
		"many alternatives":                    fill("x=a;cat $x\nx=b\n"),
		"patterns":                             "cat " + fill("*")[:maxSource-10],
		"many arguments of a function":         "f() { echo $1; }\nf " + fill("$a ")[:maxSource-30],
		"a long text":                          "echo '" + strings.Repeat("a", maxSource-10) + "'",
		"many expansions":                      `echo "` + fill("$a")[:maxSource-10] + `"`,
		"many conditions":                      fill("if a;then x=1;else x=2;fi\n"),
		"nested subshells":                     fill("( "),
		"sums":                                 "((x=" + fill("1+")[:maxSource-10] + "1))",
		"assignments in arithmetic":            "((" + fill("a=")[:maxSource-10] + "1))",
		"a script of sed":                      "sed '" + fill("s/a/b/;")[:maxSource-10] + "'",
		"a program of awk":                     "awk '{" + fill("a=b/c;")[:maxSource-12] + "}'",
		"cases":                                "case x in " + fill("a) x=1;;\n")[:maxSource-16] + "\nesac",
		"xargs of xargs":                       fill("xargs ")[:maxSource-10] + " ls",
		"find of find":                         strings.Repeat("find . -exec ", 10000) + strings.Repeat(`\; `, 10000),
	}
}

// TestWorstInputsAreCheap allows far more than what was measured, as the machine
// may be busy; what a benchmark shows is the real figure.
func TestWorstInputsAreCheap(t *testing.T) {
	for _, size := range []int{maxSource, maxSource / 6} {
		for name, code := range worst(size) {
			cheap(t, fmt.Sprintf("%s in %d bytes", name, size), code[:min(len(code), maxSource)])
		}
	}
}

func cheap(t *testing.T, name, code string) {
	t.Run(name, func(t *testing.T) {
		start := time.Now()
		r := Read([]byte(code))
		took := time.Since(start)
		t.Logf("%v, complete %v, %d operations %v", took, complete(r), len(r.Operations), r.Limits)
		if took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
