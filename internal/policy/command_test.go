// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

func command(name string, args, options []string) v1alpha1.Command {
	return v1alpha1.Command{Name: name, Args: args, Options: options}
}

func words(w ...string) []string { return w }

func TestCommandsMatchWholeCommandLines(t *testing.T) {
	status := command("git", words("status"), words("--short", "-s", "--"))
	pods := command("kubectl", words("get", "pods", "**"), words("-n shop", "-o json", "--tail=*", "-l *", "--"))
	show := command("git", words("show", "*", "src/**"), nil)
	for name, tc := range map[string]struct {
		command v1alpha1.Command
		words   []string
		want    bool
	}{
		"the bare command":                        {command("true", nil, nil), words("true"), true},
		"a bare command with a word":              {command("true", nil, nil), words("true", "x"), false},
		"the exact words":                         {command("git", words("status", "--short"), nil), words("git", "status", "--short"), true},
		"one word more":                           {command("git", words("status"), nil), words("git", "status", "x"), false},
		"one word less":                           {command("git", words("status", "x"), nil), words("git", "status"), false},
		"a listed option":                         {status, words("git", "status", "--short"), true},
		"the end of options":                      {status, words("git", "status", "-s", "--"), true},
		"without options":                         {status, words("git", "status"), true},
		"words and options in any order":          {pods, words("kubectl", "get", "pods", "-o", "json", "web", "-n", "shop", "db", "--tail=9"), true},
		"operands behind the end of options":      {pods, words("kubectl", "get", "pods", "-n", "shop", "--", "web"), true},
		"one star, one segment":                   {show, words("git", "show", "HEAD", "src/a/b.c"), true},
		"two stars stand for no segment, too":     {show, words("git", "show", "HEAD", "src"), true},
		"a literal pattern is not read as a glob": {command("git", words("show", "HEAD^", "--", "-x"), nil), words("git", "show", "HEAD^", "--", "-x"), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := matchesWords(&tc.command, tc.words[1:]) && tc.words[0] == tc.command.Name; got != tc.want {
				t.Errorf("%q on %q: %v, want %v", tc.command, tc.words, got, tc.want)
			}
		})
	}
}

// Each of these is a command line that a reader of the rule would not expect it
// to permit.
func TestCommandsAreNotWidened(t *testing.T) {
	log := command("git", words("log", "**"), words("--oneline", "-n *", "--author=*"))
	logs := command("kubectl", words("logs", "*"), words("-n shop", "--tail=*", "--"))
	free := command("ls", words("**"), nil)
	for name, tc := range map[string]struct {
		command v1alpha1.Command
		words   []string
	}{
		"an abbreviated long option":                       {log, words("git", "log", "--onel")},
		"a long option that begins with a listed one":      {log, words("git", "log", "--oneline-output=x")},
		"a value attached to an option that takes none":    {log, words("git", "log", "--oneline=/etc/passwd")},
		"a clustered short option":                         {command("ls", words("**"), words("-l")), words("ls", "-lR")},
		"a value attached to a short option":               {log, words("git", "log", "-n5x")},
		"a value attached with an equals sign":             {log, words("git", "log", "-n=5")},
		"an option that is not listed":                     {log, words("git", "log", "--output=x")},
		"an option before the subcommand":                  {log, words("git", "--oneline", "log")},
		"a subcommand's option before the subcommand":      {command("git", words("log"), words("-p")), words("git", "-p", "log")},
		"an option without its value":                      {log, words("git", "log", "-n")},
		"an option as the value of another":                {log, words("git", "log", "-n", "--output=x")},
		"another value than the listed one":                {logs, words("kubectl", "logs", "web", "-n", "kube-system")},
		"the value changed by saying it twice":             {logs, words("kubectl", "logs", "web", "-n", "shop", "-n", "kube-system")},
		"a value that shifts a verb into place":            {command("kubectl", words("get", "*", "*"), words("-n shop")), words("kubectl", "-n", "get", "delete", "pods")},
		"an option behind the end of options":              {logs, words("kubectl", "logs", "web", "--", "--tail=5")},
		"an option smuggled as an operand through a star":  {command("tar", words("cf", "*", "*"), nil), words("tar", "cf", "x.tar", "--checkpoint-action=exec=id")},
		"an option smuggled through two stars":             {free, words("ls", "x", "--hyperlink")},
		"an option smuggled through stars between slashes": {command("ls", words("**/*"), nil), words("ls", "--x=/a")},
		"the end of options as an operand":                 {free, words("ls", "--", "x")},
		"standard input as an operand":                     {command("git", words("apply", "*"), nil), words("git", "apply", "-")},
		"a star that matches a slash":                      {command("cat", words("/inputs/*"), nil), words("cat", "/inputs/secret/key")},
		"a star that matches an absolute path":             {command("cat", words("*"), nil), words("cat", "/etc/passwd")},
		"a path that climbs out":                           {command("cat", words("/inputs/**"), nil), words("cat", "/inputs/../credentials/token")},
		"a path that climbs out in the end":                {command("ls", words("/inputs/*"), nil), words("ls", "/inputs/..")},
		"a path that climbs out of an option":              {command("sort", words("**"), words("--output=/tmp/**")), words("sort", "--output=/tmp/../workspace/x")},
		"a path that climbs out behind an equals sign":     {command("x", words("*"), nil), words("x", "to=..")},
		"a path that climbs out percent-encoded":           {command("curl", words("https://x.example/**"), nil), words("curl", "https://x.example/%2e%2e/admin")},
		"an empty word for a star":                         {command("rm", words("*"), nil), words("rm", "")},
		"an empty word for two stars":                      {free, words("ls", "")},
		"an empty word as an option's value":               {log, words("git", "log", "-n", "")},
		"a name with the words in it":                      {command("git", words("log"), nil), words("git log")},
		"a line break instead of a word":                   {command("git", words("log", "x"), nil), words("git", "log\nx")},
	} {
		t.Run(name, func(t *testing.T) {
			spec := allowing(v1alpha1.OperationRule{Commands: []v1alpha1.Command{tc.command}})
			if got := Judge(complete(argv(tc.words...)), spec, Given{Trust: v1alpha1.Trusted}).Decision; got != v1alpha1.Deny {
				t.Errorf("%+v permits %q", tc.command, tc.words)
			}
		})
	}
}

