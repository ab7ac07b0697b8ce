// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

const rulesPath = "/apis/policies.kyverno.io/v1/validatingpolicies"

// serveKyverno serves Kyverno's own kinds, from the pinned module. Kyverno itself does not run: nothing of it is needed.
var serveKyverno = sync.OnceValue(func() error {
	for kind, served := range map[string]string{
		"validatingpolicies": rulesPath,
		"policyexceptions":   "/apis/policies.kyverno.io/v1/policyexceptions",
	} {
		if err := serve("github.com/kyverno/kyverno", "config/crds/policies.kyverno.io/policies.kyverno.io_"+kind+".yaml", kind+".policies.kyverno.io", served); err != nil {
			return err
		}
	}
	return nil
})

// selectsRules makes a policy select the rules that have its test's label.
func selectsRules(label string) func(*v1alpha1.ExecutionPolicySpec) {
	return func(p *v1alpha1.ExecutionPolicySpec) {
		p.Kyverno = &v1alpha1.KyvernoRules{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"airlock.dev/rules": label}}}
	}
}

// newRuledWorld is a world whose policy selects rules by a label of its own.
func newRuledWorld(t *testing.T) *world {
	t.Helper()
	if err := serveKyverno(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.changeSpec(selectsRules(w.namespace))
	return w
}

// rule creates or changes a ValidatingPolicy that the policy of the test selects, until the test ends.
func (w *world) rule(name, expression string, edits ...func(object, spec map[string]any)) {
	w.Helper()
	spec := map[string]any{
		"evaluation":        map[string]any{"mode": "JSON"},
		"validationActions": []any{"Deny"},
		"validations":       []any{map[string]any{"expression": expression, "message": "the organisation says no"}},
	}
	object := map[string]any{
		"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "spec": spec,
		"metadata": map[string]any{"name": w.namespace + "-" + name, "labels": map[string]any{"airlock.dev/rules": w.namespace}},
	}
	for _, edit := range edits {
		edit(object, spec)
	}
	path := rulesPath + "/" + w.namespace + "-" + name
	accepted(w.T, admin.call(http.MethodPatch, path+"?fieldManager=test&force=true", apply, object))
	w.Cleanup(func() { admin.remove(path) })
}

// ready waits until the policy is Ready, or is not for a reason with these words.
func (w *world) ready(want metav1.ConditionStatus, words string) {
	w.Helper()
	w.eventually(fmt.Sprintf("Ready is %s with %q", want, words), func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(w.policy), w.policy); err != nil {
			return err
		}
		c := meta.FindStatusCondition(w.policy.Status.Conditions, v1alpha1.ConditionReady)
		if c == nil || c.Status != want || c.ObservedGeneration != w.policy.Generation || !strings.Contains(c.Message, words) {
			return fmt.Errorf("it is %+v", c)
		}
		return nil
	})
}

func TestAKyvernoRuleTightensVerdicts(t *testing.T) {
	w := newRuledWorld(t)
	w.rule("keep", `!object.report.operations.exists(o, o.name == "sum")`)
	w.rule("look", `!object.report.operations.exists(o, o.name == "len")`, func(_, spec map[string]any) { spec["validationActions"] = []any{"Audit"} })
	w.operate()
	w.ready(metav1.ConditionTrue, fmt.Sprintf("with the ValidatingPolicies %s-keep, %s-look", w.namespace, w.namespace))

	denied := w.request("print(sum([1]))\n")
	w.ends(denied, v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "the organisation says no")
	w.neverRan(denied)
	asked := w.request("print(len([1]))\n")
	if appr := w.approval(asked); appr.Spec.Required != 1 || !strings.Contains(appr.Spec.Subject.Verdict.Findings[0].Reason, "-look") {
		t.Errorf("people are asked %+v", appr.Spec)
	}
	w.neverRan(asked)
	w.pod(w.request("print(1)\n"))
	w.ends(w.request(deniedSource), v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
}

func TestARuleThatChangesAfterTheApprovalEndsTheRequest(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"it becomes stricter, but still holds": func(w *world) { w.rule("r", "size(object.report.operations) < 1000") },
		"it becomes milder":                    func(w *world) { w.rule("r", "true") },
		"another one is added":                 func(w *world) { w.rule("s", "true") },
		"it is renamed": func(w *world) {
			w.rule("s", "size(object.report.operations) < 2000")
			admin.remove(rulesPath + "/" + w.namespace + "-r")
		},
		"the last one is deleted": func(w *world) { admin.remove(rulesPath + "/" + w.namespace + "-r") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newRuledWorld(t)
			w.rule("r", "size(object.report.operations) < 2000")
			w.operate()
			w.ready(metav1.ConditionTrue, "")
			req := w.request(approvalSource)
			w.approvedButHeld(req, w.approval(req))
			change(w)
			w.holdLaunches()
			w.nudge(req)
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonEnvelopeChanged, "no longer apply")
			w.neverRan(req)
		})
	}
}

