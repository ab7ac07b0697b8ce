// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The plugin as people run it: the built command, with a client certificate of each person's own, against the real API
// server and the real operator. The kubelet is played, as in the controllers' tests.

var buildPlugin = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs(filepath.Join(root, "bin/kubectl-airlock"))
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", path, root+"/cmd/kubectl-airlock").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return path, nil
})

// person is somebody at a terminal.
type person struct {
	*world
	name, kubeconfig string
}

func (w *world) person(name string, groups ...string) *person {
	w.Helper()
	return &person{w, name, certificate(w.T, name, groups...)}
}

// typed is a command that was typed and may still run.
type typed struct {
	*person
	command        *exec.Cmd
	line           string
	stdout, stderr heard
}

// heard is what a command has said so far.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// types starts a command in the namespace of the test.
func (p *person) types(args ...string) *typed {
	p.Helper()
	plugin, err := buildPlugin()
	p.must(err)
	words := 1 // of the command itself
	if args[0] == "__complete" {
		words = 2
	}
	t := &typed{person: p, command: exec.Command(plugin, slices.Insert(slices.Clone(args), words, "-n", p.namespace)...), line: strings.Join(args, " ")}
	t.command.Env = append(os.Environ(), "KUBECONFIG="+p.kubeconfig)
	t.command.Stdout, t.command.Stderr = &t.stdout, &t.stderr
	p.must(t.command.Start())
	p.Cleanup(func() { _ = t.command.Process.Kill() })
	return t
}

// says waits until the command has said something.
func (t *typed) says(words string) {
	t.Helper()
	t.eventually(fmt.Sprintf("%s says %q", t.line, words), func() error {
		if said := t.stdout.String() + t.stderr.String(); !strings.Contains(unwrapped(said), words) {
			return errors.New(said)
		}
		return nil
	})
}

// ends waits for the end of the command, and checks the exit code and words of each stream.
func (t *typed) ends(code int, words ...string) string {
	t.Helper()
	err := t.command.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if got := t.command.ProcessState.ExitCode(); got != code {
		t.Errorf("%s$ %s: exit code %d (%v), want %d", t.name, t.line, got, exit, code)
	}
	said := t.stdout.String() + t.stderr.String()
	for _, w := range words {
		if !strings.Contains(unwrapped(said), w) {
			t.Errorf("%s$ %s does not say %q:\n%s", t.name, t.line, w, said)
		}
	}
	return t.stdout.String()
}

// unwrapped is text without the ends of lines, which depend on the lengths of names.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// only waits for the one request that there is.
func (w *world) only() *v1alpha1.ExecutionRequest {
	w.Helper()
	var list v1alpha1.ExecutionRequestList
	w.eventually("there is one request", func() error {
		if err := w.admin.List(w.ctx, &list, client.InNamespace(w.namespace)); err != nil {
			return err
		}
		if len(list.Items) != 1 {
			return fmt.Errorf("there are %d", len(list.Items))
		}
		return nil
	})
	return &list.Items[0]
}

// code writes a file of code.
func (w *world) code(name, source string) string {
	w.Helper()
	path := filepath.Join(w.TempDir(), name)
	w.must(os.WriteFile(path, []byte(source), 0o600))
	return path
}

// cast starts an operator and gives the people of these tests.
func cast(t *testing.T) (w *world, agent, alice, bob *person) {
	t.Helper()
	w = newWorld(t)
	w.operate()
	return w, w.person("agent", "ctl-requesters"), w.person("alice", "ctl-approvers"), w.person("bob", "ctl-viewers")
}

const prompted = "prompt=:User:Internal"

