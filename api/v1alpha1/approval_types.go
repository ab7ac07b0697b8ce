// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ApprovalVerdict is what one approver says.
// +kubebuilder:validation:Enum=Approved;Denied;Revoked
type ApprovalVerdict string

// The closed set of approval verdicts. Only Approved counts towards the quorum; one Denied ends the request.
const (
	Approved ApprovalVerdict = "Approved"
	Denied   ApprovalVerdict = "Denied"
	Revoked  ApprovalVerdict = "Revoked"
)

// ServiceAccountApprovers says whether service accounts may approve.
// +kubebuilder:validation:Enum=Forbidden;Allowed
type ServiceAccountApprovers string

const (
	// ServiceAccountsForbidden is the default: people approve.
	ServiceAccountsForbidden ServiceAccountApprovers = "Forbidden"
	// ServiceAccountsAllowed lets a service account with the verb "approve" decide.
	ServiceAccountsAllowed ServiceAccountApprovers = "Allowed"
)

// RequestRef identifies one ExecutionRequest in the Approval's namespace.
type RequestRef struct {
	// name of the ExecutionRequest.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid of the ExecutionRequest, so that a later request of the same name cannot use the approval.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid,omitempty"`
}

// ObjectRef identifies one object in the same namespace for all time.
type ObjectRef struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// uid of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid,omitempty"`
}

// Subject is what is being approved, whole: an approver judges from it without looking anywhere else.
type Subject struct {
	// requestRef is the request.
	// +required
	RequestRef RequestRef `json:"requestRef,omitzero"`

	// policyName is the policy that asked for approval. Approvers need the RBAC verb "approve" on it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// envelopeDigest binds the approval to exactly what was judged.
	// +required
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	EnvelopeDigest string `json:"envelopeDigest,omitempty"`

	// requester is who asked, as the API server authenticated it.
	// +required
	Requester Requester `json:"requester,omitzero"`

	// agent is what the agent says of itself.
	// +optional
	Agent *Agent `json:"agent,omitempty"`

	// task is the intent in the requester's words.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Task string `json:"task,omitempty"`

	// verdict of the gate, with the findings that need a person.
	// +required
	Verdict Verdict `json:"verdict,omitzero"`

	// code is the full program.
	// +required
	Code Code `json:"code,omitzero"`

	// args are passed to the program.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// env is set for the program.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Env []EnvVar `json:"env,omitempty"`

	// inputs with their origin and trust, and the digests of their content.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Inputs []Input `json:"inputs,omitempty"`

	// egress that the program gets.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials that the program gets.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Credentials []string `json:"credentials,omitempty"`

	// limits that the program gets.
	// +required
	Limits Limits `json:"limits,omitzero"`

	// changes is the unified diff from the code that was last approved and used for this requester, agent and policy. Its last line says where it was cut off. Absent where there is no such code, or no difference.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	Changes string `json:"changes,omitempty"`

	// changesFrom is the request whose code the changes start from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ChangesFrom string `json:"changesFrom,omitempty"`
}

// Narrowing is what is taken away from a request. What is left runs; nothing can be added.
// +kubebuilder:validation:MinProperties=1
type Narrowing struct {
	// egress destinations that the program does not get.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials that the program does not get.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Credentials []string `json:"credentials,omitempty"`
}

// Remembrance lets later requests for the same operations run without asking again, as an ExecutionGrant.
type Remembrance struct {
	// uses is how many later requests the decision may cover.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Uses int32 `json:"uses,omitempty"`

	// ttlSeconds is how long the decision is remembered after it was used for the first time, in seconds.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	TTLSeconds int32 `json:"ttlSeconds,omitempty"`
}

// DecisionInbox is what an approver patches. Admission moves it to decisions under the approver's authenticated name.
type DecisionInbox struct {
	// verdict is Approved, Denied or Revoked.
	// +required
	Verdict ApprovalVerdict `json:"verdict,omitempty"`

	// reason in the approver's words.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=1024
	Reason *string `json:"reason,omitempty"`

	// without takes egress and credentials away from what is approved. It names only what the subject names, and stands with Approved only.
	// +optional
	Without *Narrowing `json:"without,omitempty"`

	// remember has later requests for the same operations run without asking again, within spec.grants. It stands with Approved only, and counts where everybody whose approval counts remembers too.
	// +optional
	Remember *Remembrance `json:"remember,omitempty"`
}

// ApproverDecision is one approver's decision as admission recorded it.
type ApproverDecision struct {
	// approver is the username that the API server authenticated.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Approver string `json:"approver,omitempty"`

	// uid of the approver where the authenticator gives one.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=256
	UID *string `json:"uid,omitempty"`

	// verdict is Approved, Denied or Revoked.
	// +required
	Verdict ApprovalVerdict `json:"verdict,omitempty"`

	// reason in the approver's words.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=1024
	Reason *string `json:"reason,omitempty"`

	// without is the egress and the credentials that this approver took away. What runs lacks what any approver took away.
	// +optional
	Without *Narrowing `json:"without,omitempty"`

	// remember says for how many later requests, and for how long, this approver does not want to be asked again.
	// +optional
	Remember *Remembrance `json:"remember,omitempty"`

	// decidedAt is the API server's time of the decision. Advisory: expiry is checked again at launch.
	// +optional
	DecidedAt *metav1.Time `json:"decidedAt,omitempty"`
}

