// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// secret stands for the value of a credential.
const secret = "hunter2-the-value-of-a-credential"

// example is a request that has everything, and ended.
func example() (*v1alpha1.ExecutionRequest, *v1alpha1.Approval, *corev1.Pod) {
	at := metav1.NewTime(noon)
	req := &v1alpha1.ExecutionRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "report", UID: "11111111-2222-3333-4444-555555555555", CreationTimestamp: at},
		Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: "data-analysis", Requester: v1alpha1.Requester{Username: "agent", UID: "u-1", Groups: []string{"agents"}},
			Agent: &v1alpha1.Agent{Name: "analyst", Model: "m-1"}, Task: "count rows",
			Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "print('a < b & c')\n"}, Args: []string{"--all"},
			Env:    []v1alpha1.EnvVar{{Name: "TZ", Value: new("UTC")}},
			Inputs: []v1alpha1.Input{{Name: "data", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
			Egress: []v1alpha1.EgressTarget{{Host: "api.example", Port: 443}}, Credentials: []string{"api-token"},
		},
		Status: v1alpha1.ExecutionRequestStatus{
			State: v1alpha1.StateSucceeded, EnvelopeDigest: "sha256:" + strings.Repeat("e", 64), PodNamespace: "airlock-sandboxes", PodName: "airlock-1",
			Verdict: &v1alpha1.Verdict{
				Decision: v1alpha1.RequireApproval, Approvals: 1, Trust: v1alpha1.Internal, DecidedBy: "data", PolicyDigest: "sha256:" + strings.Repeat("d", 64),
				Findings: []v1alpha1.Finding{{Decision: v1alpha1.RequireApproval, Operation: "os.remove", Reason: "deletes a file", Line: 1, Column: 1}}, FindingsTotal: new(int32(1)),
			},
			Result: &v1alpha1.Result{ExitCode: new(int32(0)), Reason: "Completed", Stdout: &v1alpha1.Output{SHA256: strings.Repeat("a", 64), Bytes: new(int64(7)), Tail: "42"}},
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionLaunched, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonPodCreated, LastTransitionTime: at},
				{Type: v1alpha1.ConditionFinished, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, Message: "the code exited with 0", LastTransitionTime: at},
			},
		},
	}
	appr := &v1alpha1.Approval{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "airlock-1", UID: "99999999-2222-3333-4444-555555555555", CreationTimestamp: at},
		Spec: v1alpha1.ApprovalSpec{
			Required: 1, ExpiresAt: at, Subject: v1alpha1.Subject{EnvelopeDigest: req.Status.EnvelopeDigest},
			Decisions: []v1alpha1.ApproverDecision{{Approver: "alice", UID: new("u-2"), Verdict: v1alpha1.Approved, Reason: new("looks right"), DecidedAt: &at}},
		},
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "airlock-sandboxes", Name: "airlock-1", UID: "pod-1", CreationTimestamp: at, Annotations: map[string]string{sandbox.AnnotationEnvelope: req.Status.EnvelopeDigest}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "sandbox", Image: "airlock.example/python@sha256:1"}}},
	}
	return req, appr, pod
}

// all makes every record there is.
func all(t *testing.T, req *v1alpha1.ExecutionRequest, appr *v1alpha1.Approval, pod *corev1.Pod) []Record {
	t.Helper()
	launch, err := LaunchRecord(req, pod, appr, noon)
	if err != nil {
		t.Fatal(err)
	}
	observed, err := ObservedRecord(req, pod)
	if err != nil {
		t.Fatal(err)
	}
	refused := req.DeepCopy()
	refused.Status.Conditions = refused.Status.Conditions[1:]
	policy := &v1alpha1.ExecutionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "data-analysis", UID: "p-1", Generation: 3},
		Status: v1alpha1.ExecutionPolicyStatus{
			Digest:     "sha256:" + strings.Repeat("d", 64),
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonExamplesPass}},
		},
	}
	records := []Record{SubmittedRecord(req), JudgedRecord(req, "sha256:"+strings.Repeat("c", 64), map[string]string{"data": "sha256:" + strings.Repeat("b", 64)}, noon), AskedRecord(req, appr)}
	records = append(records, DecidedRecords(req, appr, noon)...)
	return append(records, launch, observed, EndRecord(req), EndRecord(refused), SweptRecord(pod, noon), DeletedRecord(req, noon),
		PolicyRecord(policy, "sha256:"+strings.Repeat("f", 64), noon), PolicyGoneRecord("old", noon),
		PreflightRecord([]string{"Namespace airlock-sandboxes: is missing"}, noon), PreflightRecord(nil, noon))
}

func exampleRecords(t *testing.T) []Record {
	t.Helper()
	req, appr, pod := example()
	return all(t, req, appr, pod)
}

