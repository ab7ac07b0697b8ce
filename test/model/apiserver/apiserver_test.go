// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/klog/v2"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false) // every refusal is logged
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

type everything struct{}

func (everything) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// The rules that decide here are those of the real API server: its stamp, its schema and its refusals, word by word.
func TestTheRulesAreInForce(t *testing.T) {
	rules, err := NewRules(t.Context(), everything{}, "agents", "airlock-system")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	server := New(rules, clocktesting.NewFakePassiveClock(now))
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	as := func(name string) *Client { return server.Client(User{Name: name}, scheme) }
	operator := as("system:serviceaccount:airlock-system:airlock-operator")

	request := &v1alpha1.ExecutionRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "agents", Name: "r"},
		Spec: v1alpha1.ExecutionRequestSpec{PolicyName: "p", Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "1"}}}
	if err := as("riley").Create(t.Context(), request); err != nil || request.Spec.Requester.Username != "riley" || request.Spec.Mode != v1alpha1.Execute {
		t.Fatalf("create: %v with %+v; want it stamped and defaulted", err, request.Spec)
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	approval := &v1alpha1.Approval{ObjectMeta: metav1.ObjectMeta{Namespace: "agents", Name: "a"}, Spec: v1alpha1.ApprovalSpec{
		Subject: v1alpha1.Subject{RequestRef: v1alpha1.RequestRef{Name: "r", UID: "u"}, PolicyName: "p", EnvelopeDigest: digest, Requester: request.Spec.Requester,
			Verdict: v1alpha1.Verdict{Decision: v1alpha1.RequireApproval, Trust: v1alpha1.Internal}, Code: request.Spec.Code, Limits: v1alpha1.Limits{TimeoutSeconds: 1}},
		Required: 1, ServiceAccounts: v1alpha1.ServiceAccountsForbidden, ExpiresAt: metav1.NewTime(now.Add(time.Hour))}}
	if err := operator.Create(t.Context(), approval.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	const approve = `{"spec":{"decision":{"verdict":"Approved"}}}`
	for name, step := range map[string]struct {
		who   string
		patch string
		want  string
	}{
		"the requester":    {"riley", approve, "made this request and cannot decide it"},
		"the schema":       {"bob", `{"spec":{"decision":{"verdict":"Maybe"}}}`, "Unsupported value"},
		"immutability":     {"bob", `{"spec":{"required":2}}`, "only a decision may be added"},
		"another's entry":  {"bob", `{"spec":{"decisions":[{"approver":"alice","verdict":"Approved"}]}}`, "may add or revoke only the decision of"},
		"a second version": {"bob", `{"metadata":{"resourceVersion":"999"},"spec":{"decision":{"verdict":"Approved"}}}`, "has been modified"},
	} {
		t.Run(name, func(t *testing.T) {
			err := as(step.who).Patch(t.Context(), approval.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(step.patch)))
			if err == nil || !strings.Contains(err.Error(), step.want) {
				t.Errorf("got %v, want %q", err, step.want)
			}
		})
	}
	decided := approval.DeepCopy()
	if err := as("alice").Patch(t.Context(), decided, client.RawPatch(types.MergePatchType, []byte(approve))); err != nil {
		t.Fatal(err)
	}
	if d := decided.Spec.Decisions; len(d) != 1 || d[0].Approver != "alice" || d[0].DecidedAt == nil || !d[0].DecidedAt.Equal(&metav1.Time{Time: now}) {
		t.Errorf("decisions %+v, want one of alice, now", d)
	}
}
