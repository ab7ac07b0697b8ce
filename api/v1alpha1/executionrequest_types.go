// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mode says what is done with code that may run.
// +kubebuilder:validation:Enum=Execute;DryRun
type Mode string

const (
	// Execute runs the code when the verdict and the approvals permit it.
	Execute Mode = "Execute"
	// DryRun stops after the verdict: no approval is asked for and nothing runs.
	DryRun Mode = "DryRun"
)

// ExecutionRequestSpec is what an agent asks for. It cannot be changed after creation.
type ExecutionRequestSpec struct {
	// policyName names the ExecutionPolicy that judges the request. The requester needs the RBAC verb "use" on it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// requester is who created the request, stamped at admission. Leave it out.
	// +required
	Requester Requester `json:"requester,omitzero"`

	// agent describes the AI agent that wrote the code. Claims, for the record.
	// +optional
	Agent *Agent `json:"agent,omitempty"`

	// task is the intent in words, at most 4,096 characters, shown to approvers.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Task string `json:"task,omitempty"`

	// code is the program to judge and run.
	// +required
	Code Code `json:"code,omitzero"`

	// args are passed to the program, without a shell.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// env sets environment variables that the policy permits by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Env []EnvVar `json:"env,omitempty"`

	// inputs are the contents that drove the code or that it reads. None means that nothing is known of its origin: Untrusted.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Inputs []Input `json:"inputs,omitempty"`

	// egress names the destinations that the code may reach. Each must be listed by the policy.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials names the policy's credentials that the code needs. They are mounted read-only at /credentials/<name>.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Credentials []string `json:"credentials,omitempty"`

	// limits that the code needs. What is left out takes the policy's maximum; more than the policy's maximum is refused.
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// ttlSecondsAfterFinished deletes the request this many seconds after it finished. Absent: it is kept.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`

	// mode is Execute (the default) or DryRun, which stops after the verdict.
	// +optional
	// +default="Execute"
	Mode Mode `json:"mode,omitempty"`
}

// RequestState sums the conditions up for people. Programs read the conditions.
// +kubebuilder:validation:Enum=Pending;AwaitingApproval;Running;Succeeded;Failed;Denied;Judged
type RequestState string

const (
	// StatePending: not judged or not launched yet; the conditions say what it waits for.
	StatePending RequestState = "Pending"
	// StateAwaitingApproval: people have to decide on status.approvalName.
	StateAwaitingApproval RequestState = "AwaitingApproval"
	// StateRunning: the sandbox pod exists.
	StateRunning RequestState = "Running"
	// StateSucceeded: the code ran and exited with 0.
	StateSucceeded RequestState = "Succeeded"
	// StateFailed: the code ran and did not exit with 0, or could not be run.
	StateFailed RequestState = "Failed"
	// StateDenied: the gate, the policy or an approver said no. Nothing ran.
	StateDenied RequestState = "Denied"
	// StateJudged: a dry run has its verdict. Nothing ran.
	StateJudged RequestState = "Judged"
)

// Finding is one reason why the verdict is not Allow.
type Finding struct {
	// decision that this operation alone would lead to.
	// +required
	Decision Decision `json:"decision,omitempty"`

	// operation is the resolved name of the operation, for example os.remove.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Operation string `json:"operation,omitempty"`

	// reason in one sentence.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason,omitempty"`

	// line in the source, from 1. Absent where the finding concerns the request and not a place in its code.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Line int32 `json:"line,omitempty"`

	// column in that line, from 1, in Unicode code points.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Column int32 `json:"column,omitempty"`

	// snippet is the source at that place, made safe to print.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Snippet string `json:"snippet,omitempty"`
}

// Verdict is what the gate and the policy say about the code.
type Verdict struct {
	// decision is the strictest over all operations.
	// +required
	Decision Decision `json:"decision,omitempty"`

	// approvals is the number of different people who have to agree, the highest that the policy's terms, a matching rule or a credential asks for. Set where the decision is RequireApproval, and only there.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Approvals int32 `json:"approvals,omitempty"`

	// trust is the least trust of all inputs, Untrusted where there are none.
	// +required
	Trust Trust `json:"trust,omitempty"`

	// decidedBy names the input that set the trust.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	DecidedBy string `json:"decidedBy,omitempty"`

	// trustReason says in one sentence why the trust is what it is.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	TrustReason string `json:"trustReason,omitempty"`

	// policyDigest is the digest of the effective policy that judged: the policy and the organisation rules that it selects.
	// +optional
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	PolicyDigest string `json:"policyDigest,omitempty"`

	// findings are the operations that are not simply allowed, the strictest first, at most 32.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Findings []Finding `json:"findings,omitempty"`

	// findingsTotal counts all findings, also those that are not listed.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	FindingsTotal *int32 `json:"findingsTotal,omitempty"`
}

