// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/policy"
)

func TestARuleCannotLoosenAVerdict(t *testing.T) {
	rules := map[string]unstructured.Unstructured{
		"one that holds":               holding("r", "true"),
		"one that applies to nothing":  holding("r", "false", with("matchConditions", []any{map[string]any{"name": "never", "expression": "false"}})),
		"one that is violated, Deny":   holding("r", "false"),
		"one that is violated, Audit":  holding("r", "false", with("validationActions", []any{"Audit"})),
		"one that speaks of allowance": holding("r", `object.verdict.decision != "Allow"`),
	}
	order := map[v1alpha1.Decision]int{v1alpha1.Allow: 0, v1alpha1.RequireApproval: 1, v1alpha1.Deny: 2}
	for name, rule := range rules {
		for was := range order {
			t.Run(fmt.Sprintf("%s, on %s", name, was), func(t *testing.T) {
				before := aVerdict(was)
				got := tighten(t, mustSelect(t, selecting(), rule), before)
				if order[got.Decision] < order[was] || len(got.Findings) < len(before.Findings) || got.Decision == v1alpha1.RequireApproval && got.Approvals < max(before.Approvals, 1) {
					t.Errorf("%s became %s by %d people: %s", was, got.Decision, got.Approvals, reasons(got))
				}
			})
		}
	}
}

func TestWhatAViolationLeadsTo(t *testing.T) {
	tests := map[string]struct {
		actions []any
		want    v1alpha1.Decision
	}{
		"Deny":                          {[]any{"Deny"}, v1alpha1.Deny},
		"Audit asks a person":           {[]any{"Audit"}, v1alpha1.RequireApproval},
		"Warn asks a person":            {[]any{"Warn"}, v1alpha1.RequireApproval},
		"Audit and Warn ask a person":   {[]any{"Audit", "Warn"}, v1alpha1.RequireApproval},
		"Deny outweighs Audit":          {[]any{"Audit", "Deny"}, v1alpha1.Deny},
		"no action denies":              {nil, v1alpha1.Deny},
		"an empty list denies":          {[]any{}, v1alpha1.Deny},
		"an unknown action denies":      {[]any{"Audit", "Ignore"}, v1alpha1.Deny},
		"another spelling denies":       {[]any{"audit"}, v1alpha1.Deny},
		"an empty name denies":          {[]any{""}, v1alpha1.Deny},
		"an unknown action alone, too":  {[]any{"Allow"}, v1alpha1.Deny},
		"two unknown actions deny, too": {[]any{"A", "B"}, v1alpha1.Deny},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rule := holding("r", "false")
			if tt.actions != nil {
				rule = holding("r", "false", with("validationActions", tt.actions))
			}
			got := tighten(t, mustSelect(t, selecting(), rule), aVerdict(v1alpha1.Allow))
			if got.Decision != tt.want {
				t.Errorf("%s, want %s", got.Decision, tt.want)
			}
			if want := `ValidatingPolicy "r": no`; !strings.Contains(reasons(got), want) {
				t.Errorf("%q does not say %q", reasons(got), want)
			}
			if wantPeople := map[bool]int32{true: 2}[tt.want == v1alpha1.RequireApproval]; got.Approvals != wantPeople {
				t.Errorf("%d people, want %d, as spec.approval says", got.Approvals, wantPeople)
			}
		})
	}
}

func TestARuleThatCannotBeEvaluatedDenies(t *testing.T) {
	ignore := with("failurePolicy", "Ignore")
	audit := with("validationActions", []any{"Audit"})
	tests := map[string]struct {
		rule unstructured.Unstructured
		want string
	}{
		"a field that is not there":             {holding("r", `object.nothing == "x"`), "no such key: nothing"},
		"a type that does not fit":              {holding("r", `object.task + 1 == 2`), "no such"},
		"division by zero":                      {holding("r", `1 / (size(object.report.operations) - size(object.report.operations)) == 1`), "division by zero"},
		"a variable":                            {holding("r", `variables.v == "x"`, with("variables", []any{map[string]any{"name": "v", "expression": "object.nothing"}})), "no such key: nothing"},
		"a match condition":                     {holding("r", "true", with("matchConditions", []any{map[string]any{"name": "c", "expression": `object.nothing == "x"`}})), "spec.matchConditions[0]: no such key"},
		"with Audit":                            {holding("r", `object.nothing == "x"`, audit), "no such key"},
		"failurePolicy Ignore does not let by":  {holding("r", `object.nothing == "x"`, ignore), "no such key"},
		"failurePolicy Ignore, match condition": {holding("r", "true", ignore, with("matchConditions", []any{map[string]any{"name": "c", "expression": `object.nothing == "x"`}})), "no such key"},
		"YAML that is none":                     {holding("r", `yaml.parse("{") == null`), "yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tighten(t, mustSelect(t, selecting(), tt.rule), aVerdict(v1alpha1.Allow))
			if got.Decision != v1alpha1.Deny || !strings.Contains(reasons(got), tt.want) || !strings.Contains(reasons(got), "could not be evaluated") {
				t.Errorf("%s: %q, want Deny because of %q", got.Decision, reasons(got), tt.want)
			}
		})
	}
}

