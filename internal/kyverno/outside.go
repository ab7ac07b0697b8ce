// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"context"
	"errors"
	"fmt"

	"github.com/kyverno/sdk/extensions/cel/libs/http"
	"github.com/kyverno/sdk/extensions/cel/libs/resource"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// outside is what rules can reach where the ExecutionPolicy allows it. The nil value is nothing.
type outside struct {
	reader client.Reader
	mapper meta.RESTMapper
}

// bind gives `http` and `resource` to one evaluation. Their calls end with its context: Kyverno's own have no timeout, so
// that a server which never answers would hold a worker for good.
func (o *outside) bind(ctx context.Context, input map[string]any) {
	if o == nil {
		return
	}
	input["http"] = http.Context{ContextInterface: newWeb(ctx, http.DefaultBlockedCIDRs, http.DefaultBlockedHosts)}
	input["resource"] = resource.Context{ContextInterface: &cluster{ctx: ctx, reader: o.reader, mapper: o.mapper}}
}

// cluster reads objects with the operator's rights.
type cluster struct {
	ctx    context.Context
	reader client.Reader
	mapper meta.RESTMapper
}

// ListResources lists objects by resource, such as "deployments", and labels.
func (c *cluster) ListResources(apiVersion, plural, namespace string, labels map[string]string) (*unstructured.UnstructuredList, error) {
	kind, err := c.kind(apiVersion, plural)
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list, c.reader.List(c.ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels))
}

// GetResource reads one object.
func (c *cluster) GetResource(apiVersion, plural, namespace, name string) (*unstructured.Unstructured, error) {
	kind, err := c.kind(apiVersion, plural)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object, c.reader.Get(c.ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
}

// PostResource is refused: judging changes nothing.
func (c *cluster) PostResource(string, string, string, map[string]any) (*unstructured.Unstructured, error) {
	return nil, errors.New("rules create no objects")
}

// ToGVR finds the resource of a kind.
func (c *cluster) ToGVR(apiVersion, kind string) (*schema.GroupVersionResource, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, fmt.Errorf("parse API version: %w", err)
	}
	mapping, err := c.mapper.RESTMapping(gv.WithKind(kind).GroupKind(), gv.Version)
	if err != nil {
		return nil, fmt.Errorf("find resource: %w", err)
	}
	return &mapping.Resource, nil
}

func (c *cluster) kind(apiVersion, plural string) (schema.GroupVersionKind, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("parse API version: %w", err)
	}
	kind, err := c.mapper.KindFor(gv.WithResource(plural))
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("find kind: %w", err)
	}
	return kind, nil
}
