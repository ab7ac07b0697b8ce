// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Runtime is the image and command that run one language.
// +kubebuilder:validation:XValidation:rule="has(self.dialect) == (self.language == 'SQL')",message="an SQL runtime declares the dialect that it executes, and no other runtime has one"
// +kubebuilder:validation:XValidation:rule="self.language != 'Python' || has(self.inventory)",message="a Python runtime names the inventory of its image, which the label dev.airlock.inventory holds: the gate has to know the same libraries"
type Runtime struct {
	// language that this runtime runs.
	// +required
	Language Language `json:"language,omitempty"`

	// image by digest: name@sha256:<64 hex digits>. Tags are not accepted, because what a tag means can change after the verdict.
	// +required
	// +kubebuilder:validation:MinLength=73
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[a-f0-9]{64}$`
	Image string `json:"image,omitempty"`

	// dialect of SQL that the image executes. The gate reads SQL in this dialect and no other.
	// +optional
	Dialect SQLDialect `json:"dialect,omitempty"`

	// inventory is the digest of the interpreter and the libraries in the image, as its label dev.airlock.inventory gives it. Code that the gate read with tables of other libraries is denied.
	// +optional
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	Inventory string `json:"inventory,omitempty"`

	// command is the interpreter with its flags; the path of the code and the request's args are appended.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Command []string `json:"command,omitempty"`
}

// OperationKind is a kind of operation whose argument may stay unresolved.
// +kubebuilder:validation:Enum=FileRead;FileWrite;FileDelete;Network;Process;SQL;Environment
type OperationKind string

// Paths match file operations by absolute path. "*" stands for one path segment or a part of it, "**" for any number of segments.
// +kubebuilder:validation:MinProperties=1
type Paths struct {
	// read matches files that are read.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^/`
	Read []string `json:"read,omitempty"`

	// write matches files that are created or changed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^/`
	Write []string `json:"write,omitempty"`

	// delete matches files that are deleted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^/`
	Delete []string `json:"delete,omitempty"`
}

// Command matches a command by its name and, where given, its first arguments.
type Command struct {
	// name of the program as the code gives it, for example git. Globs are not accepted.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// args must be equal to the first arguments of the command, all of them literals in the code.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Args []string `json:"args,omitempty"`
}

// SQLOperation matches SQL statements.
type SQLOperation struct {
	// verbs such as SELECT or INSERT, in capitals.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[A-Z]+( [A-Z]+)*$`
	Verbs []string `json:"verbs,omitempty"`

	// tables as schema.table, or as table alone for statements that name no schema; "*" stands for one name. A statement that touches no table, such as SELECT 1, is matched by its verb.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Tables []string `json:"tables,omitempty"`
}

// OperationRule matches operations that the gate found. An operation is matched when any one entry of the rule matches it.
// +kubebuilder:validation:MinProperties=1
type OperationRule struct {
	// description says why the rule stands, for the people who read a verdict.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Description string `json:"description,omitempty"`

	// imports matches modules, with all their effect-free names: "pandas" matches pandas and pandas.*, and "*" alone every module that the gate knows. Effects (files, network, processes) need an entry of their own. The effect-free builtins of a language that has a runtime need none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Imports []string `json:"imports,omitempty"`

	// calls matches operations by their resolved name, for example os.getpid or logging.*, whatever their kind and arguments. "*" stands for one part of a dotted name, "**" for any number. Nothing matches code that is computed at run time, and what the gate cannot prove is matched under requireApproval only.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Calls []string `json:"calls,omitempty"`

	// paths matches file operations.
	// +optional
	Paths *Paths `json:"paths,omitempty"`

	// hosts matches network operations by host, or host:port; "*" stands for one DNS label, "**" for any host.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=260
	Hosts []string `json:"hosts,omitempty"`

	// commands matches processes that the code starts.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Commands []Command `json:"commands,omitempty"`

	// sql matches SQL statements by verb and table.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	SQL []SQLOperation `json:"sql,omitempty"`

	// environment matches environment variables that the code reads or sets, by name; "*" stands for any part of a name.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Environment []string `json:"environment,omitempty"`

	// unresolved matches operations of these kinds whose path, host, command, statement or variable cannot be read off the code.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Unresolved []OperationKind `json:"unresolved,omitempty"`
}

// OperationRules decide about operations: allow < requireApproval < deny. What no rule matches is denied.
type OperationRules struct {
	// allow lists the operations that run without asking anybody.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Allow []OperationRule `json:"allow,omitempty"` //nolint:kubeapilinter // MinProperties=1 on the rule keeps its items apart.

	// requireApproval lists the operations that people have to agree to. It outweighs allow.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	RequireApproval []OperationRule `json:"requireApproval,omitempty"` //nolint:kubeapilinter // MinProperties=1 on the rule keeps its items apart.
}