func TestAWordThatIsComputedIsMatchedByNoCommand(t *testing.T) {
	for state, fact := range map[string]gate.Fact{
		"a prefix":       {Known: gate.FactPrefix, Value: "x"},
		"nothing":        {Known: gate.FactUnknown},
		"no UTF-8":       {Known: gate.FactLiteral, Value: "\xff"},
		"a NUL":          {Known: gate.FactLiteral, Value: "x\x00--output=y"},
		"the zero value": {},
	} {
		o := argv("git", "log")
		o.Args.Argv = append(o.Args.Argv, fact)
		rule := v1alpha1.OperationRule{Commands: []v1alpha1.Command{command("git", words("log", "**"), words("--oneline"))}}
		if got := Judge(complete(o), allowing(rule), Given{Trust: v1alpha1.Trusted}).Decision; got != v1alpha1.Deny {
			t.Errorf("a word of which %s is known: %s", state, got)
		}
		if got := Judge(complete(o), asking(rule), Given{Trust: v1alpha1.Trusted}).Decision; got != v1alpha1.Deny {
			t.Errorf("a word of which %s is known, under requireApproval: %s", state, got)
		}
		rule.Commands[0] = command("git", words("log"), words(openEnded))
		if got := Judge(complete(o), asking(rule), Given{Trust: v1alpha1.Trusted}).Decision; got != v1alpha1.RequireApproval {
			t.Errorf("a word of which %s is known, behind an open-ended entry: %s", state, got)
		}
		rule.Commands[0] = command("git", words("log", "x"), words(openEnded))
		if got := Judge(complete(o), asking(rule), Given{Trust: v1alpha1.Trusted}).Decision; got != v1alpha1.Deny {
			t.Errorf("a word of which %s is known, within the beginning of an open-ended entry: %s", state, got)
		}
	}
}

