// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func testRequest(edit func(*v1alpha1.ExecutionRequestSpec)) *v1alpha1.ExecutionRequestSpec {
	spec := &v1alpha1.ExecutionRequestSpec{
		PolicyName:  "test",
		Code:        v1alpha1.Code{Language: v1alpha1.Python, Source: "print(1)"},
		Args:        []string{"--fast"},
		Env:         []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("test")}},
		Egress:      []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
		Credentials: []string{"partner"},
		Limits:      &v1alpha1.Limits{TimeoutSeconds: 30, CPU: quantity("500m"), Memory: quantity("256Mi")},
	}
	if edit != nil {
		edit(spec)
	}
	return spec
}

func TestCheckRequest(t *testing.T) {
	pol := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) {
		s.Runtimes = append(s.Runtimes, v1alpha1.Runtime{Language: v1alpha1.SQL, Dialect: v1alpha1.PostgreSQL})
		s.Env = []string{"APP_MODE", "LD_PRELOAD", "PythonPath"}
		s.Egress = []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}}
		s.Credentials = []v1alpha1.Credential{{Name: "partner"}}
	})
	type spec = v1alpha1.ExecutionRequestSpec
	tests := map[string]struct {
		edit func(*spec)
		want []string // one for each error, a part of it
	}{
		"what the policy lists is fine": {nil, nil},
		"nothing but code is fine":      {func(s *spec) { *s = spec{Code: s.Code} }, nil},
		"the maxima themselves are fine": {func(s *spec) {
			s.Limits = &v1alpha1.Limits{TimeoutSeconds: 60, CPU: quantity("1000m"), Memory: quantity("1024Mi")}
		}, nil},
		"a language without runtime": {func(s *spec) { s.Code.Language = v1alpha1.Bash }, []string{`spec.code.language: Invalid value: "Bash": the policy runs Python, SQL; use one of these`}},
		"SQL in the dialect of the runtime": {func(s *spec) {
			s.Code, s.Args = v1alpha1.Code{Language: v1alpha1.SQL, Dialect: v1alpha1.PostgreSQL, Source: "SELECT 1"}, nil
		}, nil},
		"options for the database client": {func(s *spec) {
			s.Code = v1alpha1.Code{Language: v1alpha1.SQL, Source: "SELECT 1"}
			s.Args = []string{"-c", "DROP TABLE users"}
		}, []string{"spec.args: Forbidden: statements take no arguments"}},
		"SQL without a dialect": {func(s *spec) { s.Code, s.Args = v1alpha1.Code{Language: v1alpha1.SQL, Source: "SELECT 1"}, nil }, nil},
		"SQL for another database than the one that executes it": {func(s *spec) {
			s.Code, s.Args = v1alpha1.Code{Language: v1alpha1.SQL, Dialect: v1alpha1.MySQL, Source: "SELECT 1"}, nil
		}, []string{`spec.code.dialect: Invalid value: "MySQL": the policy's runtime executes PostgreSQL`}},
		"no language":                     {func(s *spec) { s.Code.Language = "" }, []string{"spec.code.language"}},
		"no code":                         {func(s *spec) { s.Code.Source = "" }, []string{"spec.code.source: Required value"}},
		"too much code":                   {func(s *spec) { s.Code.Source = strings.Repeat("é", 250_001) }, []string{"spec.code.source: Too long: may not be more than 250000"}},
		"as much code as the schema says": {func(s *spec) { s.Code.Source = strings.Repeat("é", 250_000) }, nil},
		"NUL in the code":                 {func(s *spec) { s.Code.Source = "a\x00b" }, []string{"it has a NUL character at byte 1"}},
		"code that is not UTF-8":          {func(s *spec) { s.Code.Source = "a\xff" }, []string{"it is not UTF-8"}},
		"NUL in an argument":              {func(s *spec) { s.Args = []string{"a", "b\x00"} }, []string{"spec.args[1]"}},
		"NUL in a value":                  {func(s *spec) { s.Env[0].Value = new("\x00") }, []string{"spec.env[0].value"}},
		"a variable without value":        {func(s *spec) { s.Env[0].Value = nil }, nil},
		"a variable that is not listed":   {func(s *spec) { s.Env[0].Name = "DEBUG" }, []string{`spec.env[0].name: Forbidden: the policy does not list "DEBUG"; it lists APP_MODE`}},
		"a loader variable, even where the policy lists it": {func(s *spec) { s.Env[0].Name = "LD_PRELOAD" }, []string{"steers the interpreter or the loader"}},
		"an interpreter variable in another case":           {func(s *spec) { s.Env[0].Name = "PythonPath" }, []string{"steers the interpreter or the loader"}},
		"a host that is not listed": {func(s *spec) { s.Egress[0].Host = "evil.attacker.example" },
			[]string{`spec.egress[0]: Forbidden: the policy does not list "evil.attacker.example:443"; it lists api.partner.example:443; leave it out`}},
		"another port of a listed host":   {func(s *spec) { s.Egress[0].Port = 22 }, []string{`"api.partner.example:22"`}},
		"a credential that is not listed": {func(s *spec) { s.Credentials = []string{"partner", "root"} }, []string{`spec.credentials[1]: Forbidden: the policy does not list "root"; it lists partner`}},
		"too much time":                   {func(s *spec) { s.Limits.TimeoutSeconds = 61 }, []string{"spec.limits.timeoutSeconds: Invalid value: 61: the policy's maximum is 60"}},
		"negative time":                   {func(s *spec) { s.Limits.TimeoutSeconds = -1 }, []string{"spec.limits.timeoutSeconds"}},
		"too much CPU":                    {func(s *spec) { s.Limits.CPU = quantity("1001m") }, []string{`spec.limits.cpu: Invalid value: "1001m": the policy's maximum is 1;`}},
		"no CPU":                          {func(s *spec) { s.Limits.CPU = quantity("0") }, []string{"spec.limits.cpu"}},
		"too much memory":                 {func(s *spec) { s.Limits.Memory = quantity("1025Mi") }, []string{"spec.limits.memory"}},
		"negative memory":                 {func(s *spec) { s.Limits.Memory = quantity("-1") }, []string{"spec.limits.memory"}},
		"everything at once is told at once": {func(s *spec) {
			s.Code.Language, s.Credentials[0], s.Limits.TimeoutSeconds = "Perl", "root", 1000
		}, []string{"spec.code.language", "spec.credentials[0]", "spec.limits.timeoutSeconds"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			errs := CheckRequest(testRequest(tt.edit), pol)
			if len(errs) != len(tt.want) {
				t.Fatalf("%d errors, want %d: %v", len(errs), len(tt.want), errs)
			}
			for i, err := range errs {
				if !strings.Contains(err.Error(), tt.want[i]) {
					t.Errorf("error %q, want a part %q", err, tt.want[i])
				}
			}
		})
	}
}

