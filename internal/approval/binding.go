// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// ErrBinding means that an Approval is not about this request as it is now. Its
// decisions count for nothing, not even as a denial.
var ErrBinding = errors.New("the approval does not bind to this request")

// checkBinding compares every field that ties an Approval to a request and to
// what was judged, and everything that the approvers were shown.
func checkBinding(a *v1alpha1.Approval, req *v1alpha1.ExecutionRequest, envelopeDigest string) error {
	subject := &a.Spec.Subject
	for _, c := range []struct {
		what string
		same bool
	}{
		{"the request has a UID", req.UID != ""},
		{"an envelope digest is given", envelopeDigest != ""},
		{"its namespace", a.Namespace == req.Namespace},
		{"its name", a.Name == Name(req.UID)},
		{"its owner", ownedBy(a, req)},
		{"the request's name", subject.RequestRef.Name == req.Name},
		{"the request's UID", subject.RequestRef.UID == string(req.UID)},
		{"the envelope digest", subject.EnvelopeDigest == envelopeDigest},
		{"the policy", subject.PolicyName == req.Spec.PolicyName},
		{"the requester", equality.Semantic.DeepEqual(subject.Requester, req.Spec.Requester)},
		{"the agent", equality.Semantic.DeepEqual(subject.Agent, req.Spec.Agent)},
		{"the task", subject.Task == req.Spec.Task},
		{"the code", subject.Code == req.Spec.Code},
		{"the arguments", equality.Semantic.DeepEqual(subject.Args, req.Spec.Args)},
		{"the environment", equality.Semantic.DeepEqual(subject.Env, req.Spec.Env)},
		{"the inputs", sameInputs(subject.Inputs, req.Spec.Inputs)},
		{"the egress", equality.Semantic.DeepEqual(subject.Egress, req.Spec.Egress)},
		{"the credentials", equality.Semantic.DeepEqual(subject.Credentials, req.Spec.Credentials)},
	} {
		if !c.same {
			return fmt.Errorf("%w: %s differs or is missing", ErrBinding, c.what)
		}
	}
	return nil
}

// ownedBy demands exactly one owner, the request itself, as controller. An
// owner that somebody else added could keep the Approval alive or delete it.
func ownedBy(a *v1alpha1.Approval, req *v1alpha1.ExecutionRequest) bool {
	if len(a.OwnerReferences) != 1 {
		return false
	}
	owner := a.OwnerReferences[0]
	return owner.APIVersion == v1alpha1.GroupVersion.String() && owner.Kind == requestKind &&
		owner.Name == req.Name && owner.UID == req.UID && owner.Controller != nil && *owner.Controller
}

// sameInputs compares what approvers were shown with the request. Digests that
// the operator filled in are bound by the envelope.
func sameInputs(shown, asked []v1alpha1.Input) bool {
	if len(shown) != len(asked) {
		return false
	}
	for i := range shown {
		in := shown[i]
		if asked[i].Digest == "" {
			in.Digest = ""
		}
		if !equality.Semantic.DeepEqual(in, asked[i]) {
			return false
		}
	}
	return true
}
