// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// summary lists the operations as "line:column kind name".
func summary(r *Report) []string {
	out := []string{}
	for _, op := range r.Operations {
		out = append(out, fmt.Sprintf("%d:%d %s %s %s", op.Position.Line, op.Position.Column, op.Language, op.Kind, op.Name))
	}
	return out
}

func argv(words ...string) Operation {
	op := Operation{Kind: KindProcess, Name: "subprocess.run"}
	for _, w := range words {
		f := Fact{Known: FactLiteral, Value: w}
		if w == "?" {
			f = Fact{Known: FactUnknown}
		}
		op.Args.Argv = append(op.Args.Argv, f)
	}
	return op
}

func TestEmbeddedIn(t *testing.T) {
	const notWritten = "it runs code that is not written out in its arguments"
	const moreCode = "a word behind its code may be an option with more code"
	tests := map[string]struct {
		outer Language
		op    Operation
		want  embeddedCode
		none  bool
	}{
		"the text of sh -c":                            {op: argv("sh", "-c", "id"), want: embeddedCode{language: Bash, text: "id"}},
		"flags in one word":                            {op: argv("/bin/bash", "-euxc", "id"), want: embeddedCode{language: Bash, text: "id"}},
		"options behind -c come before the text":       {op: argv("sh", "-c", "-e", "id"), want: embeddedCode{language: Bash, text: "id"}},
		"arguments behind the text are no code":        {op: argv("sh", "-c", "id", "x", "?"), want: embeddedCode{language: Bash, text: "id"}},
		"a text that is not known":                     {op: argv("sh", "-c", "?"), want: embeddedCode{dynamic: "the Bash that it runs is only known at run time"}},
		"a script file":                                {op: argv("sh", "run.sh"), want: embeddedCode{dynamic: notWritten}},
		"a shell that reads its input":                 {op: argv("bash"), want: embeddedCode{dynamic: notWritten}},
		"a login shell runs the profile first":         {op: argv("bash", "-lc", "id"), want: embeddedCode{dynamic: notWritten}},
		"an initialisation file":                       {op: argv("bash", "--rcfile", "x", "-ic", "id"), want: embeddedCode{dynamic: notWritten}},
		"isolated Python":                              {op: argv("/usr/bin/python3.11", "-I", "-c", "import os"), want: embeddedCode{language: Python, text: "import os"}},
		"isolated Python in one word":                  {op: argv("python3", "-IBcimport os"), want: embeddedCode{language: Python, text: "import os"}},
		"Python that imports from its directory":       {op: argv("python3", "-c", "import json"), want: embeddedCode{dynamic: "without the option I before its code, it runs other code first"}},
		"a letter of the code is not the option":       {op: argv("python3", "-cI=1"), want: embeddedCode{dynamic: "without the option I before its code, it runs other code first"}},
		"a Python module":                              {op: argv("python3", "-I", "-m", "http.server"), want: embeddedCode{dynamic: notWritten}},
		"Node":                                         {op: argv("node", "--eval=1+1"), want: embeddedCode{language: JavaScript, text: "1+1"}},
		"Node with a module loaded first":              {op: argv("node", "-r", "./x.js", "-e", "1"), want: embeddedCode{dynamic: notWritten}},
		"psql":                                         {op: argv("psql", "-X", "-h", "db", "-c", "SELECT 1"), want: embeddedCode{language: SQL, dialect: PostgreSQL, text: "SELECT 1"}},
		"psql with its start-up file":                  {op: argv("psql", "-c", "SELECT 1"), want: embeddedCode{dynamic: "without the option X before its code, it runs other code first"}},
		"mysql":                                        {op: argv("mysql", "--no-defaults", "-e", "SELECT 1"), want: embeddedCode{language: SQL, dialect: MySQL, text: "SELECT 1"}},
		"a language that is not read":                  {op: argv("perl", "-e", "1"), want: embeddedCode{dynamic: notWritten}},
		"no text behind -c":                            {op: argv("sh", "-c"), want: embeddedCode{dynamic: "the Bash that it runs is only known at run time"}},
		"a database named with an equals sign":         {op: argv("psql", "-X", "--host=db", "--command=SELECT 1"), want: embeddedCode{language: SQL, dialect: PostgreSQL, text: "SELECT 1"}},
		"a version is no code":                         {op: argv("python3", "--version"), none: true},
		"any other command is a command line":          {op: argv("rm", "-r", "it's"), want: embeddedCode{language: Bash, text: `'rm' '-r' 'it'\''s'`}},
		"a word that is not known":                     {op: argv("cat", "?"), want: embeddedCode{language: Bash, text: `'cat' "$1"`}},
		"a command of Bash is not read again":          {outer: Bash, op: argv("rm", "x"), none: true},
		"a program that is not known":                  {op: argv("?", "x"), none: true},
		"a process without arguments":                  {op: argv(), none: true},
		"an operation of another kind has no code":     {op: Operation{Kind: KindCompute, Args: argv("sh", "-c", "id").Args}, none: true},
		"a shell whose grammar differs from Bash":      {op: argv("zsh", "-c", "id"), want: embeddedCode{dynamic: notWritten}},
		"an option of the shell that takes a value":    {op: argv("sh", "-o", "posix", "-c", "id"), want: embeddedCode{dynamic: notWritten}},
		"psql with a second text":                      {op: argv("psql", "-X", "-c", "SELECT 1", "-c", "DROP TABLE t"), want: embeddedCode{dynamic: moreCode}},
		"psql with a file behind its text":             {op: argv("psql", "-Xc", "SELECT 1", "shop", "-f", "/tmp/x.sql"), want: embeddedCode{dynamic: moreCode}},
		"psql with output to a program":                {op: argv("psql", "-X", "-c", "SELECT 1", "-o|sh"), want: embeddedCode{dynamic: moreCode}},
		"psql with a word that may be an option":       {op: argv("psql", "-X", "-c", "SELECT 1", "?"), want: embeddedCode{dynamic: moreCode}},
		"psql with its database behind the text":       {op: argv("psql", "-X", "-c", "SELECT 1", "-h", "-f", "-At", "shop"), want: embeddedCode{language: SQL, dialect: PostgreSQL, text: "SELECT 1"}},
		"mysql with a second text":                     {op: argv("mysql", "--no-defaults", "-e", "SELECT 1", "--execute=DROP TABLE t"), want: embeddedCode{dynamic: moreCode}},
		"mysql with a command for the connection":      {op: argv("mysql", "--no-defaults", "-e", "SELECT 1", "shop", "--init-command=DROP TABLE t"), want: embeddedCode{dynamic: moreCode}},
		"Node with a second text, which wins":          {op: argv("node", "-e", "1", "-e", "evil()"), want: embeddedCode{dynamic: moreCode}},
		"Node with a module loaded behind its text":    {op: argv("node", "-e", "1", "-r", "./evil.js"), want: embeddedCode{dynamic: moreCode}},
		"Node with a text that is not one":             {op: argv("node", "--eval=", "evil.js"), want: embeddedCode{dynamic: notWritten}},
		"Node with arguments of the text":              {op: argv("node", "-e", "1", "x", "-r", "?"), want: embeddedCode{language: JavaScript, text: "1"}},
		"Node with arguments behind two hyphens":       {op: argv("node", "-e", "1", "--", "-r", "?"), want: embeddedCode{language: JavaScript, text: "1"}},
		"Python with arguments of the text":            {op: argv("python3", "-I", "-c", "1", "-m", "?"), want: embeddedCode{language: Python, text: "1"}},
		"Tcl asked for its version reads its input":    {op: argv("tclsh", "--version"), want: embeddedCode{dynamic: notWritten}},
		"busybox sh asked for its version goes on":     {op: argv("sh", "--version", "-c", "id"), want: embeddedCode{dynamic: notWritten}},
		"an empty text is code without any operations": {op: argv("sh", "-c", ""), want: embeddedCode{language: Bash}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.outer == "" {
				tc.outer = Python
			}
			got, found := embeddedIn(tc.outer, tc.op)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(embeddedCode{})); diff != "" || found == tc.none {
				t.Errorf("found = %v, want %v; %s", found, !tc.none, diff)
			}
		})
	}
}

