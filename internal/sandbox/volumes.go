// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

const (
	volumeAirlock      = "airlock"
	volumeSource       = "source"
	volumeInputs       = "inputs"
	volumeInputsSource = "inputs-source"
	volumeCredentials  = "credentials"
	volumeWorkspace    = "workspace"
	volumeTmp          = "tmp"

	airlockBytes = 32 << 20 // the runner and the code
	inputsBytes  = 4 << 20  // a ConfigMap holds 1 MiB
	tmpBytes     = 64 << 20
)

// volumes returns the closed set of volumes. "source" and "inputs-source" are
// what arrived; "airlock" and "inputs" are what was verified. The
// workspace is as large as the memory limit.
func volumes(p Params) []corev1.Volume {
	vs := []corev1.Volume{
		emptyDir(volumeAirlock, airlockBytes),
		{Name: volumeSource, VolumeSource: codeSource(p)},
		emptyDir(volumeWorkspace, p.Limits.Memory.Value()),
		emptyDir(volumeTmp, tmpBytes),
	}
	if len(p.mountedInputs()) > 0 {
		vs = append(vs, emptyDir(volumeInputs, inputsBytes), corev1.Volume{
			Name:         volumeInputsSource,
			VolumeSource: fromConfigMap(InputsName(p.Request.UID), p.mountedInputs()),
		})
	}
	if len(p.Request.Spec.Credentials) > 0 {
		vs = append(vs, corev1.Volume{
			Name: volumeCredentials,
			VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName:  CredentialsName(p.Request.UID),
				Items:       keys(p.Request.Spec.Credentials),
				DefaultMode: new(int32(0o440)),
			}},
		})
	}
	return vs
}

func emptyDir(name string, size int64) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: bytes(size)},
	}}
}

// codeSource is where the code arrives from.
func codeSource(p Params) corev1.VolumeSource {
	if len(p.Request.Spec.Code.Source) > InlineCodeBytes {
		return fromConfigMap(CodeName(p.Request.UID), []string{sourceFile})
	}
	return corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		DefaultMode: new(int32(0o444)),
		Items: []corev1.DownwardAPIVolumeFile{{
			Path:     sourceFile,
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: fmt.Sprintf("metadata.annotations['%s']", AnnotationCode)},
		}},
	}}
}

// fromConfigMap mounts the named keys only, and all of them or none.
func fromConfigMap(name string, names []string) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name},
		Items:                keys(names),
		DefaultMode:          new(int32(0o444)),
	}}
}

func keys(names []string) []corev1.KeyToPath {
	items := make([]corev1.KeyToPath, 0, len(names))
	for _, name := range names {
		items = append(items, corev1.KeyToPath{Key: name, Path: name})
	}
	return items
}

// prepareMounts are the only mounts that can write what the sandbox executes.
func prepareMounts(p Params) []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{
		{Name: volumeAirlock, MountPath: preparedPath},
		{Name: volumeSource, MountPath: sourcePath, ReadOnly: true},
	}
	if len(p.mountedInputs()) > 0 {
		mounts = append(mounts,
			corev1.VolumeMount{Name: volumeInputs, MountPath: InputsPath},
			corev1.VolumeMount{Name: volumeInputsSource, MountPath: inputsSourcePath, ReadOnly: true})
	}
	return mounts
}

// sandboxMounts can write to the workspace and /tmp only.
func sandboxMounts(p Params) []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{
		{Name: volumeAirlock, MountPath: airlockPath, ReadOnly: true},
		{Name: volumeWorkspace, MountPath: WorkspacePath},
		{Name: volumeTmp, MountPath: tmpPath},
	}
	if len(p.mountedInputs()) > 0 {
		mounts = append(mounts, corev1.VolumeMount{Name: volumeInputs, MountPath: InputsPath, ReadOnly: true})
	}
	if len(p.Request.Spec.Credentials) > 0 {
		mounts = append(mounts, corev1.VolumeMount{Name: volumeCredentials, MountPath: CredentialsPath, ReadOnly: true})
	}
	return mounts
}
