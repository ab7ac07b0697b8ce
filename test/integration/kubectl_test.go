// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Impersonation is a right of its own, which neither agents nor approvers have.
func TestNobodyApprovesAsSomebodyElseWithAs(t *testing.T) {
	const approve = `{"spec":{"decision":{"verdict":"Approved","reason":"trust me"}}}`
	for name, as := range map[string]string{"the requester": requester.name, "an approver, for a second vote": "bob"} {
		t.Run(name, func(t *testing.T) {
			person := certificate(t, as, "requesters", "approvers")
			path := newApproval(t)
			approval := path[strings.LastIndex(path, "/")+1:]
			for _, flags := range [][]string{{"--as", "alice"}, {"--as", "alice", "--as-group", "approvers"}, {"--as", as, "--as-uid", "77"}, {"--as", bot().name}} {
				out, err := kubectl(person, append([]string{"-n", agents, "patch", "approval", approval, "--type=merge", "-p", approve}, flags...)...)
				if err == nil || !strings.Contains(out, "cannot impersonate") {
					t.Errorf("%v: %v, want it refused; kubectl said %q", flags, err, out)
				}
			}
			if got := approvers(t, path); got != "" {
				t.Errorf("recorded %q, want nothing", got)
			}
		})
	}
}

// What a person types, with kubectl and a client certificate of their own: the words of the documentation, letter by letter.
func TestAPersonApprovesWithKubectl(t *testing.T) {
	person := certificate(t, "alice", "approvers")
	stranger := certificate(t, "bob")
	path := newApproval(t)
	name := path[strings.LastIndex(path, "/")+1:]
	const approve = `{"spec":{"decision":{"verdict":"Approved","reason":"looks fine"}}}`

	out, err := kubectl(stranger, "-n", agents, "patch", "approval", name, "--type=merge", "-p", approve)
	if err == nil || !strings.Contains(out, `User "bob" cannot`) {
		t.Errorf("bob, without any right: %v, want it refused; kubectl said %q", err, out)
	}
	out, err = kubectl(person, "-n", agents, "patch", "approval", name, "--type=merge", "-p", approve)
	if err != nil || !strings.Contains(out, "patched") || strings.Contains(out, "no change") {
		t.Errorf("alice approves: %v; kubectl said %q", err, out)
	}
	if got, want := approvers(t, path), "alice Approved"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	out, err = kubectl(person, "-n", agents, "patch", "approval", name, "--type=merge", "-p", approve)
	if err != nil || !strings.Contains(out, "no change") {
		t.Errorf("alice approves again: %v, want no change; kubectl said %q", err, out)
	}
	out, err = kubectl(person, "-n", agents, "get", "appr", name)
	if err != nil || !strings.Contains(out, "alice") || !strings.Contains(out, requester.name) {
		t.Errorf("the list shows who asked and who decided: %v; kubectl said\n%s", err, out)
	}
	manifest := filepath.Join(t.TempDir(), "decision.yaml")
	text := fmt.Sprintf("apiVersion: airlock.dev/v1alpha1\nkind: Approval\nmetadata: {name: %s, namespace: %s}\nspec: {decision: {verdict: Revoked, reason: saw it again}}\n", name, agents)
	if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = kubectl(person, "apply", "--server-side", "--force-conflicts", "-f", manifest)
	if err != nil {
		t.Errorf("alice revokes by server-side apply: %v; kubectl said %q", err, out)
	}
	if got := decisions(t, path); len(got) != 1 || got[0].Verdict != v1alpha1.Revoked || got[0].DecidedAt == nil || time.Since(got[0].DecidedAt.Time) > time.Minute {
		t.Errorf("decisions %+v, want one revoked just now", got)
	}
}

// certificate returns the path of a kubeconfig with a client certificate of that user, made by hack/cluster's authority.
func certificate(t *testing.T, name string, groups ...string) string {
	t.Helper()
	directory := filepath.Dir(kubeconfig)
	if _, err := os.Stat(filepath.Join(directory, "cluster.json")); err != nil {
		t.Skipf("needs an API server of hack/cluster, which can sign client certificates: %v", err)
	}
	path := filepath.Join(t.TempDir(), name+".kubeconfig")
	args := []string{"-C", filepath.Join(root, "hack/cluster"), "run", ".", "user", name, "--name", filepath.Base(directory), "-o", path}
	for _, group := range groups {
		args = append(args, "--group", group)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("sign a certificate for %s: %v\n%s", name, err, out)
	}
	if _, err := clientcmd.LoadFromFile(path); err != nil {
		t.Fatalf("kubeconfig of %s: %v", name, err)
	}
	return path
}

func kubectl(kubeconfigPath string, args ...string) (string, error) {
	command := exec.Command(filepath.Join(filepath.Dir(kubeconfig), "bin/kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfigPath)
	out, err := command.CombinedOutput()
	return string(out), err
}