func TestPluginRunsAndPrintsTheOutput(t *testing.T) {
	w, agent, _, _ := cast(t)
	run := agent.types("run", "-f", w.code("sum.py", allowedSource), "--policy", w.policy.Name, "--input", prompted, "--task", "Sum.", "--", "--fast", "x")
	req := w.only()
	if s := req.Spec; s.Requester.Username != "agent" || s.Task != "Sum." || strings.Join(s.Args, " ") != "--fast x" || s.Code.Source != allowedSource {
		t.Errorf("the request is %+v", s)
	}
	w.starts(req)
	w.succeeds(req)
	if got := run.ends(0, "request sum-", "Running: pod", "Succeeded: the code exited with 0"); got != "45\n" {
		t.Errorf("standard output is %q, want that of the code", got)
	}
	if strings.Count(run.stderr.String(), "Running:") > 1 {
		t.Errorf("a state is told twice:\n%s", run.stderr.String())
	}
	agent.types("logs", req.Name).ends(0, "you may not read logs in the sandbox namespace", "45")
	agent.types("logs", "-f", req.Name).ends(0, "45")
	agent.types("explain", req.Name).ends(0, "Verdict: Allow")
}

func TestPluginGivesTheCodesExitCode(t *testing.T) {
	w, agent, _, _ := cast(t)
	run := agent.types("run", "-f", w.code("sum.py", allowedSource), "--policy", w.policy.Name, "--input", prompted)
	req := w.only()
	w.starts(req)
	w.exits(req, 42, "Error", w.report(allowedSource, 42))
	run.ends(42, "Failed: the code exited with 42")
}

func TestPluginSaysWhomARunWaitsForAndGoesOn(t *testing.T) {
	w, agent, alice, _ := cast(t)
	run := agent.types("run", "-f", w.code("tidy.py", approvalSource), "--policy", w.policy.Name, "--input", prompted)
	req := w.only()
	appr := w.approval(req)
	alice.types("approve", req.Name, "--reason", "only old data").
		ends(0, "requester agent", "os.remove needs approval", appr.Spec.Subject.EnvelopeDigest, "Approved: 1 of 1, so it runs.")
	w.succeeds(req)
	run.ends(0, "AwaitingApproval: 0/1 approvals", "line 3 os.remove needs approval", "kubectl airlock approve "+appr.Name+" -n "+w.namespace, "Succeeded:")
	w.must(w.stateIs(appr, v1alpha1.ApprovalConsumed))
	if d := appr.Spec.Decisions; len(d) != 1 || d[0].Approver != "alice" || *d[0].Reason != "only old data" {
		t.Errorf("recorded %+v, want the decision of alice", d)
	}
}

func TestPluginEndsWith3WhenDenied(t *testing.T) {
	w, agent, _, _ := cast(t)
	agent.types("run", "-f", w.code("evil.py", deniedSource), "--policy", w.policy.Name, "--input", prompted).
		ends(3, "Denied:", "line 1 eval is denied")
	agent.types("explain", w.only().Name).ends(0, "1 | eval('1 + 1')", "^ is denied", "What to change", "The code:")
	w.neverRan(w.only())
}

func TestPluginEndsWith3WhenAPersonDenied(t *testing.T) {
	w, agent, alice, _ := cast(t)
	run := agent.types("run", "-f", w.code("tidy.py", approvalSource), "--policy", w.policy.Name, "--input", prompted)
	appr := w.approval(w.only())
	alice.types("deny", appr.Name, "--reason", "not today").ends(0, "Denied: the request ends and nothing runs.")
	run.ends(3, "Denied: Denied by alice")
	w.neverRan(w.only())
}

func TestPluginWithoutInputsExplainsWhyTheCodeIsUntrusted(t *testing.T) {
	w, agent, _, _ := cast(t)
	agent.types("run", "-f", w.code("sum.py", allowedSource), "--policy", w.policy.Name).ends(3, "Denied:")
	agent.types("explain", w.only().Name).ends(0, "trust Untrusted", "The inputs: none is named")
	var got struct {
		Verdict v1alpha1.Verdict
		Change  []string
	}
	out := agent.types("show", w.only().Name, "-o", "yaml").ends(0)
	if err := yaml.Unmarshal([]byte(out), &got); err != nil || got.Verdict.Trust != v1alpha1.Untrusted || len(got.Change) == 0 {
		t.Errorf("%v: -o yaml gives %+v", err, got)
	}
}

