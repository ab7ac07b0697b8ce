// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

func TestWhatThePolicyDoesNotListIsRefusedByFieldName(t *testing.T) {
	w := newWorld(t)
	w.operate()
	for name, test := range map[string]struct {
		edit  func(*v1alpha1.ExecutionRequestSpec)
		words string
	}{
		"a destination": {func(s *v1alpha1.ExecutionRequestSpec) {
			s.Egress = []v1alpha1.EgressTarget{{Host: "evil.attacker.example", Port: 443}}
		}, "spec.egress[0]"},
		"a credential": {func(s *v1alpha1.ExecutionRequestSpec) { s.Credentials = []string{"root"} }, "spec.credentials[0]"},
		"an environment variable": {func(s *v1alpha1.ExecutionRequestSpec) {
			s.Env = []v1alpha1.EnvVar{{Name: "MODE", Value: new("fast")}}
		}, "spec.env[0].name"},
		"the loader's environment": {func(s *v1alpha1.ExecutionRequestSpec) {
			s.Env = []v1alpha1.EnvVar{{Name: "LD_PRELOAD", Value: new("/workspace/x.so")}}
		}, "spec.env[0].name"},
		"more memory": {func(s *v1alpha1.ExecutionRequestSpec) {
			s.Limits = &v1alpha1.Limits{Memory: new(resource.MustParse("1Ti"))}
		}, "spec.limits.memory"},
		"more time":            {func(s *v1alpha1.ExecutionRequestSpec) { s.Limits = &v1alpha1.Limits{TimeoutSeconds: 86400} }, "spec.limits.timeoutSeconds"},
		"another language":     {func(s *v1alpha1.ExecutionRequestSpec) { s.Code.Language = v1alpha1.Bash }, "spec.code.language"},
		"source with a NUL":    {func(s *v1alpha1.ExecutionRequestSpec) { s.Code.Source = "print(1)\x00print(2)\n" }, "spec.code.source"},
		"an argument with NUL": {func(s *v1alpha1.ExecutionRequestSpec) { s.Args = []string{"a\x00b"} }, "spec.args[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.request(allowedSource, func(r *v1alpha1.ExecutionRequest) { test.edit(&r.Spec) })
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionValidated, v1alpha1.ReasonInvalid, test.words)
			w.neverRan(req)
		})
	}
}

func TestAnInputThatIsNotWhatItIsSaidToBeIsRefused(t *testing.T) {
	w := newWorld(t)
	w.operate()
	w.input("a,b\n")
	w.must(w.admin.Create(w.ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "large"},
		Data:       map[string]string{"one": strings.Repeat("x", 700_000)},
	}))
	large := func(name string) v1alpha1.Input {
		return v1alpha1.Input{Name: name, Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "large", Key: "one"}}
	}
	for name, test := range map[string]struct {
		edit          func(*v1alpha1.ExecutionRequest)
		reason, words string
	}{
		"the requester may not read it, though the operator may": {mounted("others", "data.csv"), v1alpha1.ReasonInputForbidden, `agent may not read ConfigMap "others"`},
		"the ConfigMap is missing":                               {mounted("nothing", "data.csv"), v1alpha1.ReasonInputNotFound, `spec.inputs[1].configMapRef: there is no ConfigMap "nothing"`},
		"the key is missing":                                     {mounted("data", "other.csv"), v1alpha1.ReasonInputNotFound, `has no key "other.csv"`},
		"the digest is another's": {func(r *v1alpha1.ExecutionRequest) {
			mounted("data", "data.csv")(r)
			r.Spec.Inputs[1].Digest = "sha256:" + strings.Repeat("0", 64)
		}, v1alpha1.ReasonInputMismatch, "spec.inputs[1].digest"},
		"they do not fit into one ConfigMap": {func(r *v1alpha1.ExecutionRequest) {
			r.Spec.Inputs = []v1alpha1.Input{large("a"), large("b")}
		}, v1alpha1.ReasonInvalid, "spec.inputs: the contents up to b have 1400000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.request(allowedSource, test.edit)
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionValidated, test.reason, test.words)
			w.neverRan(req)
		})
	}
}

func TestAnUnknownPolicyIsNamed(t *testing.T) {
	w := newWorld(t)
	w.operate()
	req := w.request(allowedSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.PolicyName = "no-such-policy" })
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotFound, `no ExecutionPolicy "no-such-policy"`)
}

