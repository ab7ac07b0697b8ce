// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

const (
	canaryName   = "airlock-canary-preflight"
	canaryPrefix = "airlock-canary revision "
)

// canaryMessage finds the refusal that the Approval policy has for canaries. It
// carries the policy's revision.
func canaryMessage(admission []*unstructured.Unstructured) (string, error) {
	for _, object := range admission {
		validations, _, err := unstructured.NestedSlice(object.Object, "spec", "validations")
		if err != nil {
			return "", fmt.Errorf("validations of %s: %w", object.GetName(), err)
		}
		for _, item := range validations {
			if validation, ok := item.(map[string]any); ok {
				if message, ok := validation["message"].(string); ok && strings.HasPrefix(message, canaryPrefix) {
					return message, nil
				}
			}
		}
	}
	return "", errors.New("no admission policy has a refusal for canaries")
}

// checkCanary creates an Approval as a dry run. The API server has to refuse it
// with the one message that only the policy of this build gives: so it is
// loaded, its plugin is switched on, and a change has arrived.
func (c *Checker) checkCanary(ctx context.Context) []Problem {
	problem := Problem{
		What: "ValidatingAdmissionPolicy airlock-approval",
		Fix:  "wait some seconds after a change; if it stays, see that the API server runs with ValidatingAdmissionPolicy enabled, and " + restore,
	}
	err := c.Writer.Create(ctx, canary(c.OperatorNamespace), client.DryRunAll)
	switch {
	case err == nil:
		problem.Why = "is not enforced by the API server: it accepted a canary that the policy refuses"
	case strings.Contains(err.Error(), c.canary) && apierrors.IsForbidden(err):
		return nil
	case strings.Contains(err.Error(), canaryPrefix):
		problem.Why = fmt.Sprintf("is enforced by the API server in another revision: want %q, got %v", c.canary, err)
	default:
		problem.Why = fmt.Sprintf("could not be proven to be enforced: %v", err)
	}
	return []Problem{problem}
}

// canary is an Approval that the schema accepts, so that only the policy can
// refuse it.
func canary(namespace string) *v1alpha1.Approval {
	digest := "sha256:" + strings.Repeat("0", 64)
	return &v1alpha1.Approval{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: canaryName},
		Spec: v1alpha1.ApprovalSpec{
			Subject: v1alpha1.Subject{
				RequestRef:     v1alpha1.RequestRef{Name: canaryName, UID: "none"},
				PolicyName:     canaryName,
				EnvelopeDigest: digest,
				Requester:      v1alpha1.Requester{Username: canaryName},
				Verdict:        v1alpha1.Verdict{Decision: v1alpha1.Deny, Trust: v1alpha1.Untrusted},
				Code:           v1alpha1.Code{Language: v1alpha1.Python, Source: "pass"},
				Limits:         v1alpha1.Limits{TimeoutSeconds: 1},
			},
			Required:        1,
			ServiceAccounts: v1alpha1.ServiceAccountsForbidden,
			ExpiresAt:       metav1.NewTime(time.Unix(0, 0)),
		},
	}
}
