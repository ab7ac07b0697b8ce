// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Namespace is where sandboxes run unless the operator is told otherwise.
const Namespace = "airlock-sandboxes"

// Labels and annotations. Pods carry the two labels and no others: a label of
// its own for each pod would cost a Cilium identity each.
const (
	LabelSandbox       = "airlock.dev/sandbox"
	LabelEgressProfile = "airlock.dev/egress-profile"

	AnnotationRequest    = "airlock.dev/request"     // namespace/name
	AnnotationRequestUID = "airlock.dev/request-uid" // the request's UID
	AnnotationEnvelope   = "airlock.dev/envelope"    // digest of the envelope that was judged
	AnnotationCode       = "airlock.dev/code"        // the program, up to InlineCodeBytes
	AnnotationAsked      = "airlock.dev/asked-for"   // what varies between pods, as the operator wants it
)

// ServiceAccount is the shared account of all sandboxes: no role is ever bound to
// it, and its token is never mounted.
const ServiceAccount = "airlock-sandbox"

// The containers of a sandbox pod: the first verifies, the second runs the code
// and its end is the end of the run.
const (
	PrepareContainerName = "prepare"
	ContainerName        = "sandbox"
)

// InlineCodeBytes is the largest program that travels in the pod's annotation;
// all annotations together may have 256 KiB. A larger one needs a ConfigMap.
const InlineCodeBytes = 128 << 10

// Where things are in the sandbox container.
const (
	WorkspacePath   = "/workspace"   // writable, the working directory
	InputsPath      = "/inputs"      // verified inputs, read-only, by name
	CredentialsPath = "/credentials" // granted credentials, read-only, by name
	airlockPath     = "/airlock"     // the runner and the verified code, read-only
	tmpPath         = "/tmp"         // writable

	runnerName = "airlock-runner"

	// Only in the prepare container: airlockPath by another name, because the
	// operator's image has a file of that name, and the code and inputs as they
	// arrived.
	preparedPath     = "/prepared"
	sourcePath       = "/source"
	inputsSourcePath = "/source-inputs"
	sourceFile       = "code"
)

// Name returns the name of the only pod that a request can have.
func Name(uid types.UID) string { return "airlock-sbx-" + string(uid) }

// CodeName returns the name of the ConfigMap with a program that is too large
// for an annotation.
func CodeName(uid types.UID) string { return Name(uid) + "-code" }

// InputsName returns the name of the ConfigMap with the inputs.
func InputsName(uid types.UID) string { return Name(uid) + "-inputs" }

// CredentialsName returns the name of the Secret with the granted credentials.
func CredentialsName(uid types.UID) string { return Name(uid) + "-credentials" }

// codeName returns the file name of a program, and false for an unknown language.
func codeName(lang v1alpha1.Language) (string, bool) {
	switch lang {
	case v1alpha1.Python:
		return "main.py", true
	case v1alpha1.Bash:
		return "main.sh", true
	case v1alpha1.JavaScript:
		return "main.js", true
	case v1alpha1.TypeScript:
		return "main.ts", true
	case v1alpha1.SQL:
		return "main.sql", true
	default:
		return "", false
	}
}

// objectMeta is the metadata that every object of a sandbox shares. An owner
// reference cannot cross namespaces, so annotations lead back to the request.
func objectMeta(p Params, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: p.Namespace,
		Name:      name,
		Labels:    map[string]string{LabelSandbox: "true"},
		Annotations: map[string]string{
			AnnotationRequest:    fmt.Sprintf("%s/%s", p.Request.Namespace, p.Request.Name),
			AnnotationRequestUID: string(p.Request.UID),
			AnnotationEnvelope:   p.EnvelopeDigest,
		},
	}
}