// ApprovalTerms say how many people have to agree, and for how long they may.
// +kubebuilder:validation:MinProperties=1
type ApprovalTerms struct {
	// required is the number of different approvers who have to agree.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Required int32 `json:"required,omitempty"`

	// ttlSeconds is how long an Approval stays open, in seconds.
	// +optional
	// +default=3600
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	TTLSeconds int32 `json:"ttlSeconds,omitempty"`

	// serviceAccounts says whether service accounts may approve.
	// +optional
	// +default="Forbidden"
	ServiceAccounts ServiceAccountApprovers `json:"serviceAccounts,omitempty"`
}

// SecretKey names one key of a Secret in the operator's namespace.
type SecretKey struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key within the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Credential is a secret that requests may name. The sandbox gets a copy at /credentials/<name> that is deleted when the run ends.
type Credential struct {
	// name by which requests ask for it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// secretKeyRef is where the value is kept.
	// +required
	SecretKeyRef SecretKey `json:"secretKeyRef,omitzero"`
}

// KyvernoRules selects organisation rules that can only tighten the verdict.
type KyvernoRules struct {
	// selector chooses ValidatingPolicies by label.
	// +required
	Selector metav1.LabelSelector `json:"selector,omitzero"` //nolint:kubeapilinter // Kubernetes' own type, whose empty value selects everything.
}

// Example is a piece of code whose verdict is known. A policy that judges one of its examples otherwise is not Ready.
type Example struct {
	// name of the example, in words.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// language of the code.
	// +required
	Language Language `json:"language,omitempty"`

	// code to judge.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Code string `json:"code,omitempty"`

	// trust of the input that drove the code.
	// +required
	Trust Trust `json:"trust,omitempty"`

	// expect is the decision that the policy must come to.
	// +required
	Expect Decision `json:"expect,omitempty"`
}

// ExecutionPolicySpec is what an administrator allows.
type ExecutionPolicySpec struct {
	// description says whom and what the policy is for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`

	// runtimes are the languages that may run, with image and command. A language without a runtime is denied.
	// +required
	// +listType=map
	// +listMapKey=language
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Runtimes []Runtime `json:"runtimes,omitempty"`

	OperationRules `json:",inline"`

	// untrusted replaces allow and requireApproval for code that untrusted content drove. Absent: such code is denied.
	// +optional
	Untrusted *OperationRules `json:"untrusted,omitempty"`

	// approval sets the terms of approvals.
	// +optional
	// +default={"required":1}
	Approval ApprovalTerms `json:"approval,omitzero"`

	// env lists the names of environment variables that requests may set. None by default.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Env []string `json:"env,omitempty"`

	// egress lists the destinations that requests may name. None by default.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials lists the secrets that requests may name. None by default.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Credentials []Credential `json:"credentials,omitempty"`

	// limits are the maxima, and what a request gets that asks for nothing.
	// +required
	Limits Limits `json:"limits,omitzero"`

	// runtimeClassName is the RuntimeClass of the sandboxes, for example gvisor.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName,omitempty"`

	// kyverno selects organisation rules. This version does not evaluate them: a policy that selects any is not Ready and judges nothing.
	// +optional
	Kyverno *KyvernoRules `json:"kyverno,omitempty"`

	// examples are judged when the policy is loaded; one wrong verdict and the policy is not Ready.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Examples []Example `json:"examples,omitempty"`
}

// ExecutionPolicyStatus says whether the policy can judge.
// +kubebuilder:validation:MinProperties=1
type ExecutionPolicyStatus struct {
	// conditions hold Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// digest of the policy that was checked.
	// +optional
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`
}

// ExecutionPolicy says which code may run, what needs approval and what it gets. Everything else is denied.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=xpol,categories=airlock
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Languages",type=string,JSONPath=`.spec.runtimes[*].language`
// +kubebuilder:printcolumn:name="Approvers",type=integer,JSONPath=`.spec.approval.required`
// +kubebuilder:printcolumn:name="Description",type=string,JSONPath=`.spec.description`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ExecutionPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is allowed.
	// +required
	Spec ExecutionPolicySpec `json:"spec,omitzero"`

	// status says whether the policy can judge.
	// +optional
	Status ExecutionPolicyStatus `json:"status,omitzero"`
}

// ExecutionPolicyList is a list of ExecutionPolicies.
// +kubebuilder:object:root=true
type ExecutionPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ExecutionPolicy `json:"items"`
}
