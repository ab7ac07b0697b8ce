// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// ended puts a request into its end.
func ended(state v1alpha1.RequestState, message string) func(*v1alpha1.ExecutionRequest) {
	return func(r *v1alpha1.ExecutionRequest) {
		r.Status.State = state
		r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionFinished, Status: metav1.ConditionTrue, Message: message})
	}
}

func injected(r *v1alpha1.ExecutionRequest) {
	r.Name = "c-injected"
	r.Spec.Inputs = []v1alpha1.Input{
		{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal},
		{Name: "uploaded-sales", Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted, ConfigMapRef: &v1alpha1.ConfigMapKey{Name: "uploaded-sales", Key: "sales.csv"}},
	}
	r.Spec.Code.Source = "import json\n\n\ndef f():\n    return 1\n\n\nexec('print(1)')\nprint(f())\n"
	r.Status.Verdict = &v1alpha1.Verdict{
		Decision: v1alpha1.Deny, Trust: v1alpha1.Untrusted, DecidedBy: "uploaded-sales", PolicyDigest: "sha256:" + strings.Repeat("cd", 32), FindingsTotal: new(int32(40)),
		Findings: []v1alpha1.Finding{
			{Decision: v1alpha1.Deny, Operation: "exec", Line: 8, Column: 1, Reason: "It runs code or uses a name that is only known at run time. No rule can permit that: write out what the code does."},
			{Decision: v1alpha1.Deny, Operation: "egress", Reason: "spec.egress names evil.attacker.example:80, which the policy does not list."},
		},
	}
	ended(v1alpha1.StateDenied, "the policy denies it: 40 findings")(r)
}

func TestExplain(t *testing.T) {
	golden(t, "explain-denied.txt", explanation(aRequest(injected)))
	golden(t, "explain-waiting.txt", explanation(aRequest()))
	golden(t, "explain-pending.txt", explanation(aRequest(func(r *v1alpha1.ExecutionRequest) { r.Status = v1alpha1.ExecutionRequestStatus{} })))
	golden(t, "explain-no-inputs.txt", explanation(aRequest(injected, func(r *v1alpha1.ExecutionRequest) {
		r.Spec.Inputs, r.Status.Verdict.DecidedBy = nil, ""
	})))
}

func TestWhereARequestStands(t *testing.T) {
	var b strings.Builder
	for _, r := range []*v1alpha1.ExecutionRequest{
		aRequest(func(r *v1alpha1.ExecutionRequest) { r.Status = v1alpha1.ExecutionRequestStatus{} }),
		aRequest(),
		aRequest(func(r *v1alpha1.ExecutionRequest) {
			r.Status.State, r.Status.PodName, r.Status.PodNamespace = v1alpha1.StateRunning, "airlock-1", "airlock-sandboxes"
		}),
		aRequest(ended(v1alpha1.StateSucceeded, "the code exited with 0")),
		aRequest(injected),
		aRequest(ended(v1alpha1.StateJudged, "a dry run ends with its verdict")),
	} {
		b.WriteString(standing(r) + "\n")
	}
	golden(t, "standing.txt", b.String())
}

