// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/policy"
)

// fixture is a request, its policy and the digests of its inputs, with every
// field set that can be.
type fixture struct {
	req     *v1alpha1.ExecutionRequest
	pol     *v1alpha1.ExecutionPolicy
	rules   []policy.Rule
	digests map[string]string
}

func newFixture() fixture {
	content := "sha256:" + strings.Repeat("c", 64)
	cpu, memory := resource.MustParse("250m"), resource.MustParse("128Mi")
	maxCPU, maxMemory := resource.MustParse("1"), resource.MustParse("1Gi")
	return fixture{
		req: &v1alpha1.ExecutionRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "report", UID: "uid-1"},
			Spec: v1alpha1.ExecutionRequestSpec{
				PolicyName:  "data-analysis",
				Requester:   v1alpha1.Requester{Username: "agent-7", UID: "u-7", Groups: []string{"agents"}, PodName: "agent-0", PodUID: "p-0"},
				Agent:       &v1alpha1.Agent{Name: "analyst", Model: "m-1", Session: "s-1", Invocation: "i-1"},
				Task:        "Summarise",
				Code:        v1alpha1.Code{Language: v1alpha1.SQL, Dialect: "PostgreSQL", Source: "SELECT 1"},
				Args:        []string{"--fast"},
				Env:         []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("test")}},
				Inputs:      []v1alpha1.Input{{Name: "sales.csv", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal, Digest: content, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "in", Key: "k"}, Attestation: `{"payload":""}`}},
				Egress:      []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
				Credentials: []string{"partner"},
				Limits:      &v1alpha1.Limits{TimeoutSeconds: 30, CPU: &cpu, Memory: &memory},
			},
		},
		pol: &v1alpha1.ExecutionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "data-analysis"},
			Spec: v1alpha1.ExecutionPolicySpec{
				Runtimes:         []v1alpha1.Runtime{{Language: v1alpha1.SQL, Image: "registry.example/psql@sha256:" + strings.Repeat("e", 64), Command: []string{"psql"}}},
				RuntimeClassName: "gvisor",
				Limits:           v1alpha1.Limits{TimeoutSeconds: 60, CPU: &maxCPU, Memory: &maxMemory},
			},
		},
		rules:   []policy.Rule{{Name: "no-deletes", Digest: "sha256:" + strings.Repeat("f", 64)}},
		digests: map[string]string{"sales.csv": content},
	}
}

func TestNewFillsEveryField(t *testing.T) {
	f := newFixture()
	e, err := New(f.req, f.pol, f.rules, f.digests)
	if err != nil {
		t.Fatal(err)
	}
	leaves(reflect.ValueOf(&e).Elem(), "", func(path string, leaf reflect.Value) {
		if leaf.IsZero() {
			t.Errorf("%s is not filled in", path)
		}
	})
	want := Limits{TimeoutSeconds: 30, CPU: "250m", Memory: "128Mi"}
	if diff := cmp.Diff(want, e.Limits); diff != "" {
		t.Error(diff)
	}
}

// What the digest does not cover is listed here, with the reason.
var notBound = map[string]string{
	".Inputs[0].ConfigMapRef.Name": "the content is bound by its digest, wherever it is kept",
	".Inputs[0].ConfigMapRef.Key":  "the content is bound by its digest, wherever it is kept",
	".Mode":                        "whether it runs at all is not what runs",
}

// A field that is added to the request later is found by the walk, too.
func TestSwappingAnyFieldOfTheRequestChangesTheDigest(t *testing.T) {
	base := newFixture()
	e, err := New(base.req, base.pol, base.rules, base.digests)
	if err != nil {
		t.Fatal(err)
	}
	want := digestOf(t, e)
	var paths []string
	leaves(reflect.ValueOf(&base.req.Spec).Elem(), "", func(path string, _ reflect.Value) {
		if !strings.Contains(path, ".Limits.CPU") && !strings.Contains(path, ".Limits.Memory") { // resource.Quantity has private fields; see below
			paths = append(paths, path)
		}
	})
	for _, path := range paths {
		f := newFixture()
		leaves(reflect.ValueOf(&f.req.Spec).Elem(), "", func(p string, leaf reflect.Value) {
			if p == path {
				flip(t, p, leaf)
			}
		})
		e, err := New(f.req, f.pol, f.rules, f.digests)
		if err != nil {
			continue // a request that cannot be launched is as good as a new digest
		}
		same := digestOf(t, e) == want
		if _, expected := notBound[path]; same != expected {
			t.Errorf("changing %s leaves the digest the same: %v, want %v", path, same, expected)
		}
	}
}

