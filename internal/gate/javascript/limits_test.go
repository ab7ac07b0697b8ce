// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"strings"
	"testing"
	"time"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

const maxBytes = 256 << 10

func fill(unit string) string { return strings.Repeat(unit, maxBytes/len(unit)) }

// bombs are sources that overflow the stack, or take quadratic time, of careless readers.
var bombs = map[string]string{
	"brackets":                      fill("["),
	"balanced brackets":             strings.Repeat("[", maxBytes/2) + strings.Repeat("]", maxBytes/2),
	"parentheses":                   fill("("),
	"balanced parentheses":          strings.Repeat("(", maxBytes/2) + "1" + strings.Repeat(")", maxBytes/2-1),
	"braces":                        fill("{"),
	"templates":                     fill("`${"),
	"exclamation marks":             fill("!"),
	"minus signs":                   fill("- "),
	"new":                           fill("new "),
	"typeof":                        fill("typeof "),
	"await":                         fill("await "),
	"arrows":                        fill("a=>"),
	"nested arrows":                 fill("(a=("),
	"async arrows":                  fill("async("),
	"conditionals":                  fill("a?"),
	"conditional arrows":            fill("a?(b):"),
	"assignments":                   fill("a="),
	"sums":                          fill("a+"),
	"members":                       "a" + fill(".b")[1:],
	"calls":                         "a" + fill("()")[1:],
	"tags":                          "a" + fill("``")[1:],
	"labels":                        fill("a:"),
	"ifs":                           fill("if(a)"),
	"elses":                         fill("if(a);else "),
	"functions":                     fill("function a(){"),
	"classes":                       fill("class{a="),
	"objects":                       fill("({a:"),
	"patterns":                      "var " + fill("[")[4:],
	"types":                         "let a:" + fill("A<")[6:],
	"type arguments":                fill("a<b<"),
	"commas":                        fill("a,"),
	"statements":                    fill("a;"),
	"evals":                         fill("eval;"),
	"aliases":                       "a0=eval;" + chain(12000),
	"backward aliases":              backward(12000),
	"one function called":           "function f(a){return a}" + fill("f(1);")[:maxBytes-30],
	"constants that double":         doubling(60),
	"many functions":                fill("(()=>1);"),
	"statements below the cap":      strings.Repeat("a;", 19_000),
	"evals below the cap":           strings.Repeat("eval;", 15_900),
	"functions below the cap":       strings.Repeat("(()=>1);", 13_000),
	"calls below the cap":           "function f(a){return a}" + strings.Repeat("f(1);", 9_000),
	"accessors and stores":          "class A{" + strings.Repeat("get [a](){}", 2_500) + "}" + strings.Repeat("x.y=1;", 4_500),
	"accessors and reads":           "class A{" + strings.Repeat("get [a](){}", 2_500) + "}" + strings.Repeat("x.y;", 8_000),
	"methods of one name and calls": "class A{" + strings.Repeat("a(){}", 4_000) + "}" + strings.Repeat("x.a();", 4_500),
	"names behind many scopes":      strings.Repeat("{", 390) + strings.Repeat("a;", 18_000) + strings.Repeat("}", 390),
	"idioms in idioms":              "x" + strings.Repeat(".constructor.name()", 600),
	"functions that are passed on":  strings.Repeat("f=function(){f(f)};", 3_000),
	"many methods read":             "class A{" + fill("a(){}")[:maxBytes/2] + "}" + fill("x[y];")[:maxBytes/2-9],
	"many accessors":                "class A{" + fill("get [a](){}")[:maxBytes/2] + "}" + fill("x[y];")[:maxBytes/2-9],
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + itoa(i+1) + "=a" + itoa(i) + ";")
	}
	return b.String()
}

func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("const " + itoa(i) + "=" + itoa(i+1) + "+" + itoa(i+1) + ";")
	}
	return b.String() + "const " + itoa(n) + "='x';({})[" + itoa(0) + "]"
}

func backward(n int) string {
	var b strings.Builder
	for i := n; i > 0; i-- {
		b.WriteString("a" + itoa(i) + "=a" + itoa(i-1) + ";")
	}
	return b.String() + "a0=eval;"
}

func itoa(i int) string {
	return string([]byte{byte('a' + i/17576%26), byte('a' + i/676%26), byte('a' + i/26%26), byte('a' + i%26)})
}

func TestBombsAreReadOrRefusedInTime(t *testing.T) {
	for name, source := range bombs {
		for _, lang := range []report.Language{report.JavaScript, report.TypeScript} {
			t.Run(name+" in "+string(lang), func(t *testing.T) {
				start := time.Now()
				r := Read(lang, []byte(source))
				took := time.Since(start)
				t.Logf("%v, %d operations, limits %v, error %v", took, len(r.Operations), r.Limits, r.Error != nil)
				if took > 20*time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}
