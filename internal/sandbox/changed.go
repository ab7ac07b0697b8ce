// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/airlock-dev/airlock/internal/difference"
)

// What the cluster adds to every pod: the object's own record, where the pod runs
// and before whom, and how its images are pulled. None of it changes what runs,
// as what, or what it can reach.
var (
	givenMetadata = []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"}
	givenSpec     = []string{
		"nodeName", "schedulerName", "tolerations", "nodeSelector", "affinity", "topologySpreadConstraints",
		"priority", "priorityClassName", "preemptionPolicy", "overhead", "imagePullSecrets",
	}
)

// Changed returns the path of the first field in which the pod that the API
// server holds, as unstructured JSON, is not the pod that Pod returned; "" where
// it is. A field that this build does not know is a difference.
func Changed(want *corev1.Pod, have map[string]any) (string, error) {
	wanted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return "", err
	}
	wanted, have = bare(wanted), bare(runtime.DeepCopyJSON(have))
	spec := wanted["spec"].(map[string]any)
	spec["serviceAccount"] = spec["serviceAccountName"] // the old name of the field, always set by the API server
	return difference.Path(wanted, have, "pod"), nil
}

// bare takes away what the cluster adds. The policy AlwaysPullImages of a
// cluster may be stricter than the operator with images.
func bare(pod map[string]any) map[string]any {
	meta, _ := pod["metadata"].(map[string]any)
	spec, _ := pod["spec"].(map[string]any)
	without(meta, givenMetadata)
	without(spec, givenSpec)
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := spec[list].([]any)
		for _, c := range containers {
			if c, ok := c.(map[string]any); ok && c["imagePullPolicy"] == string(corev1.PullAlways) {
				c["imagePullPolicy"] = string(corev1.PullIfNotPresent)
			}
		}
	}
	delete(pod, "status")
	return pod
}

func without(object map[string]any, keys []string) {
	for _, key := range keys {
		delete(object, key)
	}
}
