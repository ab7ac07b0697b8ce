// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of an ExecutionRequest. Each is final once it is True, and once it is False where Finished is set with it.
const (
	// ConditionValidated: True, the code was read and the verdict stands; False, it could not be judged and never will be. Absent: not judged yet.
	ConditionValidated = "Validated"
	// ConditionApproved: True, it needs no approval or has what it needs; False, it waits for people, or was denied. Absent: not judged yet.
	ConditionApproved = "Approved"
	// ConditionLaunched: True, the sandbox pod was created, once; False, the reason says what it waits for. Absent: it is not its turn yet.
	ConditionLaunched = "Launched"
	// ConditionFinished: True, nothing more will happen. Absent: it goes on.
	ConditionFinished = "Finished"
)

// ConditionReady of an ExecutionPolicy: True, it judges requests; False, it refuses all, and the message says why.
const ConditionReady = "Ready"

// Reasons: the closed set.
const (
	// Validated.
	ReasonVerdictReached  = "VerdictReached"
	ReasonInvalid         = "Invalid"
	ReasonPolicyNotFound  = "PolicyNotFound"
	ReasonPolicyNotReady  = "PolicyNotReady"
	ReasonInputNotFound   = "InputNotFound"
	ReasonInputForbidden  = "InputForbidden"
	ReasonInputMismatch   = "InputDigestMismatch"
	ReasonEnvelopeChanged = "EnvelopeChanged"

	// Approved.
	ReasonNotRequired      = "NotRequired"
	ReasonAwaitingApproval = "AwaitingApproval"
	ReasonApproved         = "QuorumReached"
	ReasonGranted          = "Granted"
	ReasonDenied           = "Denied"
	ReasonExpired          = "Expired"
	ReasonApprovalLost     = "ApprovalLost"

	// Launched.
	ReasonPodCreated       = "PodCreated"
	ReasonDryRun           = "DryRun"
	ReasonPreflightFailed  = "PreflightFailed"
	ReasonPodConflict      = "PodConflict"
	ReasonPodRefused       = "PodRefused"
	ReasonPodChanged       = "PodChanged"
	ReasonCredentialAbsent = "CredentialNotFound"
	ReasonAuditUnavailable = "AuditLogUnavailable"

	// Finished.
	ReasonSucceeded        = "Succeeded"
	ReasonFailed           = "Failed"
	ReasonDeadlineExceeded = "DeadlineExceeded"
	ReasonImageUnavailable = "ImageUnavailable"
	ReasonPodLost          = "PodLost"
	ReasonReportInvalid    = "ReportInvalid"
	// ReasonNetworkNotEnforced: the runner could reach what every policy denies, or could not tell; the code did not run.
	ReasonNetworkNotEnforced = "NetworkNotEnforced"

	// Ready of an ExecutionPolicy, and Invalid.
	ReasonExamplesPass      = "ExamplesPass"
	ReasonExampleFails      = "ExampleFails"
	ReasonInventoryMismatch = "InventoryMismatch"
	ReasonRulesUnfit        = "RulesUnfit"
)
