// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// noon is the time of these tests.
var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

const cleanup = `import os
import shutil

# tidy up
for name in os.listdir("/tmp/exports"):
    os.remove(os.path.join("/tmp/exports", name))
os.rmdir("/tmp/exports")
`

// anApproval is open, for 42 minutes more, and needs one person.
func anApproval(edits ...func(*v1alpha1.Approval)) *v1alpha1.Approval {
	a := &v1alpha1.Approval{
		TypeMeta: metav1.TypeMeta{APIVersion: "airlock.dev/v1alpha1", Kind: "Approval"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "reporting", Name: "airlock-0001", UID: "uid-0001", ResourceVersion: "1",
			CreationTimestamp: metav1.NewTime(noon.Add(-18 * time.Minute))},
		Spec: v1alpha1.ApprovalSpec{
			Subject: v1alpha1.Subject{
				RequestRef:     v1alpha1.RequestRef{Name: "b-cleanup", UID: "request-0001"},
				PolicyName:     "data-analysis",
				EnvelopeDigest: "sha256:" + strings.Repeat("ab", 32),
				Requester:      v1alpha1.Requester{Username: "agent", Groups: []string{"agents", "system:authenticated"}},
				Agent:          &v1alpha1.Agent{Name: "reporter", Model: "large-1"},
				Task:           "Remove the exports of last year.",
				Verdict:        aVerdict(),
				Code:           v1alpha1.Code{Language: v1alpha1.Python, Source: cleanup},
				Inputs:         []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
				Egress:         []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}},
				Credentials:    []string{"partner-token"},
				Limits:         v1alpha1.Limits{TimeoutSeconds: 60},
				Changes:        "--- a-cleanup\n+++ b-cleanup\n@@ -1,4 +1,5 @@\n import os\n+import shutil\n \n # tidy up\n for name in os.listdir(\"/tmp/exports\"):\n",
				ChangesFrom:    "a-cleanup",
			},
			Required: 1, ServiceAccounts: v1alpha1.ServiceAccountsForbidden, ExpiresAt: metav1.NewTime(noon.Add(42 * time.Minute)),
		},
		Status: v1alpha1.ApprovalStatus{State: v1alpha1.ApprovalPending},
	}
	for _, edit := range edits {
		edit(a)
	}
	return a
}

func aVerdict() v1alpha1.Verdict {
	return v1alpha1.Verdict{
		Decision: v1alpha1.RequireApproval, Trust: v1alpha1.Internal, DecidedBy: "prompt", PolicyDigest: "sha256:" + strings.Repeat("cd", 32),
		FindingsTotal: new(int32(2)),
		Findings: []v1alpha1.Finding{
			{Decision: v1alpha1.RequireApproval, Operation: "os.remove", Line: 6, Column: 5, Snippet: `os.remove(os.path.join("/tmp/exports", name))`,
				Reason: `It deletes a file whose path starts with "/tmp/exports/" and is otherwise computed; spec.requireApproval[0] (Deleting data outside of the workspace.) asks an approver to agree.`},
			{Decision: v1alpha1.RequireApproval, Operation: "os.rmdir", Line: 7, Column: 1, Snippet: `os.rmdir("/tmp/exports")`,
				Reason: `It deletes "/tmp/exports"; spec.requireApproval[0] (Deleting data outside of the workspace.) asks an approver to agree.`},
		},
	}
}

// hostile is an Approval in which everything that the agent or the requester writes attacks the terminal.
func hostile() *v1alpha1.Approval {
	const attack = "x\x1b[2J\x1b]52;c;cm0K\x07\x1b]8;;http://evil.example\x1b\\y\r\u202e\u200b\u009bz\u0301\u0301\u0301\u0301\u0301\n"
	return anApproval(func(a *v1alpha1.Approval) {
		s := &a.Spec.Subject
		s.Task, s.Agent = attack, &v1alpha1.Agent{Name: attack, Model: attack, Session: attack, Invocation: attack}
		s.Requester = v1alpha1.Requester{Username: attack, Groups: []string{attack}, PodName: attack}
		s.Code.Source = "print(1)" + attack + "os.remove('/x')\n"
		s.Args, s.Env = []string{attack}, []v1alpha1.EnvVar{{Name: "A", Value: new(attack)}}
		s.Inputs[0].Name, s.Inputs[0].Digest = attack, attack
		s.Verdict.DecidedBy, s.Verdict.Findings[0].Reason, s.Verdict.Findings[0].Operation = attack, attack, attack
		s.Credentials = []string{attack}
		a.Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: attack, Verdict: v1alpha1.Approved, Reason: new(attack)}}
		s.RequestRef.Name, s.Changes, s.ChangesFrom = attack, "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+"+attack, attack
	})
}

// aRequest is the request of anApproval.
func aRequest(edits ...func(*v1alpha1.ExecutionRequest)) *v1alpha1.ExecutionRequest {
	s := anApproval().Spec.Subject
	r := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "reporting", Name: "b-cleanup", UID: "request-0001", CreationTimestamp: metav1.NewTime(noon.Add(-18 * time.Minute))},
		Spec: v1alpha1.ExecutionRequestSpec{PolicyName: s.PolicyName, Requester: s.Requester, Agent: s.Agent, Task: s.Task, Code: s.Code, Inputs: s.Inputs,
			Egress: s.Egress, Credentials: s.Credentials},
		Status: v1alpha1.ExecutionRequestStatus{
			State: v1alpha1.StateAwaitingApproval, EnvelopeDigest: s.EnvelopeDigest, Verdict: new(s.Verdict), ApprovalName: "airlock-0001",
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionValidated, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonVerdictReached, Message: "RequireApproval"},
				{Type: v1alpha1.ConditionApproved, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval,
					Message: "0/1 approvals on airlock-0001: Waits for 1 more of 1 until 2026-08-01T12:42:00Z. To decide: kubectl patch approval airlock-0001 -n reporting (or Denied)."},
			},
		},
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

func unmarshal(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}