func TestAMatchConditionThatIsFalseTakesTheRuleAway(t *testing.T) {
	conditions := with("matchConditions", []any{
		map[string]any{"name": "error", "expression": `object.nothing == "x"`},
		map[string]any{"name": "false", "expression": `object.policy == "another"`},
	})
	if got := tighten(t, mustSelect(t, selecting(), holding("r", "false", conditions)), aVerdict(v1alpha1.Allow)); got.Decision != v1alpha1.Allow {
		t.Errorf("%s: %s", got.Decision, reasons(got))
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	variable := func(name, expression string) any { return map[string]any{"name": name, "expression": expression} }
	tests := map[string]struct {
		rules []unstructured.Unstructured
		want  string
	}{
		"no rule has the label":               {nil, "no ValidatingPolicy has the labels airlock.dev/rules=organisation"},
		"Kubernetes mode":                     {[]unstructured.Unstructured{holding("r", "true", with("evaluation", map[string]any{"mode": "Kubernetes"}))}, `ValidatingPolicy "r": spec.evaluation.mode is Kubernetes`},
		"no mode, which is Kubernetes":        {[]unstructured.Unstructured{holding("r", "true", with("evaluation", map[string]any{}))}, "spec.evaluation.mode is Kubernetes"},
		"an unknown mode":                     {[]unstructured.Unstructured{holding("r", "true", with("evaluation", map[string]any{"mode": "Envoy"}))}, "spec.evaluation.mode is Envoy"},
		"nothing to check":                    {[]unstructured.Unstructured{holding("r", "true", with("validations", []any{}))}, "spec.validations is empty"},
		"an expression that does not parse":   {[]unstructured.Unstructured{holding("r", "object.")}, "does not compile: spec.validations[0].expression"},
		"an expression that is no condition":  {[]unstructured.Unstructured{holding("r", `"yes"`)}, "expected to be of type bool"},
		"an unknown name":                     {[]unstructured.Unstructured{holding("r", "objekt == 1")}, "undeclared reference to 'objekt'"},
		"an unknown variable":                 {[]unstructured.Unstructured{holding("r", "variables.x")}, "undefined field 'x'"},
		"a variable before its definition":    {[]unstructured.Unstructured{holding("r", "variables.a", with("variables", []any{variable("a", "variables.b"), variable("b", "true")}))}, "undefined field 'b'"},
		"a variable that refers to itself":    {[]unstructured.Unstructured{holding("r", "variables.a", with("variables", []any{variable("a", "true"), variable("a", "variables.a")}))}, `"a" is there twice`},
		"a field that is not known":           {[]unstructured.Unstructured{holding("r", "true", with("stricter", true))}, `unknown field "spec.stricter"`},
		"a spec that is none":                 {[]unstructured.Unstructured{holding("r", "true", with("validations", "none"))}, "cannot be decoded"},
		"a message that is none":              {[]unstructured.Unstructured{holding("r", "true", with("validations", []any{map[string]any{"expression": "true", "messageExpression": "1"}}))}, "expected to be of type string"},
		"PolicyExceptions":                    {[]unstructured.Unstructured{holding("r", `"me" in exceptions.allowedValues`)}, "PolicyExceptions do not apply"},
		"the request of Kubernetes":           {[]unstructured.Unstructured{holding("r", `request.userInfo.username == "me"`)}, "it uses request"},
		"the old object of Kubernetes":        {[]unstructured.Unstructured{holding("r", `oldObject == null`)}, "it uses oldObject"},
		"one of two that is broken":           {[]unstructured.Unstructured{holding("a", "true"), holding("b", "?")}, `ValidatingPolicy "b": it does not compile`},
		"a literal beyond what can be parsed": {[]unstructured.Unstructured{holding("r", strings.Repeat("(", 5000)+"true"+strings.Repeat(")", 5000))}, "does not compile"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := refusal(t, selecting(), tt.rules...); !strings.Contains(got, tt.want) {
				t.Errorf("%q, want a part %q", got, tt.want)
			}
		})
	}
}

func TestTooManyRulesAreRefused(t *testing.T) {
	var rules []unstructured.Unstructured
	for i := range MaxRules + 1 {
		rules = append(rules, holding(fmt.Sprintf("r-%d", i), "true"))
	}
	if got := refusal(t, selecting(), rules...); !strings.Contains(got, "at most 64 may") {
		t.Error(got)
	}
	mustSelect(t, selecting(), rules[:MaxRules]...)
}

func TestTooManyExpressionsAreRefused(t *testing.T) {
	var many []any
	for range maxExpressions + 1 {
		many = append(many, map[string]any{"expression": "true"})
	}
	if got := refusal(t, selecting(), holding("r", "true", with("validations", many))); !strings.Contains(got, "more than 128 expressions") {
		t.Error(got)
	}
}

