// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

// write puts a file into a directory of the test and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// airlock runs the command and gives its exit code and output.
func airlock(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

var testPolicy = strings.Replace(`# a comment
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: airlock.dev/v1alpha1
kind: ExecutionPolicy
metadata: {name: tidy}
spec:
  runtimes:
  - {language: Python, image: "registry.example/python@sha256:0000000000000000000000000000000000000000000000000000000000000000", inventory: "INVENTORY", command: [python3]}
  - {language: SQL, dialect: MySQL, image: "registry.example/mysql@sha256:0000000000000000000000000000000000000000000000000000000000000000", command: [mysql]}
  allow:
  - imports: ["*"]
  requireApproval:
  - paths: {delete: ["/data/**"]}
  limits: {timeoutSeconds: 60}
`, "INVENTORY", gate.Inventory(gate.Python), 1)

func TestCheckExitCodes(t *testing.T) {
	tidy := write(t, "policy.yaml", testPolicy)
	tests := map[string]struct {
		stdin string
		args  []string
		want  int
		// say is a part of the output, on either stream
		say string
	}{
		"code without effects is allowed":       {stdin: "print(1)", args: []string{"-", "--language", "Python"}, want: 0, say: "Allow under reference policy workspace, driven by untrusted input"},
		"what the policy asks for is approval":  {stdin: "import os\nos.remove('/data/x')", args: []string{"-", "--language", "Python", "--policy", tidy, "--trust", "Internal"}, want: 2, say: "-:2:1: requireapproval: It deletes \"/data/x\""},
		"rules that are not asked are named":    {stdin: "print(1)", args: []string{"-", "--language", "Python", "--trust", "Internal", "--policy", write(t, "rules.yaml", testPolicy+"  kyverno: {selector: {matchLabels: {a: b}}}\n")}, want: 0, say: "were not asked: they can make the verdict stricter"},
		"what no rule lists is denied":          {stdin: "import os\nos.remove('/etc/x')", args: []string{"-", "--language", "Python", "--policy", tidy, "--trust", "Internal"}, want: 3, say: "Deny under policy tidy, driven by internal input"},
		"an image with other libraries":         {stdin: "1", args: []string{"-", "--language", "Python", "--trust", "Internal", "--policy", write(t, "other.yaml", strings.Replace(testPolicy, "inventory: \"sha256:", "inventory: \"sha256:0", 1))}, want: 3, say: "The gate knows the libraries of the inventory sha256:"},
		"a syntax error is denied":              {stdin: "print 'x'", args: []string{"-", "--language", "Python"}, want: 3, say: "invalid syntax"},
		"a language that the policy cannot run": {stdin: "true", args: []string{"-", "--language", "Bash", "--policy", tidy, "--trust", "Internal"}, want: 3, say: `The policy runs no "Bash"`},
		"too much code is denied":               {stdin: strings.Repeat("#", 300_000), args: []string{"-", "--language", "Python"}, want: 3, say: "at most 262144"},
		"no language":                           {args: []string{"-"}, want: 1, say: "give --language"},
		"an unknown language":                   {args: []string{"-", "--language", "perl"}, want: 1, say: `--language "perl": use one of Python, Bash`},
		"an unknown trust":                      {args: []string{"x.py", "--trust", "high"}, want: 1, say: `--trust "high"`},
		"an unknown output":                     {args: []string{"x.py", "-o", "yaml"}, want: 1, say: `--output "yaml"`},
		"SQL without a dialect":                 {args: []string{"x.sql"}, want: 1, say: "give --dialect"},
		"SQL for another database":              {args: []string{"x.sql", "--policy", tidy, "--dialect", "PostgreSQL"}, want: 1, say: "executes MySQL"},
		"a file that is not there":              {args: []string{"/nowhere/x.py"}, want: 1, say: "no such file"},
		"no file":                               {want: 1, say: "accepts 1 arg"},
		"a policy file that is not there":       {args: []string{"x.py", "--policy", "/nowhere/p.yaml"}, want: 1, say: "no such file"},
		"a file without a policy":               {args: []string{"x.py", "--policy", write(t, "n.yaml", "apiVersion: v1\nkind: Namespace\n")}, want: 1, say: "it has no ExecutionPolicy of airlock.dev/v1alpha1"},
		"a file with two policies":              {args: []string{"x.py", "--policy", write(t, "two.yaml", testPolicy+"---\n"+testPolicy)}, want: 1, say: "more than one ExecutionPolicy"},
		"a policy with a misspelled field":      {args: []string{"x.py", "--policy", write(t, "typo.yaml", strings.Replace(testPolicy, "requireApproval", "requiresApproval", 1))}, want: 1, say: `unknown field "requiresApproval"`},
		"a policy whose example fails": {
			args: []string{"x.py", "--policy", write(t, "ex.yaml", testPolicy+"  examples: [{name: must run, language: Python, code: open('/x'), trust: Internal, expect: Allow}]\n")},
			want: 1, say: `would not be Ready, its example "must run" fails: expected Allow, the verdict is Deny`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := airlock(tc.stdin, append([]string{"check"}, tc.args...)...)
			if code != tc.want || !strings.Contains(stdout+stderr, tc.say) {
				t.Errorf("exit code %d, want %d; output, want %q:\n%s%s", code, tc.want, tc.say, stdout, stderr)
			}
		})
	}
}

