// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
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

func anyList(list []string) []any {
	result := make([]any, len(list))
	for i, item := range list {
		result[i] = item
	}
	return result
}
