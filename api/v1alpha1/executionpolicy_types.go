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

// Command matches a command by its name and by every one of its words, all of them literals in the code. An empty word and one
// with a part ".." are matched by no pattern that has a star.
type Command struct {
	// name of the program as the code gives it, for example git. Globs are not accepted.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Name string `json:"name,omitempty"`

	// args are patterns of all words behind the name, in their order; absent, there are none. "*" in a word stands for any characters but "/", "**" between slashes for any number of path segments, and a word "**" for any number of words. What begins with "-" or "/" is matched only by a pattern that begins so too.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Args []string `json:"args,omitempty"`

	// options may stand anywhere behind the leading words of args that have no star, and every other word that begins with "-" is refused: "--all" and "-l" are exactly these words, "--tail=*" has its value attached, and "-n shop" takes the next word, which may be a pattern. Clusters and abbreviations need an entry of their own, and so does "--", behind which no word may begin with "-". "*" alone, under requireApproval only, leaves open all that follows the leading words, computed words too.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^(\*|-[^ ]*( [^ -][^ ]*)?)$`
	Options []string `json:"options,omitempty"`
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

// RuleSandbox says which requests a rule applies to, by what their sandbox holds and reaches.
// +kubebuilder:validation:Enum=Any;Isolated
type RuleSandbox string

const (
	// AnySandbox: the rule applies to every request.
	AnySandbox RuleSandbox = "Any"
	// IsolatedSandbox: the rule applies to requests that name no egress and no credentials.
	IsolatedSandbox RuleSandbox = "Isolated"
)

// OperationRule matches operations that the gate found. An operation is matched when any one entry of the rule matches it.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.imports) || has(self.calls) || has(self.paths) || has(self.hosts) || has(self.commands) || has(self.sql) || has(self.environment) || has(self.unresolved)",message="a rule matches something: give imports, calls, paths, hosts, commands, sql, environment or unresolved"
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

	// sandbox is Any, or Isolated for a rule that applies only to requests that name no egress and no credentials: their sandbox holds nothing but the image, the inputs and the workspace, and reaches nobody.
	// +optional
	// +default="Any"
	Sandbox RuleSandbox `json:"sandbox,omitempty"`
}

// RuleApplication says to which operations a rule under requireApproval applies.
// +kubebuilder:validation:Enum=Always;UnlessAllowed
type RuleApplication string

const (
	// AppliesAlways asks about every operation that the rule matches, whatever allow says.
	AppliesAlways RuleApplication = "Always"
	// AppliesUnlessAllowed asks about what the rule matches and no rule under allow does: "these forms run, all others ask".
	AppliesUnlessAllowed RuleApplication = "UnlessAllowed"
)

// ApprovalRule matches operations that people have to agree to, and says how many of them.
type ApprovalRule struct {
	OperationRule `json:",inline"`

	// approvals is the number of different people who have to agree to what this rule matches. The highest number of all rules that match, of approval.required and of the credentials counts.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Approvals int32 `json:"approvals,omitempty"`

	// applies is Always, which outweighs allow, or UnlessAllowed, which asks only about what no rule under allow matches.
	// +optional
	// +default="Always"
	Applies RuleApplication `json:"applies,omitempty"`
}

// OperationRules decide about operations: allow < requireApproval < deny. What no rule matches is denied.
type OperationRules struct {
	// allow lists the operations that run without asking anybody.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Allow []OperationRule `json:"allow,omitempty"` //nolint:kubeapilinter // MinProperties=1 on the rule keeps its items apart.

	// requireApproval lists the operations that people have to agree to. A rule outweighs allow unless it says otherwise.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	RequireApproval []ApprovalRule `json:"requireApproval,omitempty"` //nolint:kubeapilinter // MinProperties=1 on the rule keeps its items apart.
}

// ServiceAccountRef names one service account.
type ServiceAccountRef struct {
	// namespace of the service account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`

	// name of the service account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`
}

// GrantTerms bound what an approver may have remembered, so that the same operations of the same agent need not be asked for again.
type GrantTerms struct {
	// maxUses is how many later requests one decision may cover at most.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxUses int32 `json:"maxUses,omitempty"`

	// ttlSeconds is how long a decision may be remembered at most, in seconds.
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	TTLSeconds int32 `json:"ttlSeconds,omitempty"`
}

