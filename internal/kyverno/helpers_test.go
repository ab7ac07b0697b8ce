// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// holding is a ValidatingPolicy in JSON mode with one validation.
func holding(name, expression string, edits ...func(spec map[string]any)) unstructured.Unstructured {
	spec := map[string]any{
		"evaluation":  map[string]any{"mode": "JSON"},
		"validations": []any{map[string]any{"expression": expression, "message": "no"}},
	}
	for _, edit := range edits {
		edit(spec)
	}
	object := unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": name}, "spec": spec}}
	object.SetGroupVersionKind(Kind)
	return object
}

func with(name string, value any) func(map[string]any) {
	return func(spec map[string]any) { spec[name] = value }
}

// stored is an API server's answer to a list of ValidatingPolicies.
type stored struct {
	client.Reader // nil: nothing else is asked
	rules         []unstructured.Unstructured
	err           error
	lists         int
}

func (s *stored) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	s.lists++
	into, ok := list.(*unstructured.UnstructuredList)
	if !ok || s.err != nil {
		return errors.Join(s.err)
	}
	options := (&client.ListOptions{}).ApplyOptions(opts)
	if options.LabelSelector == nil || options.LabelSelector.Empty() {
		return errors.New("listed without a selector")
	}
	for i := range s.rules {
		into.Items = append(into.Items, *s.rules[i].DeepCopy())
	}
	return nil
}

func selecting() *v1alpha1.KyvernoRules {
	return &v1alpha1.KyvernoRules{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"airlock.dev/rules": "organisation"}}}
}

func outsideAllowed() *v1alpha1.KyvernoRules {
	k := selecting()
	k.OutsideCalls = v1alpha1.OutsideCallsAllowed
	return k
}

func engineFor(rules ...unstructured.Unstructured) *Engine {
	return NewEngine(&stored{rules: rules}, meta.NewDefaultRESTMapper(nil))
}

func mustSelect(t testing.TB, spec *v1alpha1.KyvernoRules, rules ...unstructured.Unstructured) Set {
	t.Helper()
	set, err := engineFor(rules...).Select(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// refusal is the message of the Unfit error for the rules, and fails the test where there is none.
func refusal(t *testing.T, spec *v1alpha1.KyvernoRules, rules ...unstructured.Unstructured) string {
	t.Helper()
	set, err := engineFor(rules...).Select(t.Context(), spec)
	unfit := new(Unfit)
	if !errors.As(err, &unfit) {
		t.Fatalf("error %v, want that the rules are unfit", err)
	}
	if len(set.rules) != 0 || len(set.identities) != 0 {
		t.Error("a set was returned with the error")
	}
	return unfit.Error()
}

// A request of every kind of field, for code with a file that is written and one whose path is not known.
const source = "import os\n\ntotal = sum(range(10))\nopen('/workspace/ledger/2026.csv', 'w').write(str(total))\nos.remove(os.environ['OLD'])\n"

func aPolicy() *v1alpha1.ExecutionPolicy {
	cpu, memory := resource.MustParse("1"), resource.MustParse("256Mi")
	return &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "data-analysis"}, Spec: v1alpha1.ExecutionPolicySpec{
		Approval: v1alpha1.ApprovalTerms{Required: 2},
		Limits:   v1alpha1.Limits{TimeoutSeconds: 60, CPU: &cpu, Memory: &memory},
	}}
}

func aRequest() *v1alpha1.ExecutionRequest {
	return &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "close-the-books"},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName:  "data-analysis",
			Requester:   v1alpha1.Requester{Username: "system:serviceaccount:team-a:agent", Groups: []string{"system:serviceaccounts"}},
			Agent:       &v1alpha1.Agent{Name: "analyst", Model: "model-1", Session: "s-1", Invocation: "i-1"},
			Task:        "Close the books of 2026",
			Code:        v1alpha1.Code{Language: v1alpha1.Python, Source: source},
			Args:        []string{"--year=2026"},
			Env:         []v1alpha1.EnvVar{{Name: "OLD", Value: new("/workspace/ledger/2025.csv")}},
			Inputs:      []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}, {Name: "page", Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted}},
			Egress:      []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
			Credentials: []string{"partner"},
		},
	}
}

func aReport() *gate.Report {
	return gate.Read(gate.Code{Language: gate.Python, Source: []byte(source)})
}

func aVerdict(decision v1alpha1.Decision) v1alpha1.Verdict {
	v := v1alpha1.Verdict{Decision: decision, Trust: v1alpha1.Internal, FindingsTotal: new(int32)}
	if decision == v1alpha1.RequireApproval {
		v.Approvals = 1
		v.Findings = []v1alpha1.Finding{{Decision: decision, Operation: "os.remove", Reason: "It deletes a file whose path is not known.", Line: 5, Column: 1}}
	}
	return v
}

// tighten judges the request of the tests.
func tighten(t testing.TB, set Set, verdict v1alpha1.Verdict) v1alpha1.Verdict {
	t.Helper()
	got, err := set.Tighten(context.Background(), aPolicy(), aRequest(), aReport(), verdict)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func reasons(v v1alpha1.Verdict) string {
	all := []string{}
	for _, f := range v.Findings {
		all = append(all, string(f.Decision)+" "+f.Reason)
	}
	return strings.Join(all, "\n")
}

// parse reads a file of rules.
func parse(t testing.TB, text string) (rules []unstructured.Unstructured) {
	t.Helper()
	for document := range strings.SplitSeq(text, "\n---\n") {
		object := unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
			t.Fatal(err)
		}
		rules = append(rules, object)
	}
	return rules
}
