// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// kind is a compiled CustomResourceDefinition.
type kind struct {
	resource   string
	structural *structural.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func newKind(crd *apiextensionsv1.CustomResourceDefinition) (*kind, error) {
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		return nil, fmt.Errorf("convert schema: %w", err)
	}
	tree, err := structural.NewStructural(&props)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return &kind{
		resource: crd.Spec.Names.Plural, structural: tree, schema: validator,
		rules: cel.NewValidator(tree, true, celconfig.PerCallLimit),
	}, nil
}

// complete prunes and defaults an object as the API server does when it decodes one.
func (k *kind) complete(object *unstructured.Unstructured) {
	pruning.Prune(object.Object, k.structural, true)
	defaulting.Default(object.Object, k.structural)
}

// check applies schema, list types and CEL rules; old is nil for a new object.
func (k *kind) check(ctx context.Context, object, old *unstructured.Unstructured) field.ErrorList {
	var problems field.ErrorList
	var before map[string]any
	if old == nil {
		problems = validation.ValidateCustomResource(nil, object.Object, k.schema)
	} else {
		before = old.Object
		problems = validation.ValidateCustomResourceUpdate(nil, object.Object, before, k.schema)
	}
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, k.structural, object.Object)...)
	if len(problems) > 0 || k.rules == nil {
		return problems
	}
	var oldObject any
	if before != nil {
		oldObject = before
	}
	problems, _ = k.rules.Validate(ctx, nil, k.structural, object.Object, oldObject, celconfig.RuntimeCELCostBudget)
	return problems
}
