// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	policiesv1beta1 "github.com/kyverno/api/api/policies.kyverno.io/v1beta1"
	"github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno/commands/apply"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/compiler"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/kyverno"
	"github.com/airlock-dev/airlock/internal/policy"
)

const samples = "../../config/samples/kyverno/"

// What a rule decides.
const (
	holds    = "holds"
	violated = "violated"
	failed   = "failed"
)

// rules are in the body of a ValidatingPolicy's spec.
var rules = map[string]struct{ spec, want string }{
	"a condition that holds":            {`validations: [{expression: 'object.report.operations.all(o, o.kind != "Network")'}]`, holds},
	"a condition that does not":         {`validations: [{expression: 'object.trust == "Trusted"', message: untrusted}]`, violated},
	"the second of two":                 {`validations: [{expression: "true"}, {expression: "false", message: second}]`, violated},
	"numbers are doubles":               {`validations: [{expression: 'object.request.limits.timeoutSeconds == 60.0 && object.request.limits.timeoutSeconds < 61'}]`, holds},
	"a sum of a double and an integer":  {`validations: [{expression: "object.request.limits.timeoutSeconds + 1 == 61"}]`, failed},
	"a field that is not there":         {`validations: [{expression: 'object.nothing == "a"'}]`, failed},
	"a field that may be missing":       {`validations: [{expression: 'object.report.operations.all(o, o.?args.path.value.orValue("") != "/etc/passwd")'}]`, holds},
	"orValue on what is no option":      {`validations: [{expression: 'object.policy.orValue("x") == "data-analysis"'}]`, holds},
	"a message made of the document":    {`validations: [{expression: "false", messageExpression: '"line " + string(object.report.operations[0].position.line)'}]`, violated},
	"variables":                         {"variables: [{name: a, expression: 'size(object.report.operations)'}, {name: b, expression: 'variables.a * 2'}]\nvalidations: [{expression: 'variables.b == 2 * variables.a'}]", holds},
	"a variable that fails":             {"variables: [{name: a, expression: 'object.nothing'}]\nvalidations: [{expression: 'variables.a == 1'}]", failed},
	"a variable that fails, unused":     {"variables: [{name: a, expression: 'object.nothing'}]\nvalidations: [{expression: 'true'}]", holds},
	"a match condition that is false":   {"matchConditions: [{name: c, expression: 'object.policy == \"x\"'}]\nvalidations: [{expression: 'false'}]", holds},
	"a match condition that holds":      {"matchConditions: [{name: c, expression: 'object.policy != \"x\"'}]\nvalidations: [{expression: 'false'}]", violated},
	"a match condition that fails":      {"matchConditions: [{name: c, expression: 'object.nothing == \"x\"'}]\nvalidations: [{expression: 'true'}]", failed},
	"one that fails and one that is no": {"matchConditions: [{name: c, expression: 'object.nothing == \"x\"'}, {name: d, expression: 'false'}]\nvalidations: [{expression: 'false'}]", holds},
	"JSON":                              {`validations: [{expression: 'json.unmarshal("{\"a\": [1, 2]}").a.size() == 2 && json.marshal(object.request.env) == "[\"OLD\"]"'}]`, holds},
	"YAML":                              {`validations: [{expression: 'yaml.parse("a: [1, 2]").a.size() == 2'}]`, holds},
	"hashes":                            {`validations: [{expression: 'sha256("a").startsWith("ca978112") && hash.md5("a") == "0cc175b9c0f1b6a831c399e269772661"'}]`, holds},
	"images":                            {`validations: [{expression: 'image("ghcr.io/a/b:v1").registry() == "ghcr.io"'}]`, holds},
	"service accounts":                  {`validations: [{expression: 'parseServiceAccount(object.request.requester.username).Namespace == "team-a"'}]`, holds},
	"versions, quantities, addresses":   {`validations: [{expression: 'semver("1.2.3").isLessThan(semver("2.0.0")) && quantity(object.request.limits.memory).isLessThan(quantity("1Gi")) && cidr("10.0.0.0/8").containsIP("10.1.2.3")'}]`, holds},
	"text":                              {`validations: [{expression: '"%s in %d".format(["a", 2]) == "a in 2" && "a,b".split(",").join("-") == "a-b" && object.request.task != ""'}]`, holds},
	"patterns":                          {`validations: [{expression: 'object.request.namespace.matches("^team-[a-z]$") && "a1b2".findAll("[0-9]") == ["1", "2"]'}]`, holds},
	"sets, lists, bindings":             {`validations: [{expression: 'sets.contains(["User", "Retrieved"], object.request.inputs.map(i, i.origin)) && cel.bind(n, size(object.request.egress), n == 1) && [3, 1, 2].sort() == [1, 2, 3]'}]`, holds},
	"rounding":                          {`validations: [{expression: 'math.round(1.255, 1) == 1.3'}]`, holds},
	"the clock":                         {`validations: [{expression: 'time.now() > timestamp("2020-01-01T00:00:00Z")'}]`, holds},
	"lists turned into maps":            {`validations: [{expression: 'listObjToMap([{"k": "a"}], [{"v": "b"}], "k", "v").a == "b"'}]`, holds},
	"division by zero":                  {`validations: [{expression: '1 / (size(object.request.env) - 1) == 1'}]`, failed},
}

