// SPDX-License-Identifier: Apache-2.0

// Package config carries the admission policies and the CustomResourceDefinitions
// that Airlock leans on. The chart installs them, preflight compares what the API
// server holds with them, and the integration tests attack them: one source.
package config

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// The names that stand in admission/*.yaml, and the chart's defaults.
const (
	OperatorNamespace = "airlock-system"
	SandboxNamespace  = "airlock-sandboxes"
	ServiceAccount    = "airlock-operator"
)

var (
	//go:embed admission/*.yaml
	admission embed.FS
	//go:embed crd/*.yaml
	crds embed.FS
)

// Admission returns the admission policies, each followed by its binding, for an
// operator that runs as serviceAccount in operatorNamespace and creates its pods
// in sandboxNamespace. The names have to be three different DNS labels.
func Admission(operatorNamespace, sandboxNamespace, serviceAccount string) ([]*unstructured.Unstructured, error) {
	for _, name := range []string{operatorNamespace, sandboxNamespace, serviceAccount} {
		// The names end up inside of CEL string literals.
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return nil, fmt.Errorf("name %q: %s", name, strings.Join(problems, ", "))
		}
	}
	if operatorNamespace == sandboxNamespace {
		return nil, fmt.Errorf("the operator and the sandboxes cannot share namespace %q", operatorNamespace)
	}
	names := strings.NewReplacer(
		OperatorNamespace, operatorNamespace,
		SandboxNamespace, sandboxNamespace,
		ServiceAccount, serviceAccount,
	)
	return load(admission, "admission/*.yaml", names)
}

// CRDs returns the CustomResourceDefinitions of airlock.dev.
func CRDs() ([]*unstructured.Unstructured, error) {
	return load(crds, "crd/*.yaml", strings.NewReplacer())
}

func load(files embed.FS, pattern string, names *strings.Replacer) ([]*unstructured.Unstructured, error) {
	paths, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, fmt.Errorf("list embedded files: %w", err)
	}
	var objects []*unstructured.Unstructured
	for _, path := range paths {
		text, err := files.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read embedded file: %w", err)
		}
		parsed, err := parse([]byte(names.Replace(string(text))))
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", path, err)
		}
		objects = append(objects, parsed...)
	}
	return objects, nil
}

// parse reads a stream of YAML documents. Documents without a kind (a file that
// starts with a comment and "---") are left out.
func parse(text []byte) ([]*unstructured.Unstructured, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var objects []*unstructured.Unstructured
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("split documents: %w", err)
		}
		json, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, fmt.Errorf("convert to JSON: %w", err)
		}
		if string(json) == "null" {
			continue
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(json); err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
		objects = append(objects, object)
	}
}
