// SPDX-License-Identifier: Apache-2.0

// Package sandboxtest has ways to change a sandbox pod, for tests that they are noticed.
package sandboxtest

import corev1 "k8s.io/api/core/v1"

// Weakenings are ways to weaken a sandbox pod, by name: those that Pod Security
// "restricted" knows, and those that only the closed set of fields excludes.
func Weakenings() (restricted, more map[string]func(*corev1.Pod)) {
	container := func(edit func(*corev1.Container)) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { edit(&pod.Spec.Containers[0]) }
	}
	prepare := func(edit func(*corev1.Container)) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { edit(&pod.Spec.InitContainers[0]) }
	}
	volume := func(source corev1.VolumeSource) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "x", VolumeSource: source})
		}
	}
	restricted = map[string]func(*corev1.Pod){
		"the node's network":           func(p *corev1.Pod) { p.Spec.HostNetwork = true },
		"the node's processes":         func(p *corev1.Pod) { p.Spec.HostPID = true },
		"the node's IPC":               func(p *corev1.Pod) { p.Spec.HostIPC = true },
		"the node's files":             volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}),
		"a network file system":        volume(corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "x", Path: "/"}}),
		"a port of the node":           container(func(c *corev1.Container) { c.Ports = []corev1.ContainerPort{{HostPort: 80}} }),
		"a privileged container":       container(func(c *corev1.Container) { c.SecurityContext.Privileged = new(true) }),
		"a privileged init container":  prepare(func(c *corev1.Container) { c.SecurityContext.Privileged = new(true) }),
		"setuid binaries":              container(func(c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = new(true) }),
		"setuid binaries by default":   prepare(func(c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = nil }),
		"an added capability":          container(func(c *corev1.Container) { c.SecurityContext.Capabilities.Add = []corev1.Capability{"SYS_PTRACE"} }),
		"the default capabilities":     container(func(c *corev1.Container) { c.SecurityContext.Capabilities = nil }),
		"root":                         container(func(c *corev1.Container) { c.SecurityContext.RunAsUser = new(int64(0)) }),
		"root for the pod":             func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsUser = new(int64(0)) },
		"root permitted":               container(func(c *corev1.Container) { c.SecurityContext.RunAsNonRoot = new(false) }),
		"no seccomp filter":            container(func(c *corev1.Container) { c.SecurityContext.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined }),
		"an unmasked /proc":            container(func(c *corev1.Container) { c.SecurityContext.ProcMount = new(corev1.UnmaskedProcMount) }),
		"an SELinux type of one's own": container(func(c *corev1.Container) { c.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} }),
		"no AppArmor profile": container(func(c *corev1.Container) {
			c.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		}),
		"a kernel parameter": func(p *corev1.Pod) {
			p.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}}
		},
	}
	more = map[string]func(*corev1.Pod){
		"a token":                        func(p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = new(true) },
		"a projected token":              volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}),
		"a persistent volume":            volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "x"}}),
		"an image as volume":             volume(corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "x"}}),
		"addresses of services":          func(p *corev1.Pod) { p.Spec.EnableServiceLinks = new(true) },
		"a lifecycle hook":               container(func(c *corev1.Container) { c.Lifecycle = &corev1.Lifecycle{} }),
		"a probe":                        container(func(c *corev1.Container) { c.LivenessProbe = &corev1.Probe{} }),
		"an open stdin":                  container(func(c *corev1.Container) { c.Stdin = true }),
		"environment from a Secret":      container(func(c *corev1.Container) { c.EnvFrom = []corev1.EnvFromSource{{}} }),
		"an ephemeral container":         func(p *corev1.Pod) { p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{}} },
		"shared processes":               func(p *corev1.Pod) { p.Spec.ShareProcessNamespace = new(true) },
		"a forged host name":             func(p *corev1.Pod) { p.Spec.HostAliases = []corev1.HostAlias{{IP: "10.0.0.1"}} },
		"a toleration of control planes": func(p *corev1.Pod) { p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}} },
		"a chosen node":                  func(p *corev1.Pod) { p.Spec.NodeName = "node-1" },
		"another scheduler":              func(p *corev1.Pod) { p.Spec.SchedulerName = "x" },
		"a priority over others":         func(p *corev1.Pod) { p.Spec.PriorityClassName = "system-node-critical" },
		"devices":                        func(p *corev1.Pod) { p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}} },
		"a sidecar":                      prepare(func(c *corev1.Container) { c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways) }),
	}
	return restricted, more
}
