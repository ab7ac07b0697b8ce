// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// errNotHere is the answer to calls that no test here makes.
var errNotHere = errors.New("this API server does not do that")

// Client is one user's client. It implements client.Client.
type Client struct {
	server *Server
	user   User
	scheme *runtime.Scheme
	// Cache is what Get and List show, nil for the server itself.
	Cache *Cache
}

// Cache shows the server as it was when it was last synced.
type Cache struct{ seen state }

// Sync lets the cache catch up.
func (c *Cache) Sync(s *Server) { c.seen = s.snapshot() }

// Client returns a client of a user for the kinds of a scheme.
func (s *Server) Client(u User, scheme *runtime.Scheme) *Client {
	return &Client{server: s, user: u, scheme: scheme}
}

var _ client.Client = &Client{}

// Scheme implements client.Client.
func (c *Client) Scheme() *runtime.Scheme { return c.scheme }

// RESTMapper implements client.Client.
func (c *Client) RESTMapper() meta.RESTMapper { return meta.NewDefaultRESTMapper(nil) }

// GroupVersionKindFor implements client.Client.
func (c *Client) GroupVersionKindFor(obj runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(obj, c.scheme)
}

// IsObjectNamespaced implements client.Client.
func (c *Client) IsObjectNamespaced(runtime.Object) (bool, error) { return false, errNotHere }

func (c *Client) objects(gk schema.GroupKind) map[types.NamespacedName]*unstructured.Unstructured {
	if c.Cache != nil {
		return c.Cache.seen[gk]
	}
	return c.server.snapshot()[gk]
}

// Get implements client.Reader.
func (c *Client) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	gvk, err := c.GroupVersionKindFor(obj)
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	found := c.objects(gvk.GroupKind())[key]
	if found == nil {
		return apierrors.NewNotFound(c.server.resource(gvk).GroupResource(), key.Name)
	}
	return decode(found, obj)
}

// List implements client.Reader. It knows namespaces; fields are left to the caller.
func (c *Client) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	gvk, err := c.GroupVersionKindFor(list)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	var options client.ListOptions
	options.ApplyOptions(opts)
	var items []any
	objects := c.objects(gvk.GroupKind())
	for _, key := range sortedKeys(objects) {
		if options.Namespace == "" || key.Namespace == options.Namespace {
			items = append(items, objects[key].Object)
		}
	}
	content := map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind + "List", "metadata": map[string]any{}, "items": items}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, list); err != nil {
		return fmt.Errorf("decode list: %w", err)
	}
	return nil
}

func sortedKeys(objects map[types.NamespacedName]*unstructured.Unstructured) []types.NamespacedName {
	keys := make([]types.NamespacedName, 0, len(objects))
	for key := range objects {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// encode turns an object into what is stored.
func (c *Client) encode(obj client.Object) (*unstructured.Unstructured, schema.GroupVersionKind, error) {
	gvk, err := c.GroupVersionKindFor(obj)
	if err != nil {
		return nil, gvk, fmt.Errorf("encode: %w", err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, gvk, fmt.Errorf("encode: %w", err)
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(gvk)
	return object, gvk, nil
}

// decode replaces the caller's object, as an answer of the API server does.
func decode(from *unstructured.Unstructured, to client.Object) error {
	if u, ok := to.(*unstructured.Unstructured); ok {
		u.Object = from.DeepCopy().Object
		return nil
	}
	reflect.ValueOf(to).Elem().SetZero() // fields that the answer lacks must not stay
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.DeepCopy().Object, to); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// Create implements client.Writer.
func (c *Client) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	object, gvk, err := c.encode(obj)
	if err != nil {
		return err
	}
	var options client.CreateOptions
	options.ApplyOptions(opts)
	made, err := c.server.create(ctx, change{user: c.user, gvk: gvk, operation: admission.Create, object: object, dryRun: len(options.DryRun) > 0})
	if err != nil || made == nil {
		return err
	}
	return decode(made, obj)
}

// Update implements client.Writer.
func (c *Client) Update(ctx context.Context, obj client.Object, _ ...client.UpdateOption) error {
	return c.replace(ctx, obj, "")
}

func (c *Client) replace(ctx context.Context, obj client.Object, subresource string) error {
	object, gvk, err := c.encode(obj)
	if err != nil {
		return err
	}
	stored, err := c.server.update(ctx, "update", change{user: c.user, gvk: gvk, subresource: subresource, operation: admission.Update, object: object},
		func(*unstructured.Unstructured) (*unstructured.Unstructured, error) { return object, nil })
	if err != nil {
		return err
	}
	return decode(stored, obj)
}

// Patch implements client.Writer for merge patches and JSON patches.
func (c *Client) Patch(ctx context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return c.patch(ctx, obj, patch, "")
}

func (c *Client) patch(ctx context.Context, obj client.Object, patch client.Patch, subresource string) error {
	object, gvk, err := c.encode(obj)
	if err != nil {
		return err
	}
	data, err := patch.Data(obj)
	if err != nil {
		return fmt.Errorf("make patch: %w", err)
	}
	stored, err := c.server.update(ctx, "patch", change{user: c.user, gvk: gvk, subresource: subresource, operation: admission.Update, object: object},
		func(old *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return patched(old, patch.Type(), data)
		})
	if err != nil {
		return err
	}
	return decode(stored, obj)
}

func patched(old *unstructured.Unstructured, kind types.PatchType, data []byte) (*unstructured.Unstructured, error) {
	text, err := old.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	switch kind {
	case types.MergePatchType:
		text, err = jsonpatch.MergePatch(text, data)
	case types.JSONPatchType:
		var operations jsonpatch.Patch
		if operations, err = jsonpatch.DecodePatch(data); err == nil {
			text, err = operations.Apply(text)
		}
	case types.StrategicMergePatchType, types.ApplyPatchType, types.ApplyCBORPatchType:
		fallthrough
	default:
		return nil, errNotHere
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return object, nil
}

// Delete implements client.Writer.
func (c *Client) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	gvk, err := c.GroupVersionKindFor(obj)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(gvk)
	object.SetNamespace(obj.GetNamespace())
	object.SetName(obj.GetName())
	var options client.DeleteOptions
	options.ApplyOptions(opts)
	return c.server.remove(ctx, change{user: c.user, gvk: gvk, operation: admission.Delete, object: object}, func(old *unstructured.Unstructured) bool {
		return holds(options.Preconditions, old)
	})
}

func holds(p *metav1.Preconditions, old *unstructured.Unstructured) bool {
	return p == nil || (p.UID == nil || *p.UID == old.GetUID()) && (p.ResourceVersion == nil || *p.ResourceVersion == old.GetResourceVersion())
}

// DeleteAllOf implements client.Writer.
func (c *Client) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return errNotHere
}

// Apply implements client.Writer.
func (c *Client) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return errNotHere
}

// Status implements client.Client.
func (c *Client) Status() client.SubResourceWriter { return c.SubResource("status") }

// SubResource implements client.Client.
func (c *Client) SubResource(name string) client.SubResourceClient { return subresource{c, name} }

type subresource struct {
	client *Client
	name   string
}

func (s subresource) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return errNotHere
}

func (s subresource) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return errNotHere
}

func (s subresource) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return errNotHere
}

func (s subresource) Update(ctx context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	return s.client.replace(ctx, obj, s.name)
}

func (s subresource) Patch(ctx context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.client.patch(ctx, obj, patch, s.name)
}