func TestAnEmptyPolicyListsNothing(t *testing.T) {
	errs := CheckRequest(testRequest(nil), &v1alpha1.ExecutionPolicySpec{})
	var fields []string
	for _, err := range errs {
		fields = append(fields, err.Field)
	}
	want := []string{"spec.code.language", "spec.env[0].name", "spec.egress[0]", "spec.credentials[0]"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
}

func TestEffectiveLimits(t *testing.T) {
	type limits struct {
		timeout     int32
		cpu, memory string
	}
	in := func(timeout int32, cpu, memory string) *v1alpha1.Limits {
		l := &v1alpha1.Limits{TimeoutSeconds: timeout}
		if cpu != "" {
			l.CPU = quantity(cpu)
		}
		if memory != "" {
			l.Memory = quantity(memory)
		}
		return l
	}
	tests := map[string]struct {
		req    *v1alpha1.Limits
		maxima *v1alpha1.Limits
		want   limits
	}{
		"neither says":                        {nil, in(0, "", ""), limits{60, "500m", "512Mi"}},
		"the maximum where nothing is asked":  {nil, in(300, "2", "4Gi"), limits{300, "2", "4Gi"}},
		"what is asked":                       {in(10, "250m", "64Mi"), in(300, "2", "4Gi"), limits{10, "250m", "64Mi"}},
		"a part is asked":                     {in(10, "", ""), in(300, "2", "4Gi"), limits{10, "2", "4Gi"}},
		"never more than the maximum":         {in(9999, "64", "1Ti"), in(300, "2", "4Gi"), limits{300, "2", "4Gi"}},
		"never more than the default maximum": {in(9999, "64", "1Ti"), in(0, "", ""), limits{60, "500m", "512Mi"}},
		"nonsense is nothing":                 {in(-1, "-1", "0"), in(-1, "0", "-5"), limits{60, "500m", "512Mi"}},
		"one spelling":                        {in(10, "0.5", "67108864"), in(300, "2000m", "4096Mi"), limits{10, "500m", "64Mi"}},
		"fractions are rounded up":            {in(10, "100u", "1500m"), in(300, "2", "4Gi"), limits{10, "1m", "2"}},
		"a huge number is not wrapped":        {in(10, "1E", "100E"), in(300, "2", "4Gi"), limits{10, "2", "4Gi"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := EffectiveLimits(tt.req, *tt.maxima)
			got := limits{l.TimeoutSeconds, l.CPU.String(), l.Memory.String()}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(limits{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	a, err := Digest(testPolicy())
	if err != nil {
		t.Fatal(err)
	}
	same := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Env, s.Limits.CPU = []string{}, quantity("1000m") })
	if b, _ := Digest(same); a != b {
		t.Errorf("absent and empty, or two spellings of a quantity, differ: %s and %s", a, b)
	}
	other := testPolicy(func(s *v1alpha1.ExecutionPolicySpec) { s.Allow[0].Imports = append(s.Allow[0].Imports, "socket") })
	if b, _ := Digest(other); a == b {
		t.Error("a rule was added and the digest stayed")
	}
	if !strings.HasPrefix(a, "sha256:") || len(a) != 71 {
		t.Errorf("%q is not a digest", a)
	}
	if _, err := Digest(nil); err == nil {
		t.Error("no policy has a digest")
	}
}
