// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// immutable: what was judged does not change while the pod starts.
var immutable = true

// CodeConfigMap returns the ConfigMap with the program, or nil where it travels
// in the pod's annotation. The channel need not be trusted: the runner verifies
// the bytes.
func CodeConfigMap(p Params) *corev1.ConfigMap {
	source := p.Request.Spec.Code.Source
	if len(source) <= InlineCodeBytes {
		return nil
	}
	return configMap(p, CodeName(p.Request.UID), map[string][]byte{sourceFile: []byte(source)})
}

// InputsConfigMap returns the ConfigMap with the content of the request's
// inputs, by name, or nil where none has content. Content of other names is
// left out.
func InputsConfigMap(p Params, contents map[string][]byte) *corev1.ConfigMap {
	data := named(p.mountedInputs(), contents)
	if data == nil {
		return nil
	}
	return configMap(p, InputsName(p.Request.UID), data)
}

// CredentialsSecret returns the Secret with the values of the credentials that
// the request names, or nil where it names none. Other values are left out.
func CredentialsSecret(p Params, values map[string][]byte) *corev1.Secret {
	data := named(p.Request.Spec.Credentials, values)
	if data == nil {
		return nil
	}
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: objectMeta(p, CredentialsName(p.Request.UID)),
		Type:       corev1.SecretTypeOpaque,
		Immutable:  &immutable,
		Data:       data,
	}
}

func configMap(p Params, name string, data map[string][]byte) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: objectMeta(p, name),
		Immutable:  &immutable,
		BinaryData: data,
	}
}

// named picks the values of the given names; nil where there are no names.
func named(names []string, values map[string][]byte) map[string][]byte {
	if len(names) == 0 {
		return nil
	}
	data := make(map[string][]byte, len(names))
	for _, name := range names {
		data[name] = values[name]
	}
	return data
}
