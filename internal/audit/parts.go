// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// PodDigest identifies a pod by what it runs: its spec without the node's name,
// its labels, and its annotations without the code, which the
// envelope binds, and without what the operator wants of it, which repeats the spec.
func PodDigest(pod *corev1.Pod) (string, error) {
	spec := pod.Spec.DeepCopy()
	spec.NodeName = ""
	annotations := maps.Clone(pod.Annotations)
	delete(annotations, sandbox.AnnotationCode)
	delete(annotations, sandbox.AnnotationAsked)
	return Digest(struct {
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Spec        *corev1.PodSpec   `json:"spec"`
	}{pod.Labels, annotations, spec})
}

func imagesOf(pod *corev1.Pod) []string {
	var images []string
	for _, c := range pod.Spec.InitContainers {
		images = append(images, text(c.Image, maxClaim))
	}
	for _, c := range pod.Spec.Containers {
		images = append(images, text(c.Image, maxClaim))
	}
	return images
}

func agentOf(a *v1alpha1.Agent) *v1alpha1.Agent {
	if a == nil {
		return nil
	}
	return &v1alpha1.Agent{
		Name: text(a.Name, maxClaim), Model: text(a.Model, maxClaim), Session: text(a.Session, maxClaim), Invocation: text(a.Invocation, maxClaim),
	}
}

// argsDigest binds arguments that are too long to be listed.
func argsDigest(args []string) string {
	if len(args) == 0 {
		return ""
	}
	digest, err := Digest(args)
	if err != nil {
		return ""
	}
	return digest
}

func envNames(env []v1alpha1.EnvVar) []string {
	var names []string
	for _, e := range env {
		names = append(names, e.Name)
	}
	return names
}

// inputsOf joins inputs with the digests of what is mounted, where they are known.
func inputsOf(inputs []v1alpha1.Input, digests map[string]string) []Input {
	var out []Input
	for _, in := range inputs {
		digest := in.Digest
		if known, ok := digests[in.Name]; ok {
			digest = known
		}
		out = append(out, Input{Name: in.Name, Origin: in.Origin, Trust: in.Trust, Digest: digest})
	}
	return out
}

// findingsOf bounds the findings in number and length.
func findingsOf(findings []v1alpha1.Finding) []v1alpha1.Finding {
	var out []v1alpha1.Finding
	for _, f := range findings[:min(len(findings), maxFindings)] {
		f.Operation, f.Reason, f.Snippet = text(f.Operation, maxClaim), text(f.Reason, maxClaim), text(f.Snippet, maxClaim)
		out = append(out, f)
	}
	return out
}
