// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// maxInputBytes bounds what the inputs of a request hold together: they travel in one ConfigMap, and the API server takes
// no larger one.
const maxInputBytes = 1 << 20

// readInputs fetches the contents that are to be mounted and checks them against the digests that the request gives.
func (r *Reconciler) readInputs(ctx context.Context, req *v1alpha1.ExecutionRequest) (contents map[string][]byte, digests map[string]string, err error) {
	contents, digests = map[string][]byte{}, map[string]string{}
	total := 0
	for i, in := range req.Spec.Inputs {
		field := fmt.Sprintf("spec.inputs[%d]", i)
		if in.ConfigMapRef == nil {
			continue
		}
		if err := r.mayRead(ctx, req, in.ConfigMapRef.Name, field); err != nil {
			return nil, nil, err
		}
		cm := &corev1.ConfigMap{}
		err := r.Live.Get(ctx, client.ObjectKey{Namespace: req.Namespace, Name: in.ConfigMapRef.Name}, cm)
		if apierrors.IsNotFound(err) {
			return nil, nil, &refusal{v1alpha1.ReasonInputNotFound, fmt.Sprintf("%s.configMapRef: there is no ConfigMap %q in namespace %s", field, in.ConfigMapRef.Name, req.Namespace)}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("get input %s: %w", in.Name, err)
		}
		content, ok := contentOf(cm, in.ConfigMapRef.Key)
		if !ok {
			return nil, nil, &refusal{v1alpha1.ReasonInputNotFound, fmt.Sprintf("%s.configMapRef: ConfigMap %s has no key %q", field, cm.Name, in.ConfigMapRef.Key)}
		}
		digest := digestOf(content)
		if in.Digest != "" && in.Digest != digest {
			return nil, nil, &refusal{v1alpha1.ReasonInputMismatch, fmt.Sprintf("%s.digest: the content has digest %s, not %s", field, digest, in.Digest)}
		}
		if total += len(content); total > maxInputBytes {
			return nil, nil, &refusal{v1alpha1.ReasonInvalid, fmt.Sprintf("spec.inputs: the contents up to %s have %d bytes together, more than %d", in.Name, total, maxInputBytes)}
		}
		contents[in.Name], digests[in.Name] = content, digest
	}
	return contents, digests, nil
}

func contentOf(cm *corev1.ConfigMap, key string) ([]byte, bool) {
	if text, ok := cm.Data[key]; ok {
		return []byte(text), true
	}
	content, ok := cm.BinaryData[key]
	return content, ok
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// mayRead requires that the requester could read the ConfigMap itself. The operator reads it with its own rights, so
// without this a request would print any ConfigMap of its namespace (the confused deputy).
func (r *Reconciler) mayRead(ctx context.Context, req *v1alpha1.ExecutionRequest, name, field string) error {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: req.Spec.Requester.Username, UID: req.Spec.Requester.UID, Groups: req.Spec.Requester.Groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: req.Namespace, Verb: "get", Version: "v1", Resource: "configmaps", Name: name},
	}}
	if err := r.Create(ctx, review); err != nil {
		return fmt.Errorf("ask whether the requester may read input %s: %w", name, err)
	}
	if !review.Status.Allowed || review.Status.Denied {
		return &refusal{v1alpha1.ReasonInputForbidden, fmt.Sprintf(
			"%s.configMapRef: %s may not read ConfigMap %q in namespace %s; have the RBAC verb get on it granted", field, req.Spec.Requester.Username, name, req.Namespace)}
	}
	return nil
}