func TestExitCodes(t *testing.T) {
	result := func(code int32) func(*v1alpha1.ExecutionRequest) {
		return func(r *v1alpha1.ExecutionRequest) { r.Status.Result = &v1alpha1.Result{ExitCode: &code} }
	}
	verdict := func(d v1alpha1.Decision) func(*v1alpha1.ExecutionRequest) {
		return func(r *v1alpha1.ExecutionRequest) { r.Status.Verdict.Decision = d }
	}
	for name, tc := range map[string]struct {
		edits []func(*v1alpha1.ExecutionRequest)
		want  int
	}{
		"it ran":                                 {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateSucceeded, ""), result(0)}, 0},
		"the code failed":                        {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateFailed, ""), result(42)}, 42},
		"it failed though the code exited 0":     {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateFailed, ""), result(0)}, 1},
		"it could not be run":                    {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateFailed, "")}, 1},
		"denied":                                 {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateDenied, "")}, 3},
		"still waiting":                          {nil, 2},
		"a dry run of what is allowed":           {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateJudged, ""), verdict(v1alpha1.Allow)}, 0},
		"a dry run of what asks people":          {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateJudged, "")}, 2},
		"a dry run of what is denied":            {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateJudged, ""), verdict(v1alpha1.Deny)}, 3},
		"a dry run with a decision of tomorrow":  {[]func(*v1alpha1.ExecutionRequest){ended(v1alpha1.StateJudged, ""), verdict("Perhaps")}, 3},
		"a state of tomorrow is not a good sign": {[]func(*v1alpha1.ExecutionRequest){ended("Paused", "")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := 0
			if err := exitOf(aRequest(tc.edits...)); err != nil {
				code, ok := errors.AsType[exitCode](err)
				if !ok {
					t.Fatal(err)
				}
				got = int(code)
			}
			if got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}

func TestList(t *testing.T) {
	open := openApproval{Namespace: "reporting", Name: "airlock-0001", Request: "b-cleanup", Requester: "agent", Policy: "data-analysis", Approvals: "0/1",
		ExpiresAt: anApproval().Spec.ExpiresAt, Findings: 2, Task: "Remove the exports of last year, all of them, and say how many files that were.\nThank you."}
	yours := open
	yours.Request, yours.WhyNotYou = "d-egress", "you asked for it"
	list := listed{ForYou: []openApproval{open}, ForOthers: []openApproval{yours}, Requests: []otherRequest{otherOf(aRequest(injected)), otherOf(aRequest(ended(v1alpha1.StateSucceeded, ""), func(r *v1alpha1.ExecutionRequest) {
		r.Name, r.Status.Result = "a-report", &v1alpha1.Result{ExitCode: new(int32(0))}
	}))}}
	var here, everywhere, nothing bytes.Buffer
	for b, write := range map[*bytes.Buffer]func(*bytes.Buffer) error{
		&here:       func(b *bytes.Buffer) error { return writeList(b, list, false, noon) },
		&everywhere: func(b *bytes.Buffer) error { return writeList(b, list, true, noon) },
		&nothing:    func(b *bytes.Buffer) error { return writeList(b, listed{}, false, noon) },
	} {
		if err := write(b); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "list.txt", here.String())
	golden(t, "list-all.txt", everywhere.String())
	golden(t, "list-empty.txt", nothing.String())
}

func TestWhomAnApprovalWaitsFor(t *testing.T) {
	for name, tc := range map[string]struct {
		me   authenticationv1.UserInfo
		may  bool
		edit func(*v1alpha1.Approval)
		want string
	}{
		"an approver":                         {authenticationv1.UserInfo{Username: "alice"}, true, nil, ""},
		"the requester":                       {authenticationv1.UserInfo{Username: "agent"}, true, nil, "you asked for it"},
		"the requester under another name":    {authenticationv1.UserInfo{Username: "alice", UID: "7"}, true, func(a *v1alpha1.Approval) { a.Spec.Subject.Requester.UID = "7" }, "you asked for it"},
		"no approver":                         {authenticationv1.UserInfo{Username: "bob"}, false, nil, "you do not hold approve on the policy"},
		"a service account":                   {authenticationv1.UserInfo{Username: "system:serviceaccount:a:b"}, true, nil, "people decide, and you are a service account"},
		"a service account that is permitted": {authenticationv1.UserInfo{Username: "system:serviceaccount:a:b"}, true, func(a *v1alpha1.Approval) { a.Spec.ServiceAccounts = v1alpha1.ServiceAccountsAllowed }, ""},
		"a checker":                           {authenticationv1.UserInfo{Username: "system:serviceaccount:a:b"}, true, func(a *v1alpha1.Approval) { a.Spec.Checkers = []string{"system:serviceaccount:a:b"} }, ""},
		"one who has decided": {authenticationv1.UserInfo{Username: "alice"}, true, func(a *v1alpha1.Approval) {
			a.Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: "alice", Verdict: v1alpha1.Approved}}
		}, "you decided: Approved"},
	} {
		t.Run(name, func(t *testing.T) {
			a := anApproval()
			if tc.edit != nil {
				tc.edit(a)
			}
			if got := whyNotYou(a, tc.me, tc.may); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestDecidedApprovalsAreNotListed(t *testing.T) {
	var all []v1alpha1.Approval
	for _, state := range []v1alpha1.ApprovalState{"", v1alpha1.ApprovalPending, v1alpha1.ApprovalApproved, v1alpha1.ApprovalDenied, v1alpha1.ApprovalExpired, v1alpha1.ApprovalConsumed} {
		all = append(all, *anApproval(func(a *v1alpha1.Approval) { a.Name, a.Status.State = "airlock-"+string(state), state }))
	}
	all = append(all, *anApproval(func(a *v1alpha1.Approval) { a.Name, a.Spec.ExpiresAt = "late", metav1.NewTime(noon) }),
		*anApproval(func(a *v1alpha1.Approval) { a.Name, a.Spec.ExpiresAt = "soon", metav1.NewTime(noon.Add(1)) }))
	var got []string
	for _, a := range openOnes(all, noon) {
		got = append(got, a.Name)
	}
	if diff := cmp.Diff([]string{"soon", "airlock-", "airlock-Pending"}, got); diff != "" {
		t.Error(diff)
	}
}

// A request that was deleted and made anew under its name must not be explained as the one that an Approval is for.
func TestARequestThatWasMadeAnewIsNotTakenForTheOneOfTheApproval(t *testing.T) {
	for name, tc := range map[string]struct {
		uid  types.UID
		code int
		say  string
	}{
		"the same":        {"request-0001", 0, "b-cleanup in namespace"},
		"one of its name": {"request-0002", 1, "the request b-cleanup that the Approval airlock-0001 is for was deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch path.Base(r.URL.Path) {
				case "b-cleanup":
					_ = json.NewEncoder(w).Encode(aRequest(func(r *v1alpha1.ExecutionRequest) {
						r.TypeMeta = metav1.TypeMeta{APIVersion: "airlock.dev/v1alpha1", Kind: "ExecutionRequest"}
						r.Name, r.UID = "b-cleanup", tc.uid
					}))
				case "airlock-0001":
					if strings.Contains(r.URL.Path, approvalsResource) {
						_ = json.NewEncoder(w).Encode(anApproval())
						return
					}
					fallthrough
				default:
					w.WriteHeader(http.StatusNotFound)
					_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound})
				}
			}))
			defer server.Close()
			code, stdout, stderr := airlock("", "explain", "airlock-0001", "-n", "reporting", "--server", server.URL, "--kubeconfig", write(t, "kubeconfig", "apiVersion: v1\nkind: Config\n"))
			if code != tc.code || !strings.Contains(stdout+stderr, tc.say) {
				t.Errorf("exit code %d, want %d; output, want %q:\n%s%s", code, tc.code, tc.say, stdout, stderr)
			}
		})
	}
}