// Output describes what the code wrote to one stream.
type Output struct {
	// sha256 of all bytes, in hex.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`

	// bytes that were written in all.
	// +required
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// tail is the end of the output, made safe to print.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Tail string `json:"tail,omitempty"`

	// truncated is True where tail is not the whole output.
	// +optional
	Truncated *bool `json:"truncated,omitempty"`
}

// Result is how the execution ended.
type Result struct {
	// exitCode of the program.
	// +required
	ExitCode *int32 `json:"exitCode,omitempty"`

	// reason in one word: Completed, DeadlineExceeded, Signaled, OOMKilled, CodeDigestMismatch, InputDigestMismatch, StartFailed, InternalError or what the kubelet said.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// startedAt is when the code was started.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`

	// finishedAt is when the code ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`

	// stdout describes the standard output.
	// +optional
	Stdout *Output `json:"stdout,omitempty"`

	// stderr describes the standard error.
	// +optional
	Stderr *Output `json:"stderr,omitempty"`
}

// AuditState says whether everything that the status tells is in the audit log.
// +kubebuilder:validation:Enum=Recorded;Pending
type AuditState string

const (
	// AuditRecorded: every record up to this status is in the log.
	AuditRecorded AuditState = "Recorded"
	// AuditPending: the log could not be written; the operator appends what is missing when it can.
	AuditPending AuditState = "Pending"
)

// Audit is a request's place in the audit log.
type Audit struct {
	// state is Recorded or Pending.
	// +required
	State AuditState `json:"state,omitempty"`

	// log is the origin of the log, the first line of its checkpoints.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Log string `json:"log,omitempty"`

	// index in the log of the latest record of this request.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Index *int64 `json:"index,omitempty"`

	// approvalGeneration is the generation of the Approval up to which its decisions are recorded.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ApprovalGeneration int64 `json:"approvalGeneration,omitempty"`
}

// ExecutionRequestStatus is what became of a request.
// +kubebuilder:validation:MinProperties=1
type ExecutionRequestStatus struct {
	// conditions are Validated, Approved, Launched and Finished; see the constants for what True, False and absent mean.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// state sums the conditions up for people.
	// +optional
	State RequestState `json:"state,omitempty"`

	// envelopeDigest binds everything that was judged: code, arguments, environment, inputs, image, egress, credentials, limits, policy, requester.
	// +optional
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	EnvelopeDigest string `json:"envelopeDigest,omitempty"`

	// verdict of the gate and the policy.
	// +optional
	Verdict *Verdict `json:"verdict,omitempty"`

	// approvalName names the Approval in the same namespace that people decide on.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ApprovalName string `json:"approvalName,omitempty"`

	// grantName names the ExecutionGrant in the same namespace that stood in for an Approval.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	GrantName string `json:"grantName,omitempty"`

	// dropped is what approvers took away: the pod runs without it, though it was asked for.
	// +optional
	Dropped *Narrowing `json:"dropped,omitempty"`

	// podNamespace is the namespace of the sandbox pod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	PodNamespace string `json:"podNamespace,omitempty"`

	// podName is the sandbox pod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PodName string `json:"podName,omitempty"`

	// result is how the execution ended.
	// +optional
	Result *Result `json:"result,omitempty"`

	// audit says where the request stands in the audit log. Absent: nothing of it is recorded yet.
	// +optional
	Audit *Audit `json:"audit,omitempty"`
}

// ExecutionRequest asks to run a piece of code. The gate reads the code, people approve what is sensitive, and exactly the judged bytes run in a throw-away sandbox.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=exr,categories=airlock
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.verdict.decision`
// +kubebuilder:printcolumn:name="Trust",type=string,JSONPath=`.status.verdict.trust`
// +kubebuilder:printcolumn:name="Exit",type=integer,JSONPath=`.status.result.exitCode`
// +kubebuilder:printcolumn:name="Language",type=string,JSONPath=`.spec.code.language`
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.policyName`
// +kubebuilder:printcolumn:name="Requester",type=string,JSONPath=`.spec.requester.username`
// +kubebuilder:printcolumn:name="Approval",type=string,JSONPath=`.status.approvalName`,priority=1
// +kubebuilder:printcolumn:name="Pod",type=string,JSONPath=`.status.podName`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ExecutionRequest struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is asked for. It is immutable.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: create a new ExecutionRequest"
	Spec ExecutionRequestSpec `json:"spec,omitzero"`

	// status is what became of it, written by the operator only.
	// +optional
	Status ExecutionRequestStatus `json:"status,omitzero"`
}

// ExecutionRequestList is a list of ExecutionRequests.
// +kubebuilder:object:root=true
type ExecutionRequestList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ExecutionRequest `json:"items"`
}
