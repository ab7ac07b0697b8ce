// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// SQLDialect names the grammar of an SQL runtime.
// +kubebuilder:validation:Enum=PostgreSQL;MySQL
type SQLDialect string

// The dialects that the gate reads.
const (
	PostgreSQL SQLDialect = "PostgreSQL"
	MySQL      SQLDialect = "MySQL"
)

// Language names a language that the gate may be asked to read.
// +kubebuilder:validation:Enum=Python;Bash;JavaScript;TypeScript;SQL
type Language string

// The closed set of languages. Anything else is refused by the schema and denied by the gate.
const (
	Python     Language = "Python"
	Bash       Language = "Bash"
	JavaScript Language = "JavaScript"
	TypeScript Language = "TypeScript"
	SQL        Language = "SQL"
)

// Trust says how far an input's content may steer the code. The order is Untrusted < Internal < Trusted; anything else is Untrusted.
// +kubebuilder:validation:Enum=Trusted;Internal;Untrusted
type Trust string

const (
	// Trusted content was vouched for by somebody who holds the verb "vouch" on the policy.
	Trusted Trust = "Trusted"
	// Internal content comes from within the organisation, unreviewed. Only a User's or Operator's content is Internal on the requester's word.
	Internal Trust = "Internal"
	// Untrusted content may have been written by an attacker. It is the trust of everything without provenance.
	Untrusted Trust = "Untrusted"
)

// Origin says where an input came from.
// +kubebuilder:validation:Enum=User;Retrieved;Tool;Agent;Memory;Operator
type Origin string

// The closed set of origins.
const (
	OriginUser      Origin = "User"
	OriginRetrieved Origin = "Retrieved"
	OriginTool      Origin = "Tool"
	OriginAgent     Origin = "Agent"
	OriginMemory    Origin = "Memory"
	OriginOperator  Origin = "Operator"
)

// Decision is what the gate and the policy say about a request. The zero value and every unknown value deny.
// +kubebuilder:validation:Enum=Allow;RequireApproval;Deny
type Decision string

const (
	// Deny is final: the code does not run.
	Deny Decision = "Deny"
	// RequireApproval means that the code runs only after the people named by the policy agreed.
	RequireApproval Decision = "RequireApproval"
	// Allow means that every operation in the code is on the policy's allowlist.
	Allow Decision = "Allow"
)

// Requester is the authenticated user that created a request. Admission stamps it; what a client sends must match or be absent.
type Requester struct {
	// username is the name that the API server authenticated.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Username string `json:"username,omitempty"`

	// uid is the unique identifier that the authenticator gave, absent for client certificates.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	UID string `json:"uid,omitempty"`

	// groups are the groups that the API server authenticated.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=2048
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	Groups []string `json:"groups,omitempty"`

	// podName is the pod that a bound service account token belongs to.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PodName string `json:"podName,omitempty"`

	// podUID is the UID of that pod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	PodUID string `json:"podUID,omitempty"`
}

// Agent describes the AI agent, as it describes itself. These are claims: they are recorded and shown, and decide nothing.
type Agent struct {
	// name of the agent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Name string `json:"name,omitempty"`

	// model that wrote the code.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Model string `json:"model,omitempty"`

	// session identifies the conversation.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Session string `json:"session,omitempty"`

	// invocation identifies the tool call within the session.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Invocation string `json:"invocation,omitempty"`
}

// Code is the program to run, carried whole.
// +kubebuilder:validation:XValidation:rule="self.language == 'SQL' || !has(self.dialect)",message="dialect applies to SQL only"
type Code struct {
	// language that the source is written in. The gate reads it with that language's grammar; it does not guess.
	// +required
	Language Language `json:"language,omitempty"`

	// dialect of SQL, only for language SQL. It has to be the one that the policy's runtime executes, which it is when left out.
	// +optional
	Dialect SQLDialect `json:"dialect,omitempty"`

	// source is the program text, 1 to 250,000 characters. These bytes are judged, and exactly these bytes run.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=250000
	Source string `json:"source,omitempty"`
}

// EnvVar is one environment variable of the sandboxed process. The policy lists the names that requests may set.
type EnvVar struct {
	// name of the variable.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name,omitempty"`

	// value of the variable, at most 4,096 characters. It is data, never expanded.
	// +required
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=4096
	Value *string `json:"value,omitempty"`
}

// ConfigMapKey names one key of a ConfigMap in the request's namespace.
type ConfigMapKey struct {
	// name of the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key within the ConfigMap.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Input is content that drove the code or that the code reads. With configMapRef it is mounted read-only at /inputs/<name>;
// without, it only tells provenance (a prompt, a ticket, a web page).
// +kubebuilder:validation:XValidation:rule="!has(self.attestation) || (has(self.digest) && has(self.configMapRef))",message="an attestation is about content: give configMapRef and its digest"
type Input struct {
	// name of the input, also its file name below /inputs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`
	Name string `json:"name,omitempty"`

	// origin says where the content came from.
	// +required
	Origin Origin `json:"origin,omitempty"`

	// trust claimed for the content; the policy may lower it by origin. Claiming Trusted, or Internal for an origin other than User and Operator, needs the verb "vouch" on the policy.
	// +required
	Trust Trust `json:"trust,omitempty"`

	// digest of the content as sha256:<64 hex digits>. Where it is given, content that does not match is refused.
	// +optional
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	Digest string `json:"digest,omitempty"`

	// configMapRef names the content. Absent for inputs that only tell provenance.
	// +optional
	ConfigMapRef *ConfigMapKey `json:"configMapRef,omitempty"`

	// attestation is a signed statement about the content: a DSSE envelope in JSON around an in-toto Statement v1 whose subject has the content's SHA-256. Where an attestor of the policy signed it, the input has that attestor's trust.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	Attestation string `json:"attestation,omitempty"`
}

// EgressTarget is one destination: a DNS name and a TCP port.
type EgressTarget struct {
	// host is a lower-case DNS name with at least two labels. Addresses and wildcards are not accepted.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
	Host string `json:"host,omitempty"`

	// port is the TCP port.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
}

// Limits bound one execution. In a request they are what it asks for, in a policy the maxima.
// +kubebuilder:validation:MinProperties=1
type Limits struct {
	// timeoutSeconds is the wall-clock time that the code may run, in seconds.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`

	// cpu limit, for example 500m.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// memory limit, for example 512Mi. It also bounds the writable workspace.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}