func TestPluginLeavesAfterTheTimeoutAndOnInterrupt(t *testing.T) {
	w, agent, _, _ := cast(t)
	file := w.code("tidy.py", approvalSource)
	agent.types("run", "-f", file, "--policy", w.policy.Name, "--input", prompted, "--name", "first", "--timeout", "1s").
		ends(2, "goes on without you", "kubectl airlock logs -f first -n "+w.namespace)
	agent.types("run", "-f", file, "--policy", w.policy.Name, "--input", prompted, "--name", "second", "--no-wait").ends(0, "second")
	follow := agent.types("logs", "-f", "first")
	follow.says("AwaitingApproval:")
	w.must(follow.command.Process.Signal(syscall.SIGINT))
	follow.ends(130, "The request first is AwaitingApproval and goes on without you.")
	for _, name := range []string{"first", "second"} {
		req := &v1alpha1.ExecutionRequest{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
		w.waits(req, v1alpha1.ConditionApproved, v1alpha1.ReasonAwaitingApproval, "")
	}
}

// A request that was deleted, or made again under its name by somebody else, is not taken for the one that was submitted.
func TestPluginSaysThatTheRequestIsGone(t *testing.T) {
	w, agent, _, _ := cast(t)
	run := agent.types("run", "-f", w.code("tidy.py", approvalSource), "--policy", w.policy.Name, "--input", prompted)
	run.says("AwaitingApproval:")
	w.must(w.admin.Delete(w.ctx, w.only()))
	run.ends(1, "was deleted, which ends its run")
}

func TestPluginDryRunStopsAfterTheVerdict(t *testing.T) {
	w, agent, _, _ := cast(t)
	agent.types("run", "-f", w.code("tidy.py", approvalSource), "--policy", w.policy.Name, "--input", prompted, "--dry-run").
		ends(2, "Judged: RequireApproval, nothing was run")
	w.neverRan(w.only())
	if name := w.only().Status.ApprovalName; name != "" {
		t.Errorf("Approval %s was made", name)
	}
}

func TestPluginMountsFilesAsInputs(t *testing.T) {
	w, agent, _, _ := cast(t)
	w.mayKeepInputs()
	source := "print(open('/inputs/sales.csv').read())\n"
	run := agent.types("run", "-f", w.code("sales.py", source), "--policy", w.policy.Name, "--input", "sales.csv="+w.code("sales.csv", "1,2\n")+":user:internal")
	req := w.only()
	if in := req.Spec.Inputs; len(in) != 1 || in[0].ConfigMapRef == nil || in[0].Digest == "" || in[0].Origin != v1alpha1.OriginUser || in[0].Trust != v1alpha1.Internal {
		t.Fatalf("inputs %+v", in)
	}
	w.starts(req)
	w.succeeds(req)
	run.ends(0, "configmap sales-", "was created for the input sales.csv")
}

// mayKeepInputs lets requesters make and read ConfigMaps in this namespace.
func (w *world) mayKeepInputs() {
	w.Helper()
	const group = "rbac.authorization.k8s.io"
	path := "/apis/" + group + "/v1/namespaces/" + w.namespace
	accepted(w.T, admin.post(path+"/roles", object{"apiVersion": group + "/v1", "kind": "Role", "metadata": object{"name": "inputs"},
		"rules": []any{object{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"create", "get"}}}}))
	accepted(w.T, admin.post(path+"/rolebindings", object{"apiVersion": group + "/v1", "kind": "RoleBinding", "metadata": object{"name": "inputs"},
		"roleRef":  object{"apiGroup": group, "kind": "Role", "name": "inputs"},
		"subjects": []any{object{"apiGroup": group, "kind": "Group", "name": "ctl-requesters"}}}))
}

