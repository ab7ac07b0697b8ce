// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// Leader election.
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=operator,resources=leases,verbs=create;get;patch;update
// +kubebuilder:rbac:groups="",namespace=operator,resources=events,verbs=create;patch

// Scheme returns the kinds that the operator reads and writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, ciliumv2.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("build scheme: %w", err)
		}
	}
	return scheme, nil
}

// CacheOptions keep the cache small: pods and the metadata of ConfigMaps and Secrets of the sandbox namespace only, and no
// code that a pod carries.
func CacheOptions(sandboxNamespace string) cache.Options {
	here := map[string]cache.Config{sandboxNamespace: {}}
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:           {Namespaces: here, Transform: stripCode},
			metadataOf("ConfigMap"): {Namespaces: here},
			metadataOf("Secret"):    {Namespaces: here},
		},
	}
}

func stripCode(obj any) (any, error) {
	if pod, ok := obj.(*corev1.Pod); ok {
		pod.ManagedFields = nil
		delete(pod.Annotations, sandbox.AnnotationCode)
		delete(pod.Annotations, sandbox.AnnotationAsked)
	}
	return obj, nil
}

func metadataOf(kind string) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return obj
}
