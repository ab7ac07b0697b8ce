// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/approval"
)

// indexConsumed finds the used Approvals of one requester, agent, policy and language.
const indexConsumed = "airlock.dev/consumed"

// addChanges shows approvers what differs from the code that they, or others before them, last approved for the same agent.
func (r *Reconciler) addChanges(ctx context.Context, appr *v1alpha1.Approval) error {
	var list v1alpha1.ApprovalList
	if err := r.List(ctx, &list, client.InNamespace(appr.Namespace), client.MatchingFields{indexConsumed: sameAgent(&appr.Spec.Subject)}); err != nil {
		return fmt.Errorf("list used approvals: %w", err)
	}
	var last *v1alpha1.Approval
	for i := range list.Items {
		if a := &list.Items[i]; last == nil || last.CreationTimestamp.Before(&a.CreationTimestamp) {
			last = a
		}
	}
	if last != nil {
		approval.AddChanges(&appr.Spec.Subject, &last.Spec.Subject)
	}
	return nil
}

// consumedBy is the value of indexConsumed for an Approval.
func consumedBy(obj client.Object) []string {
	appr, ok := obj.(*v1alpha1.Approval)
	if !ok || appr.Status.State != v1alpha1.ApprovalConsumed {
		return nil
	}
	return []string{sameAgent(&appr.Spec.Subject)}
}

// sameAgent joins what has to be equal with a character that none of it can have.
func sameAgent(s *v1alpha1.Subject) string {
	agent := ""
	if s.Agent != nil {
		agent = s.Agent.Name
	}
	return strings.Join([]string{s.Requester.Username, s.Requester.UID, agent, s.PolicyName, string(s.Code.Language)}, "\x00")
}
