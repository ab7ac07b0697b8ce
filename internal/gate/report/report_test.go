// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnUnreadSourceIsNotComplete(t *testing.T) {
	read := Report{SourceSHA256: "00", Parser: "p/1"}
	for name, tc := range map[string]struct {
		report *Report
		want   bool
	}{
		"no report":                {nil, false},
		"the zero report":          {&Report{}, false},
		"a source read to its end": {&read, true},
		"a source with an error":   {&Report{SourceSHA256: "00", Parser: "p/1", Error: &ReadError{}}, false},
		"a source with a limit":    {&Report{SourceSHA256: "00", Parser: "p/1", Limits: []string{"depth"}}, false},
		"no digest":                {&Report{Parser: "p/1"}, false},
		"no parser":                {&Report{SourceSHA256: "00"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.report.Complete(); got != tc.want {
				t.Errorf("Complete() = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestBuilderOrdersAndPlacesOperations(t *testing.T) {
	source := []byte("a = 'é'; b()\n\tc(\n)\n" + strings.Repeat("ü", 300) + "; d()\n")
	at := func(text string) int { return strings.Index(string(source), text) }
	b := NewBuilder(Python, "p/1", "t", source)
	b.Add(at("d()"), at("d()")+3, Operation{Kind: Compute, Form: FormCall, Name: "d"})
	b.Add(at("c("), at(")\nü")+1, Operation{Kind: Compute, Form: FormCall, Name: "c"})
	b.Add(at("b()"), at("b()")+3, Operation{Kind: Compute, Form: FormCall, Name: "b"})
	b.Add(at("b()"), at("b()")+3, Operation{Kind: Compute, Form: FormCall, Name: "b"})
	got := map[string]Position{}
	names := ""
	for _, op := range b.Report().Operations {
		got[op.Name] = op.Position
		names += op.Name
	}
	want := map[string]Position{"b": {1, 10, 1, 13}, "c": {2, 2, 3, 2}, "d": {4, 303, 4, 306}}
	if diff := cmp.Diff(want, got); diff != "" || names != "bcd" {
		t.Errorf("order %q, positions (-want +got):\n%s", names, diff)
	}
}

func TestSnippetsShowWhatRuns(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain":                         {"f(x)", "f(x)"},
		"only the first line":           {"f(\n x)", "f(…"},
		"a tab":                         {"f(\tx)", "f( x)"},
		"an escape for the terminal":    {"f('\x1b[2K')", `f('\x1b[2K')`},
		"a right-to-left override":      {"f('\u202e')", `f('\u{202e}')`},
		"a zero-width space":            {"f\u200b()", `f\u{200b}()`},
		"a line separator":              {"f('\u2028')", `f('\u{2028}')`},
		"letters of any language":       {"prénom('名前')", "prénom('名前')"},
		"at most as long as one line":   {strings.Repeat("x", 500), strings.Repeat("x", MaxSnippetRunes-1) + "…"},
		"bytes that are no text at all": {"f('\xff')", `f('\u{fffd}')`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Snippet([]byte(tc.text)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPathsCannotClimbOut(t *testing.T) {
	unknown := Fact{Known: UnknownValue}
	for name, tc := range map[string]struct{ fact, want Fact }{
		"relative":                         {Fact{Literal, "a/b"}, Fact{Literal, "/workspace/a/b"}},
		"relative with a dot":              {Fact{Literal, "./a"}, Fact{Literal, "/workspace/a"}},
		"climbing":                         {Fact{Literal, "../etc/x"}, Fact{Literal, "/etc/x"}},
		"climbing above the root":          {Fact{Literal, "/../../etc/x"}, Fact{Literal, "/etc/x"}},
		"doubled slashes":                  {Fact{Literal, "//etc//x/"}, Fact{Literal, "/etc/x"}},
		"a prefix keeps its last part":     {Fact{Prefix, "/tmp/../etc/pa"}, Fact{Prefix, "/etc/pa"}},
		"a prefix of a whole directory":    {Fact{Prefix, "out/"}, Fact{Prefix, "/workspace/out/"}},
		"a prefix that may go on climbing": {Fact{Prefix, "/tmp/.."}, Fact{Prefix, "/tmp/.."}},
		"nothing":                          {Fact{Literal, ""}, unknown},
		"NUL":                              {Fact{Literal, "/tmp/a\x00b"}, unknown},
		"unknown":                          {unknown, unknown},
		"the zero fact":                    {Fact{}, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, CleanPath(tc.fact)); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostsAreWhatClientsConnectTo(t *testing.T) {
	for name, tc := range map[string]struct {
		fact Fact
		want string
	}{
		"the port of the scheme":               {Fact{Literal, "https://Example.COM/x"}, "example.com:443"},
		"an own port":                          {Fact{Literal, "http://a:08080"}, "a:8080"},
		"a trailing dot":                       {Fact{Literal, "http://a.b./"}, "a.b:80"},
		"user information in front":            {Fact{Literal, "http://allowed.example@evil.example/"}, "evil.example:80"},
		"a password with a colon":              {Fact{Literal, "http://allowed.example:443@evil.example/"}, "evil.example:80"},
		"letters beyond ASCII":                 {Fact{Literal, "http://bücher.example/"}, "xn--bcher-kva.example:80"},
		"fullwidth letters":                    {Fact{Literal, "http://ｅvil.example/"}, "evil.example:80"},
		"an address of IPv6":                   {Fact{Literal, "http://[::1]:22/"}, "[::1]:22"},
		"a backslash that clients disagree on": {Fact{Literal, `http://allowed.example\@evil.example/`}, ""},
		"a blank that clients strip":           {Fact{Literal, " http://a/"}, ""},
		"a line end that clients strip":        {Fact{Literal, "http://a\n.evil/"}, ""},
		"two at signs":                         {Fact{Literal, "http://a@b@c/"}, ""},
		"a percent-encoded host":               {Fact{Literal, "http://%65vil/"}, ""},
		"a scheme without a port":              {Fact{Literal, "s3://bucket/key"}, ""},
		"no scheme":                            {Fact{Literal, "example.com"}, ""},
		"a prefix that ends behind the host":   {Fact{Prefix, "http://a.example/x"}, "a.example:80"},
		"a prefix that may go on":              {Fact{Prefix, "http://a.example"}, ""},
		"a prefix that may become a password":  {Fact{Prefix, "http://a.example:80"}, ""},
		"nothing known":                        {Fact{UnknownValue, ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := Fact{Known: Literal, Value: tc.want}
			if tc.want == "" {
				want = Fact{Known: UnknownValue}
			}
			if diff := cmp.Diff(want, URLHost(tc.fact)); diff != "" {
				t.Errorf("host (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONIsStable(t *testing.T) {
	r := Report{
		Language: Python, SourceSHA256: "ab", Parser: "p/1", Tables: "t",
		Operations: []Operation{{
			Language: Python, Kind: FileRead, Form: FormCall, Name: "open", Args: Args{Path: &Fact{Literal, "/a"}},
			Position: Position{1, 1, 1, 10}, Snippet: "open('/a')", Via: []string{"o"},
		}, {Language: Python, Kind: Unknown, Form: FormAttribute, Name: ".x", Position: Position{2, 1, 2, 2}, Reason: "r"}},
	}
	want := `{"language":"Python","sourceSHA256":"ab","parser":"p/1","tables":"t","operations":[` +
		`{"language":"Python","kind":"FileRead","form":"call","name":"open","args":{"path":{"known":"Literal","value":"/a"}},` +
		`"position":{"line":1,"column":1,"endLine":1,"endColumn":10},"snippet":"open('/a')","via":["o"]},` +
		`{"language":"Python","kind":"Unknown","form":"attribute","name":".x","position":{"line":2,"column":1,"endLine":2,"endColumn":2},"reason":"r"}]}`
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
