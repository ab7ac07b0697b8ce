// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// DocumentVersion changes when a field is removed or means something else. Fields may be added.
const DocumentVersion = "airlock.dev/rules/v1"

// Document is what an organisation rule sees as `object`, in JSON. docs/kyverno.md
// describes it. Every field is always there, so that a rule needs has() only
// within the report, whose fields docs/spec/report.md lists.
type Document struct {
	Version string         `json:"version"`
	Policy  string         `json:"policy"`
	Trust   v1alpha1.Trust `json:"trust"`
	Verdict docVerdict     `json:"verdict"`
	Request docRequest     `json:"request"`
	Report  *gate.Report   `json:"report"`
}

// docVerdict is what the ExecutionPolicy decided.
type docVerdict struct {
	Decision v1alpha1.Decision `json:"decision"`
	Findings []docFinding      `json:"findings"`
}

// docFinding is one reason for the verdict.
type docFinding struct {
	Decision  v1alpha1.Decision `json:"decision"`
	Operation string            `json:"operation"`
	Reason    string            `json:"reason"`
	Line      int32             `json:"line"`
	Column    int32             `json:"column"`
}

// docRequest is what is asked for. The values of environment variables and the
// contents of inputs are not in it.
type docRequest struct {
	Namespace   string                  `json:"namespace"`
	Name        string                  `json:"name"`
	Requester   docRequester            `json:"requester"`
	Agent       docAgent                `json:"agent"`
	Task        string                  `json:"task"`
	Args        []string                `json:"args"`
	Env         []string                `json:"env"`
	Inputs      []docInput              `json:"inputs"`
	Egress      []v1alpha1.EgressTarget `json:"egress"`
	Credentials []string                `json:"credentials"`
	Limits      docLimits               `json:"limits"`
}

// docRequester is who the API server authenticated.
type docRequester struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// docAgent is what the agent says of itself: claims.
type docAgent struct {
	Name       string `json:"name"`
	Model      string `json:"model"`
	Session    string `json:"session"`
	Invocation string `json:"invocation"`
}

// docInput is content that drove the code, or that it reads, with the trust that
// is claimed for it.
type docInput struct {
	Name   string          `json:"name"`
	Origin v1alpha1.Origin `json:"origin"`
	Trust  v1alpha1.Trust  `json:"trust"`
}

// docLimits are those that the run gets.
type docLimits struct {
	TimeoutSeconds int32  `json:"timeoutSeconds"`
	CPU            string `json:"cpu"`
	Memory         string `json:"memory"`
}

// NewDocument describes a request under a policy, the report of its code and the
// verdict so far.
func NewDocument(pol *v1alpha1.ExecutionPolicy, req *v1alpha1.ExecutionRequest, report *gate.Report, verdict v1alpha1.Verdict) Document {
	d := Document{
		Version: DocumentVersion,
		Policy:  pol.Name,
		Trust:   verdict.Trust,
		Verdict: docVerdict{Decision: verdict.Decision, Findings: []docFinding{}},
		Request: describe(req, EffectiveLimits(req.Spec.Limits, pol.Spec.Limits)),
		Report:  report,
	}
	for _, f := range verdict.Findings {
		d.Verdict.Findings = append(d.Verdict.Findings, docFinding{f.Decision, f.Operation, f.Reason, f.Line, f.Column})
	}
	return d
}

func describe(req *v1alpha1.ExecutionRequest, limits v1alpha1.Limits) docRequest {
	spec := &req.Spec
	d := docRequest{
		Namespace:   req.Namespace,
		Name:        req.Name,
		Requester:   docRequester{Username: spec.Requester.Username, Groups: present(spec.Requester.Groups)},
		Task:        spec.Task,
		Args:        present(spec.Args),
		Env:         []string{},
		Inputs:      []docInput{},
		Egress:      present(spec.Egress),
		Credentials: present(spec.Credentials),
		Limits:      docLimits{TimeoutSeconds: limits.TimeoutSeconds, CPU: limits.CPU.String(), Memory: limits.Memory.String()},
	}
	if a := spec.Agent; a != nil {
		d.Agent = docAgent{a.Name, a.Model, a.Session, a.Invocation}
	}
	for _, e := range spec.Env {
		d.Env = append(d.Env, e.Name)
	}
	for _, in := range spec.Inputs {
		d.Inputs = append(d.Inputs, docInput{in.Name, in.Origin, in.Trust})
	}
	return d
}

// RequestOfNobody stands for the request where there is only code, as in an
// example of a policy: one input of that trust drove it.
func RequestOfNobody(given Given) *v1alpha1.ExecutionRequest {
	return &v1alpha1.ExecutionRequest{Spec: v1alpha1.ExecutionRequestSpec{
		Inputs: []v1alpha1.Input{{Name: "example", Origin: v1alpha1.OriginUser, Trust: given.Trust}},
		Egress: given.Egress, Credentials: given.Credentials,
	}}
}

// present turns absent into empty.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
