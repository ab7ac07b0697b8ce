// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// TestNobodyRunsCodeWithoutAVerdict tries, with an administrator's rights over namespaces, every way around the gate.
func TestNobodyRunsCodeWithoutAVerdict(t *testing.T) {
	admin := as(t, "")
	req := submit(t, sleeper)
	running := awaitSandbox(t, req)
	denied := submit(t, "import subprocess\nsubprocess.run(['id'])\n")
	awaitFinished(t, denied)

	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "smuggled", Namespace: sandboxes}, Spec: *running.Spec.DeepCopy()}
		p.Spec.NodeName = ""
		change(p)
		return p
	}
	attacks := map[string]func() error{
		"a pod straight into the sandbox namespace": func() error {
			return admin.Create(t.Context(), pod(func(*corev1.Pod) {}))
		},
		"a pod elsewhere that wears the sandbox label, for its egress": func() error {
			return admin.Create(t.Context(), pod(func(p *corev1.Pod) {
				p.Namespace, p.Labels = namespace, map[string]string{"airlock.dev/sandbox": "true"}
			}))
		},
		"a verdict written into the status": func() error {
			before := denied.DeepCopy()
			denied.Status.Verdict.Decision, denied.Status.Conditions = v1alpha1.Allow, nil
			return admin.Status().Patch(t.Context(), denied, client.MergeFrom(before))
		},
		"other code in a request that was judged": func() error {
			changed := req.DeepCopy()
			changed.Spec.Code.Source = "import os\nos.system('id')\n"
			return admin.Update(t.Context(), changed)
		},
		"other code in the pod that was launched": func() error {
			changed := running.DeepCopy()
			changed.Annotations["airlock.dev/code"] = "import os\nos.system('id')\n"
			return admin.Update(t.Context(), changed)
		},
		"an ephemeral container beside the code": func() error {
			changed := running.DeepCopy()
			changed.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: "debug", Image: running.Spec.Containers[0].Image, Command: []string{"/usr/bin/python3"},
			}}}
			return admin.SubResource("ephemeralcontainers").Update(t.Context(), changed)
		},
		"an approval that nobody asked for": func() error {
			return admin.Create(t.Context(), &v1alpha1.Approval{
				ObjectMeta: metav1.ObjectMeta{Name: "forged", Namespace: namespace},
				Spec: v1alpha1.ApprovalSpec{
					Subject: v1alpha1.Subject{
						RequestRef: v1alpha1.RequestRef{Name: req.Name, UID: string(req.UID)}, PolicyName: "data-analysis",
						EnvelopeDigest: req.Status.EnvelopeDigest, Requester: req.Spec.Requester, Code: req.Spec.Code,
						Verdict: *req.Status.Verdict, Limits: v1alpha1.Limits{TimeoutSeconds: 1},
					},
					Required: 1, ServiceAccounts: v1alpha1.ServiceAccountsForbidden, ExpiresAt: metav1.NewTime(metav1.Now().Add(patience)),
				},
			})
		},
		"rights for the code's service account": func() error {
			return admin.Create(t.Context(), &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: "token", Namespace: sandboxes, Annotations: map[string]string{"kubernetes.io/service-account.name": "airlock-sandbox"}},
				Type:       corev1.SecretTypeServiceAccountToken,
			})
		},
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			err := attack()
			if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
				t.Errorf("the API server did not refuse it: %v", err)
			}
		})
	}

	var pods corev1.PodList
	if err := admin.List(t.Context(), &pods, client.InNamespace(sandboxes)); err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		if pods.Items[i].Annotations["airlock.dev/request-uid"] == string(denied.UID) {
			t.Errorf("the denied request has pod %s", pods.Items[i].Name)
		}
	}
}

// TestTheCodeCannotReachTheCluster runs approved code that tries what an attacker tries first.
func TestTheCodeCannotReachTheCluster(t *testing.T) {
	req := submit(t, `
import urllib.request

def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return "answered"
    except OSError as error:
        return "failed"

print("metadata", fetch("http://169.254.169.254/latest/meta-data/"))
print("apiserver", fetch("https://10.96.0.1/version"))
print("allowed", fetch("http://api.partner.example/"))
print("port", fetch("http://api.partner.example:8080/"))
print("attacker", fetch("http://evil.attacker.example/"))
print("address", fetch("http://198.51.100.10/"))
`, func(r *v1alpha1.ExecutionRequest) {
		r.Spec.Egress = []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 80}}
	})
	approve(t, req)
	awaitFinished(t, req)
	// 198.51.100.10 is api.partner.example's own address, learnt by name before: it is the destination that was granted.
	const want = "metadata failed\napiserver failed\nallowed answered\nport failed\nattacker failed\naddress answered\n"
	if req.Status.Result == nil || req.Status.Result.Stdout == nil || req.Status.Result.Stdout.Tail != want {
		t.Errorf("want %q; got %+v, %s", want, req.Status.Result, conditions(req))
	}
}

func approve(t *testing.T, req *v1alpha1.ExecutionRequest) {
	t.Helper()
	await(t, req, "wait for the approval", func(r *v1alpha1.ExecutionRequest) bool { return r.Status.ApprovalName != "" })
	appr := &v1alpha1.Approval{ObjectMeta: metav1.ObjectMeta{Namespace: req.Namespace, Name: req.Status.ApprovalName}}
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"decision":{"verdict":"Approved","reason":"e2e"}}}`))
	if err := as(t, "alice").Patch(t.Context(), appr, patch); err != nil {
		t.Fatalf("approve as alice: %v", err)
	}
}
