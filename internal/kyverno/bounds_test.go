// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

func withDeadline(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), 50*time.Millisecond)
}

const tenTimes = `[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]`

// loops nests so many loops around an expression.
func loops(n int, inner string) string {
	for i := range n {
		inner = fmt.Sprintf("%s.all(v%d, %s)", tenTimes, i, inner)
	}
	return inner
}

// Each would run for minutes or use gigabytes.
func TestARuleWithoutEndDenies(t *testing.T) {
	doubled := []any{map[string]any{"name": "v0", "expression": `"0123456789"`}}
	for i := range 30 {
		doubled = append(doubled, map[string]any{"name": fmt.Sprintf("v%d", i+1), "expression": fmt.Sprintf("variables.v%d + variables.v%d", i, i)})
	}
	long := `"` + strings.Repeat("a", 10_000) + `"`
	for name, rule := range map[string]unstructured.Unstructured{
		"loops in loops":                holding("r", loops(9, "true")),
		"loops in a match condition":    holding("r", "true", with("matchConditions", []any{map[string]any{"name": "c", "expression": loops(9, "true")}})),
		"loops in a variable":           holding("r", "variables.v", with("variables", []any{map[string]any{"name": "v", "expression": loops(9, "true")}})),
		"text that doubles":             holding("r", "size(variables.v30) == 0", with("variables", doubled)),
		"a hash of much, many times":    holding("r", loops(5, `sha256(`+long+`) != ""`)),
		"YAML, many times":              holding("r", loops(5, `yaml.parse(`+long+`) != null`)),
		"JSON, many times":              holding("r", loops(5, `json.unmarshal("[`+strings.Repeat("1,", 5000)+`1]") != null`)),
		"a pattern over much text":      holding("r", loops(5, long+`.matches("(a*)*")`)),
		"text that replaces every sign": holding("r", loops(6, `"aaaaaaaaaa".replace("a", "`+strings.Repeat("b", 1000)+`") != ""`)),
	} {
		t.Run(name, func(t *testing.T) {
			set := mustSelect(t, selecting(), rule)
			started := time.Now()
			got := tighten(t, set, aVerdict(v1alpha1.Allow))
			if got.Decision != v1alpha1.Deny || !strings.Contains(reasons(got), "cost limit exceeded") {
				t.Errorf("%s: %s", got.Decision, reasons(got))
			}
			if took := time.Since(started); took > evaluationTimeout {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// One call of these makes gigabytes of a few characters, before anybody counts what it costs.
func TestAFunctionThatMakesMuchOfLittleIsRefused(t *testing.T) {
	for expression, want := range map[string]string{
		`size(lists.range(1000000000)) == 0`:                             "lists.range is not for rules",
		`size("%.1000000000f".format([1.0])) == 0`:                       "a format has to be written out",
		`size("%.999e".format([1.0])) == 0`:                              "a format has to be written out",
		`size(("%.1000" + "000000f").format([1.0])) == 0`:                "a format has to be written out",
		`size(object.task.format([1.0])) == 0`:                           "a format has to be written out",
		`[object.task].all(f, size(f.format([1.0])) == 0)`:               "a format has to be written out",
		`random("[a-z]{1000}{1000}") == ""`:                              "it uses random",
		`cel.bind(n, 1000000000, lists.range(n).all(i, i < 0))`:          "lists.range is not for rules",
		`true || lists.range(size(object.report.operations)).size() > 0`: "lists.range is not for rules",
	} {
		if got := refusal(t, selecting(), holding("r", expression)); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want a part %q", expression, got, want)
		}
	}
	mustSelect(t, selecting(), holding("r", `"%s: %d, %.2f".format(["a", 1, 1.5]) != ""`))
}

// The cost of each rule is bounded, and so is that of all of them.
func TestManyCostlyRulesDeny(t *testing.T) {
	var rules []unstructured.Unstructured
	for i := range 32 {
		rules = append(rules, holding(fmt.Sprintf("r-%02d", i), loops(5, fmt.Sprintf("%d == %d", i, i))))
	}
	got := tighten(t, mustSelect(t, selecting(), rules...), aVerdict(v1alpha1.Allow))
	if got.Decision != v1alpha1.Deny || !strings.Contains(reasons(got), "the rules together cost more") {
		t.Errorf("%s: %s", got.Decision, reasons(got))
	}
	if got := tighten(t, mustSelect(t, selecting(), rules[:4]...), aVerdict(v1alpha1.Allow)); got.Decision != v1alpha1.Allow {
		t.Errorf("a few of them: %s", reasons(got))
	}
}

// Waiting costs nothing, so time is bounded too: every call and every pass of a loop ends with it.
func TestAnEvaluationEndsWithItsTime(t *testing.T) {
	r, err := compile(new(holding("r", loops(4, "true"))), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var cost uint64
	if _, _, err := r.validations[0].Program.ContextEval(ctx, map[string]any{"object": map[string]any{}}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("a loop went on: %v", err)
	}
	if message, err := r.violation(evaluation{ctx: ctx, cost: &cost, input: map[string]any{"object": map[string]any{}}}); err == nil || message != "" {
		t.Errorf("%q, %v", message, err)
	}
}

// The largest report that the gate makes is within what a simple rule may cost.
func TestTheLargestReportCanBeJudged(t *testing.T) {
	text := strings.Repeat("open('/workspace/a','w')\n", 9_900)
	report := gate.Read(gate.Code{Language: gate.Python, Source: []byte(text)})
	if n := len(report.Operations); n < 9_000 {
		t.Fatalf("%d operations", n)
	}
	set := mustSelect(t, selecting(), holding("r", `object.report.operations.all(o, o.kind != "Network" || o.args.host.value.endsWith(".example:443"))`))
	got, err := set.Tighten(t.Context(), aPolicy(), aRequest(), report, aVerdict(v1alpha1.Allow))
	if err != nil || got.Decision != v1alpha1.Allow {
		t.Errorf("%v %s", err, reasons(got))
	}
}

func benchmarkRules(b *testing.B, n int) {
	var rules []unstructured.Unstructured
	for i := range n {
		rules = append(rules, holding(fmt.Sprintf("r-%02d", i), fmt.Sprintf(`object.report.operations.filter(o, o.kind == "FileDelete").all(o, o.?args.path.value.orValue("") != "/keep/%d")`, i)))
	}
	engine, report, verdict := engineFor(rules...), aReport(), aVerdict(v1alpha1.Allow)
	pol, req := aPolicy(), aRequest()
	b.ReportAllocs()
	for b.Loop() {
		set, err := engine.Select(b.Context(), selecting())
		if err != nil {
			b.Fatal(err)
		}
		if v, err := set.Tighten(b.Context(), pol, req, report, verdict); err != nil || v.Decision != v1alpha1.Allow {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkJudgeWith1Rule(b *testing.B)   { benchmarkRules(b, 1) }
func BenchmarkJudgeWith20Rules(b *testing.B) { benchmarkRules(b, 20) }

func BenchmarkCompileARule(b *testing.B) {
	rule := holding("r", `object.report.operations.all(o, o.kind != "Network")`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compile(&rule, false); err != nil {
			b.Fatal(err)
		}
	}
}