// What the API server refuses is shown in its words, and nothing is recorded.
func TestPluginShowsRefusalsAsTheAPIServerWordsThem(t *testing.T) {
	w, agent, alice, bob := cast(t)
	req := w.request(approvalSource)
	appr := w.approval(req)
	agent.types("approve", appr.Name, "--reason", "mine").ends(1, "error: approvals.airlock.dev", "cannot get resource")
	bob.types("approve", appr.Name, "--reason", "looks fine").ends(1, "error: approvals.airlock.dev", "cannot get resource")
	careless := w.person("agent", "ctl-requesters", "ctl-approvers")
	careless.types("approve", appr.Name, "--reason", "mine").ends(1, "user agent made this request and cannot decide it: somebody else has to")
	careless.types("list").ends(0, "Waiting for you: 0", "Waiting for others: 1", "you asked for it")
	alice.types("approve", appr.Name, "--reason", "fine", "--envelope", "sha256:"+strings.Repeat("0", 64)).
		ends(1, "nothing was decided: "+appr.Name+" is for the envelope "+appr.Spec.Subject.EnvelopeDigest)
	alice.types("revoke", appr.Name, "--reason", "oh").ends(1, "has nothing to revoke")
	alice.types("approve", appr.Name, "--reason", " ").ends(1, "--reason is empty")
	w.must(w.stateIs(appr, v1alpha1.ApprovalPending))
	if len(appr.Spec.Decisions) != 0 {
		t.Errorf("recorded %+v, want nothing", appr.Spec.Decisions)
	}
}

func TestPluginRevokes(t *testing.T) {
	w, _, alice, _ := cast(t)
	req := w.request(approvalSource)
	appr := w.approval(req)
	w.holdLaunches("the test holds launches")
	alice.types("approve", req.Name, "--reason", "fine", "--envelope", appr.Spec.Subject.EnvelopeDigest).ends(0, "Approved: 1 of 1")
	w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "")
	alice.types("revoke", req.Name, "--reason", "saw it again").ends(0, "Revoked: 0 of 1 approvals are left.")
	w.holdLaunches()
	w.nudge(req)
	w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonDenied, "withdrawn before the launch")
	w.neverRan(req)
}

func TestPluginListsWhatWaitsForMeFirst(t *testing.T) {
	w, agent, alice, _ := cast(t)
	w.ends(w.request(allowedSource, func(r *v1alpha1.ExecutionRequest) {
		r.Name, r.GenerateName = "eval", ""
		r.Spec.Code.Source = deniedSource
	}),
		v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
	req := w.request(approvalSource)
	w.approval(req)
	out := alice.types("list").ends(0, "Waiting for you: 1", "Other requests: 1", "kubectl airlock review "+req.Name)
	if strings.Index(out, req.Name) > strings.Index(out, "eval") {
		t.Errorf("what waits for alice is not first:\n%s", out)
	}
	var got struct {
		WaitingForYou, WaitingForOthers []struct{ Request, WhyNotYou string }
		Requests                        []struct{ Name, State string }
	}
	out = agent.types("list", "-o", "json").ends(0)
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.WaitingForYou) != 0 || len(got.Requests) != 2 {
		t.Errorf("%v: the agent, who may not see Approvals, gets\n%s", err, out)
	}
}

func TestPluginReviewsAsTextWithoutATerminal(t *testing.T) {
	w, _, alice, _ := cast(t)
	req := w.request(approvalSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.Task = "Tidy\x1b[2J up." })
	appr := w.approval(req)
	alice.types("review", req.Name).ends(0, "> Tidy<U+001B>[2J up.", "requester agent (the API server authenticated this name)",
		"3 | os.remove('/data/old.csv') | ^ needs approval", "--envelope "+appr.Spec.Subject.EnvelopeDigest)
	alice.types("review").ends(0, "Waiting for you: 1", req.Name)
	alice.types("explain", appr.Name).ends(0, req.Name+" in namespace "+w.namespace+": AwaitingApproval")
}