func TestEmbeddedCodeIsReadAtItsPlace(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"Python in Python": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c', 'import os; os.remove(\"/etc/x\")'])\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "2:48 Python Import os", "2:52 Python FileDelete os.remove"},
		},
		"code with line ends": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c', '''\nimport os\nos.remove(\"/etc/x\")'''])\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "3:8 Python Import os", "4:1 Python FileDelete os.remove"},
		},
		"code with escapes is at the place of the call": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c', 'import os\\nos.remove(\"/etc/x\")'])\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "2:1 Python Import os", "2:1 Python FileDelete os.remove"},
		},
		"code whose text also stands in a comment behind the call is at the place of the call": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c', 'import\\x20os'])  # import os\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "2:1 Python Import os"},
		},
		"code whose text also stands in a comment in the call is at the place of the call": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c',  # 'import os'\n  'import\\x20os'])\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "2:1 Python Import os"},
		},
		"code that cannot be read": {
			"import subprocess\nsubprocess.run(['python3', '-I', '-c', 'import ('])\n",
			[]string{"1:8 Python Import subprocess", "2:1 Python Process subprocess.run", "2:49 Python Unknown subprocess.run"},
		},
		"code that is not known": {
			"import subprocess, sys\nsubprocess.run(['python3', '-I', '-c', input()])\n",
			[]string{"1:8 Python Import subprocess", "1:20 Python Import sys", "2:1 Python Process subprocess.run", "2:1 Python Dynamic subprocess.run", "2:40 Python Compute input"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := Read(Code{Language: Python, Source: []byte(tc.source)})
			if diff := cmp.Diff(tc.want, summary(r)); diff != "" || !r.Complete() {
				t.Errorf("%+v\n%s", r.Error, diff)
			}
		})
	}
}