func TestAPolicyThatIsNotReadyJudgesNothing(t *testing.T) {
	t.Run("because one of its examples fails, until that is repaired", func(t *testing.T) {
		w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) {
			p.Examples = []v1alpha1.Example{{Name: "a deletion", Language: v1alpha1.Python, Code: approvalSource, Trust: v1alpha1.Internal, Expect: v1alpha1.Allow}}
		})
		w.operate()
		req := w.request(allowedSource)
		req = w.waits(req, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotReady, `spec.examples["a deletion"]: expected Allow, the verdict is RequireApproval`)
		if req.Status.Verdict != nil {
			t.Errorf("it came to a verdict: %+v", req.Status.Verdict)
		}
		w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Examples[0].Expect = v1alpha1.RequireApproval })
		w.pod(req)
	})
	t.Run("because it selects rules that do not exist", func(t *testing.T) {
		w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) {
			p.Kyverno = &v1alpha1.KyvernoRules{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}}
		})
		w.operate()
		req := w.request(allowedSource)
		w.waits(req, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotReady, "spec.kyverno")
		w.neverRan(req)
	})
}

func TestAnImageWithOtherLibrariesThanTheGateKnowsRunsNothing(t *testing.T) {
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.Runtimes[0].Inventory = "sha256:" + strings.Repeat("0", 64) })
	w.operate()
	req := w.request(allowedSource)
	w.waits(req, v1alpha1.ConditionValidated, v1alpha1.ReasonPolicyNotReady, "the gate knows the libraries of "+gate.Inventory(gate.Python))
	w.neverRan(req)
}

// What was judged is what runs: whatever changes between the verdict and the launch, nothing runs on the old verdict.
func TestAChangeBetweenVerdictAndLaunchIsNotRun(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"of the policy's limits": func(w *world) {
			w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Limits.TimeoutSeconds = 30 })
		},
		"of the policy's image": func(w *world) {
			w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) {
				p.Runtimes[0].Image = "airlock.example/other@sha256:" + strings.Repeat("2", 64)
			})
		},
		"of the policy, which is not Ready any more": func(w *world) {
			w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) {
				p.Examples = []v1alpha1.Example{{Name: "impossible", Language: v1alpha1.Python, Code: deniedSource, Trust: v1alpha1.Internal, Expect: v1alpha1.Allow}}
			})
		},
		"of the policy, which is gone": func(w *world) { w.must(w.admin.Delete(w.ctx, w.policy)) },
		"of an input": func(w *world) {
			w.must(w.admin.Update(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data"}, Data: map[string]string{"data.csv": "evil"}}))
		},
		"of an input, which is gone": func(w *world) {
			w.must(w.admin.Delete(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data"}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.operate()
			w.holdLaunches("the test holds launches")
			req := w.request(allowedSource, w.input("a,b\n"))
			w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "the test holds launches")
			change(w)
			w.holdLaunches()
			w.nudge(req)
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonEnvelopeChanged, "changed after the request was judged")
			w.neverRan(req)
			w.nothingLeft()
		})
	}
}

func TestAForeignPodIsNeverAdopted(t *testing.T) {
	w := newWorld(t)
	w.operate()
	w.holdLaunches("the test holds launches")
	req := w.request(allowedSource)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "")
	foreign := w.sandboxPod(sandbox.Name(req.UID))
	c, err := newClient(operator) // nobody else may
	w.must(err)
	// Not even the operator, as long as this policy stands.
	const shape = vapBindings + "airlock-pod-shape"
	stands := accepted(t, admin.get(shape)).object
	accepted(t, admin.merge(shape, object{"spec": object{"validationActions": []any{"Audit"}}}))
	w.eventually("the foreign pod is created", func() error { return c.Create(w.ctx, foreign) })
	defer func() { w.must(c.Delete(w.ctx, foreign)) }()
	restore(t, mustChecker(t), shape, stands)
	w.holdLaunches()
	w.nudge(req)
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonPodConflict, "does not belong to this request")
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(foreign), foreign))
}

// A pod of the right name, request and envelope can have been changed all the same, by whoever created it.
func TestAPodThatRunsSomethingElseIsNeverAdopted(t *testing.T) {
	w := newWorld(t)
	w.operate()
	w.holdLaunches("the test holds launches")
	req := w.request(allowedSource)
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "")
	w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(req), req))
	forged := toJSON(t, shapedPod(t, func(p *sandbox.Params) {
		p.Request.ObjectMeta, p.EnvelopeDigest = req.ObjectMeta, req.Status.EnvelopeDigest
	}))
	accepted(t, operator.post(sandboxPods, forged))
	w.unrecorded = "a pod ran, and no launch is recorded before"
	w.holdLaunches()
	w.nudge(req)
	w.ends(req, v1alpha1.StateFailed, v1alpha1.ConditionFinished, v1alpha1.ReasonPodChanged, "was changed at pod.")
	w.nothingLeft()
}

// sandboxPod is a pod that Pod Security accepts.
func (w *world) sandboxPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: config.SandboxNamespace, Name: name},
		Spec: corev1.PodSpec{
			ServiceAccountName: sandbox.ServiceAccount,
			SecurityContext:    &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "c", Image: "x", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}