// ApprovalSpec holds what is asked, on which terms, and the decisions. Only decisions change after creation.
// +kubebuilder:validation:XValidation:rule="self.subject == oldSelf.subject && self.required == oldSelf.required && self.serviceAccounts == oldSelf.serviceAccounts && self.expiresAt == oldSelf.expiresAt",message="only a decision may be added: everything else in an Approval is immutable"
// +kubebuilder:validation:XValidation:rule="has(self.checkers) == has(oldSelf.checkers) && (!has(self.checkers) || self.checkers == oldSelf.checkers) && has(self.grants) == has(oldSelf.grants) && (!has(self.grants) || self.grants == oldSelf.grants)",message="only a decision may be added: checkers and grants of an Approval are immutable"
// +kubebuilder:validation:XValidation:rule="!has(self.decision)",message="spec.decision was not recorded: MutatingAdmissionPolicy airlock-approval-decide is not active"
type ApprovalSpec struct {
	// subject is what is being approved.
	// +required
	Subject Subject `json:"subject,omitzero"`

	// required is the number of different approvers who have to agree. Checkers do not count.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Required int32 `json:"required,omitempty"`

	// serviceAccounts says whether service accounts may approve.
	// +required
	ServiceAccounts ServiceAccountApprovers `json:"serviceAccounts,omitempty"`

	// checkers are the usernames of the service accounts that all have to approve, in addition to the required approvers. They may decide though serviceAccounts is Forbidden.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	Checkers []string `json:"checkers,omitempty"`

	// grants bound what approvers may have remembered. Absent: nothing.
	// +optional
	Grants *GrantTerms `json:"grants,omitempty"`

	// expiresAt ends the approval; decisions after it are refused, and the request is denied.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt,omitzero"` //nolint:kubeapilinter // A string in JSON: it has no empty object to tell apart.

	// decision is the inbox: patch it to decide. It is never stored.
	// +optional
	Decision *DecisionInbox `json:"decision,omitempty"`

	// decisions are the recorded decisions, one for each approver.
	// +optional
	// +listType=map
	// +listMapKey=approver
	// +kubebuilder:validation:MaxItems=32
	Decisions []ApproverDecision `json:"decisions,omitempty"`
}

// ApprovalState sums the decisions up.
// +kubebuilder:validation:Enum=Pending;Approved;Denied;Expired;Consumed;Withdrawn
type ApprovalState string

const (
	// ApprovalPending: more decisions are needed.
	ApprovalPending ApprovalState = "Pending"
	// ApprovalApproved: enough approvers agreed; the launch has not used it yet.
	ApprovalApproved ApprovalState = "Approved"
	// ApprovalDenied: an approver said no. Final.
	ApprovalDenied ApprovalState = "Denied"
	// ApprovalExpired: expiresAt passed before enough approvers agreed. Final.
	ApprovalExpired ApprovalState = "Expired"
	// ApprovalConsumed: one launch used it. Final; it cannot be used again, and not be revoked any more.
	ApprovalConsumed ApprovalState = "Consumed"
	// ApprovalWithdrawn: the request ended or went away for another reason, so that there is nothing left to decide. Final.
	ApprovalWithdrawn ApprovalState = "Withdrawn"
)

// ApprovalStatus is the operator's count of the decisions.
// +kubebuilder:validation:MinProperties=1
type ApprovalStatus struct {
	// state sums the decisions up.
	// +optional
	State ApprovalState `json:"state,omitempty"`

	// tally is the number of valid approvals, as "1/2".
	// +optional
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=8
	Tally string `json:"tally,omitempty"`

	// message says what it waits for or why it ended.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// grantRef is the ExecutionGrant that came of this approval. Only the grant with this UID is one.
	// +optional
	GrantRef *ObjectRef `json:"grantRef,omitempty"`
}

// Approval asks people to decide on one ExecutionRequest. The operator creates it; approvers patch spec.decision.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=appr,categories=airlock
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Approvals",type=string,JSONPath=`.status.tally`
// +kubebuilder:printcolumn:name="Request",type=string,JSONPath=`.spec.subject.requestRef.name`
// +kubebuilder:printcolumn:name="Requester",type=string,JSONPath=`.spec.subject.requester.username`
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.subject.policyName`
// +kubebuilder:printcolumn:name="Decided-By",type=string,JSONPath=`.spec.decisions[*].approver`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Task",type=string,JSONPath=`.spec.subject.task`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Approval struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is asked and what was decided.
	// +required
	Spec ApprovalSpec `json:"spec,omitzero"`

	// status is the operator's count.
	// +optional
	Status ApprovalStatus `json:"status,omitzero"`
}

// ApprovalList is a list of Approvals.
// +kubebuilder:object:root=true
type ApprovalList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Approval `json:"items"`
}
