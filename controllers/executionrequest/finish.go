// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// finish removes what a finished request no longer needs: at once its inputs, credentials and a pod that still runs, the
// ended pod when its logs were kept long enough, the request itself when its time to live is over.
func (r *Reconciler) finish(ctx context.Context, s *snapshot) error {
	if err := r.delete(ctx, s.children.data...); err != nil {
		return err
	}
	at := meta.FindStatusCondition(s.req.Status.Conditions, v1alpha1.ConditionFinished).LastTransitionTime.Time
	if pod := s.children.pod; pod != nil {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if keep := at.Add(r.Options.PodRetention).Sub(s.now); ended && keep > 0 {
			s.wakeAfter(keep)
		} else if err := r.delete(ctx, pod); err != nil {
			return err
		}
	}
	// What is not recorded yet is derived from the request, so that it has to stay.
	if ttl := s.req.Spec.TTLSecondsAfterFinished; ttl != nil && !unrecorded(s.req) {
		keep := at.Add(time.Duration(*ttl) * time.Second).Sub(s.now)
		if keep > 0 {
			s.wakeAfter(keep)
			return nil
		}
		if err := client.IgnoreNotFound(r.Delete(ctx, s.req, client.Preconditions{UID: &s.req.UID})); err != nil {
			return fmt.Errorf("delete request after its time to live: %w", err)
		}
	}
	return nil
}
