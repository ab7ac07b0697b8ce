// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/internal/gate"
)

func TestMatch(t *testing.T) {
	tests := map[string]struct {
		pattern, value string
		want           bool
	}{
		"a plain path matches itself":                {"/a/b", "/a/b", true},
		"a plain path does not match below itself":   {"/a/b", "/a/b/c", false},
		"case differs":                               {"/A/b", "/a/b", false},
		"a star is one segment":                      {"/a/*", "/a/b", true},
		"a star is not two segments":                 {"/a/*", "/a/b/c", false},
		"a star is not no segment":                   {"/a/*", "/a", false},
		"a star may be empty inside a segment":       {"/a/b*", "/a/b", true},
		"a star is a part of a segment":              {"/a/*.csv", "/a/sales.csv", true},
		"a star part does not cross a slash":         {"/a/*.csv", "/a/b/sales.csv", false},
		"two stars backtrack":                        {"/a/*b*c", "/a/xbxbxc", true},
		"two stars backtrack and fail":               {"/a/*b*c", "/a/xbxbx", false},
		"double star is no segment":                  {"/a/**", "/a", true},
		"double star is one segment":                 {"/a/**", "/a/b", true},
		"double star is many segments":               {"/a/**", "/a/b/c/d", true},
		"double star in the middle":                  {"/a/**/z", "/a/b/c/z", true},
		"double star in the middle is no segment":    {"/a/**/z", "/a/z", true},
		"double star needs the end":                  {"/a/**/z", "/a/b/zz", false},
		"double star does not eat a part of a name":  {"/a/**", "/ab/c", false},
		"everything":                                 {"/**", "/etc/passwd", true},
		"a star in the value stands for itself only": {"/a/b", "/a/*", false},
		"a question mark stands for itself":          {"/a/?", "/a/b", false},
		"brackets stand for themselves":              {"/a/[bc]", "/a/b", false},
		"a backslash stands for itself":              {`/a/\*`, "/a/*", false},
		"an empty value":                             {"/**", "", true},
		"an empty pattern matches nothing else":      {"", "/a", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := match(tt.pattern, tt.value, "/"); got != tt.want {
				t.Errorf("match(%q, %q) = %v, want %v", tt.pattern, tt.value, got, tt.want)
			}
		})
	}
}

