// SPDX-License-Identifier: Apache-2.0

// Package apiserver is an API server in memory for tests that make millions of
// writes. Storage, HTTP and authentication are left out; what decides about a
// write is real: the schemas and CEL rules of the CustomResourceDefinitions and
// the admission policies of config/, evaluated by Kubernetes' own code. Only
// kinds of airlock.dev are admitted and validated, all others are just stored.
package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/discovery"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/openapi"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
)

// Rules are everything that decides about writes. They are compiled once and
// shared by servers.
type Rules struct {
	kinds      map[schema.GroupKind]*kind
	mutating   *mutating.Plugin
	validating *validating.Plugin
	authorizer authorizer.Authorizer
	interfaces admission.ObjectInterfaces
}

// plugin is what both admission plugins need to run.
type plugin interface {
	initializer.WantsExternalKubeClientSet
	initializer.WantsExternalKubeInformerFactory
	initializer.WantsRESTMapper
	initializer.WantsDynamicClient
	initializer.WantsDrainedNotification
	initializer.WantsAuthorizer
}

// NewRules compiles the schemas and admission policies of config/, for the
// chart's default names. Rights answers for RBAC. It returns when the policies
// are enforced, as the operator's preflight finds out.
func NewRules(ctx context.Context, rights authorizer.Authorizer, namespaces ...string) (*Rules, error) {
	crds, err := definitions()
	if err != nil {
		return nil, err
	}
	r := &Rules{kinds: map[schema.GroupKind]*kind{}, authorizer: rights, interfaces: admission.NewObjectInterfacesFromScheme(runtime.NewScheme())}
	for _, crd := range crds {
		k, err := newKind(crd)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", crd.Name, err)
		}
		r.kinds[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] = k
	}
	objects, err := policies()
	if err != nil {
		return nil, err
	}
	for _, namespace := range namespaces {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}
	described, err := openAPI(crds)
	if err != nil {
		return nil, err
	}
	if err := r.start(ctx, &clientset{Clientset: fake.NewClientset(objects...), documents: described}); err != nil {
		return nil, err
	}
	return r, r.awaitEnforcement(ctx)
}

// start runs the two plugins on informers.
func (r *Rules) start(ctx context.Context, client *clientset) error {
	var err error
	if r.mutating, err = mutating.NewPlugin(nil); err != nil {
		return fmt.Errorf("make the mutating plugin: %w", err)
	}
	if r.validating, err = validating.NewPlugin(nil); err != nil {
		return fmt.Errorf("make the validating plugin: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	mapper := meta.NewDefaultRESTMapper(nil)
	dynamic := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
	r.mutating.SetEnabled(true)
	r.validating.SetEnabled(true)
	for _, p := range []plugin{r.mutating, r.validating} {
		p.SetExternalKubeClientSet(client)
		p.SetExternalKubeInformerFactory(factory)
		p.SetRESTMapper(mapper)
		p.SetDynamicClient(dynamic)
		p.SetDrainedNotification(ctx.Done())
		p.SetAuthorizer(r.authorizer)
		if err := p.ValidateInitialization(); err != nil {
			return fmt.Errorf("start an admission plugin: %w", err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return nil
}

// definitions are the CustomResourceDefinitions of airlock.dev.
func definitions() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	objects, err := config.CRDs()
	if err != nil {
		return nil, fmt.Errorf("load definitions: %w", err)
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, object := range objects {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, crd); err != nil {
			return nil, fmt.Errorf("decode definition: %w", err)
		}
		crds = append(crds, crd)
	}
	return crds, nil
}

// policies are the admission policies and their bindings.
func policies() ([]runtime.Object, error) {
	objects, err := config.Admission(config.OperatorNamespace, config.SandboxNamespace, config.ServiceAccount)
	if err != nil {
		return nil, fmt.Errorf("load admission policies: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := admissionv1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	var typed []runtime.Object
	for _, object := range objects {
		to, err := scheme.New(object.GroupVersionKind())
		if err != nil {
			return nil, fmt.Errorf("admission object of an unknown kind: %w", err)
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, to); err != nil {
			return nil, fmt.Errorf("decode %s: %w", object.GetName(), err)
		}
		typed = append(typed, to)
	}
	return typed, nil
}

// openAPI describes ExecutionRequests, into which a policy merges its stamp.
func openAPI(crds []*apiextensionsv1.CustomResourceDefinition) (documents, error) {
	for _, crd := range crds {
		if crd.Spec.Names.Kind != "ExecutionRequest" {
			continue
		}
		document, err := builder.BuildOpenAPIV3(crd, v1alpha1.GroupVersion.Version, builder.Options{})
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", crd.Name, err)
		}
		return json.Marshal(document)
	}
	return nil, errors.New("there is no ExecutionRequest to describe")
}

// documents is the one OpenAPI document that is needed. It implements openapi.Client and openapi.GroupVersion.
type documents []byte

func (d documents) Paths() (map[string]openapi.GroupVersion, error) {
	return map[string]openapi.GroupVersion{"apis/" + v1alpha1.GroupVersion.String(): d}, nil
}

func (d documents) Schema(string) ([]byte, error) { return d, nil }

func (documents) ServerRelativeURL() string {
	return "/openapi/v3/apis/" + v1alpha1.GroupVersion.String()
}

// clientset serves the policies, and the description that Kubernetes' fake leaves out.
type clientset struct {
	*fake.Clientset
	documents documents
}

func (c *clientset) Discovery() discovery.DiscoveryInterface {
	return described{c.Clientset.Discovery(), c.documents}
}

type described struct {
	discovery.DiscoveryInterface
	documents documents
}

func (d described) OpenAPIV3() openapi.Client { return d.documents }

// awaitEnforcement waits until a canary is refused, and until requests are stamped.
func (r *Rules) awaitEnforcement(ctx context.Context) error {
	for ctx.Err() == nil {
		if r.enforced(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("the admission policies did not come into force: %w", ctx.Err())
}

func (r *Rules) enforced(ctx context.Context) bool {
	s := New(r, systemClock{})
	operator := User{Name: "system:serviceaccount:" + config.OperatorNamespace + ":" + config.ServiceAccount}
	canary := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
	canary.SetName("airlock-canary-x")
	canary.SetNamespace(config.OperatorNamespace)
	canary.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Approval"))
	refused := s.validate(ctx, change{user: operator, gvk: canary.GroupVersionKind(), operation: admission.Create, dryRun: true, object: canary})
	request := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"policyName": "x"}}}
	request.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ExecutionRequest"))
	request.SetNamespace(config.OperatorNamespace)
	err := s.mutate(ctx, change{user: User{Name: "x"}, gvk: request.GroupVersionKind(), operation: admission.Create, object: request})
	stamped, _, _ := unstructured.NestedString(request.Object, "spec", "requester", "username")
	return refused != nil && err == nil && stamped == "x"
}