func TestRulesDecideAsInKyvernosEngine(t *testing.T) {
	document := sampleDocument(t)
	for name, tt := range rules {
		t.Run(name, func(t *testing.T) {
			object := map[string]any{}
			text := "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: r}\nspec:\n  evaluation: {mode: JSON}\n  " + strings.ReplaceAll(tt.spec, "\n", "\n  ")
			if err := yaml.Unmarshal([]byte(text), &object); err != nil {
				t.Fatal(err)
			}
			ours, ourMessage := airlockDecides(t, object)
			theirs, theirMessage := kyvernoDecides(t, object, document)
			if ours != tt.want || theirs != tt.want {
				t.Errorf("Airlock: %s %q, Kyverno: %s %q; want %s", ours, ourMessage, theirs, theirMessage, tt.want)
			}
			if tt.want == violated && !strings.Contains(theirMessage, "failed at index") && ourMessage != theirMessage {
				t.Errorf("the message is %q, Kyverno's is %q", ourMessage, theirMessage)
			}
		})
	}
}

// kyvernoDecides evaluates a rule with Kyverno's own compiler and engine.
func kyvernoDecides(t *testing.T, object, document map[string]any) (outcome, message string) {
	t.Helper()
	rule := &policiesv1beta1.ValidatingPolicy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, rule); err != nil {
		t.Fatal(err)
	}
	compiled, errs := compiler.NewCompiler().Compile(rule, nil)
	if err := errs.ToAggregate(); err != nil {
		t.Fatal(err)
	}
	result, err := compiled.Evaluate(t.Context(), document, nil, nil, nil, nil)
	switch {
	case err != nil:
		return failed, err.Error()
	case result == nil: // it does not apply
		return holds, ""
	case result.Error != nil:
		return failed, result.Error.Error()
	case result.Result:
		return holds, ""
	default:
		return violated, result.Message
	}
}

