// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// readPolicy reads the one ExecutionPolicy of a YAML or JSON file, which may
// have other objects too. Unknown fields are errors, as they are in the API.
func readPolicy(file string) (*v1alpha1.ExecutionPolicy, error) {
	text, err := os.ReadFile(file) //nolint:gosec // reading the file that the user names is what the flag is for
	if err != nil {
		return nil, err
	}
	var found *v1alpha1.ExecutionPolicy
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		switch {
		case errors.Is(err, io.EOF) && found == nil:
			return nil, fmt.Errorf("%s: it has no ExecutionPolicy of %s", file, v1alpha1.GroupVersion)
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		pol, err := decodePolicy(document)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if pol != nil && found != nil {
			return nil, fmt.Errorf("%s: it has more than one ExecutionPolicy: %s and %s", file, found.Name, pol.Name)
		}
		if pol != nil {
			found = pol
		}
	}
}

// decodePolicy gives nil for a document that is something else.
func decodePolicy(document []byte) (*v1alpha1.ExecutionPolicy, error) {
	var pol v1alpha1.ExecutionPolicy
	if err := yaml.Unmarshal(document, &pol.TypeMeta); err != nil {
		return nil, err
	}
	if pol.Kind != "ExecutionPolicy" || pol.APIVersion != v1alpha1.GroupVersion.String() {
		return nil, nil
	}
	if err := yaml.UnmarshalStrict(document, &pol); err != nil {
		return nil, err
	}
	return &pol, nil
}