func TestPluginSuggestsNames(t *testing.T) {
	w, agent, alice, bob := cast(t)
	named := func(r *v1alpha1.ExecutionRequest) { r.Name, r.GenerateName = "tidy-exports", "" }
	appr := w.approval(w.request(approvalSource, named))
	for _, command := range [][]string{{"explain"}, {"logs"}} {
		agent.types(append(command, "tidy-export")...).ends(1, `there is no ExecutionRequest "tidy-export" in namespace `+w.namespace+`. Did you mean tidy-exports?`)
	}
	alice.types("approve", "tidy-exprots", "--reason", "x").ends(1, "Did you mean tidy-exports?")
	alice.types("review", appr.Name[:len(appr.Name)-2]).ends(1, "Did you mean "+appr.Name+"?")
	agent.types("explain", "something-else").ends(1, "kubectl airlock list -n")
	elsewhere := &person{&world{T: t, ctx: w.ctx, namespace: "default"}, "agent", agent.kubeconfig}
	elsewhere.types("explain", "tidy-exports").ends(1, "It is in namespace "+w.namespace+": add -n "+w.namespace)
	bob.types("explain", "tidy-exports").ends(1, "cannot get resource")
	w.ends(w.request(deniedSource, func(r *v1alpha1.ExecutionRequest) { r.Name, r.GenerateName = "evil", "" }), v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "")
	alice.types("approve", "evil", "--reason", "x").ends(1, "the request evil asks nobody for approval: it is Denied", "kubectl airlock explain evil")
	alice.types("__complete", "approve", "").ends(0, "tidy-exports", appr.Name)
}

// An approver takes away what the code does not need; nobody can add what was not asked for.
func TestPluginApprovesWithLess(t *testing.T) {
	partner := v1alpha1.EgressTarget{Host: "api.partner.example", Port: 443}
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.Egress = []v1alpha1.EgressTarget{partner} })
	w.operate()
	alice := w.person("alice", "ctl-approvers")
	req := w.request(approvalSource, func(r *v1alpha1.ExecutionRequest) { r.Spec.Egress = []v1alpha1.EgressTarget{partner} })
	appr := w.approval(req)
	alice.types("approve", req.Name, "--reason", "x", "--without-egress", "evil.example:443").ends(1, "error: ")
	w.must(w.stateIs(appr, v1alpha1.ApprovalPending))
	alice.types("approve", req.Name, "--reason", "it only deletes", "--without-egress", "api.partner.example:443").
		ends(0, "network api.partner.example:443", "without api.partner.example:443", "Approved: 1 of 1")
	w.succeeds(req)
	w.ends(req, v1alpha1.StateSucceeded, v1alpha1.ConditionFinished, v1alpha1.ReasonSucceeded, "")
	alice.types("explain", req.Name).ends(0, "Approvers took away: api.partner.example:443.")
}

// Whoever takes the name of an Approval for a request of their own is not approved in its place.
func TestPluginPrefersTheApprovalOfANameToARequestOfIt(t *testing.T) {
	w, _, alice, _ := cast(t)
	harmless := w.request(approvalSource)
	appr := w.approval(harmless)
	evil := w.request("import os\n\nos.remove('/data/everything')\n", func(r *v1alpha1.ExecutionRequest) { r.Name, r.GenerateName = appr.Name, "" })
	decoy := w.approval(evil)
	alice.types("approve", appr.Name, "--reason", "only the old file").ends(0, appr.Spec.Subject.EnvelopeDigest)
	w.succeeds(harmless)
	w.must(w.stateIs(decoy, v1alpha1.ApprovalPending))
	w.neverRan(evil)
}

// Two people decide in the same moment: neither is told to try again.
func TestPluginDecidesWhileOthersDo(t *testing.T) {
	w := newWorld(t, func(p *v1alpha1.ExecutionPolicySpec) { p.Approval.Required = 3 })
	w.operate()
	req := w.request(approvalSource)
	appr := w.approval(req)
	var commands []*typed
	for _, name := range []string{"alice", "bob", "carol"} {
		commands = append(commands, w.person(name, "ctl-approvers").types("approve", appr.Name, "--reason", "fine"))
	}
	for _, c := range commands {
		c.ends(0, "Approved:")
	}
	w.eventually("the Approval is used", func() error { return w.stateIs(appr, v1alpha1.ApprovalConsumed) })
	w.succeeds(req)
}

func TestPluginHelpNeedsNoCluster(t *testing.T) {
	plugin, err := buildPlugin()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run", "list", "explain", "logs", "review", "approve", "deny", "revoke", "check"} {
		started := time.Now()
		out, err := exec.Command(plugin, name, "--help").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Usage:") || time.Since(started) > patience {
			t.Errorf("%s --help: %v\n%s", name, err, out)
		}
	}
}
