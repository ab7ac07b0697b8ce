// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
)

const (
	markerPolicies = admissionPath + "mutatingadmissionpolicies"
	markerBindings = admissionPath + "mutatingadmissionpolicybindings"
	configMapsPath = "/api/v1/namespaces/default/configmaps"
)

// markers counts the markers: each has a label of its own.
var markers atomic.Int32

// awaitMutatingPolicies waits until the API server has loaded every mutating
// policy and binding that was stored, or removed, before. It watches both kinds
// in order, so it has when it enforces a binding and a policy that come last.
// Waiting for the effect of a change alone can take an older state for it:
// after a removal and a repair, both "removed" and "there" are still to come.
func awaitMutatingPolicies(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("marker-%d", markers.Add(1))
	labels := object{"airlock-test": name}
	accepted(t, admin.post(markerPolicies, object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": object{"name": name},
		"spec": object{
			"reinvocationPolicy": "Never",
			"matchConstraints": object{"objectSelector": object{"matchLabels": labels}, "resourceRules": []any{object{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
			}}},
			"mutations": []any{object{"patchType": "ApplyConfiguration", "applyConfiguration": object{
				"expression": `Object{metadata: Object.metadata{annotations: Object.metadata.annotations{loaded: "yes"}}}`,
			}}},
		},
	}))
	accepted(t, admin.post(markerBindings, object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding", "metadata": object{"name": name},
		"spec": object{"policyName": name},
	}))
	t.Cleanup(func() {
		accepted(t, admin.remove(markerBindings+"/"+name))
		accepted(t, admin.remove(markerPolicies+"/"+name))
	})
	// Repairs run in a cleanup, when the test's own context has ended.
	err := eventually(context.Background(), func() error {
		got := admin.post(configMapsPath+"?dryRun=All", object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": name, "labels": labels}})
		if !got.ok() || got.object.GetAnnotations()["loaded"] != "yes" {
			return errors.New(got.String())
		}
		return nil
	})
	if err != nil {
		t.Fatalf("wait for the mutating policies: %v", err)
	}
}
