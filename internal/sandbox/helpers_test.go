// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// testParams is a small Python run without inputs, egress or credentials.
func testParams(edit ...func(*Params)) Params {
	cpu, memory := resource.MustParse("500m"), resource.MustParse("512Mi")
	p := Params{
		Request: &v1alpha1.ExecutionRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "report", UID: "4b1f3f2e-7c1d-4c1e-9d53-0c54dd3e6f0a"},
			Spec: v1alpha1.ExecutionRequestSpec{
				PolicyName: "data-analysis",
				Code:       v1alpha1.Code{Language: v1alpha1.Python, Source: "print('hello')\n"},
			},
		},
		EnvelopeDigest:     "sha256:" + strings.Repeat("e", 64),
		Runtime:            v1alpha1.Runtime{Language: v1alpha1.Python, Image: "registry.example/python@sha256:" + strings.Repeat("a", 64), Command: []string{"/usr/bin/python3", "-I", "-B"}},
		Limits:             v1alpha1.Limits{TimeoutSeconds: 30, CPU: &cpu, Memory: &memory},
		EgressProfile:      "none",
		OperatorImage:      "registry.example/airlock@sha256:" + strings.Repeat("b", 64),
		Namespace:          Namespace,
		ServiceAccountName: ServiceAccount,
	}
	for _, e := range edit {
		e(&p)
	}
	return p
}

// withEverything adds all that a request can be granted.
func withEverything(p *Params) {
	spec := &p.Request.Spec
	spec.Args = []string{"--month", "2026-10", "$(PARTNER)", "a b", "$$"}
	spec.Env = []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("$(HOME) costs $5")}}
	spec.Inputs = []v1alpha1.Input{
		{Name: "sales.csv", Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Internal, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "files", Key: "sales"}},
		{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Trusted},
		{Name: "costs.csv", Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Internal, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "files", Key: "costs"}},
	}
	spec.Egress = []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}}
	spec.Credentials = []string{"partner"}
	p.EgressProfile = "7a3a03769560172b26edd1729bbc6b0a61f081b1"
	p.InputDigests = map[string]string{"sales.csv": "sha256:" + strings.Repeat("1", 64), "costs.csv": "sha256:" + strings.Repeat("2", 64)}
}

func withBigCode(p *Params) {
	p.Request.Spec.Code.Source = strings.Repeat("#", InlineCodeBytes+1)
}

func withRuntimeClass(p *Params) { p.RuntimeClassName = "gvisor" }

func mustPod(t *testing.T, p Params) *corev1.Pod {
	t.Helper()
	pod, err := Pod(p)
	if err != nil {
		t.Fatal(err)
	}
	return pod
}