// airlockDecides evaluates the rule as the operator does.
func airlockDecides(t *testing.T, object map[string]any) (outcome, message string) {
	t.Helper()
	engine := kyverno.NewEngine(oneRule{rule: unstructured.Unstructured{Object: object}}, nil)
	set, err := engine.Select(t.Context(), &v1alpha1.KyvernoRules{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	pol, req, report := sampleRequest(t)
	verdict, err := set.Tighten(t.Context(), pol, req, report, v1alpha1.Verdict{Decision: v1alpha1.Allow, Trust: v1alpha1.Internal})
	if err != nil {
		t.Fatal(err)
	}
	if verdict.Decision == v1alpha1.Allow {
		return holds, ""
	}
	message = strings.TrimPrefix(verdict.Findings[0].Reason, `ValidatingPolicy "r": `)
	if strings.HasPrefix(message, "could not be evaluated") {
		return failed, message
	}
	return violated, message
}

// oneRule is an API server that holds one rule.
type oneRule struct {
	client.Reader
	rule unstructured.Unstructured
}

func (o oneRule) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	into, ok := list.(*unstructured.UnstructuredList)
	if !ok {
		return fmt.Errorf("a list of %T", list)
	}
	into.Items = []unstructured.Unstructured{o.rule}
	return nil
}

// sampleRequest is the one that config/samples/kyverno/document.json describes.
func sampleRequest(t *testing.T) (*v1alpha1.ExecutionPolicy, *v1alpha1.ExecutionRequest, *gate.Report) {
	t.Helper()
	text, err := os.ReadFile(samples + "document.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Policy  string
		Request struct {
			Namespace, Name, Task string
			Requester             v1alpha1.Requester
			Agent                 v1alpha1.Agent
			Args, Env             []string
			Inputs                []v1alpha1.Input
			Egress                []v1alpha1.EgressTarget
			Credentials           []string
			Limits                v1alpha1.Limits
		}
		Report gate.Report
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	r := document.Request
	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: r.Name},
		Spec: v1alpha1.ExecutionRequestSpec{
			Requester: r.Requester, Agent: &r.Agent, Task: r.Task, Args: r.Args, Inputs: r.Inputs, Egress: r.Egress, Credentials: r.Credentials,
		},
	}
	for _, name := range r.Env {
		req.Spec.Env = append(req.Spec.Env, v1alpha1.EnvVar{Name: name})
	}
	pol := &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: document.Policy}, Spec: v1alpha1.ExecutionPolicySpec{Limits: r.Limits}}
	return pol, req, &document.Report
}

// sampleDocument is the document as Kyverno's command line reads it.
func sampleDocument(t *testing.T) map[string]any {
	t.Helper()
	pol, req, report := sampleRequest(t)
	text, err := json.Marshal(policy.NewDocument(pol, req, report, v1alpha1.Verdict{Decision: v1alpha1.Allow, Trust: v1alpha1.Internal}))
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// asCommand is set in the process that is Kyverno's command line.
const asCommand = "AIRLOCK_TEST_KYVERNO_APPLY"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	cmd := apply.Command()
	cmd.SetArgs(os.Args[1:])
	if err := cmd.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// docs/kyverno.md and the sample say what to type.
func TestTheSampleRulesCanBeTriedWithKyvernosCommandLine(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"../../docs/kyverno.md", samples + "rules.yaml"} {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		if want := "kyverno apply config/samples/kyverno/rules.yaml --json config/samples/kyverno/document.json"; !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
	cmd := exec.CommandContext(t.Context(), self, "config/samples/kyverno/rules.yaml", "--json", "config/samples/kyverno/document.json")
	cmd.Dir, cmd.Env, cmd.Stderr = "../..", append(os.Environ(), asCommand+"=1"), io.Discard
	out, err := cmd.Output()
	if err == nil {
		t.Error("the exit code does not tell that rules are violated")
	}
	_, got, _ := strings.Cut(string(out), "resource(s)...\n")
	want := `policy code-keeps-ledgers -> resource JSON payload failed:
1 -  it writes or deletes a ledger, or may: open in line 4
policy credentials-need-a-person -> resource JSON payload failed:
1 -  it gets a credential and may connect to somewhere
policy retrieved-content-stays-inside -> resource JSON payload failed:
1 -  content from elsewhere drove this code, so it may not name any destination

pass: 0, fail: 3, warn: 0, error: 0, skip: 0
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got)); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, out)
	}
}
