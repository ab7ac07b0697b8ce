// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"flag"
	"maps"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kyverno/sdk/extensions/cel/libs/http"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

// Each is a way to spell what Kyverno's own rules may do.
func TestARuleThatReachesOutsideIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ expression, want string }{
		"http":                          {`http.Get("http://x/").a == 1`, "reaches outside with http"},
		"http, in lower case":           {`http.get("http://x/").a == 1`, "reaches outside with http"},
		"http, posted":                  {`http.Post("http://x/", object).a == 1`, "reaches outside with http"},
		"http, from the root":           {`.http.Get("http://x/").a == 1`, "reaches outside with http"},
		"http, in a list":               {`[http].all(h, h.Get("http://x/").a == 1)`, "reaches outside with http"},
		"http, under another name":      {`cel.bind(h, http, h.Get("http://x/").a == 1)`, "reaches outside with http"},
		"http, in a dead branch":        {`true || http.Get("http://x/").a == 1`, "reaches outside with http"},
		"http, its client":              {`http.Client("").Get("http://x/").a == 1`, "reaches outside with http"},
		"http, without a variable":      {`"http://x/".Get().a == 1`, "does not compile"},
		"resource":                      {`resource.Get("v1", "secrets", "a", "b").data.x == ""`, "reaches outside with resource"},
		"resource, listed":              {`resource.list("v1", "secrets", "a").items.size() == 0`, "reaches outside with resource"},
		"resource, created":             {`resource.Post("v1", "pods", {"a": 1}).a == 1`, "reaches outside with resource"},
		"the global context":            {`globalContext.Get("x", "").a == 1`, "uses globalContext"},
		"image data":                    {`image.GetMetadata("x").a == 1`, "uses image data"},
		"a generator":                   {`generator.Apply("x", [])`, "uses generator"},
		"gzip, which makes much of few": {`gzip.decompress(b"") == ""`, "uses gzip"},
		"an authorizer":                 {`authorizer.group("").resource("pods").check("get").allowed()`, "uses authorizer"},
	} {
		validation := map[string]any{"expression": tt.expression}
		places := map[string]unstructured.Unstructured{
			"validation":      holding("r", tt.expression),
			"match condition": holding("r", "true", with("matchConditions", []any{map[string]any{"name": "c", "expression": tt.expression}})),
			"variable":        holding("r", "true", with("variables", []any{map[string]any{"name": "v", "expression": tt.expression}})),
			"message":         holding("r", "true", with("validations", []any{map[string]any{"expression": "true", "messageExpression": "string(" + tt.expression + ")"}})),
			"with Audit":      holding("r", "true", with("validationActions", []any{"Audit"}), with("validations", []any{validation})),
		}
		for place, rule := range places {
			t.Run(name+", in a "+place, func(t *testing.T) {
				if got := refusal(t, selecting(), rule); !strings.Contains(got, tt.want) {
					t.Errorf("%q, want a part %q", got, tt.want)
				}
			})
		}
	}
}

// What rules can use is listed here, so that a new version of a library does not widen it unseen.
func TestTheLanguageOfRulesIsClosed(t *testing.T) {
	for file, outside := range map[string]bool{"testdata/language.txt": false, "testdata/language-outside.txt": true} {
		env, err := environments[outside]()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range env.Variables() {
			names = append(names, "variable "+v.Name()+" "+v.Type().String())
		}
		for _, name := range slices.Sorted(maps.Keys(env.Functions())) {
			names = append(names, "function "+name)
		}
		slices.Sort(names)
		got := strings.Join(slices.Compact(names), "\n") + "\n"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got), -update writes it:\n%s", file, diff)
		}
	}
}

func TestOutsideCallsThatAreAllowedStillDenyWhenTheyFail(t *testing.T) {
	for name, tt := range map[string]struct{ expression, want string }{
		"loopback":                      {`http.Get("http://127.0.0.1:1/").a == 1`, "may not connect to 127.0.0.1"},
		"a metadata service":            {`http.Get("http://169.254.169.254/latest").a == 1`, "may not connect to 169.254.169.254"},
		"a metadata service by name":    {`http.Get("http://Metadata.Google.Internal./").a == 1`, "metadata.google.internal is a metadata service"},
		"a private network":             {`http.Get("http://10.0.0.1/").a == 1`, "may not connect to 10.0.0.1"},
		"an IPv4 address within IPv6":   {`http.Get("http://[::ffff:169.254.169.254]/").a == 1`, "may not connect to 169.254.169.254"},
		"an IPv4 address behind NAT64":  {`http.Get("http://[64:ff9b::a9fe:a9fe]/").a == 1`, "may not connect to 169.254.169.254"},
		"an IPv4 address in 6to4":       {`http.Get("http://[2002:a9fe:a9fe::]/").a == 1`, "may not connect to 169.254.169.254"},
		"a file":                        {`http.Get("file:///etc/passwd").a == 1`, "unsupported protocol"},
		"the cluster, created":          {`resource.Post("v1", "pods", {"a": dyn(1)}).a == 1`, "rules create no objects"},
		"the cluster, an unknown kind":  {`resource.List("v1", "nothings", "a").items.size() == 0`, "find kind"},
		"the cluster, no API version":   {`resource.List("a/b/c", "pods", "a").items.size() == 0`, "parse API version"},
		"globalContext is never there":  {`has(object.policy)`, ""},
		"an answer that is not awaited": {`http.Client("no certificate").Get("http://x/").a == 1`, "not PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tighten(t, mustSelect(t, outsideAllowed(), holding("r", tt.expression)), aVerdict(v1alpha1.Allow))
			want := map[bool]v1alpha1.Decision{true: v1alpha1.Allow, false: v1alpha1.Deny}[tt.want == ""]
			if got.Decision != want || !strings.Contains(reasons(got), tt.want) {
				t.Errorf("%s: %q, want %s because of %q", got.Decision, reasons(got), want, tt.want)
			}
		})
	}
}

