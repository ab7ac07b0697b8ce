// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// AnchorName is the ConfigMap of the operator's namespace that holds the last
// signed checkpoint and the public key. The chart creates it.
const AnchorName = "airlock-audit"

// The keys of the ConfigMap.
const (
	anchorCheckpoint = "checkpoint"
	anchorKey        = "key"
)

// ConfigMap is an Anchor in the operator's namespace.
type ConfigMap struct {
	Reader    client.Reader
	Writer    client.Writer
	Namespace string
	// Key is the log's public key, which is published beside the checkpoint.
	Key string
}

// Load implements Anchor. A ConfigMap that is missing is an error: an empty one
// is what a new log begins with.
func (c *ConfigMap) Load(ctx context.Context) ([]byte, error) {
	cm := &corev1.ConfigMap{}
	if err := c.Reader.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: AnchorName}, cm); err != nil {
		return nil, fmt.Errorf("get ConfigMap %s/%s: %w", c.Namespace, AnchorName, err)
	}
	return []byte(cm.Data[anchorCheckpoint]), nil
}

// Save implements Anchor.
func (c *ConfigMap) Save(ctx context.Context, checkpoint []byte) error {
	patch, err := json.Marshal(map[string]any{"data": map[string]string{anchorCheckpoint: string(checkpoint), anchorKey: c.Key}})
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: AnchorName}}
	if err := c.Writer.Patch(ctx, cm, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		return fmt.Errorf("patch ConfigMap %s/%s: %w", c.Namespace, AnchorName, err)
	}
	return nil
}

// PlacesOf lists what the requests say of the log of an origin.
func PlacesOf(reader client.Reader) func(ctx context.Context, origin string) ([]Place, error) {
	return func(ctx context.Context, origin string) ([]Place, error) {
		var list v1alpha1.ExecutionRequestList
		if err := reader.List(ctx, &list); err != nil {
			return nil, fmt.Errorf("list requests: %w", err)
		}
		var places []Place
		for i := range list.Items {
			req := &list.Items[i]
			if a := req.Status.Audit; a != nil && a.Log == origin && a.Index != nil && *a.Index >= 0 {
				places = append(places, Place{Request: string(req.UID), Index: uint64(*a.Index)})
			}
		}
		return places, nil
	}
}
