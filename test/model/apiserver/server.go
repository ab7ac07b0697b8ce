// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// User is who makes a call.
type User struct {
	Name, UID string
	Groups    []string
}

func (u User) info() user.Info {
	return &user.DefaultInfo{Name: u.Name, UID: u.UID, Groups: append([]string{"system:authenticated"}, u.Groups...)}
}

type systemClock struct{ clock.RealClock }

// state is what is stored. Objects in it are never changed, so that a copy of
// the maps is a snapshot.
type state map[schema.GroupKind]map[types.NamespacedName]*unstructured.Unstructured

// Server is one world. Its zero value is not usable.
type Server struct {
	rules *Rules
	clock clock.PassiveClock

	mu      sync.Mutex
	stored  state
	version int
	// tampered: a webhook of somebody's changes pods on their way in.
	tampered bool
}

// Tamper lets a webhook change pods from now on, or no more.
func (s *Server) Tamper(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tampered = on
}

// New returns an empty server, whose clock is also the time that decisions are stamped with.
func New(rules *Rules, clk clock.PassiveClock) *Server {
	return &Server{rules: rules, clock: clk, stored: state{}}
}

// Version changes with every write.
func (s *Server) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strconv.Itoa(s.version)
}

func (s *Server) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := state{}
	for gk, objects := range s.stored {
		copied[gk] = maps.Clone(objects)
	}
	return copied
}

// change is one write on its way.
type change struct {
	user        User
	gvk         schema.GroupVersionKind
	subresource string
	operation   admission.Operation
	dryRun      bool
	object, old *unstructured.Unstructured
}

func (c change) subject() *unstructured.Unstructured {
	if c.object != nil {
		return c.object
	}
	return c.old
}

func (s *Server) resource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	resource := strings.ToLower(gvk.Kind) + "s"
	if k := s.rules.kinds[gvk.GroupKind()]; k != nil {
		resource = k.resource
	}
	return gvk.GroupVersion().WithResource(resource)
}

// attributes describes a change to the plugins. A nil object has to be a nil interface.
func (s *Server) attributes(c change) admission.Attributes {
	var object, old runtime.Object
	if c.object != nil {
		object = c.object
	}
	if c.old != nil {
		old = c.old
	}
	return admission.NewAttributesRecord(object, old, c.gvk, c.subject().GetNamespace(), c.subject().GetName(),
		s.resource(c.gvk), c.subresource, c.operation, nil, c.dryRun, c.user.info())
}

func (s *Server) mutate(ctx context.Context, c change) error {
	if c.operation == admission.Delete {
		return nil
	}
	return s.rules.mutating.Admit(ctx, s.attributes(c), s.rules.interfaces)
}

func (s *Server) validate(ctx context.Context, c change) error {
	return s.rules.validating.Validate(ctx, s.attributes(c), s.rules.interfaces)
}

// authorize asks RBAC.
func (s *Server) authorize(ctx context.Context, c change, verb string) error {
	resource := s.resource(c.gvk)
	decision, why, err := s.rules.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: c.user.info(), Verb: verb, APIGroup: resource.Group, APIVersion: resource.Version, Resource: resource.Resource,
		Subresource: c.subresource, Namespace: c.subject().GetNamespace(), Name: c.subject().GetName(), ResourceRequest: true,
	})
	if err != nil || decision != authorizer.DecisionAllow {
		return apierrors.NewForbidden(resource.GroupResource(), c.subject().GetName(), fmt.Errorf("user %s cannot %s: %s", c.user.Name, verb, why))
	}
	return nil
}

// admit lets a create or an update through all that decides about it, in the API server's order.
func (s *Server) admit(ctx context.Context, c change) error {
	k := s.rules.kinds[c.gvk.GroupKind()]
	if k == nil {
		return nil
	}
	k.complete(c.object)
	s.stampManager(c)
	if err := s.mutate(ctx, c); err != nil {
		return err
	}
	k.complete(c.object)
	if problems := k.check(ctx, c.object, c.old); len(problems) > 0 {
		return apierrors.NewInvalid(c.gvk.GroupKind(), c.object.GetName(), problems)
	}
	return s.validate(ctx, c)
}

// stampManager notes who changed the object when, as the API server does before admission: one entry for each manager,
// operation and subresource. Here every user is a manager.
func (s *Server) stampManager(c change) {
	if c.old != nil && sameContent(c.object, c.old) {
		return
	}
	entry := map[string]any{
		"manager": c.user.Name, "operation": "Update", "apiVersion": c.gvk.GroupVersion().String(), "fieldsType": "FieldsV1",
		"fieldsV1": map[string]any{}, "time": s.clock.Now().UTC().Format(time.RFC3339),
	}
	if c.subresource != "" {
		entry["subresource"] = c.subresource
	}
	entries, _, _ := unstructured.NestedSlice(c.object.Object, "metadata", "managedFields")
	entries = slices.DeleteFunc(entries, func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && m["manager"] == entry["manager"] && m["operation"] == entry["operation"] && m["subresource"] == entry["subresource"]
	})
	_ = unstructured.SetNestedSlice(c.object.Object, append(entries, entry), "metadata", "managedFields")
}

