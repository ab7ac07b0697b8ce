// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

func TestBadInputIsRefusedWithTheFieldsName(t *testing.T) {
	input := func(edit ...any) []any {
		in := object{"name": "i", "origin": "User", "trust": "Internal"}
		in[edit[0].(string)] = edit[1]
		return []any{in}
	}
	for name, test := range map[string]struct {
		path  []string
		value any
		words string
	}{
		"no policy":                          {[]string{"policyName"}, "", "spec.policyName"},
		"empty source":                       {[]string{"code", "source"}, "", "spec.code.source"},
		"source over its limit":              {[]string{"code", "source"}, strings.Repeat("a", 250001), "spec.code.source: Too long"},
		"a language that nobody reads":       {[]string{"code", "language"}, "Perl", `spec.code.language: Unsupported value: "Perl"`},
		"a dialect of Python":                {[]string{"code", "dialect"}, "PostgreSQL", "spec.code: Invalid value"},
		"an unknown mode":                    {[]string{"mode"}, "Force", "spec.mode"},
		"an address instead of a host":       {[]string{"egress"}, []any{object{"host": "198.51.100.10", "port": int64(80)}}, "spec.egress[0].host"},
		"a wildcard host":                    {[]string{"egress"}, []any{object{"host": "*.example", "port": int64(80)}}, "spec.egress[0].host"},
		"a host in capitals":                 {[]string{"egress"}, []any{object{"host": "API.example", "port": int64(80)}}, "spec.egress[0].host"},
		"a port that does not exist":         {[]string{"egress"}, []any{object{"host": "api.example", "port": int64(70000)}}, "spec.egress[0].port"},
		"the same destination twice":         {[]string{"egress"}, []any{object{"host": "api.example", "port": int64(80)}, object{"host": "api.example", "port": int64(80)}}, "spec.egress[1]: Duplicate value"},
		"an input that leaves its directory": {[]string{"inputs"}, input("name", "../etc/passwd"), "spec.inputs[0].name"},
		"an unknown trust":                   {[]string{"inputs"}, input("trust", "Absolute"), "spec.inputs[0].trust"},
		"an unknown origin":                  {[]string{"inputs"}, input("origin", "Heaven"), "spec.inputs[0].origin"},
		"a digest that is none":              {[]string{"inputs"}, input("digest", "md5:0"), "spec.inputs[0].digest"},
		"a variable with a bad name":         {[]string{"env"}, []any{object{"name": "A=B", "value": ""}}, "spec.env[0].name"},
		"a negative time":                    {[]string{"limits"}, object{"timeoutSeconds": int64(-1)}, "spec.limits.timeoutSeconds"},
		"a memory limit that is no number":   {[]string{"limits"}, object{"memory": "much"}, "spec.limits.memory"},
		"more than 64 arguments":             {[]string{"args"}, strings.Split(strings.Repeat("a ", 65), " "), "spec.args"},
	} {
		t.Run(name, func(t *testing.T) {
			value := test.value
			if list, ok := value.([]string); ok {
				value = anyList(list)
			}
			r := newRequest(with(value, append([]string{"spec"}, test.path...)...))
			refused(t, requester.post(requestsPath, r), http.StatusUnprocessableEntity, test.words)
		})
	}
	t.Run("a field that does not exist", func(t *testing.T) {
		r := newRequest(with(true, "spec", "privileged"))
		refused(t, requester.post(requestsPath+"?fieldValidation=Strict", r), http.StatusBadRequest, `unknown field "spec.privileged"`)
	})
	t.Run("the largest source fits", func(t *testing.T) {
		accepted(t, requester.post(requestsPath, newRequest(with(strings.Repeat("<", 250000), "spec", "code", "source"))))
	})
}

func TestARuntimeSaysWhatItsLanguageNeeds(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	runtime := func(fields object) object {
		r := object{"image": "registry.example/x@" + digest, "command": []any{"x"}}
		maps.Copy(r, fields)
		return object{"apiVersion": "airlock.dev/v1alpha1", "kind": "ExecutionPolicy", "metadata": object{"generateName": "p-"},
			"spec": object{"runtimes": []any{r}, "limits": object{"timeoutSeconds": int64(1)}}}
	}
	const path = "/apis/airlock.dev/v1alpha1/executionpolicies?dryRun=All"
	for name, test := range map[string]struct {
		fields object
		words  string // "" where it is accepted
	}{
		"Python with an inventory":            {object{"language": "Python", "inventory": digest}, ""},
		"Python without":                      {object{"language": "Python"}, "a Python runtime names the inventory of its image"},
		"an inventory that is no digest":      {object{"language": "Python", "inventory": "latest"}, "spec.runtimes[0].inventory"},
		"Bash needs neither":                  {object{"language": "Bash"}, ""},
		"SQL with a dialect":                  {object{"language": "SQL", "dialect": "MySQL"}, ""},
		"SQL without":                         {object{"language": "SQL"}, "an SQL runtime declares the dialect"},
		"SQL in a dialect that nobody reads":  {object{"language": "SQL", "dialect": "SQLite"}, `spec.runtimes[0].dialect: Unsupported value: "SQLite"`},
		"a dialect of a language without any": {object{"language": "Bash", "dialect": "MySQL"}, "an SQL runtime declares the dialect"},
	} {
		t.Run(name, func(t *testing.T) {
			got := admin.post(path, runtime(test.fields))
			if test.words == "" {
				accepted(t, got)
				return
			}
			refused(t, got, http.StatusUnprocessableEntity, test.words)
		})
	}
}

func anyList(list []string) []any {
	result := make([]any, len(list))
	for i, item := range list {
		result[i] = item
	}
	return result
}
