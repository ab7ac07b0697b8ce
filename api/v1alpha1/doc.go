// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the four kinds of the airlock.dev API group: ExecutionRequest (what an agent asks to run),
// Approval (what people decide about it), ExecutionGrant (an approval that is remembered) and ExecutionPolicy (what
// administrators allow).
//
// +kubebuilder:object:generate=true
// +groupName=airlock.dev
package v1alpha1
