// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

func TestAPolicyWithoutRulesHasTheDigestOfItsSpec(t *testing.T) {
	spec := &v1alpha1.ExecutionPolicySpec{Description: "a"}
	want, err := Digest(spec)
	if err != nil {
		t.Fatal(err)
	}
	for name, rules := range map[string][]Rule{"none": nil, "an empty list": {}} {
		if got, err := EffectiveDigest(spec, rules); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if got, err := EffectiveDigest(nil, []Rule{{Name: "a"}}); got != "" || err == nil {
		t.Errorf("no policy has the digest %q", got)
	}
}

// No two sets of rules may have one digest, however their names are chosen.
func TestRulesCannotTradePlacesInADigest(t *testing.T) {
	seen := map[string]string{}
	for name, tt := range map[string]struct {
		description string
		rules       []Rule
	}{
		"none":                   {"a", nil},
		"another policy":         {"b", []Rule{{"r", "1"}}},
		"one":                    {"a", []Rule{{"r", "1"}}},
		"one of another name":    {"a", []Rule{{"s", "1"}}},
		"one of other content":   {"a", []Rule{{"r", "2"}}},
		"two":                    {"a", []Rule{{"r", "1"}, {"s", "2"}}},
		"two that change places": {"a", []Rule{{"r", "2"}, {"s", "1"}}},
		"one in the name":        {"a", []Rule{{`r","digest":"1"},{"name":"s`, "2"}}},
	} {
		digest, err := EffectiveDigest(&v1alpha1.ExecutionPolicySpec{Description: tt.description}, tt.rules)
		if err != nil || len(digest) != 71 {
			t.Errorf("%s: %q, %v", name, digest, err)
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}

func TestAFindingOfARuleNeverAllows(t *testing.T) {
	for decision, want := range map[v1alpha1.Decision]v1alpha1.Decision{
		v1alpha1.Allow: v1alpha1.Deny, "": v1alpha1.Deny, "Perhaps": v1alpha1.Deny,
		v1alpha1.Deny: v1alpha1.Deny, v1alpha1.RequireApproval: v1alpha1.RequireApproval,
	} {
		f := RuleFinding(Rule{Name: "r"}, decision, strings.Repeat("\u202e", 10_000))
		if f.Decision != want {
			t.Errorf("%q became %s, want %s", decision, f.Decision, want)
		}
		if len([]rune(f.Reason)) > maxReason || strings.Contains(f.Reason, "\u202e") {
			t.Errorf("%q is not what people can read", f.Reason)
		}
	}
}

// Without the rules, an example may be judged more mildly than it will be, and never more strictly.
func TestExamplesWithoutTheirRules(t *testing.T) {
	for name, tt := range map[string]struct {
		rules        *v1alpha1.KyvernoRules
		expect, want v1alpha1.Decision
	}{
		"a rule may deny what the policy asks about":         {&v1alpha1.KyvernoRules{}, v1alpha1.Deny, v1alpha1.Deny},
		"no rule allows what the policy asks about":          {&v1alpha1.KyvernoRules{}, v1alpha1.Allow, v1alpha1.RequireApproval},
		"a policy without rules is judged as it stands":      {nil, v1alpha1.Deny, v1alpha1.RequireApproval},
		"an unknown expectation is not met by any decision":  {nil, "Perhaps", v1alpha1.RequireApproval},
		"what is expected is decided by the policy, as well": {&v1alpha1.KyvernoRules{}, v1alpha1.RequireApproval, v1alpha1.RequireApproval},
	} {
		t.Run(name, func(t *testing.T) {
			tighten := WithoutRules(&v1alpha1.ExecutionPolicySpec{Kyverno: tt.rules})
			got := tighten(v1alpha1.Example{Expect: tt.expect}, &gate.Report{}, v1alpha1.Verdict{Decision: v1alpha1.RequireApproval})
			if got.Decision != tt.want {
				t.Errorf("%s, want %s", got.Decision, tt.want)
			}
		})
	}
}
