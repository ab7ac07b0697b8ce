// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/config"
	"github.com/airlock-dev/airlock/controllers"
	"github.com/airlock-dev/airlock/controllers/executionrequest"
	"github.com/airlock-dev/airlock/internal/auditlog"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/network"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// The tests of the controllers run the whole operator in this process against the real API server, as the operator's own
// service account: its RBAC, the schemas and the admission policies are met as in production. Three things are not real:
// the kubelet, which the tests play (controller_kubelet_test.go), the operator's clock, which they set, and, unless a test
// is about it, the preflight, which has tests of its own. A change of the clock wakes nobody, so nudge does.

// People of the controllers' tests. They may use, and approve under, every policy.
var (
	agent    = user{name: "agent", groups: []string{"ctl-requesters"}}
	approver = user{name: "alice", groups: []string{"ctl-approvers"}}
	second   = user{name: "bob", groups: []string{"ctl-approvers"}}
)

const controllerPeople = `
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"ctl-policies"},
 "rules":[{"apiGroups":["airlock.dev"],"resources":["executionpolicies"],"verbs":["use","approve"]},
  {"apiGroups":[""],"resources":["configmaps"],"resourceNames":["data","large","nothing"],"verbs":["get"]}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"ctl-policies"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"ctl-policies"},
 "subjects":[{"kind":"Group","name":"ctl-requesters","apiGroup":"rbac.authorization.k8s.io"},{"kind":"Group","name":"ctl-approvers","apiGroup":"rbac.authorization.k8s.io"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"ctl-requesters"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"airlock-requester"},
 "subjects":[{"kind":"Group","name":"ctl-requesters","apiGroup":"rbac.authorization.k8s.io"}]}
{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"ctl-approvers"},
 "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"airlock-approver"},
 "subjects":[{"kind":"Group","name":"ctl-approvers","apiGroup":"rbac.authorization.k8s.io"}]}
`

var setUpControllerPeople = sync.OnceValue(func() error {
	decoder := json.NewDecoder(strings.NewReader(controllerPeople))
	for decoder.More() {
		role := &unstructured.Unstructured{}
		if err := decoder.Decode(&role.Object); err != nil {
			return fmt.Errorf("decode roles: %w", err)
		}
		path := "/apis/rbac.authorization.k8s.io/v1/" + strings.ToLower(role.GetKind()) + "s/" + role.GetName() + "?fieldManager=test&force=true"
		if got := admin.call(http.MethodPatch, path, apply, role.Object); !got.ok() {
			return errors.New(got.String())
		}
	}
	return nil
})

// world is one test's namespace, policy, clock and operators.
type world struct {
	*testing.T
	ctx       context.Context
	namespace string
	policy    *v1alpha1.ExecutionPolicy
	clock     *clocktesting.FakePassiveClock
	guard     executionrequest.Guard
	log       *writeLog
	admin     client.Client
	stop      func() // the running operator
	audit     auditlog.Config
	// unrecorded is what verify has to say where a test made a pod in the operator's name, which the log shows.
	unrecorded string
}

// newWorld makes a namespace and a policy with rules that the tests' sources fall under.
func newWorld(t *testing.T, edits ...func(*v1alpha1.ExecutionPolicySpec)) *world {
	t.Helper()
	if err := setUpControllerPeople(); err != nil {
		t.Fatal(err)
	}
	c, err := newClient(admin)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, ctx: t.Context(), admin: c, guard: &switchedGuard{}, log: &writeLog{}, stop: func() {},
		// The API server's own clock decides about decisions on Approvals, so the operator's starts there.
		clock: clocktesting.NewFakePassiveClock(time.Now()),
	}
	w.audit = auditlogtest.Config(t, t.TempDir())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "ctl-"}}
	w.must(c.Create(w.ctx, namespace))
	w.namespace = namespace.Name
	w.policy = &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}, Spec: policySpec()}
	for _, edit := range edits {
		edit(&w.policy.Spec)
	}
	w.must(c.Create(w.ctx, w.policy))
	t.Cleanup(w.cleanUp)
	return w
}

// Sources, by the verdict that policySpec leads to for an Internal input.
const (
	allowedSource  = "print(sum(range(10)))\n"
	approvalSource = "import os\n\nos.remove('/data/old.csv')\n"
	deniedSource   = "eval('1 + 1')\n"
)