// What is allowed by a broader entry may turn out to be what a rule asks for.
func TestAnUnknownArgumentIsAskedForWhereARuleAsksForSome(t *testing.T) {
	unknown := func(kind gate.Kind, args gate.Args) gate.Operation { return op(kind, "x.call", args) }
	all := asks(v1alpha1.OperationRule{
		Paths:       &v1alpha1.Paths{Read: []string{"/data/**"}, Write: []string{"/data/**"}, Delete: []string{"/data/**"}},
		Hosts:       []string{"x.example"},
		Commands:    []v1alpha1.Command{command("git", words("push"), nil)},
		SQL:         []v1alpha1.SQLOperation{{Verbs: []string{"DELETE"}, Tables: []string{"*"}}},
		Environment: []string{"HOME"},
	})
	for kind, o := range map[string]gate.Operation{
		"FileRead": unknown(gate.KindFileRead, gate.Args{Path: &gate.Fact{}}), "FileWrite": unknown(gate.KindFileWrite, gate.Args{}),
		"FileDelete": unknown(gate.KindFileDelete, gate.Args{}), "Network": unknown(gate.KindNetwork, gate.Args{}),
		"Process": unknown(gate.KindProcess, gate.Args{}), "SQL": unknown(gate.KindSQL, gate.Args{}), "Environment": unknown(gate.KindEnvironment, gate.Args{}),
	} {
		for name, allow := range map[string]v1alpha1.OperationRule{
			"by its name":   {Calls: []string{"x.call"}},
			"as unresolved": {Unresolved: []v1alpha1.OperationKind{v1alpha1.OperationKind(kind)}},
		} {
			spec := allowing(allow)
			if got := Judge(complete(o), spec, Given{Trust: v1alpha1.Internal}).Decision; got != v1alpha1.Allow {
				t.Errorf("%s allowed %s: %s without a rule that asks", kind, name, got)
			}
			spec.RequireApproval = all
			if got := Judge(complete(o), spec, Given{Trust: v1alpha1.Internal}).Decision; got != v1alpha1.RequireApproval {
				t.Errorf("%s allowed %s: %s with a rule that may ask for it", kind, name, got)
			}
		}
		spec := asking(v1alpha1.OperationRule{})
		spec.RequireApproval = all
		if got := Judge(complete(o), spec, Given{Trust: v1alpha1.Internal}).Decision; got != v1alpha1.Deny {
			t.Errorf("%s that nothing allows: %s", kind, got)
		}
	}
}

// CWE-1333: patterns with many stars do not stall the gate.
func TestCommandsMatchInBoundedTime(t *testing.T) {
	c := command("x", slices.Repeat(words("**", "*a*a*a*a*b"), 8), words("-*"))
	words := slices.Repeat(words(strings.Repeat("a", 200)), 2000)
	start := time.Now()
	if matchesWords(&c, words) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCheckRefusesCommandsThatCannotBeMeant(t *testing.T) {
	for name, tc := range map[string]struct {
		command v1alpha1.Command
		want    string
	}{
		"an open end and more":           {command("git", words("log"), words("*", "-n *")), "spec.allow[0].commands[0].options"},
		"a star before an open end":      {command("git", words("*"), words("*")), "spec.allow[0].commands[0].options"},
		"any option without a person":    {command("git", words("log"), words("*")), "spec.allow[0].commands[0].options: Invalid value: \"*\""},
		"a glob for a name":              {command("git*", nil, nil), "spec.allow[0].commands[0].name"},
		"an option behind a star":        {command("git", words("log", "*", "--x"), words("-n *")), "spec.allow[0].commands[0].args[2]"},
		"a plain command":                {command("git", words("log", "--x", "*"), words("-n *")), ""},
		"options in their place in args": {command("git", words("log", "*", "--x"), nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			errs := Check(allowing(v1alpha1.OperationRule{Commands: []v1alpha1.Command{tc.command}}))
			if got := errs.ToAggregate(); (got == nil) != (tc.want == "") || got != nil && !strings.Contains(got.Error(), tc.want) {
				t.Errorf("got %v, want %q", got, tc.want)
			}
		})
	}
	untrusted := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		rule := v1alpha1.OperationRule{Commands: []v1alpha1.Command{command("git", words("log"), words("*"))}}
		s.RequireApproval, s.Untrusted.Allow = asks(rule), []v1alpha1.OperationRule{rule}
	})
	if errs := Check(untrusted); len(errs) != 1 || errs[0].Field != "spec.untrusted.allow[0].commands[0].options" {
		t.Errorf("any option under requireApproval and under untrusted.allow: %v", errs)
	}
}

// curl, dd, and programs that read @files take a file that stands within a word.
func TestTwoStarsDoNotStandForAFileElsewhereWithinAWord(t *testing.T) {
	command := []v1alpha1.Command{{Name: "tool", Args: []string{"**"}}}
	for word, want := range map[string]bool{
		"/credentials/git": false, "file:///credentials/git": false, "if=/credentials/git": false, "@/credentials/git": false,
		"a,/credentials/git": false, "data=@/credentials/git": false, "HEAD:/x": false,
		"a/b": true, "HEAD:src/a.go": true, "key=value": true, "origin/main": true, "user@example": true, "a,b": true,
	} {
		op := argv("tool", word)
		if got := matchesCommand(command, &op); got != want {
			t.Errorf("%q: %v, want %v", word, got, want)
		}
	}
}
