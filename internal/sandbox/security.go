// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"crypto/sha256"
	"encoding/binary"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// ownBytes is room for what the sandbox itself stores: the runner, the code, the
// inputs and the container's log.
const ownBytes = 64 << 20

// firstUser starts the range of sandbox users, above what images and nodes use
// and up to the highest that Kubernetes takes.
const firstUser = 1 << 30

// userOf returns the uid and gid of everything in a request's pod; no image needs
// to know it. Each pod has its own, because the kernel counts processes by user
// over the whole node: with a shared one, a limit would let a fork bomb starve
// other sandboxes, and without a limit it starves the node.
func userOf(request types.UID) int64 {
	sum := sha256.Sum256([]byte(request))
	return firstUser + int64(binary.BigEndian.Uint32(sum[:]))%firstUser
}

// podSecurity and containerSecurity are Pod Security "restricted" and more: a
// user of its own, no group of the image's, a read-only root.
func podSecurity(user int64) *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot: new(true),
		RunAsUser:    &user,
		RunAsGroup:   &user,
		FSGroup:      &user,
		// The image's /etc/group could put the user into any group otherwise.
		SupplementalGroupsPolicy: new(corev1.SupplementalGroupsPolicyStrict),
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func containerSecurity(user int64) *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		Privileged:               new(false),
		ReadOnlyRootFilesystem:   new(true),
		RunAsNonRoot:             new(true),
		RunAsUser:                &user,
		RunAsGroup:               &user,
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// maxProcesses is one for each MiB of memory within bounds: a fork bomb is to run
// out of processes before it runs out of memory. Where it fills the memory, the
// kernel is so busy with making room, at the cost of the pod's CPU quota, that
// not even the end of the pod gets a turn for a minute and more.
func maxProcesses(l v1alpha1.Limits) int64 {
	return min(max(l.Memory.Value()>>20, MinProcesses), MaxProcesses)
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