func policySpec() v1alpha1.ExecutionPolicySpec {
	return v1alpha1.ExecutionPolicySpec{
		Runtimes: []v1alpha1.Runtime{{
			Language: v1alpha1.Python, Image: "airlock.example/python@sha256:" + strings.Repeat("1", 64), Command: []string{"/usr/bin/python3", "-I", "-B"},
			Inventory: gate.Inventory(gate.Python),
		}},
		OperationRules: v1alpha1.OperationRules{
			Allow:           []v1alpha1.OperationRule{{Imports: []string{"builtins", "os", "json"}}, {Paths: &v1alpha1.Paths{Read: []string{"/inputs/**"}}}},
			RequireApproval: []v1alpha1.ApprovalRule{{OperationRule: v1alpha1.OperationRule{Paths: &v1alpha1.Paths{Delete: []string{"/**"}}}}},
		},
		Approval: v1alpha1.ApprovalTerms{Required: 1, TTLSeconds: 3600},
		Limits:   v1alpha1.Limits{TimeoutSeconds: 60, CPU: new(resource.MustParse("1")), Memory: new(resource.MustParse("256Mi"))},
	}
}

// options of the operators.
func options() executionrequest.Options {
	return executionrequest.Options{
		OperatorImage:     "airlock.example/operator@sha256:" + strings.Repeat("0", 64),
		SandboxNamespace:  config.SandboxNamespace,
		OperatorNamespace: config.OperatorNamespace,
		StartTimeout:      5 * time.Minute,
		PodRetention:      10 * time.Minute,
		Workers:           4,
	}
}

// operate starts an operator with caches of its own, as a new process has, and waits until the policy was checked.
func (w *world) operate() {
	w.Helper()
	w.start(&wire{log: w.log})
	w.policyChecked()
}

func (w *world) policyChecked() {
	w.Helper()
	w.eventually("the policy was checked", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(w.policy), w.policy); err != nil {
			return err
		}
		if c := meta.FindStatusCondition(w.policy.Status.Conditions, v1alpha1.ConditionReady); c == nil || c.ObservedGeneration != w.policy.Generation {
			return errors.New("not yet")
		}
		return nil
	})
}

// start starts an operator on the wire, after the one before has stopped.
func (w *world) start(line *wire) {
	w.Helper()
	w.stop()
	ctrl.SetLogger(logr.Discard()) // for what has no logger of its own
	cfg := operator.config()
	cfg.QPS, cfg.Burst = 1000, 1000
	line.died = make(chan struct{})
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper {
		line.base = base
		return line
	})
	log := &operatorLog{t: w.T}
	mgr := w.manager(cfg, log)
	audit := w.audit
	audit.Places = auditlog.PlacesOf(mgr.GetClient())
	record, err := auditlog.New(audit)
	w.must(err)
	w.must(mgr.Add(record))
	w.must(controllers.Setup(mgr, w.clock, w.guard, record, options()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		err := <-done
		log.end()
		if err != nil && !line.dead() {
			w.Errorf("operator: %v", err)
		}
	})
}

// manager returns a manager as main makes it, which sees the requests of this test only.
func (w *world) manager(cfg *rest.Config, log *operatorLog) ctrl.Manager {
	w.Helper()
	scheme, err := controllers.Scheme()
	w.must(err)
	caches := controllers.CacheOptions(config.SandboxNamespace)
	here := cache.ByObject{Namespaces: map[string]cache.Config{w.namespace: {}}}
	caches.ByObject[&v1alpha1.ExecutionRequest{}] = here
	caches.ByObject[&v1alpha1.Approval{}] = here
	caches.ByObject[&v1alpha1.ExecutionGrant{}] = here
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Cache: caches, Logger: funcr.New(log.add, funcr.Options{}),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: ctrlconfig.Controller{SkipNameValidation: new(true)}, // one process, many operators
	})
	w.must(err)
	return mgr
}

// operatorLog shows what the reconcilers log where their test fails.
type operatorLog struct {
	mu sync.Mutex
	t  *testing.T
}

func (l *operatorLog) add(prefix, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t != nil && strings.Contains(args, "reconcileID") {
		l.t.Logf("operator: %s %.500s", prefix, args)
	}
}

// end keeps what is logged late away from a test that is over.
func (l *operatorLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t = nil
}

