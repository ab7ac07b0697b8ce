// SPDX-License-Identifier: Apache-2.0

package audit

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Details is what a record says beyond OCSF. One member is set, by type.
type Details struct {
	Submitted *SubmittedDetails `json:"submitted,omitempty"`
	Judged    *JudgedDetails    `json:"judged,omitempty"`
	Asked     *AskedDetails     `json:"asked,omitempty"`
	Decided   *DecidedDetails   `json:"decided,omitempty"`
	Launch    *LaunchDetails    `json:"launch,omitempty"`
	Observed  *ObservedDetails  `json:"observed,omitempty"`
	End       *EndDetails       `json:"end,omitempty"`
	Policy    *PolicyDetails    `json:"policy,omitempty"`
	Preflight *PreflightDetails `json:"preflight,omitempty"`
}

// SubmittedDetails is what was asked for. Values of environment variables are
// left out: people put tokens there. The envelope digest binds them.
type SubmittedDetails struct {
	PolicyName  string                  `json:"policyName"`
	Mode        v1alpha1.Mode           `json:"mode,omitempty"`
	Dialect     v1alpha1.SQLDialect     `json:"dialect,omitempty"`
	Task        string                  `json:"task,omitempty"`
	Agent       *v1alpha1.Agent         `json:"agent,omitempty"`
	ArgsSHA256  string                  `json:"argsSHA256,omitempty"`
	Args        []string                `json:"args,omitempty"`
	EnvNames    []string                `json:"envNames,omitempty"`
	Inputs      []Input                 `json:"inputs,omitempty"`
	Egress      []v1alpha1.EgressTarget `json:"egress,omitempty"`
	Credentials []string                `json:"credentials,omitempty"`
	GroupsTotal int                     `json:"groupsTotal,omitempty"`
}

// Input is the provenance of one input.
type Input struct {
	Name   string          `json:"name"`
	Origin v1alpha1.Origin `json:"origin"`
	Trust  v1alpha1.Trust  `json:"trust"`
	// Digest of the content that is mounted; in a submission, the one that the request claims.
	Digest string `json:"digest,omitempty"`
}

// JudgedDetails is the verdict.
type JudgedDetails struct {
	Decision     v1alpha1.Decision `json:"decision"`
	Approvals    int32             `json:"approvals,omitempty"`
	Trust        v1alpha1.Trust    `json:"trust"`
	DecidedBy    string            `json:"decidedBy,omitempty"`
	TrustReason  string            `json:"trustReason,omitempty"`
	PolicyName   string            `json:"policyName"`
	PolicyDigest string            `json:"policyDigest,omitempty"`
	// ReportDigest is of the gate's report in canonical JSON; absent where the
	// record was made after the report was forgotten.
	ReportDigest   string             `json:"reportDigest,omitempty"`
	EnvelopeDigest string             `json:"envelopeDigest,omitempty"`
	Inputs         []Input            `json:"inputs,omitempty"`
	Findings       []v1alpha1.Finding `json:"findings,omitempty"`
	FindingsTotal  *int32             `json:"findingsTotal,omitempty"`
}

// AskedDetails is what people were asked.
type AskedDetails struct {
	Approval       ApprovalRef `json:"approval"`
	Required       int32       `json:"required"`
	Checkers       []string    `json:"checkers,omitempty"`
	ExpiresAt      metav1.Time `json:"expiresAt"`
	EnvelopeDigest string      `json:"envelopeDigest"`
}

// ApprovalRef identifies an Approval.
type ApprovalRef struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// DecidedDetails is one decision, as admission recorded it.
type DecidedDetails struct {
	Approval       ApprovalRef               `json:"approval"`
	EnvelopeDigest string                    `json:"envelopeDigest"`
	Decision       v1alpha1.ApproverDecision `json:"decision"`
}

// LaunchDetails is what is about to run.
type LaunchDetails struct {
	EnvelopeDigest string `json:"envelopeDigest"`
	Pod            PodRef `json:"pod"`
	// Approval is the one that the launch used up, absent where none was needed.
	Approval *ApprovalRef `json:"approval,omitempty"`
	// GrantName is the grant that stood in for an approval.
	GrantName string `json:"grantName,omitempty"`
	// Egress and Credentials are what the pod gets, Dropped what approvers took away.
	Egress      []v1alpha1.EgressTarget `json:"egress,omitempty"`
	Credentials []string                `json:"credentials,omitempty"`
	Dropped     *v1alpha1.Narrowing     `json:"dropped,omitempty"`
}

// PodRef identifies a pod and its content.
type PodRef struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
	// Digest of the pod as PodDigest defines it: as asked for in a launch, as
	// admitted in an observation.
	Digest string   `json:"digest,omitempty"`
	Images []string `json:"images,omitempty"`
}

// ObservedDetails is the pod as the API server admitted it.
type ObservedDetails struct {
	EnvelopeDigest string `json:"envelopeDigest,omitempty"`
	Pod            PodRef `json:"pod"`
}

// EndDetails is how a request ended. What the code printed is named by digest
// and not quoted: it may be a credential that the code was given.
type EndDetails struct {
	State          v1alpha1.RequestState `json:"state,omitempty"`
	Reason         string                `json:"reason"`
	EnvelopeDigest string                `json:"envelopeDigest,omitempty"`
	Pod            *PodRef               `json:"pod,omitempty"`
	ExitCode       *int32                `json:"exitCode,omitempty"`
	RunReason      string                `json:"runReason,omitempty"`
	StartedAt      *metav1.Time          `json:"startedAt,omitempty"`
	FinishedAt     *metav1.Time          `json:"finishedAt,omitempty"`
	Stdout         *Stream               `json:"stdout,omitempty"`
	Stderr         *Stream               `json:"stderr,omitempty"`
}

// Stream is what the code wrote to one stream.
type Stream struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// PolicyDetails is a policy's state.
type PolicyDetails struct {
	Digest     string `json:"digest,omitempty"`
	WasDigest  string `json:"wasDigest,omitempty"`
	Ready      string `json:"ready,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Generation int64  `json:"generation,omitempty"`
}

// PreflightDetails lists what is missing.
type PreflightDetails struct {
	Problems []string `json:"problems,omitempty"`
}