func TestAVerdictNamesTheRulesThatItWasReachedWith(t *testing.T) {
	w := newRuledWorld(t)
	w.rule("r", "true")
	w.operate()
	w.ready(metav1.ConditionTrue, "")
	judged := func() (verdict, envelope string) {
		req := w.until(w.request(allowedSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.Mode = v1alpha1.DryRun }), "it is judged",
			func(now *v1alpha1.ExecutionRequest) bool { return now.Status.Verdict != nil })
		w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(w.policy), w.policy))
		if got := req.Status.Verdict.PolicyDigest; got != w.policy.Status.Digest {
			t.Errorf("the verdict is by %s, the policy is %s", got, w.policy.Status.Digest)
		}
		return req.Status.Verdict.PolicyDigest, req.Status.EnvelopeDigest
	}
	first, _ := judged()
	was := w.policy.Status.Digest
	w.rule("r", "1 == 1")
	w.eventually("the policy is checked again", func() error {
		w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(w.policy), w.policy))
		if w.policy.Status.Digest == was {
			return errors.New("not yet")
		}
		return nil
	})
	if second, _ := judged(); second == first {
		t.Errorf("both verdicts are by %s", first)
	}
}

// What an ExecutionPolicy selects and cannot be used lets nothing pass until it is repaired, which is noticed.
func TestARuleThatIsOfNoUseStopsThePolicy(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(w *world)
		words  string
	}{
		"it calls a server":           {func(w *world) { w.rule("r", `http.Get("http://attacker.example/").ok == true`) }, "reaches outside with http"},
		"it reads the cluster":        {func(w *world) { w.rule("r", `resource.List("v1", "secrets", "").items.size() == 0`) }, "reaches outside with resource"},
		"it does not compile":         {func(w *world) { w.rule("r", "object.") }, "does not compile"},
		"it is for Kubernetes":        {func(w *world) { w.rule("r", "true", kubernetesMode) }, "spec.evaluation.mode is Kubernetes"},
		"it denies one of the policy": {func(w *world) { w.rule("r", "false") }, `spec.examples["a sum"]: expected Allow, the verdict is Deny`},
		"there is none":               {func(w *world) { admin.remove(rulesPath + "/" + w.namespace + "-r") }, "no ValidatingPolicy has the labels"},
		"it lost its label": {func(w *world) {
			accepted(w.T, admin.merge(rulesPath+"/"+w.namespace+"-r", `{"metadata":{"labels":{"airlock.dev/rules":null}}}`))
		}, "no ValidatingPolicy has the labels"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRuledWorld(t)
			w.changeSpec(func(p *v1alpha1.ExecutionPolicySpec) {
				p.Examples = []v1alpha1.Example{{Name: "a sum", Language: v1alpha1.Python, Code: allowedSource, Trust: v1alpha1.Internal, Expect: v1alpha1.Allow}}
			})
			w.rule("r", "true")
			w.operate()
			w.ready(metav1.ConditionTrue, "-r")
			test.breaks(w)
			w.ready(metav1.ConditionFalse, test.words)
			req := w.request(allowedSource)
			w.waits(req, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotReady, test.words)
			w.neverRan(req)
			w.rule("r", "true")
			w.pod(req)
		})
	}
}

func kubernetesMode(_, spec map[string]any) {
	spec["evaluation"] = map[string]any{"mode": "Kubernetes"}
	spec["matchConstraints"] = map[string]any{"resourceRules": []any{map[string]any{
		"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"},
	}}}
}

func TestAPolicyExceptionDoesNotLetCodePass(t *testing.T) {
	w := newRuledWorld(t)
	w.rule("r", `!object.report.operations.exists(o, o.name == "sum")`)
	path := "/apis/policies.kyverno.io/v1/namespaces/" + w.namespace + "/policyexceptions"
	accepted(t, admin.post(path, map[string]any{
		"apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": map[string]any{"name": "me-too"},
		"spec": map[string]any{"policyRefs": []any{map[string]any{"name": w.namespace + "-r", "kind": "ValidatingPolicy"}}},
	}))
	w.operate()
	w.ready(metav1.ConditionTrue, "")
	req := w.request("print(sum([1]))\n")
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "the organisation says no")
	w.neverRan(req)
}

// The operator starts in a cluster without Kyverno, judges with policies that select no rules, and notices that the kind
// came to be served.
func TestWithoutKyvernoAPolicyThatSelectsRulesWaits(t *testing.T) {
	if err := serveKyverno(); err != nil {
		t.Fatal(err)
	}
	const name = "validatingpolicies.policies.kyverno.io"
	definition := admin.get(customResources + name)
	accepted(t, definition)
	accepted(t, admin.remove(customResources+name))
	restore := func() error {
		object := definition.object.DeepCopy()
		object.SetResourceVersion("")
		object.SetUID("")
		object.SetManagedFields(nil)
		delete(object.Object, "status")
		admin.call(http.MethodPatch, customResources+name+"?fieldManager=test&force=true", apply, object.Object)
		return isServed(rulesPath)
	}
	t.Cleanup(func() {
		if err := restore(); err != nil {
			t.Error(err)
		}
	})
	plain := newWorld(t)
	plain.operate()
	plain.pod(plain.request(allowedSource))
	plain.stop()

	w := newWorld(t)
	w.changeSpec(selectsRules(w.namespace))
	w.operate()
	w.ready(metav1.ConditionFalse, "the cluster does not serve ValidatingPolicies (policies.kyverno.io/v1)")
	req := w.request(allowedSource)
	w.waits(req, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotReady, "does not serve ValidatingPolicies")
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	w.ready(metav1.ConditionFalse, "no ValidatingPolicy has the labels")
	w.rule("r", "true")
	w.ready(metav1.ConditionTrue, "-r")
	w.pod(req)
}