// sameContent compares two objects without what the server itself writes.
func sameContent(a, b *unstructured.Unstructured) bool {
	strip := func(u *unstructured.Unstructured) map[string]any {
		object := maps.Clone(u.Object)
		metadata, ok := object["metadata"].(map[string]any)
		if ok {
			metadata = maps.Clone(metadata)
			delete(metadata, "managedFields")
			delete(metadata, "resourceVersion")
			delete(metadata, "generation")
			object["metadata"] = metadata
		}
		return object
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// create stores a new object.
func (s *Server) create(ctx context.Context, c change) (*unstructured.Unstructured, error) {
	if err := s.authorize(ctx, c, "create"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(c.object)
	if s.stored[c.gvk.GroupKind()][key] != nil {
		return nil, apierrors.NewAlreadyExists(s.resource(c.gvk).GroupResource(), key.Name)
	}
	s.version++
	c.object.SetUID(types.UID("uid-" + strconv.Itoa(s.version)))
	c.object.SetGeneration(1)
	c.object.SetManagedFields(nil)
	_ = unstructured.SetNestedField(c.object.Object, s.clock.Now().UTC().Format(time.RFC3339), "metadata", "creationTimestamp")
	if s.rules.kinds[c.gvk.GroupKind()] != nil {
		delete(c.object.Object, "status")
	}
	if c.gvk.Kind == "Pod" {
		s.completePod(c.object)
	}
	if err := s.admit(ctx, c); err != nil || c.dryRun {
		return nil, err
	}
	return s.store(key, c), nil
}

// completePod fills in what every API server fills in, and what a webhook adds.
func (s *Server) completePod(pod *unstructured.Unstructured) {
	account, _, _ := unstructured.NestedString(pod.Object, "spec", "serviceAccountName")
	_ = unstructured.SetNestedField(pod.Object, account, "spec", "serviceAccount")
	if s.tampered {
		_ = unstructured.SetNestedField(pod.Object, true, "spec", "shareProcessNamespace")
	}
}

// update stores a new version of an object. What a client sent as metadata of the server's own is put right.
func (s *Server) update(ctx context.Context, verb string, c change, edit func(old *unstructured.Unstructured) (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	if err := s.authorize(ctx, c, verb); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(c.object)
	old := s.stored[c.gvk.GroupKind()][key]
	if old == nil {
		return nil, apierrors.NewNotFound(s.resource(c.gvk).GroupResource(), key.Name)
	}
	object, err := edit(old)
	if err != nil {
		return nil, err
	}
	if version := object.GetResourceVersion(); version != "" && version != old.GetResourceVersion() {
		return nil, apierrors.NewConflict(s.resource(c.gvk).GroupResource(), key.Name, fmt.Errorf("the object has been modified"))
	}
	if uid := object.GetUID(); uid != "" && uid != old.GetUID() {
		return nil, apierrors.NewConflict(s.resource(c.gvk).GroupResource(), key.Name, fmt.Errorf("the UID differs"))
	}
	c.old, c.object = old, s.merge(object, old, c.subresource)
	if err := s.admit(ctx, c); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(c.object.Object, old.Object) {
		return old, nil
	}
	if !reflect.DeepEqual(c.object.Object["spec"], old.Object["spec"]) {
		c.object.SetGeneration(old.GetGeneration() + 1)
	}
	return s.store(key, c), nil
}

// merge takes from the client what the endpoint is for: the status, or everything but the status.
func (s *Server) merge(object, old *unstructured.Unstructured, subresource string) *unstructured.Unstructured {
	merged := object.DeepCopy()
	if subresource == "status" {
		merged = old.DeepCopy()
		delete(merged.Object, "status")
		if status, ok := object.Object["status"]; ok {
			merged.Object["status"] = status
		}
		return merged
	}
	if s.rules.kinds[old.GroupVersionKind().GroupKind()] != nil {
		delete(merged.Object, "status")
		if status, ok := old.Object["status"]; ok {
			merged.Object["status"] = status
		}
	}
	merged.SetUID(old.GetUID())
	merged.SetGeneration(old.GetGeneration())
	merged.SetResourceVersion(old.GetResourceVersion())
	_ = unstructured.SetNestedField(merged.Object, old.GetCreationTimestamp().UTC().Format(time.RFC3339), "metadata", "creationTimestamp")
	if object.GetManagedFields() == nil {
		merged.SetManagedFields(old.GetManagedFields())
	}
	return merged
}

func (s *Server) store(key types.NamespacedName, c change) *unstructured.Unstructured {
	s.version++
	c.object.SetResourceVersion(strconv.Itoa(s.version))
	objects := s.stored[c.gvk.GroupKind()]
	if objects == nil {
		objects = map[types.NamespacedName]*unstructured.Unstructured{}
		s.stored[c.gvk.GroupKind()] = objects
	}
	objects[key] = c.object
	return c.object
}

// remove deletes an object at once: nothing here has finalizers.
func (s *Server) remove(ctx context.Context, c change, preconditions func(*unstructured.Unstructured) bool) error {
	if err := s.authorize(ctx, c, "delete"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(c.object)
	old := s.stored[c.gvk.GroupKind()][key]
	resource := s.resource(c.gvk).GroupResource()
	if old == nil {
		return apierrors.NewNotFound(resource, key.Name)
	}
	if !preconditions(old) {
		return apierrors.NewConflict(resource, key.Name, fmt.Errorf("the preconditions do not hold"))
	}
	c.old, c.object = old, nil
	if s.rules.kinds[c.gvk.GroupKind()] != nil {
		if err := s.validate(ctx, c); err != nil {
			return err
		}
	}
	s.version++
	delete(s.stored[c.gvk.GroupKind()], key)
	return nil
}