func TestCheckShowsTheLineAndACaret(t *testing.T) {
	file := write(t, "tidy.py", "import os\nif True:\n\tos.remove('/etc/x')\n")
	_, got, _ := airlock("", "check", file)
	want := file + `:3:2: deny: It deletes "/etc/x"; no rule of spec.untrusted permits that. Do without it, or ask the policy's owner to add it to spec.untrusted.allow[].paths.delete or to spec.untrusted.requireApproval[].paths.delete.
     os.remove('/etc/x')
     ^~~~~~~~~~~~~~~~~~~
` + file + ": Deny under reference policy workspace, driven by untrusted input\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Code that is printed must not steer the terminal (CWE-150) or reorder the line (CVE-2021-42574).
func TestCodeDoesNotSteerTheTerminal(t *testing.T) {
	hostile := "open('/etc/\x1b]0;owned\x07\u202e')\n" + strings.Repeat("x = 1; ", 60) + "open('/etc/\x1b[2J')\n"
	for _, format := range []string{"text", "json", "sarif"} {
		_, got, _ := airlock(hostile, "check", "-", "--language", "Python", "-o", format, "--color", "never")
		if strings.ContainsAny(got, "\x1b\x07\u202e") {
			t.Errorf("the %s output has raw control characters: %q", format, got)
		}
	}
}

// The agent may have named the file (CWE-150), and C1 controls steer terminals as well as escapes.
func TestFileNamesDoNotSteerTheTerminal(t *testing.T) {
	file := write(t, "a b\x1b[2J\u202e\u009b#%.py", "open('/etc/\u009b31m')\n")
	for _, format := range []string{"text", "json", "sarif"} {
		_, got, _ := airlock("", "check", file, "-o", format)
		if strings.ContainsAny(got, "\x1b\u202e\u009b") {
			t.Errorf("the %s output has raw control characters: %q", format, got)
		}
	}
	_, got, _ := airlock("", "check", file, "-o", "sarif")
	if want := "/a%20b%1B%5B2J%E2%80%AE%C2%9B%23%25.py\""; !strings.Contains(got, want) {
		t.Errorf("no URI that ends with %s in %s", want, got)
	}
	if _, _, got := airlock("", "check", file+"\x1bc"); strings.Contains(got, "\x1b") {
		t.Errorf("the error has raw control characters: %q", got)
	}
}

func TestTheLineShownIsTheLineOfTheFinding(t *testing.T) {
	for language, source := range map[string]string{
		"Python":     "x = 1\r\ny = 2\r\nopen('/etc/x')\r\n",
		"JavaScript": "x = 1\r\ny = 2\r\nrequire('fs').readFileSync('/etc/x')\r\n",
		"Bash":       "x=1\ny=2\rz=3\ncat /etc/x\n",
	} {
		_, got, _ := airlock(source, "check", "-", "--language", language)
		finding, shown, _ := strings.Cut(got[max(0, strings.Index(got, "-:3:1: ")):], "\n")
		if want := strings.TrimSpace(strings.Split(source, "\n")[2]); !strings.HasPrefix(finding, "-:3:1: ") || !strings.HasPrefix(shown, "    "+want+"\n") {
			t.Errorf("%s: the line of 3:1 is not %q:\n%s", language, want, got)
		}
	}
}

func TestColoursAreOnlyUsedWhereAsked(t *testing.T) {
	_, auto, _ := airlock("open('/etc/x')", "check", "-", "--language", "Python")
	_, always, _ := airlock("open('/etc/x')", "check", "-", "--language", "Python", "--color", "always")
	if strings.Contains(auto, "\x1b[") || !strings.Contains(always, red+"deny:"+plain) {
		t.Errorf("auto: %q\nalways: %q", auto, always)
	}
}

func TestCheckJSON(t *testing.T) {
	_, text, _ := airlock("import os\nos.remove('/etc/x')", "check", "-", "--language", "Python", "-o", "json")
	var got struct {
		File    string
		Verdict struct{ Decision string }
		Report  struct {
			Language   string
			Operations []struct{ Kind, Name string }
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Verdict.Decision != "Deny" || got.Report.Language != "Python" || len(got.Report.Operations) != 2 || got.Report.Operations[1].Kind != "FileDelete" {
		t.Errorf("%+v", got)
	}
}

// What is printed is what `kyverno apply --json` takes.
func TestCheckPrintsWhatRulesAreEvaluatedOn(t *testing.T) {
	code, text, _ := airlock("print(1)\n", "check", "-", "--language", "Python", "--trust", "Internal", "-o", "rules")
	var got struct {
		Version, Trust string
		Verdict        struct{ Decision string }
		Request        struct{ Inputs []struct{ Trust string } }
		Report         struct{ Operations []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, text)
	}
	if got.Version != policy.DocumentVersion || got.Trust != "Internal" || got.Verdict.Decision != "Allow" || len(got.Report.Operations) == 0 || len(got.Request.Inputs) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestCheckSARIFIsValid(t *testing.T) {
	for name, code := range map[string]string{
		"no finding":                   "print(1)",
		"a line separator in the code": "\u2028 = 1",
		"a finding without a place":    strings.Repeat("#", 300_000),
		"findings of several kinds":    "import os\nos.remove('/etc/x')\nopen('/etc/y')\n",
		"an operation to ask for":      "open(input())",
		"a source that is no Python":   "print 'x'",
	} {
		t.Run(name, func(t *testing.T) {
			_, text, _ := airlock(code, "check", "-", "--language", "Python", "-o", "sarif")
			log, err := sarif.FromString(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := log.Validate(); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			if findings := len(log.Runs[0].Results); (findings > 0) != (name != "no finding") {
				t.Errorf("%d results", findings)
			}
		})
	}
}
