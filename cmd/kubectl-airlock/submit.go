// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// asked is what the flags of the run command say about a source file.
type asked struct {
	name, policy, language, dialect, task, agent string
	inputs, egress, credentials, env, args       []string
}

// input is one --input: an Input, and the file whose content it is to have.
type input struct {
	v1alpha1.Input
	file string
}

// request makes the ExecutionRequest of a source file, without the contents of its inputs.
func (a asked) request(file, source string) (*v1alpha1.ExecutionRequest, error) {
	lang, err := check{language: a.language}.languageOf(file)
	if err != nil {
		return nil, err
	}
	req := &v1alpha1.ExecutionRequest{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ExecutionRequest"},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: a.policy, Task: a.task, Args: a.args, Credentials: a.credentials,
			Code: v1alpha1.Code{Language: lang, Dialect: v1alpha1.SQLDialect(a.dialect), Source: source},
		},
	}
	if a.name != "" {
		req.Name = a.name
	} else {
		req.GenerateName = namePrefix(file)
	}
	if a.agent != "" {
		req.Spec.Agent = &v1alpha1.Agent{Name: a.agent}
	}
	for _, text := range a.egress {
		target, err := parseEgress(text)
		if err != nil {
			return nil, fmt.Errorf("--egress %w", err)
		}
		req.Spec.Egress = append(req.Spec.Egress, target)
	}
	for _, text := range a.env {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--env %q: write NAME=VALUE", text)
		}
		req.Spec.Env = append(req.Spec.Env, v1alpha1.EnvVar{Name: name, Value: &value})
	}
	return req, nil
}

// namePrefix makes the beginning of a name from that of a file, as names of objects are written.
func namePrefix(file string) string {
	base := filepath.Base(file)
	base = strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base)))
	base = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, base)
	base = strings.Trim(base[:min(len(base), 40)], "-")
	if base == "" {
		return "run-"
	}
	return base + "-"
}

func parseEgress(text string) (v1alpha1.EgressTarget, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return v1alpha1.EgressTarget{}, fmt.Errorf("%q: write host:port", text)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return v1alpha1.EgressTarget{}, fmt.Errorf("%q: the port is a number from 1 to 65535", text)
	}
	return v1alpha1.EgressTarget{Host: host, Port: int32(number)}, nil
}

// The values that --input takes, in any case.
var (
	origins = []v1alpha1.Origin{v1alpha1.OriginUser, v1alpha1.OriginRetrieved, v1alpha1.OriginTool, v1alpha1.OriginAgent, v1alpha1.OriginMemory, v1alpha1.OriginOperator}
	trusts  = []v1alpha1.Trust{v1alpha1.Trusted, v1alpha1.Internal, v1alpha1.Untrusted}
)

// parseInput reads name=CONTENT:origin:trust. CONTENT is a file, or
// configmap/NAME/KEY, or nothing where the input only tells provenance.
func parseInput(text string) (input, error) {
	name, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if !ok || len(parts) < 3 {
		return input{}, fmt.Errorf("--input %q: write name=FILE:origin:trust, for example sales.csv=sales.csv:User:Internal", text)
	}
	n := len(parts)
	content := strings.Join(parts[:n-2], ":")
	origin, err := oneOf("origin", parts[n-2], origins)
	if err != nil {
		return input{}, fmt.Errorf("--input %q: %w", text, err)
	}
	trust, err := oneOf("trust", parts[n-1], trusts)
	if err != nil {
		return input{}, fmt.Errorf("--input %q: %w", text, err)
	}
	in := input{Input: v1alpha1.Input{Name: name, Origin: origin, Trust: trust}}
	if ref, isRef := strings.CutPrefix(content, "configmap/"); isRef {
		cm, key, ok := strings.Cut(ref, "/")
		if !ok {
			return input{}, fmt.Errorf("--input %q: write configmap/NAME/KEY", text)
		}
		in.ConfigMapRef = &v1alpha1.ConfigMapKey{Name: cm, Key: key}
		return in, nil
	}
	in.file = content
	return in, nil
}

// oneOf finds a value of a closed set, whatever its case.
func oneOf[T ~string](what, text string, values []T) (T, error) {
	names := make([]string, 0, len(values))
	for _, v := range values {
		if strings.EqualFold(text, string(v)) {
			return v, nil
		}
		names = append(names, string(v))
	}
	return "", fmt.Errorf("%s %q: use one of %s", what, text, strings.Join(names, ", "))
}

// isManifest tells a manifest by the name of its file.
func isManifest(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(file)))
}

// readManifest reads the one ExecutionRequest of a file, which may hold nothing
// else. Unknown fields are errors, as they are in the API.
func readManifest(file string, text []byte) (*v1alpha1.ExecutionRequest, error) {
	var found *v1alpha1.ExecutionRequest
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(document, &meta); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		switch {
		case meta.Kind == "":
			continue
		case meta.Kind != "ExecutionRequest" || meta.APIVersion != v1alpha1.GroupVersion.String():
			return nil, fmt.Errorf("%s: it has a %s of %s too. Create all of it with: kubectl create -f %s, then follow the request with: kubectl airlock logs -f NAME", file, meta.Kind, meta.APIVersion, file)
		case found != nil:
			return nil, fmt.Errorf("%s: it has more than one ExecutionRequest", file)
		}
		found = &v1alpha1.ExecutionRequest{}
		if err := yaml.UnmarshalStrict(document, found); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s: it has no ExecutionRequest of %s", file, v1alpha1.GroupVersion)
	}
	return found, nil
}
