// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is airlock.dev/v1alpha1.
	GroupVersion = schema.GroupVersion{Group: "airlock.dev", Version: "v1alpha1"}

	// SchemeBuilder registers the kinds of this package.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds the kinds of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&ExecutionRequest{}, &ExecutionRequestList{},
		&Approval{}, &ApprovalList{},
		&ExecutionPolicy{}, &ExecutionPolicyList{},
		&ExecutionGrant{}, &ExecutionGrantList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
