// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/internal/difference"
)

const restore = "restore it with `helm upgrade` and the chart of this version"

// checkStanding compares a stored object with the one that this build carries.
// Unstructured: a field that a newer API server knows and this build does not
// must not go unseen.
func (c *Checker) checkStanding(ctx context.Context, want *unstructured.Unstructured) []Problem {
	problem := Problem{What: describe(want), Fix: restore}
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(want.GroupVersionKind())
	err := c.Reader.Get(ctx, client.ObjectKeyFromObject(want), have)
	switch {
	case notServed(err):
		problem.Why = fmt.Sprintf("cannot exist, because this cluster does not serve %s of %s", want.GetKind(), want.GetAPIVersion())
		problem.Fix = advice(want)
	case apierrors.IsNotFound(err):
		problem.Why = "is missing"
	case err != nil:
		problem.Why = fmt.Sprintf("could not be read: %v", err)
		problem.Fix = "see that the operator can reach the API server and has the chart's ClusterRole"
	default:
		problem.Why = changed(want, have)
	}
	if problem.Why == "" {
		return nil
	}
	return []Problem{problem}
}

// changed says in words how the stored object differs, nothing where it does not.
func changed(want, have *unstructured.Unstructured) string {
	if actions, found, _ := unstructured.NestedStringSlice(want.Object, "spec", "validationActions"); found && slices.Contains(actions, "Deny") {
		// The most likely change, when somebody "pauses" a policy, gets words of its own.
		if actions, _, err := unstructured.NestedStringSlice(have.Object, "spec", "validationActions"); err != nil || !slices.Contains(actions, "Deny") {
			return fmt.Sprintf("does not deny, its validationActions are [%s]", strings.Join(actions, ", "))
		}
	}
	for _, field := range []string{"spec", "specs"} {
		if at := difference.Path(want.Object[field], have.Object[field], field); at != "" {
			return "was changed at " + at
		}
	}
	if reason := rejectedByCilium(have); reason != "" {
		return "is not accepted by Cilium: " + reason
	}
	return ""
}

// rejectedByCilium reads the condition that Cilium's operator sets on a network policy.
func rejectedByCilium(have *unstructured.Unstructured) string {
	if have.GetKind() != "CiliumNetworkPolicy" {
		return ""
	}
	conditions, _, err := unstructured.NestedSlice(have.Object, "status", "conditions")
	if err != nil {
		return "its status cannot be read"
	}
	for _, item := range conditions {
		condition, ok := item.(map[string]any)
		if ok && condition["type"] == "Valid" && condition["status"] != "True" {
			return fmt.Sprint(condition["message"])
		}
	}
	return ""
}

// notServed tells a kind that the API server does not know from an object that
// does not exist. A removed CustomResourceDefinition shows as a bare 404.
func notServed(err error) bool {
	return meta.IsNoMatchError(err) ||
		(apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource"))
}

func advice(want *unstructured.Unstructured) string {
	if strings.HasPrefix(want.GetAPIVersion(), "cilium.io/") {
		return "install Cilium: Airlock runs nothing on a network that does not enforce its policies"
	}
	return "Airlock needs Kubernetes 1.36 or newer, with admissionregistration.k8s.io/v1 enabled"
}

func describe(object *unstructured.Unstructured) string {
	if namespace := object.GetNamespace(); namespace != "" {
		return object.GetKind() + " " + namespace + "/" + object.GetName()
	}
	return object.GetKind() + " " + object.GetName()
}