// A relative path in embedded code is below the directory that the shell is in then.
func TestEmbeddedCodeInAnotherDirectory(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		want   report.FactState
	}{
		"the working directory":       {"sh -c 'rm x'", FactLiteral},
		"a directory that cd enters":  {"cd /inputs; sh -c 'rm x'", FactUnknown},
		"a subshell":                  {"(pushd /inputs; timeout 5 python3 -I -c 'import os; os.remove(\"x\")')", FactUnknown},
		"the directory of each file":  {"find /inputs -execdir sh -c 'rm x' \\;", FactUnknown},
		"code in code in a directory": {"cd /inputs; python3 -I -c 'import subprocess; subprocess.run([\"sh\", \"-c\", \"rm x\"])'", FactUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read(Code{Language: Bash, Source: []byte(tc.source)})
			deleted := slices.IndexFunc(r.Operations, func(op Operation) bool { return op.Kind == KindFileDelete })
			if deleted < 0 || r.Operations[deleted].Args.Path.Known != tc.want {
				t.Errorf("want a deletion whose path is %s: %v", tc.want, summary(r))
			}
		})
	}
}

// Code in code in code must not cost more than code.
func TestEmbeddedCodeIsBounded(t *testing.T) {
	code := "pass"
	for range maxEmbeddingDepth + 1 {
		code = fmt.Sprintf("import subprocess; subprocess.run(['python3', '-I', '-c', %q])", code)
	}
	r := Read(Code{Language: Python, Source: []byte(code)})
	if got := strings.Join(summary(r), "\n"); !strings.Contains(got, "Unknown subprocess.run") {
		t.Errorf("code that is embedded too deep is not Unknown:\n%s", got)
	}

	text := fmt.Sprintf("x = %q\nimport subprocess\n", strings.Repeat("pass\n", 600))
	text += strings.Repeat("subprocess.run(['python3', '-I', '-c', x])\n", 100)
	r = Read(Code{Language: Python, Source: []byte(text)})
	if got := strings.Count(strings.Join(summary(r), "\n"), "Unknown subprocess.run"); got != 13 {
		t.Errorf("%d of 100 texts of 3 kB are refused, want 13", got)
	}
}