// ApprovalTerms say how many people have to agree, and for how long they may.
// +kubebuilder:validation:MinProperties=1
type ApprovalTerms struct {
	// required is the number of different people who have to agree at least. Rules under requireApproval and credentials can ask for more.
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

	// checkers are service accounts that all have to approve in addition to people, never instead of them. They need the RBAC verb "approve" on the policy and may decide though serviceAccounts is Forbidden; one that denies ends the request.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Checkers []ServiceAccountRef `json:"checkers,omitempty"`

	// grants bound what approvers may have remembered. Absent: every request is asked for.
	// +optional
	Grants *GrantTerms `json:"grants,omitempty"`
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

	// approvals is the number of different people who have to agree before a request gets it, whatever the code does; 0 means that nobody is asked.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Approvals *int32 `json:"approvals,omitempty"`
}

// OriginTrust is the most that may be claimed for inputs of one origin.
type OriginTrust struct {
	// origin of the inputs.
	// +required
	Origin Origin `json:"origin,omitempty"`

	// trust is the ceiling: a request that claims more for such an input gets this.
	// +required
	Trust Trust `json:"trust,omitempty"`
}

// Attestor is somebody whose signature on an input raises its trust.
type Attestor struct {
	// name of the attestor, for people and verdicts.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// publicKey in PEM ("BEGIN PUBLIC KEY"): Ed25519, ECDSA on P-256, or RSA of 2048 to 8192 bits, which signs with PSS and SHA-256. Signatures do not expire: remove the attestor to withdraw what it signed.
	// +required
	// +kubebuilder:validation:MinLength=80
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^\s*-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$`
	PublicKey string `json:"publicKey,omitempty"`

	// trust that an input has when this attestor signed for its content, also above the ceiling of its origin.
	// +required
	Trust Trust `json:"trust,omitempty"`

	// predicateTypes are the in-toto predicate types that count, for example https://slsa.dev/provenance/v1. A statement of another type says something else. The predicate is not read: list types that by themselves say that the content is good.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern=`^[a-z][a-z0-9+.-]*:[^\s]+$`
	PredicateTypes []string `json:"predicateTypes,omitempty"`
}

// Provenance says how far a policy believes what is said about inputs.
// +kubebuilder:validation:MinProperties=1
type Provenance struct {
	// origins lower what may be claimed for inputs, by origin. An origin that is not listed has no ceiling.
	// +optional
	// +listType=map
	// +listMapKey=origin
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=6
	Origins []OriginTrust `json:"origins,omitempty"`

	// attestors are those whose signatures raise the trust of an input. None by default.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Attestors []Attestor `json:"attestors,omitempty"`
}

// OutsideCalls says whether organisation rules may ask anything but the document that they judge.
// +kubebuilder:validation:Enum=Forbidden;Allowed
type OutsideCalls string

const (
	// OutsideCallsForbidden is the default: a rule sees its document and nothing else.
	OutsideCallsForbidden OutsideCalls = "Forbidden"
	// OutsideCallsAllowed lets rules call HTTP services and read cluster resources. Their answers then decide too, unrecorded.
	OutsideCallsAllowed OutsideCalls = "Allowed"
)

// KyvernoRules selects organisation rules that can only tighten the verdict.
type KyvernoRules struct {
	// selector chooses ValidatingPolicies by label. It cannot be empty, and has to select 1 to 64.
	// +required
	Selector metav1.LabelSelector `json:"selector,omitzero"` //nolint:kubeapilinter // Kubernetes' own type, whose empty value selects everything.

	// outsideCalls says whether the rules may call HTTP services or read resources of the cluster. Forbidden: a rule that does is refused, and the policy is not Ready.
	// +optional
	// +default="Forbidden"
	OutsideCalls OutsideCalls `json:"outsideCalls,omitempty"`
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

	// egress that the request names. None by default.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +listMapKey=port
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Egress []EgressTarget `json:"egress,omitempty"`

	// credentials that the request names. None by default.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Credentials []string `json:"credentials,omitempty"`

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

	// untrusted judges code that untrusted content drove as well; the stricter of both decides on every operation. Absent: such code is denied.
	// +optional
	Untrusted *OperationRules `json:"untrusted,omitempty"`

	// provenance says how far claims about inputs are believed, and whose signatures raise their trust. Absent: claims count as admission lets them pass.
	// +optional
	Provenance *Provenance `json:"provenance,omitempty"`

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

	// kyverno selects organisation rules: ValidatingPolicies in JSON evaluation mode, which can only tighten the verdict. While one of them is of no use here, or none is selected, the policy is not Ready.
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
