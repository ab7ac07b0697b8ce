// SPDX-License-Identifier: Apache-2.0

//go:build integration

// Package integration attacks a real API server on which the chart is installed.
// There is no kubelet and no controller-manager: what those do, the tests ask for
// in their name, by impersonation, which the API server treats as the real thing.
//
// AIRLOCK_TEST_KUBECONFIG names the administrator's kubeconfig; make
// test-integration starts an API server and sets it.
package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/preflight"
)

// patience bounds every wait. A change of a policy is enforced after 0.6 to 3 s.
const patience = 30 * time.Second

// callTimeout is longer than the API server's own, so that its answer is heard.
const callTimeout = 90 * time.Second

var (
	kubeconfig string
	adminREST  *rest.Config
)

func TestMain(m *testing.M) {
	if err := setUp(); err != nil {
		fmt.Fprintln(os.Stderr, "integration tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func setUp() error {
	kubeconfig = os.Getenv("AIRLOCK_TEST_KUBECONFIG")
	if kubeconfig == "" {
		return errors.New("AIRLOCK_TEST_KUBECONFIG is not set: run `make test-integration`, or start an API server with `go -C hack/cluster run . up --control-plane-only` and name its kubeconfig")
	}
	var err error
	if adminREST, err = clientcmd.BuildConfigFromFlags("", kubeconfig); err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	adminREST.QPS, adminREST.Burst = 1000, 1000
	if err := installCilium(); err != nil {
		return err
	}
	if err := helm("upgrade", "--install", "airlock", filepath.Join(root, "charts/airlock"),
		"--namespace", config.OperatorNamespace, "--create-namespace",
		"--values", filepath.Join(root, "charts/airlock/ci/values.yaml"), "--wait=hookOnly"); err != nil {
		return err
	}
	checker, err := newChecker()
	if err != nil {
		return err
	}
	if problems := waitForPreflight(context.Background(), checker, false); len(problems) > 0 {
		return fmt.Errorf("preflight after installing the chart: %+v", problems)
	}
	if err := setUpPeople(); err != nil {
		return err
	}
	return awaitMutation()
}

// awaitMutation waits until the mutating policies are loaded: for some seconds after a CRD is new, the API server answers
// 503 to whatever they match. The Approval that it decides stays: only the garbage collector removes one.
func awaitMutation() error {
	made := operator.post(approvalsPath, anApproval())
	if !made.ok() {
		return fmt.Errorf("create an Approval to decide: %s", made)
	}
	path := approvalsPath + "/" + made.object.GetName()
	err := eventually(context.Background(), func() error {
		for _, got := range []answer{alice.merge(path, decide("Approved", "")), requester.post(requestsPath+"?dryRun=All", newRequest())} {
			if !got.ok() {
				return errors.New(got.String())
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for the mutating policies: %w", err)
	}
	return nil
}

// root is the checkout, as seen from this package.
const root = "../.."

// installCilium serves CiliumNetworkPolicy, from the pinned module.
func installCilium() error {
	return serve("github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml",
		"ciliumnetworkpolicies.cilium.io", "/apis/cilium.io/v2/ciliumnetworkpolicies")
}

const customResources = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

// serve installs a CustomResourceDefinition from a module and waits until its kind is served.
func serve(module, file, name, served string) error {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return fmt.Errorf("find module %s: %w", module, err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), file))
	if err != nil {
		return fmt.Errorf("read CustomResourceDefinition: %w", err)
	}
	if got := admin.call(http.MethodPatch, customResources+name+"?fieldManager=test&force=true", apply, string(text)); !got.ok() {
		return fmt.Errorf("install CustomResourceDefinition: %s", got)
	}
	return isServed(served)
}

func isServed(path string) error {
	return eventually(context.Background(), func() error {
		if got := admin.get(path); !got.ok() {
			return errors.New(got.String())
		}
		return nil
	})
}

// helm runs the pinned helm against the API server.
func helm(args ...string) error {
	out, err := runHelm(args...)
	if err != nil {
		return fmt.Errorf("helm %s: %w\n%s", args[0], err, out)
	}
	return nil
}

func runHelm(args ...string) (string, error) {
	path, err := exec.Command(filepath.Join(root, "hack/tools/build.sh"), "helm").Output()
	if err != nil {
		return "", fmt.Errorf("build helm: %w", err)
	}
	command := exec.Command(strings.TrimSpace(string(path)), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	out, err := command.CombinedOutput()
	return string(out), err
}

// eventually repeats an assertion until it holds, and returns its last error.
func eventually(ctx context.Context, assert func() error) error {
	var last error
	_ = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = assert()
		return last == nil, nil
	})
	return last
}

// newClient returns an uncached client of a user, for the kinds of Kubernetes and Airlock.
func newClient(u user) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	return client.New(u.config(), client.Options{Scheme: scheme})
}

// newChecker returns the preflight as the operator runs it, with the operator's rights.
func newChecker() (*preflight.Checker, error) {
	c, err := newClient(operator)
	if err != nil {
		return nil, fmt.Errorf("make the operator's client: %w", err)
	}
	return preflight.New(preflight.Config{
		Reader: c, Writer: c, DefaultDeny: network.DefaultDeny(config.SandboxNamespace),
		OperatorNamespace: config.OperatorNamespace, SandboxNamespace: config.SandboxNamespace, ServiceAccount: config.ServiceAccount,
	})
}

// waitForPreflight waits until preflight has problems, or none, and returns what it has.
func waitForPreflight(ctx context.Context, checker *preflight.Checker, wantProblems bool) []preflight.Problem {
	var problems []preflight.Problem
	_ = eventually(ctx, func() error {
		problems = checker.Check(ctx)
		if (len(problems) > 0) != wantProblems {
			return errors.New("not yet")
		}
		return nil
	})
	return problems
}

// user is who a call is made as: by impersonation, or with a token where there is one. The zero user is the administrator
// of the kubeconfig (system:masters), by client certificate.
type user struct {
	name   string
	groups []string
	uid    string
	extra  map[string][]string
	token  string
	rest   *rest.Config
}

func (u user) config() *rest.Config {
	if u.rest != nil {
		return u.rest
	}
	if u.token != "" {
		c := rest.AnonymousClientConfig(adminREST)
		c.BearerToken = u.token
		return c
	}
	c := rest.CopyConfig(adminREST)
	if u.name != "" {
		groups := append([]string{"system:authenticated"}, u.groups...)
		c.Impersonate = rest.ImpersonationConfig{UserName: u.name, UID: u.uid, Groups: groups, Extra: u.extra}
	}
	return c
}

// Content types of request bodies.
const (
	jsonBody   = "application/json"
	mergePatch = "application/merge-patch+json"
	jsonPatch  = "application/json-patch+json"
	strategic  = "application/strategic-merge-patch+json"
	apply      = "application/apply-patch+yaml"
)

// answer is what the API server said.
type answer struct {
	code   int
	object *unstructured.Unstructured
	text   string
}

func (a answer) ok() bool { return a.code >= 200 && a.code < 300 }

func (a answer) String() string {
	if a.object == nil { // the request was not even made
		return a.text
	}
	if message, _, _ := unstructured.NestedString(a.object.Object, "message"); message != "" {
		return fmt.Sprintf("HTTP %d: %s", a.code, message)
	}
	return fmt.Sprintf("HTTP %d: %.300s", a.code, a.text)
}

// call makes one request with a body that is text or is encoded as JSON.
func (u user) call(method, path, contentType string, body any) answer {
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{text: fmt.Sprintf("encode body: %v", err)}
		}
		text = string(encoded)
	}
	config := u.config()
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return answer{text: fmt.Sprintf("make client: %v", err)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, config.Host+path, bytes.NewBufferString(text))
	if err != nil {
		return answer{text: fmt.Sprintf("make request: %v", err)}
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", jsonBody)
	response, err := httpClient.Do(request)
	if err != nil {
		return answer{text: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{text: fmt.Sprintf("read answer: %v", err)}
	}
	result := answer{code: response.StatusCode, object: &unstructured.Unstructured{}, text: string(raw)}
	_ = json.Unmarshal(raw, &result.object.Object) // Not everything that answers speaks JSON; text has it all.
	return result
}

func (u user) get(path string) answer { return u.call(http.MethodGet, path, jsonBody, nil) }

func (u user) post(path string, body any) answer {
	return u.call(http.MethodPost, path, jsonBody, body)
}

func (u user) put(path string, body any) answer { return u.call(http.MethodPut, path, jsonBody, body) }

func (u user) merge(path string, body any) answer {
	return u.call(http.MethodPatch, path, mergePatch, body)
}

func (u user) remove(path string) answer { return u.call(http.MethodDelete, path, jsonBody, nil) }

// accepted fails the test unless the API server said yes.
func accepted(t *testing.T, got answer) answer {
	t.Helper()
	if !got.ok() {
		t.Errorf("refused with %s; want it accepted", got)
	}
	return got
}

// refused fails the test unless the API server said no, with this code and these words.
func refused(t *testing.T, got answer, code int, words string) {
	t.Helper()
	if got.code != code || !strings.Contains(got.String(), words) {
		t.Errorf("got %s; want HTTP %d with %q", got, code, words)
	}
}