func TestSwapsThatChangeTheDigest(t *testing.T) {
	base := newFixture()
	e, err := New(base.req, base.pol, base.rules, base.digests)
	if err != nil {
		t.Fatal(err)
	}
	want := digestOf(t, e)
	more := resource.MustParse("300m")
	other := "sha256:" + strings.Repeat("d", 64)
	tests := map[string]struct {
		edit func(*fixture)
		same bool
	}{
		"another request of the same name":    {edit: func(f *fixture) { f.req.UID = "uid-2" }},
		"another namespace":                   {edit: func(f *fixture) { f.req.Namespace = "team-b" }},
		"more CPU":                            {edit: func(f *fixture) { f.req.Spec.Limits.CPU = &more }},
		"more memory":                         {edit: func(f *fixture) { f.req.Spec.Limits.Memory = &more }},
		"another rule in the policy":          {edit: func(f *fixture) { f.pol.Spec.Env = []string{"DEBUG"} }},
		"another quorum":                      {edit: func(f *fixture) { f.pol.Spec.Approval.Required = 1 }},
		"another content of a Kyverno rule":   {edit: func(f *fixture) { f.rules[0].Digest = other }},
		"a Kyverno rule renamed":              {edit: func(f *fixture) { f.rules[0].Name = "others" }},
		"a Kyverno rule more":                 {edit: func(f *fixture) { f.rules = append(f.rules, policy.Rule{Name: "z", Digest: other}) }},
		"no Kyverno rule":                     {edit: func(f *fixture) { f.rules = nil }},
		"another image":                       {edit: func(f *fixture) { f.pol.Spec.Runtimes[0].Image += "0" }},
		"another interpreter flag":            {edit: func(f *fixture) { f.pol.Spec.Runtimes[0].Command = []string{"psql", "-x"} }},
		"no runtime class":                    {edit: func(f *fixture) { f.pol.Spec.RuntimeClassName = "" }},
		"the same quantity spelled otherwise": {edit: func(f *fixture) { q := resource.MustParse("0.25"); f.req.Spec.Limits.CPU = &q }, same: true},
		"a status":                            {edit: func(f *fixture) { f.req.Status.State = v1alpha1.StateRunning }, same: true},
		"a label":                             {edit: func(f *fixture) { f.req.Labels = map[string]string{"a": "b"} }, same: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			tt.edit(&f)
			e, err := New(f.req, f.pol, f.rules, f.digests)
			if err != nil {
				t.Fatal(err)
			}
			if got := digestOf(t, e) == want; got != tt.same {
				t.Errorf("the digest is the same: %v, want %v", got, tt.same)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		edit func(*fixture)
		want string
	}{
		"no UID":                                {func(f *fixture) { f.req.UID = "" }, "no namespace, name or UID"},
		"no requester":                          {func(f *fixture) { f.req.Spec.Requester = v1alpha1.Requester{} }, "no requester"},
		"another policy than the request names": {func(f *fixture) { f.pol.Name = "lenient" }, `names policy "data-analysis"`},
		"an unknown language":                   {func(f *fixture) { f.req.Spec.Code.Language = "Perl"; f.pol.Spec.Runtimes[0].Language = "Perl" }, `unknown language "Perl"`},
		"a language without runtime":            {func(f *fixture) { f.req.Spec.Code.Language = v1alpha1.Bash }, "no runtime for Bash"},
		"content without digest":                {func(f *fixture) { f.digests = nil }, "content without a digest"},
		"a digest without content":              {func(f *fixture) { f.req.Spec.Inputs[0].ConfigMapRef = nil }, "a digest without content"},
		"a digest of an unknown input":          {func(f *fixture) { f.digests["other"] = f.digests["sales.csv"] }, "inputs that the request does not have"},
		"a digest that is none":                 {func(f *fixture) { f.digests["sales.csv"] = "sha256:abc" }, "not a SHA-256 digest"},
		"a digest in capitals":                  {func(f *fixture) { f.digests["sales.csv"] = "sha256:" + strings.Repeat("C", 64) }, "not a SHA-256 digest"},
		"content that was swapped":              {func(f *fixture) { f.digests["sales.csv"] = "sha256:" + strings.Repeat("d", 64) }, "the request says"},
		"no policy":                             {func(f *fixture) { f.pol = nil }, "needs a request and a policy"},
		"no request":                            {func(f *fixture) { f.req = nil }, "needs a request and a policy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			tt.edit(&f)
			_, err := New(f.req, f.pol, f.rules, f.digests)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a part %q", err, tt.want)
			}
		})
	}
}

func TestProvenanceWithoutContentHasNoContentDigest(t *testing.T) {
	f := newFixture()
	f.req.Spec.Inputs[0].ConfigMapRef, f.digests = nil, nil
	e, err := New(f.req, f.pol, f.rules, f.digests)
	if err != nil {
		t.Fatal(err)
	}
	if in := e.Inputs[0]; in.Digest != "" || in.ClaimedDigest == "" {
		t.Errorf("digest %q, claimed %q; want none and the claim", in.Digest, in.ClaimedDigest)
	}
}
