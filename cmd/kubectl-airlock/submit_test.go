// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func TestARequestIsMadeOfAFile(t *testing.T) {
	got, err := asked{
		policy: "data-analysis", task: "Sum the sales.", agent: "reporter", args: []string{"--by", "region"}, env: []string{"TZ=UTC", "A=b=c"},
		egress: []string{"api.partner.example:443"}, credentials: []string{"partner-token"},
	}.request("jobs/Sum_Sales.py", "print(1)\n")
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "request.yaml", string(text))
}

func TestNamesOfFilesBecomeNamesOfObjects(t *testing.T) {
	for file, want := range map[string]string{
		"report.py": "report-", "a/B c.PY": "b-c-", "-": "run-", "...sh": "run-", "Ümlaut.py": "mlaut-", strings.Repeat("x", 99) + ".py": strings.Repeat("x", 40) + "-",
		"\x1b[2J.py": "2j-",
	} {
		if got := namePrefix(file); got != want {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
}

func TestInputs(t *testing.T) {
	in := func(name string, origin v1alpha1.Origin, trust v1alpha1.Trust, file string, ref *v1alpha1.ConfigMapKey) input {
		return input{Input: v1alpha1.Input{Name: name, Origin: origin, Trust: trust, ConfigMapRef: ref}, file: file}
	}
	for text, want := range map[string]input{
		"sales.csv=data/sales.csv:User:Internal":    in("sales.csv", v1alpha1.OriginUser, v1alpha1.Internal, "data/sales.csv", nil),
		"a=C:/b:c.csv:retrieved:UNTRUSTED":          in("a", v1alpha1.OriginRetrieved, v1alpha1.Untrusted, "C:/b:c.csv", nil),
		"prompt=:User:Trusted":                      in("prompt", v1alpha1.OriginUser, v1alpha1.Trusted, "", nil),
		"s=configmap/sales/sales.csv:Tool:Internal": in("s", v1alpha1.OriginTool, v1alpha1.Internal, "", &v1alpha1.ConfigMapKey{Name: "sales", Key: "sales.csv"}),
	} {
		got, err := parseInput(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(input{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"sales.csv":                      "write name=FILE:origin:trust",
		"a=b:User":                       "write name=FILE:origin:trust",
		"a=b:Stranger:Internal":          `origin "Stranger": use one of User, Retrieved`,
		"a=b:User:High":                  `trust "High": use one of Trusted, Internal, Untrusted`,
		"a=configmap/sales:User:Trusted": "write configmap/NAME/KEY",
	} {
		if _, err := parseInput(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestRunRefusesWhatItCannotMeanBeforeItAsksTheCluster(t *testing.T) {
	manifest := "apiVersion: airlock.dev/v1alpha1\nkind: ExecutionRequest\nmetadata: {name: a}\nspec: {policyName: p, code: {language: Python, source: print(1)}}\n"
	file := func(name, text string) string { return write(t, name, text) }
	code := file("x.py", "print(1)")
	for name, tc := range map[string]struct {
		args []string
		say  string
	}{
		"no file":                              {nil, `required flag(s) "filename" not set`},
		"no policy":                            {[]string{"-f", code}, "name the policy that judges with --policy"},
		"a file that is not there":             {[]string{"-f", "/nowhere/x.py", "--policy", "p"}, "no such file"},
		"no language":                          {[]string{"-f", file("x.txt", "1"), "--policy", "p"}, "give --language"},
		"a word without --":                    {[]string{"-f", code, "--policy", "p", "word"}, "put the program's arguments behind --"},
		"egress without a port":                {[]string{"-f", code, "--policy", "p", "--egress", "a.example"}, "write host:port"},
		"egress to port 0":                     {[]string{"-f", code, "--policy", "p", "--egress", "a.example:0"}, "from 1 to 65535"},
		"egress to a port that is too high":    {[]string{"-f", code, "--policy", "p", "--egress", "a.example:65536"}, "from 1 to 65535"},
		"a variable without a value":           {[]string{"-f", code, "--policy", "p", "--env", "A"}, "write NAME=VALUE"},
		"an unknown output":                    {[]string{"-f", code, "--policy", "p", "-o", "xml"}, "use one of text, json, yaml"},
		"a manifest and flags":                 {[]string{"-f", file("m.yaml", manifest), "--policy", "p", "--egress", "a.example:1"}, "leave out [--policy --egress]"},
		"a manifest with another kind":         {[]string{"-f", file("n.yaml", manifest+"---\napiVersion: v1\nkind: ConfigMap\n")}, "it has a ConfigMap of v1 too. Create all of it with: kubectl create -f"},
		"a manifest with two requests":         {[]string{"-f", file("two.yaml", manifest+"---\n"+manifest)}, "more than one ExecutionRequest"},
		"a manifest without a request":         {[]string{"-f", file("none.yaml", "# nothing\n")}, "it has no ExecutionRequest of airlock.dev/v1alpha1"},
		"a manifest with a misspelled field":   {[]string{"-f", file("typo.yaml", strings.Replace(manifest, "policyName", "policy", 1))}, `unknown field "policy"`},
		"a request of a version not known yet": {[]string{"-f", file("v9.yaml", strings.Replace(manifest, "v1alpha1", "v9", 1))}, "it has a ExecutionRequest of airlock.dev/v9 too"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := airlock("", append([]string{"run", "--kubeconfig", "/nowhere"}, tc.args...)...)
			if code != exitError || !strings.Contains(stderr, tc.say) {
				t.Errorf("exit code %d, want %d; output, want %q:\n%s%s", code, exitError, tc.say, stdout, stderr)
			}
		})
	}
}

func TestNearestNames(t *testing.T) {
	among := []named{{name: "a-report"}, {name: "b-cleanup"}, {name: "b-cleanup-x7k2p"}, {name: "c-injected"}, {name: "d-egress"}}
	for name, want := range map[string][]string{
		"b-clenup":  {"b-cleanup"},
		"b-cleanup": {"b-cleanup", "b-cleanup-x7k2p"},
		"b-cl":      {"b-cleanup", "b-cleanup-x7k2p"},
		"a-repotr":  {"a-report"},
		"zzz":       nil,
		"x":         nil,
		"":          nil,
	} {
		if diff := cmp.Diff(want, nearest(name, among)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestADecisionIsForOneEnvelope(t *testing.T) {
	a := anApproval()
	is := a.Spec.Subject.EnvelopeDigest
	for meant, refused := range map[string]bool{"": false, is: false, strings.TrimPrefix(is, "sha256:"): false, is[:20]: true, "sha256:" + strings.Repeat("0", 64): true} {
		if err := sameEnvelope(meant, a); (err != nil) != refused {
			t.Errorf("%q: %v, refused must be %v", meant, err, refused)
		}
	}
}

func TestApprovingWithLess(t *testing.T) {
	reason := "fine"
	for name, tc := range map[string]struct {
		d    decider
		want v1alpha1.DecisionInbox
		say  string
	}{
		"the whole request": {decider{}, v1alpha1.DecisionInbox{}, ""},
		"without a host and a credential": {decider{withoutEgress: []string{"a.example:443"}, without: []string{"token"}},
			v1alpha1.DecisionInbox{Without: &v1alpha1.Narrowing{Egress: []v1alpha1.EgressTarget{{Host: "a.example", Port: 443}}, Credentials: []string{"token"}}}, ""},
		"for five more":               {decider{remember: "5,24h"}, v1alpha1.DecisionInbox{Remember: &v1alpha1.Remembrance{Uses: 5, TTLSeconds: 86400}}, ""},
		"without a port":              {decider{withoutEgress: []string{"a.example"}}, v1alpha1.DecisionInbox{}, `--without-egress "a.example": write host:port`},
		"for ever":                    {decider{remember: "5"}, v1alpha1.DecisionInbox{}, "write USES,DURATION"},
		"no uses":                     {decider{remember: "0,24h"}, v1alpha1.DecisionInbox{}, "write USES,DURATION"},
		"a time that overflows":       {decider{remember: "1,2540000h"}, v1alpha1.DecisionInbox{}, "write USES,DURATION"},
		"uses that overflow":          {decider{remember: "4294967297,1h"}, v1alpha1.DecisionInbox{}, "write USES,DURATION"},
		"a time that is already over": {decider{remember: "1,-1h"}, v1alpha1.DecisionInbox{}, "write USES,DURATION"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.d.verdict, tc.d.reason = v1alpha1.Approved, reason
			got, err := tc.d.decision()
			if tc.say != "" {
				if err == nil || !strings.Contains(err.Error(), tc.say) {
					t.Errorf("%v, want %q", err, tc.say)
				}
				return
			}
			tc.want.Verdict, tc.want.Reason = v1alpha1.Approved, &reason
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// After a conflict the decision is sent again only where nobody could have been shown something else.
func TestAnotherApprovalIsNotDecidedInPlaceOfTheOneShown(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*v1alpha1.Approval)
		want bool
	}{
		"somebody decided":      {func(a *v1alpha1.Approval) { a.Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: "bob"}} }, true},
		"the operator counted":  {func(a *v1alpha1.Approval) { a.Status.Tally = "0/1"; a.ResourceVersion = "2" }, true},
		"recreated":             {func(a *v1alpha1.Approval) { a.UID = "uid-2" }, false},
		"other code":            {func(a *v1alpha1.Approval) { a.Spec.Subject.Code.Source += "#" }, false},
		"another envelope":      {func(a *v1alpha1.Approval) { a.Spec.Subject.EnvelopeDigest = "sha256:0" }, false},
		"fewer people":          {func(a *v1alpha1.Approval) { a.Spec.Required = 9 }, false},
		"more egress":           {func(a *v1alpha1.Approval) { a.Spec.Subject.Egress[0].Port = 80 }, false},
		"service accounts join": {func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed }, false},
	} {
		t.Run(name, func(t *testing.T) {
			after := anApproval()
			tc.edit(after)
			if got := sameTerms(anApproval(), after); got != tc.want {
				t.Errorf("the same terms: %v, want %v", got, tc.want)
			}
		})
	}
}
