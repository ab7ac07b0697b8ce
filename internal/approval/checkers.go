// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// ErrTerms means that an Approval was made on weaker terms than the policy's.
var ErrTerms = errors.New("the approval does not ask for as much as the policy does")

// checkers are the usernames of service accounts, sorted, nil for none.
func checkers(refs []v1alpha1.ServiceAccountRef) []string {
	var names []string
	for _, ref := range refs {
		names = append(names, serviceAccountPrefix+ref.Namespace+":"+ref.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkerName is namespace/name of a checker, for people.
func checkerName(username string) string {
	return strings.Replace(strings.TrimPrefix(username, serviceAccountPrefix), ":", "/", 1)
}

// SelfChecked returns the checker that made the request itself, as
// namespace/name, or "". It cannot check its own request, so that nobody could
// ever approve it.
func SelfChecked(req *v1alpha1.ExecutionRequest, terms v1alpha1.ApprovalTerms) string {
	if slices.Contains(checkers(terms.Checkers), req.Spec.Requester.Username) {
		return checkerName(req.Spec.Requester.Username)
	}
	return ""
}

// CheckTerms demands that an Approval asks for what the verdict and the policy's
// terms ask for now. The operator made it so; a backup that was restored, or a
// writer of etcd, may not have.
func CheckTerms(a *v1alpha1.Approval, verdict v1alpha1.Verdict, terms v1alpha1.ApprovalTerms) error {
	terms = withDefaults(terms)
	switch {
	case a.Spec.Required < max(terms.Required, verdict.Approvals):
		return fmt.Errorf("%w: it needs %d people, not %d", ErrTerms, max(terms.Required, verdict.Approvals), a.Spec.Required)
	case !subset(checkers(terms.Checkers), a.Spec.Checkers):
		return fmt.Errorf("%w: a checker is missing", ErrTerms)
	case a.Spec.ServiceAccounts != terms.ServiceAccounts && terms.ServiceAccounts != v1alpha1.ServiceAccountsAllowed:
		return fmt.Errorf("%w: service accounts may not stand in for people", ErrTerms)
	case a.Spec.Grants != nil && (terms.Grants == nil || a.Spec.Grants.MaxUses > terms.Grants.MaxUses || a.Spec.Grants.TTLSeconds > terms.Grants.TTLSeconds):
		return fmt.Errorf("%w: it lets approvers remember more", ErrTerms)
	default:
		return nil
	}
}