// A regular expression, which the policy does not use because its cost and its
// syntax invite mistakes, is the oracle.
func FuzzMatchAgreesWithRegexp(f *testing.F) {
	f.Add("/a/**/b*", "/a/x/y/bc")
	f.Add("/**/**", "/")
	f.Add("/*a*a*a", "/aaaa")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern) > 40 || len(value) > 80 || !isASCII(pattern) || !isASCII(value) {
			return
		}
		// Joining with a slash in front makes "**" the same whether it is first or not.
		var expr strings.Builder
		for segment := range strings.SplitSeq(pattern, "/") {
			if segment == "**" {
				expr.WriteString("(/[^/]*)*")
				continue
			}
			expr.WriteString("/")
			for _, r := range segment {
				if r == '*' {
					expr.WriteString("[^/]*")
				} else {
					expr.WriteString(regexp.QuoteMeta(string(r)))
				}
			}
		}
		want := regexp.MustCompile(`(?s)^` + expr.String() + `$`).MatchString("/" + value)
		if got := match(pattern, value, "/"); got != want {
			t.Errorf("match(%q, %q) = %v, want %v", pattern, value, got, want)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

func TestManyStarsDoNotStallTheGate(t *testing.T) {
	pattern := "/" + strings.Repeat("*a", 256)
	value := "/" + strings.Repeat("a", 100_000) + "b"
	if match(pattern, value, "/") {
		t.Error("it matched a value with another end")
	}
	if match(strings.Repeat("/**/a", 100), strings.Repeat("/a", 50_000)+"/b", "/") {
		t.Error("it matched a path with another end")
	}
}

// A path that two readers could take for different files matches nothing.
func TestPathTraversalDoesNotEscapeAnAllowedDirectory(t *testing.T) {
	clean := []string{"/inputs/a.csv", "/inputs/a b.csv", "/inputs/50%.csv", "/inputs/100%25off/..a", "/inputs/été"}
	for _, p := range clean {
		want := p != "/inputs/100%25off/..a" // an encoded percent sign can hide anything
		if _, got := literalPath(lit(p)); got != want {
			t.Errorf("literalPath(%q) = %v, want %v", p, got, want)
		}
	}
	for _, p := range []string{
		"/inputs/../etc/passwd", "/inputs/..", "/inputs/./a", "/inputs//a", "/inputs/a/", "//inputs/a", "inputs/a", "./inputs/a", "",
		"/inputs/..%2fetc/passwd", "/inputs/%2e%2e/etc", "/inputs/..%5cetc", "/inputs/%252e", "/inputs/a%00.csv", "/inputs/%2Fetc", "/inputs/%%2fetc",
		"/inputs/a\x00.csv", "/inputs/\xff", "file:///inputs/a", "~/a",
	} {
		if _, ok := literalPath(lit(p)); ok {
			t.Errorf("literalPath(%q) is resolved, want unresolved", p)
		}
	}
	for name, f := range map[string]*gate.Fact{
		"no fact":    nil,
		"a prefix":   {Known: gate.FactPrefix, Value: "/inputs/"},
		"an unknown": {Known: gate.FactUnknown, Value: "/inputs/a"},
		"zero state": {Value: "/inputs/a"},
	} {
		if _, ok := literalPath(f); ok {
			t.Errorf("%s is resolved, want unresolved", name)
		}
	}
}

func TestMatchTarget(t *testing.T) {
	tests := map[string]struct {
		pattern, host string
		want          bool
	}{
		"the same host and any port":                         {"api.example.com", "api.example.com:443", true},
		"the same host and port":                             {"api.example.com:443", "api.example.com:443", true},
		"another port":                                       {"api.example.com:443", "api.example.com:80", false},
		"no port where one is demanded":                      {"api.example.com:443", "api.example.com", false},
		"case does not matter":                               {"API.example.com", "Api.Example.COM:443", true},
		"a trailing dot does not matter":                     {"api.example.com", "api.example.com.:443", true},
		"a star is one label":                                {"*.example.com", "api.example.com:443", true},
		"a star is not two labels":                           {"*.example.com", "a.b.example.com:443", false},
		"a star is not no label":                             {"*.example.com", "example.com:443", false},
		"double star is any host":                            {"**", "evil.attacker.example:80", true},
		"double star with a port":                            {"**:443", "evil.attacker.example:80", false},
		"double star is an address too":                      {"**", "10.0.0.1:80", true},
		"double star in front is any number of labels":       {"**.example.com", "a.b.example.com:1", true},
		"a suffix trick":                                     {"example.com", "example.com.attacker.example:80", false},
		"a prefix trick":                                     {"example.com", "notexample.com:80", false},
		"user information":                                   {"example.com", "example.com@attacker.example:80", false},
		"a path":                                             {"**", "example.com/x:80", false},
		"an unusual character":                               {"**", "exa mple.com:80", false},
		"a full-width dot":                                   {"*.example.com", "a。example.com:80", false},
		"stars do not match an address":                      {"*.*.*.*", "10.0.0.1:80", false},
		"nor a short one":                                    {"*.*", "127.1:80", false},
		"nor a hexadecimal one":                              {"*", "0x7f000001:80", false},
		"nor a decimal one":                                  {"*", "2130706433:80", false},
		"nor IPv6":                                           {"*", "[::1]:80", false},
		"an address matches itself":                          {"10.0.0.1", "10.0.0.1:80", true},
		"an IPv6 address matches itself in another spelling": {"[::1]:80", "[0:0:0:0:0:0:0:1]:80", true},
		"port 0":              {"**", "example.com:0", false},
		"a port that is none": {"**", "example.com:http", false},
		"an empty label":      {"**", "example..com:80", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			host, ok := literalTarget(lit(tt.host))
			if got := ok && matchTarget(tt.pattern, host); got != tt.want {
				t.Errorf("pattern %q on %q = %v, want %v", tt.pattern, tt.host, got, tt.want)
			}
		})
	}
}
