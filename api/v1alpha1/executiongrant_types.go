// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GrantHolder is whom a grant is for.
type GrantHolder struct {
	// username of the requester.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Username string `json:"username,omitempty"`

	// uid of the requester where the authenticator gives one. A requester with another one, or with none, is somebody else.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	UID string `json:"uid,omitempty"`
}

// ExecutionGrantSpec is what approvers gave away: whose later requests, for which operations, run without asking them again.
type ExecutionGrantSpec struct {
	// requester whose requests it covers.
	// +required
	Requester GrantHolder `json:"requester,omitzero"`

	// agentName is the agent that the requests have to name. Absent: they have to name none. It is a claim of the requester's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	AgentName string `json:"agentName,omitempty"`

	// policyName is the policy under which it stands. Whoever holds the RBAC verb "approve" on it may delete the grant.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// policyDigest is the digest of the effective policy under which it stands. Under a changed policy it covers nothing.
	// +required
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	PolicyDigest string `json:"policyDigest,omitempty"`

	// trust of the request that was approved. Requests of less trust are not covered.
	// +required
	Trust Trust `json:"trust,omitempty"`

	// language of the code.
	// +required
	Language Language `json:"language,omitempty"`

	// approvals is the number of people who agreed. Requests that need more are not covered.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	Approvals int32 `json:"approvals,omitempty"`

	// operations that it covers, each with all of its arguments: what the approved request asked people for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=2048
	Operations []string `json:"operations,omitempty"`

	// operationsDigest is the digest of the operations, for comparing grants.
	// +required
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	OperationsDigest string `json:"operationsDigest,omitempty"`

	// egress that covered requests may name, all of it or less.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials that covered requests may name, all of them or fewer.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Credentials []string `json:"credentials,omitempty"`

	// approvers who gave it, checkers included.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	Approvers []string `json:"approvers,omitempty"`

	// approvalRef is the Approval in which they gave it.
	// +required
	ApprovalRef ObjectRef `json:"approvalRef,omitzero"`

	// maxUses is how many requests it covers.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxUses int32 `json:"maxUses,omitempty"`

	// expiresAt ends it.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt,omitzero"` //nolint:kubeapilinter // A string in JSON: it has no empty object to tell apart.
}

// GrantState says whether a grant covers anything.
// +kubebuilder:validation:Enum=Active;UsedUp;Expired
type GrantState string

const (
	// GrantActive: it covers requests. A grant without a state covers none: its Approval is not used yet.
	GrantActive GrantState = "Active"
	// GrantUsedUp: it has covered as many requests as it may. Final.
	GrantUsedUp GrantState = "UsedUp"
	// GrantExpired: its time is over. Final.
	GrantExpired GrantState = "Expired"
)

// GrantUse is one request that a grant covered.
type GrantUse struct {
	// requestUID is the request.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	RequestUID string `json:"requestUID,omitempty"`

	// at is when the use was recorded, before the launch.
	// +required
	At metav1.Time `json:"at,omitzero"` //nolint:kubeapilinter // A string in JSON: it has no empty object to tell apart.
}

// ExecutionGrantStatus is what became of a grant.
// +kubebuilder:validation:MinProperties=1
type ExecutionGrantStatus struct {
	// state is Active while it covers requests.
	// +optional
	State GrantState `json:"state,omitempty"`

	// used is the number of uses and the number of all, as "3/20".
	// +optional
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=16
	Used string `json:"used,omitempty"`

	// uses are the requests that it covered.
	// +optional
	// +listType=map
	// +listMapKey=requestUID
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Uses []GrantUse `json:"uses,omitempty"`
}

// ExecutionGrant is an approval that is remembered: requests of the same requester and agent for the same operations run without asking again. The operator makes it when approvers patched spec.decision.remember; delete it to withdraw it.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=xgrant,categories=airlock
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Used",type=string,JSONPath=`.status.used`
// +kubebuilder:printcolumn:name="Requester",type=string,JSONPath=`.spec.requester.username`
// +kubebuilder:printcolumn:name="Agent",type=string,JSONPath=`.spec.agentName`
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.policyName`
// +kubebuilder:printcolumn:name="Operations",type=string,JSONPath=`.spec.operations`,priority=1
// +kubebuilder:printcolumn:name="Approvers",type=string,JSONPath=`.spec.approvers`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ExecutionGrant struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what was given away. It is immutable.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: delete the ExecutionGrant to withdraw it"
	Spec ExecutionGrantSpec `json:"spec,omitzero"`

	// status counts the uses, written by the operator only.
	// +optional
	Status ExecutionGrantStatus `json:"status,omitzero"`
}

// ExecutionGrantList is a list of ExecutionGrants.
// +kubebuilder:object:root=true
type ExecutionGrantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ExecutionGrant `json:"items"`
}