func TestWhatIsNeverThereIsRefusedWithOutsideCallsToo(t *testing.T) {
	for expression, want := range map[string]string{
		`globalContext.Get("x", "").a == 1`: "uses globalContext",
		`image.GetMetadata("x").a == 1`:     "uses image data",
		`generator.Apply("x", [])`:          "uses generator",
		`gzip.decompress(b"") == ""`:        "uses gzip",
		`http.Get("http://x/").a == nope`:   "undeclared reference to 'nope'",
	} {
		if got := refusal(t, outsideAllowed(), holding("r", expression)); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want a part %q", expression, got, want)
		}
	}
}

// The same rule compiled for a policy that allows outside calls must not serve one that forbids them.
func TestARuleOfAnotherPolicyBringsNoOutsideCalls(t *testing.T) {
	engine := engineFor(holding("r", `http.Get("http://127.0.0.1:1/").a == 1`))
	if _, err := engine.Select(t.Context(), outsideAllowed()); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Select(t.Context(), selecting()); err == nil || !strings.Contains(err.Error(), "reaches outside") {
		t.Errorf("error %v", err)
	}
	if set, err := engine.Select(t.Context(), &v1alpha1.KyvernoRules{Selector: selecting().Selector, OutsideCalls: "Perhaps"}); err == nil {
		t.Errorf("an unknown value allows: %+v", set)
	}
}

func TestAnswersOfServers(t *testing.T) {
	mux := nethttp.NewServeMux()
	mux.HandleFunc("/object", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		_, _ = w.Write([]byte(`{"allowed": true, "as": "` + r.Header.Get("X-As") + `"}`))
	})
	mux.HandleFunc("/list", func(w nethttp.ResponseWriter, _ *nethttp.Request) { _, _ = w.Write([]byte(`[1]`)) })
	mux.HandleFunc("/text", func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(nethttp.StatusTeapot) })
	mux.HandleFunc("/flood", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		for range 3 {
			_, _ = w.Write(make([]byte, maxAnswer/2))
		}
	})
	mux.HandleFunc("/round", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/round", nethttp.StatusFound)
	})
	mux.HandleFunc("/away", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "http://metadata.google.internal/", nethttp.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	here := newWeb(t.Context(), nil, http.DefaultBlockedHosts)

	got, err := here.Get(server.URL+"/object", map[string]string{"X-As": "me"})
	if diff := cmp.Diff(map[string]any{"allowed": true, "as": "me", "statusCode": 200}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	got, err = here.Post(server.URL+"/list", map[string]any{"a": 1}, nil)
	if diff := cmp.Diff(map[string]any{"body": []any{1.0}, "statusCode": 200}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	got, err = here.Get(server.URL+"/text", nil)
	if diff := cmp.Diff(map[string]any{"body": nil, "statusCode": 418}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for path, want := range map[string]string{"/flood": "more than 1048576 bytes", "/round": "too many redirects", "/away": "is a metadata service"} {
		if _, err := here.Get(server.URL+path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want a part %q", path, err, want)
		}
	}
	if _, err := newWeb(t.Context(), http.DefaultBlockedCIDRs, nil).Get(server.URL+"/object", nil); err == nil {
		t.Error("the operator's own network answered a rule")
	}
}

// Kyverno's own client waits for as long as the server likes.
func TestAServerThatNeverAnswersHoldsNoWorker(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it accepts in the kernel, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	done := make(chan error, 1)
	ctx, cancel := withDeadline(t)
	defer cancel()
	go func() {
		_, err := newWeb(ctx, nil, nil).Get("http://"+listener.Addr().String()+"/", nil)
		done <- err
	}()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("error %v", err)
	}
}