// cleanUp leaves nothing behind that another test's operator would look at.
func (w *world) cleanUp() {
	w.stop()
	w.auditHolds()
	w.ctx = context.Background()
	c, err := newClient(operator)
	w.must(err)
	for _, obj := range w.sandboxObjects() {
		w.must(client.IgnoreNotFound(c.Delete(w.ctx, obj, client.GracePeriodSeconds(0))))
	}
	if egress := w.policy.Spec.Egress; len(egress) > 0 {
		admin.remove("/apis/cilium.io/v2/namespaces/" + config.SandboxNamespace + "/ciliumnetworkpolicies/" + network.EgressPolicyName(network.Profile(egress)))
	}
	w.must(client.IgnoreNotFound(w.admin.Delete(w.ctx, w.policy)))
	w.must(w.admin.DeleteAllOf(w.ctx, &v1alpha1.ExecutionRequest{}, client.InNamespace(w.namespace)))
	w.must(w.admin.DeleteAllOf(w.ctx, &v1alpha1.ExecutionGrant{}, client.InNamespace(w.namespace)))
}

// sandboxObjects returns the pods, ConfigMaps and Secrets in the sandbox namespace of this test's requests.
func (w *world) sandboxObjects() []client.Object {
	w.Helper()
	var pods corev1.PodList
	var configMaps corev1.ConfigMapList
	var secrets corev1.SecretList
	var found []client.Object
	add := func(obj client.Object) {
		if strings.HasPrefix(obj.GetAnnotations()[sandbox.AnnotationRequest], w.namespace+"/") {
			found = append(found, obj)
		}
	}
	for _, list := range []client.ObjectList{&pods, &configMaps, &secrets} {
		w.must(w.admin.List(w.ctx, list, client.InNamespace(config.SandboxNamespace)))
	}
	for i := range pods.Items {
		add(&pods.Items[i])
	}
	for i := range configMaps.Items {
		add(&configMaps.Items[i])
	}
	for i := range secrets.Items {
		add(&secrets.Items[i])
	}
	return found
}

// switchedGuard is a preflight that a test switches.
type switchedGuard struct {
	mu       sync.Mutex
	problems []string
}

// Problems implements executionrequest.Guard.
func (g *switchedGuard) Problems(context.Context) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problems
}

// holdLaunches makes the preflight fail, or pass again without problems.
func (w *world) holdLaunches(problems ...string) {
	w.Helper()
	guard, ok := w.guard.(*switchedGuard)
	if !ok {
		w.Fatal("this test has the real preflight")
	}
	guard.mu.Lock()
	defer guard.mu.Unlock()
	guard.problems = problems
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// eventually fails the test where the assertion does not come to hold.
func (w *world) eventually(what string, assert func() error) {
	w.Helper()
	var last error
	err := wait.PollUntilContextTimeout(w.ctx, 20*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = assert()
		return last == nil, nil
	})
	if err != nil {
		w.Fatalf("%s: %v", what, last)
	}
}

// request is created by the agent, driven by an Internal input.
func (w *world) request(source string, edits ...func(*v1alpha1.ExecutionRequest)) *v1alpha1.ExecutionRequest {
	w.Helper()
	return w.requestAs(agent, source, edits...)
}

// requestAs is request by somebody else.
func (w *world) requestAs(who user, source string, edits ...func(*v1alpha1.ExecutionRequest)) *v1alpha1.ExecutionRequest {
	w.Helper()
	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "r-"},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: w.policy.Name,
			Code:       v1alpha1.Code{Language: v1alpha1.Python, Source: source},
			Inputs:     []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
		},
	}
	for _, edit := range edits {
		edit(req)
	}
	c, err := newClient(who)
	w.must(err)
	// RBAC of the first test reaches the authorizer within moments.
	w.eventually("the agent creates a request", func() error { return c.Create(w.ctx, req) })
	return req
}

// until waits until the request is as asked for, and returns it.
func (w *world) until(req *v1alpha1.ExecutionRequest, what string, is func(*v1alpha1.ExecutionRequest) bool) *v1alpha1.ExecutionRequest {
	w.Helper()
	now := &v1alpha1.ExecutionRequest{}
	w.eventually(what, func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(req), now); err != nil {
			return err
		}
		if is(now) {
			return nil
		}
		text, err := yaml.Marshal(now.Status)
		return errors.Join(fmt.Errorf("the status is\n%s", text), err)
	})
	return now
}

// ends waits for the end of the request, and checks the reason and its words.
func (w *world) ends(req *v1alpha1.ExecutionRequest, state v1alpha1.RequestState, conditionType, reason, words string) *v1alpha1.ExecutionRequest {
	w.Helper()
	req = w.until(req, "the request ends", func(now *v1alpha1.ExecutionRequest) bool {
		return meta.IsStatusConditionTrue(now.Status.Conditions, v1alpha1.ConditionFinished)
	})
	c := meta.FindStatusCondition(req.Status.Conditions, conditionType)
	if req.Status.State != state || c == nil || c.Reason != reason || !strings.Contains(c.Message, words) {
		w.Errorf("the request is %s with %s %+v; want %s with reason %s and %q", req.Status.State, conditionType, c, state, reason, words)
	}
	return req
}

