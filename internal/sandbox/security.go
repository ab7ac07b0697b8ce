// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// ownBytes is room for what the sandbox itself stores: the runner, the code, the
// inputs and the container's log.
const ownBytes = 64 << 20

// podSecurity and containerSecurity are Pod Security "restricted" and more: a
// fixed user, no group of the image's, a read-only root.
func podSecurity() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot: new(true),
		RunAsUser:    new(int64(userID)),
		RunAsGroup:   new(int64(userID)),
		FSGroup:      new(int64(userID)),
		// The image's /etc/group could put the user into any group otherwise.
		SupplementalGroupsPolicy: new(corev1.SupplementalGroupsPolicyStrict),
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		Privileged:               new(false),
		ReadOnlyRootFilesystem:   new(true),
		RunAsNonRoot:             new(true),
		RunAsUser:                new(int64(userID)),
		RunAsGroup:               new(int64(userID)),
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// resources requests exactly what it limits: a sandbox never lives on what
// another workload leaves over.
func resources(l v1alpha1.Limits) corev1.ResourceRequirements {
	list := corev1.ResourceList{
		corev1.ResourceCPU:              l.CPU.DeepCopy(),
		corev1.ResourceMemory:           l.Memory.DeepCopy(),
		corev1.ResourceEphemeralStorage: *bytes(l.Memory.Value() + tmpBytes + ownBytes),
	}
	return corev1.ResourceRequirements{Limits: list, Requests: list.DeepCopy()}
}

func bytes(n int64) *resource.Quantity { return resource.NewQuantity(n, resource.BinarySI) }