func TestAnEmptySelectorDoesNotMeanNoRules(t *testing.T) {
	if got := refusal(t, &v1alpha1.KyvernoRules{}, holding("r", "true")); !strings.Contains(got, "selector: it is empty") {
		t.Error(got)
	}
}

func TestRulesThatCannotBeReadNowAreAnError(t *testing.T) {
	lost := errors.New("connection refused")
	_, err := NewEngine(&stored{err: lost}, nil).Select(t.Context(), selecting())
	if unfit := new(Unfit); !errors.Is(err, lost) || errors.As(err, &unfit) {
		t.Errorf("error %v, want one that is tried again", err)
	}
}

func TestWithoutASelectorNothingIsRead(t *testing.T) {
	reader := &stored{err: errors.New("asked")}
	set, err := NewEngine(reader, nil).Select(t.Context(), nil)
	if err != nil || len(set.Identities()) != 0 || reader.lists != 0 {
		t.Errorf("%v, %v after %d lists", set, err, reader.lists)
	}
}

// A rule that was renamed, changed, added or removed is another policy, so that no verdict and no approval outlives it.
func TestARuleThatChangesChangesTheDigestOfThePolicy(t *testing.T) {
	digest := func(rules ...unstructured.Unstructured) string {
		d, err := policy.EffectiveDigest(&aPolicy().Spec, mustSelect(t, selecting(), rules...).Identities())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a, b := holding("a", "true"), holding("b", "true")
	want := digest(a, b)
	relabelled := holding("a", "true")
	relabelled.SetLabels(map[string]string{"team": "x"})
	relabelled.SetResourceVersion("7")
	for name, tt := range map[string]struct {
		digest string
		same   bool
	}{
		"nothing but the order of the list":  {digest(b, a), true},
		"a label that does not select":       {digest(relabelled, b), true},
		"an expression":                      {digest(holding("a", "true || false"), b), false},
		"a message":                          {digest(holding("a", "true", with("validations", []any{map[string]any{"expression": "true", "message": "yes"}})), b), false},
		"an action":                          {digest(holding("a", "true", with("validationActions", []any{"Audit"})), b), false},
		"a name":                             {digest(holding("c", "true"), b), false},
		"a rule less":                        {digest(a), false},
		"a rule more":                        {digest(a, b, holding("c", "true")), false},
		"two rules that exchange their name": {digest(holding("a", "1 == 1"), holding("b", "true")), false},
	} {
		if got := tt.digest == want; got != tt.same {
			t.Errorf("%s: the digest is the same: %v, want %v", name, got, tt.same)
		}
	}
}

// An operator that is told to stop has decided nothing: a final Deny would be one.
func TestAnEndingOperatorDeniesNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	set := mustSelect(t, selecting(), holding("r", "true"))
	cancel()
	v, err := set.Tighten(ctx, aPolicy(), aRequest(), aReport(), aVerdict(v1alpha1.Allow))
	if !errors.Is(err, context.Canceled) || v.Decision != "" {
		t.Errorf("%q, %v; want an error and no verdict", v.Decision, err)
	}
}

// A message may be made of what the agent wrote.
func TestAMessageCannotForgeWhatAnApproverSees(t *testing.T) {
	validation := map[string]any{"expression": "false", "messageExpression": `"a\u001b[2J\u202e\nverdict: Allow " + object.request.task`}
	got := tighten(t, mustSelect(t, selecting(), holding("r", "false", with("validations", []any{validation}))), aVerdict(v1alpha1.Allow))
	if want := `Deny ValidatingPolicy "r": a\x1b[2J\u202e\nverdict: Allow Close the books of 2026`; reasons(got) != want {
		t.Errorf("got  %q\nwant %q", reasons(got), want)
	}
}

func TestRulesAreSharedBetweenWorkers(t *testing.T) {
	engine := engineFor(holding("a", `variables.n > 3.0`, with("variables", []any{map[string]any{"name": "n", "expression": "double(size(object.report.operations))"}})), holding("b", "false"))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 8 {
				set, err := engine.Select(t.Context(), selecting())
				if err != nil {
					t.Error(err)
					return
				}
				got, err := set.Tighten(t.Context(), aPolicy(), aRequest(), aReport(), aVerdict(v1alpha1.Allow))
				if err != nil || reasons(got) != `Deny ValidatingPolicy "b": no` {
					t.Errorf("%v %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestARuleIsCompiledOnce(t *testing.T) {
	engine := engineFor(holding("a", "true"), holding("twin of a", "true"), holding("b", "1 == 1"))
	for range 3 {
		if _, err := engine.Select(t.Context(), selecting()); err != nil {
			t.Fatal(err)
		}
	}
	if got := engine.compiled.Len(); got != 2 {
		t.Errorf("%d rules are kept, want 2: their content is what counts", got)
	}
}