// waits waits until the condition is False with this reason, and checks the words.
func (w *world) waits(req *v1alpha1.ExecutionRequest, conditionType, reason, words string) *v1alpha1.ExecutionRequest {
	w.Helper()
	return w.until(req, fmt.Sprintf("%s is False with %s and %q", conditionType, reason, words), func(now *v1alpha1.ExecutionRequest) bool {
		c := meta.FindStatusCondition(now.Status.Conditions, conditionType)
		return c != nil && c.Status == metav1.ConditionFalse && c.Reason == reason && strings.Contains(c.Message, words)
	})
}

// nudge makes the operator look at the request again, as its own timer would after the clock was set.
func (w *world) nudge(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"nudge":"%d"}}}`, time.Now().UnixNano())
	err := w.admin.Patch(w.ctx, &v1alpha1.ExecutionRequest{ObjectMeta: metav1.ObjectMeta{Namespace: req.Namespace, Name: req.Name}},
		client.RawPatch("application/merge-patch+json", []byte(patch)))
	w.must(client.IgnoreNotFound(err))
}

// settled lets the operator look at the request once more and finds it unchanged: what it decided stays decided.
func (w *world) settled(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	before := w.until(req, "it exists", func(*v1alpha1.ExecutionRequest) bool { return true })
	w.start(&wire{log: w.log})
	// The operator that just started has looked at everything once it has ended a request that came after.
	later := w.request(deniedSource)
	w.ends(later, v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
	after := w.until(req, "it exists", func(*v1alpha1.ExecutionRequest) bool { return true })
	if before.ResourceVersion != after.ResourceVersion {
		w.Errorf("the ended request changed from %+v to %+v", before.Status, after.Status)
	}
}

// launches counts the pods that were created for a request.
func (w *world) launches(req *v1alpha1.ExecutionRequest) int {
	return len(w.log.accepted(http.MethodPost, "pods", string(req.UID)))
}

// neverRan fails the test where a pod was ever created for the request.
func (w *world) neverRan(req *v1alpha1.ExecutionRequest) {
	w.Helper()
	if n := w.launches(req); n != 0 {
		w.Errorf("%d pods were created, want none", n)
	}
}

// nothingLeft waits until no sandbox object of this test is left.
func (w *world) nothingLeft() {
	w.Helper()
	w.eventually("nothing is left in the sandbox namespace", func() error {
		if left := w.sandboxObjects(); len(left) > 0 {
			return fmt.Errorf("%d objects are left, for example %T %s", len(left), left[0], left[0].GetName())
		}
		return nil
	})
}

// gone waits until the object does not exist.
func (w *world) gone(obj client.Object) {
	w.Helper()
	w.eventually(fmt.Sprintf("%T %s is gone", obj, obj.GetName()), func() error {
		err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(obj), obj)
		if err == nil {
			return errors.New("it is there")
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
}

// approval returns the Approval that the request waits for.
func (w *world) approval(req *v1alpha1.ExecutionRequest) *v1alpha1.Approval {
	w.Helper()
	req = w.until(req, "an approval is asked for", func(now *v1alpha1.ExecutionRequest) bool { return now.Status.ApprovalName != "" })
	appr := &v1alpha1.Approval{}
	w.must(w.admin.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: req.Status.ApprovalName}, appr))
	return appr
}

// decides patches a decision as an approver types it.
func (w *world) decides(who user, appr *v1alpha1.Approval, verdict v1alpha1.ApprovalVerdict) {
	w.Helper()
	path := fmt.Sprintf("/apis/airlock.dev/v1alpha1/namespaces/%s/approvals/%s", appr.Namespace, appr.Name)
	accepted(w.T, who.merge(path, decide(string(verdict), "seen")))
}

// changePolicy edits the policy and waits until it was checked.
func (w *world) changePolicy(edit func(*v1alpha1.ExecutionPolicySpec)) {
	w.Helper()
	w.changeSpec(edit)
	w.policyChecked()
}

// changeSpec edits the policy.
func (w *world) changeSpec(edit func(*v1alpha1.ExecutionPolicySpec)) {
	w.Helper()
	w.eventually("the policy is changed", func() error {
		if err := w.admin.Get(w.ctx, client.ObjectKeyFromObject(w.policy), w.policy); err != nil {
			return err
		}
		edit(&w.policy.Spec)
		return w.admin.Update(w.ctx, w.policy)
	})
}