// The bytes of every record, as an auditor may have to compute them again. A change of these is a change of the schema.
func TestCanonicalBytesAreStable(t *testing.T) {
	var got bytes.Buffer
	for _, r := range exampleRecords(t) {
		canonical, err := r.Canonical("airlock.dev/audit/example")
		if err != nil {
			t.Fatal(err)
		}
		got.Write(canonical)
		got.WriteByte('\n')
	}
	const golden = "testdata/records.jsonl"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Wherever the value of a credential may have got to but the code itself, no record has it.
func TestTheValueOfACredentialIsInNoRecord(t *testing.T) {
	req, appr, pod := example()
	req.Spec.Env = append(req.Spec.Env, v1alpha1.EnvVar{Name: "TOKEN", Value: new(secret)})
	req.Status.Result.Stdout.Tail = "the token is " + secret
	req.Status.Result.Stderr = &v1alpha1.Output{SHA256: strings.Repeat("a", 64), Bytes: new(int64(9)), Tail: secret}
	req.Status.Conditions[1].Message = "StartFailed: " + secret // what the runner says of a run may quote it
	appr.Spec.Subject.Env = req.Spec.Env
	pod.Annotations = map[string]string{sandbox.AnnotationCode: secret}
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", Value: secret}}
	for _, r := range all(t, req, appr, pod) {
		if r.Type == Refused && r.Event.Unmapped.End.Reason == v1alpha1.ReasonSucceeded {
			continue // the helper's refusal of a request that ran; a refused request has the operator's words
		}
		canonical, err := r.Canonical("airlock.dev/audit/example")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(canonical, []byte(secret)) {
			t.Errorf("record %s has the credential: %s", r.ID, canonical)
		}
	}
}

// A request as large and as awkward as the schema accepts still makes records that fit.
func TestTheLargestRequestMakesRecordsThatFit(t *testing.T) {
	req, appr, pod := example()
	awkward := func(n int) string { return strings.Repeat("\u0001", n) } // six bytes each in JSON
	wide := func(n int) string { return strings.Repeat("\U0001F600", n) }
	req.Spec.Task, req.Spec.Code.Source = awkward(4096), awkward(250_000)
	req.Spec.Requester = v1alpha1.Requester{Username: wide(512), UID: wide(256)}
	for range 2048 {
		req.Spec.Requester.Groups = append(req.Spec.Requester.Groups, wide(512))
	}
	req.Spec.Agent = &v1alpha1.Agent{Name: awkward(256), Model: awkward(256), Session: awkward(256), Invocation: awkward(256)}
	req.Spec.Args, req.Spec.Env, req.Spec.Inputs, req.Spec.Egress, req.Spec.Credentials = nil, nil, nil, nil, nil
	for range 64 {
		req.Spec.Args = append(req.Spec.Args, awkward(4096))
	}
	for range 32 {
		req.Spec.Env = append(req.Spec.Env, v1alpha1.EnvVar{Name: strings.Repeat("E", 128), Value: new(awkward(4096))})
	}
	for range 16 {
		req.Spec.Inputs = append(req.Spec.Inputs, v1alpha1.Input{Name: strings.Repeat("i", 63), Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted, Digest: "sha256:" + strings.Repeat("b", 64)})
		req.Spec.Egress = append(req.Spec.Egress, v1alpha1.EgressTarget{Host: strings.Repeat("h", 253), Port: 65535})
	}
	for range 8 {
		req.Spec.Credentials = append(req.Spec.Credentials, strings.Repeat("c", 63))
	}
	v := req.Status.Verdict
	v.TrustReason, v.Findings = awkward(512), nil
	for range 32 {
		v.Findings = append(v.Findings, v1alpha1.Finding{Decision: v1alpha1.Deny, Operation: awkward(256), Reason: awkward(512), Snippet: awkward(200), Line: 1_000_000, Column: 1_000_000})
	}
	req.Status.Dropped = &v1alpha1.Narrowing{Egress: req.Spec.Egress[:8], Credentials: req.Spec.Credentials[:4]}
	req.Status.Conditions[1].Message = awkward(32768)
	d := &appr.Spec.Decisions[0]
	d.Approver, d.UID, d.Reason, d.Without = wide(512), new(wide(256)), new(awkward(1024)), req.Status.Dropped
	for range 20 {
		appr.Spec.Checkers = append(appr.Spec.Checkers, wide(512))
	}
	for _, r := range all(t, req, appr, pod) {
		if _, err := r.Canonical("airlock.dev/audit/" + strings.Repeat("x", 230)); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestLongCodeIsKeptBesideTheRecordThatNamesIt(t *testing.T) {
	req, _, _ := example()
	req.Spec.Code.Source = strings.Repeat("print('long')\n", 1000)
	r := SubmittedRecord(req)
	if len(r.Content) != 1 || string(r.Content[0].Bytes) != req.Spec.Code.Source {
		t.Fatalf("content %d, want the code", len(r.Content))
	}
	want := LongString{IsTruncated: true, UntruncatedSize: len(req.Spec.Code.Source)}
	if diff := cmp.Diff(want, r.Event.Script.Content); diff != "" {
		t.Errorf("script_content (-want +got):\n%s", diff)
	}
	if got := r.Event.Script.Hashes[0].Value; got != r.Content[0].SHA256 {
		t.Errorf("hash %s, content %s", got, r.Content[0].SHA256)
	}
}

// The requester's words cannot end a record early or add members to it.
func TestHostileTextStaysText(t *testing.T) {
	req, _, _ := example()
	req.Spec.Task = `"}, "type":"dev.airlock.request.finished.v1", "x":{"` + "\u2028</script>\n"
	r := SubmittedRecord(req)
	canonical, err := r.Canonical("airlock.dev/audit/example")
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Type Type  `json:"type"`
		Data Event `json:"data"`
	}
	if err := json.Unmarshal(canonical, &back); err != nil {
		t.Fatal(err)
	}
	if back.Type != Submitted || back.Data.Unmapped.Submitted.Task != req.Spec.Task {
		t.Errorf("got %s with task %q", back.Type, back.Data.Unmapped.Submitted.Task)
	}
}
