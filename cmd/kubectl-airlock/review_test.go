// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

func TestTheReviewAsText(t *testing.T) {
	golden(t, "review.txt", reviewed(anApproval(), noon))
	golden(t, "review-two-people.txt", reviewed(anApproval(func(a *v1alpha1.Approval) {
		a.Spec.Required = 2
		a.Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: "bob", Verdict: v1alpha1.Approved, Reason: new("only the exports")}}
		a.Spec.Decisions[0].Without = &v1alpha1.Narrowing{Egress: a.Spec.Subject.Egress, Credentials: []string{"partner-token"}}
		a.Spec.Decisions[0].Remember = &v1alpha1.Remembrance{Uses: 3, TTLSeconds: 3600}
		s := &a.Spec.Subject
		a.Spec.Checkers = []string{"system:serviceaccount:airlock:checker"}
		a.Spec.Grants = &v1alpha1.GrantTerms{MaxUses: 5, TTLSeconds: 86400}
		s.Egress, s.Credentials, s.Agent, s.Inputs, s.Task = nil, nil, nil, nil, ""
		s.Changes, s.ChangesFrom = "", ""
		s.Verdict.Trust, s.Verdict.DecidedBy = v1alpha1.Untrusted, ""
		s.Args = []string{"--all"}
		s.Env = []v1alpha1.EnvVar{{Name: "TZ", Value: new("UTC")}}
	}), noon))
	golden(t, "review-hostile.txt", reviewed(hostile(), noon))
}

func TestWhatIsDecidedOnInShort(t *testing.T) {
	golden(t, "short.txt", inShort(anApproval(), noon))
}

// escapes are what must never reach a terminal from an agent.
func escapes(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		for _, r := range line {
			if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				return line
			}
		}
	}
	return ""
}

// Nothing that the agent or the requester wrote steers a terminal (CWE-150), whichever command prints it.
func TestNoCommandPassesEscapesOn(t *testing.T) {
	a := hostile()
	s := a.Spec.Subject
	attack := s.Task
	req := aRequest(func(r *v1alpha1.ExecutionRequest) {
		r.Spec.Task, r.Spec.Agent, r.Spec.Requester, r.Spec.Code, r.Spec.Inputs, r.Spec.PolicyName = s.Task, s.Agent, s.Requester, s.Code, s.Inputs, attack
		r.Status.Verdict = &s.Verdict
		r.Status.Conditions[1].Message = attack
		r.Status.Result = &v1alpha1.Result{ExitCode: new(int32(0)), Stdout: &v1alpha1.Output{Tail: attack}, Stderr: &v1alpha1.Output{Tail: attack}}
	})
	var output, list bytes.Buffer
	writeResult(&output, &output, req.Status.Result)
	if err := writeList(&list, listed{
		ForYou:    []openApproval{{Requester: attack, Task: attack}},
		ForOthers: []openApproval{{Requester: attack, WhyNotYou: attack}},
		Requests:  []otherRequest{otherOf(req)},
	}, true, noon); err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{
		"review": reviewed(a, noon), "approve": inShort(a, noon), "explain": explanation(req), "logs": output.String(), "list": list.String(),
	}
	for _, state := range []v1alpha1.RequestState{"", v1alpha1.StateAwaitingApproval, v1alpha1.StateDenied, v1alpha1.StateJudged, v1alpha1.StateFailed} {
		req.Status.State = state
		printed["run, "+string(state)] = standing(req)
	}
	for _, format := range []string{"json", "yaml"} {
		var b bytes.Buffer
		if err := writeObject(&b, format, req); err != nil {
			t.Fatal(err)
		}
		printed["-o "+format] = b.String()
	}
	for name, text := range printed {
		if bad := escapes(text); bad != "" {
			t.Errorf("%s prints %q", name, bad)
		}
		if !strings.Contains(text, "evil.example") && strings.HasPrefix(name, "re") {
			t.Errorf("%s does not show the attack: %q", name, text)
		}
	}
}

func TestYAMLMeansWhatJSONMeans(t *testing.T) {
	var asJSON, asYAML bytes.Buffer
	value := map[string]any{"a": "x\u202e\x1b[2J\ny", "b": []any{int64(1), true, "yes", "1"}, "c": "plain\ntext\n"}
	if err := writeObject(&asJSON, "json", value); err != nil {
		t.Fatal(err)
	}
	if err := writeObject(&asYAML, "yaml", value); err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML map[string]any
	unmarshal(t, asJSON.Bytes(), &fromJSON)
	unmarshal(t, asYAML.Bytes(), &fromYAML)
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		t.Errorf("YAML differs (-json +yaml):\n%s\n%s", diff, asYAML.String())
	}
}

func TestHighlightingIsOfTheSourceByteByByte(t *testing.T) {
	for lang, source := range map[v1alpha1.Language]string{
		v1alpha1.Python:     "def f(x):\r\n    return 'é' + str(1) # note",
		v1alpha1.Bash:       "for f in *; do rm \"$f\"; done",
		v1alpha1.JavaScript: "const a = `x${1}`; // note\n",
		v1alpha1.TypeScript: "let a: string = 'x';\n",
		v1alpha1.SQL:        "SELECT 'a' FROM t -- note\n",
	} {
		styles := highlight(lang, source)
		if len(styles) != 0 && len(styles) != len(source) {
			t.Errorf("%s: %d styles of %d bytes", lang, len(styles), len(source))
		}
		if !strings.Contains(source, "\r") && len(styles) == 0 {
			t.Errorf("%s: no colours", lang)
		}
		if got, want := text(review.Code(v1alpha1.Code{Language: lang, Source: source}, v1alpha1.Verdict{}, 80, highlight)), text(review.Code(v1alpha1.Code{Language: lang, Source: source}, v1alpha1.Verdict{}, 80, nil)); got != want {
			t.Errorf("%s: with colours %q, without %q", lang, got, want)
		}
	}
	if styles := highlight(v1alpha1.Python, strings.Repeat("(", maxHighlighted+1)); styles != nil {
		t.Error("code beyond the bound is highlighted")
	}
}

func text(l review.Listing) string {
	var b strings.Builder
	writeLines(&b, l.Lines)
	return b.String()
}
