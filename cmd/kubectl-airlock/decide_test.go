// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// versions answers reads of one Approval with its versions in turn, the last one for ever, and takes a patch of the last
// one only, as the API server does. Races are told with it that a real one has too seldom.
type versions struct {
	all     []*v1alpha1.Approval
	read    int
	patches []string
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	last := v.all[len(v.all)-1]
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(v.all[min(v.read, len(v.all)-1)])
		v.read++
		return
	}
	var patch struct {
		Metadata struct{ UID, ResourceVersion string }
		Spec     struct{ Decision v1alpha1.DecisionInbox }
	}
	_ = json.NewDecoder(r.Body).Decode(&patch)
	v.patches = append(v.patches, fmt.Sprintf("%s %s %s", patch.Metadata.UID, patch.Metadata.ResourceVersion, patch.Spec.Decision.Verdict))
	if patch.Metadata.ResourceVersion == last.ResourceVersion && patch.Metadata.UID == string(last.UID) {
		after := last.DeepCopy()
		after.Spec.Decisions = append(after.Spec.Decisions, v1alpha1.ApproverDecision{Approver: "alice", Verdict: patch.Spec.Decision.Verdict})
		_ = json.NewEncoder(w).Encode(after)
		return
	}
	w.WriteHeader(http.StatusConflict)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure",
		Reason: metav1.StatusReasonConflict, Code: http.StatusConflict, Message: "the object has been modified"})
}

// A decision is bound to what was shown: to that Approval, in that version, or in a later one that asks the very same.
func TestADecisionIsBoundToWhatWasShown(t *testing.T) {
	version := func(n string, edits ...func(*v1alpha1.Approval)) *v1alpha1.Approval {
		return anApproval(append(edits, func(a *v1alpha1.Approval) {
			a.ResourceVersion, a.Spec.ExpiresAt = n, metav1.NewTime(noon.AddDate(50, 0, 0))
		})...)
	}
	bob := func(a *v1alpha1.Approval) {
		a.Spec.Decisions = []v1alpha1.ApproverDecision{{Approver: "bob", Verdict: v1alpha1.Approved}}
	}
	moving := make([]*v1alpha1.Approval, 9)
	for i := range moving {
		moving[i] = version(fmt.Sprint(i))
	}
	for name, tc := range map[string]struct {
		versions []*v1alpha1.Approval
		code     int
		say      string
		want     []string
	}{
		"nothing changed":         {[]*v1alpha1.Approval{version("1")}, 0, "Approved: 1 of 1", []string{"uid-0001 1 Approved"}},
		"bob decided meanwhile":   {[]*v1alpha1.Approval{version("1"), version("2", bob)}, 0, "Approved: 2 of 1", []string{"uid-0001 1 Approved", "uid-0001 2 Approved"}},
		"another one of its name": {[]*v1alpha1.Approval{version("1"), version("2", func(a *v1alpha1.Approval) { a.UID = "uid-0002" })}, 1, "is not the one that was shown any more", []string{"uid-0001 1 Approved"}},
		"other code": {[]*v1alpha1.Approval{version("1"), version("2", func(a *v1alpha1.Approval) { a.Spec.Subject.Code.Source = "import evil" })}, 1,
			"is not the one that was shown any more", []string{"uid-0001 1 Approved"}},
		"it never rests": {moving, 1, "changes all the time", []string{"uid-0001 0 Approved", "uid-0001 1 Approved", "uid-0001 2 Approved", "uid-0001 3 Approved", "uid-0001 4 Approved"}},
	} {
		t.Run(name, func(t *testing.T) {
			api := &versions{all: tc.versions}
			server := httptest.NewServer(api)
			defer server.Close()
			code, stdout, stderr := airlock("", "approve", "airlock-0001", "--reason", "fine", "-n", "reporting", "--server", server.URL, "--kubeconfig", write(t, "kubeconfig", "apiVersion: v1\nkind: Config\n"))
			if code != tc.code || !strings.Contains(stdout+stderr, tc.say) {
				t.Errorf("exit code %d, want %d; output, want %q:\n%s%s", code, tc.code, tc.say, stdout, stderr)
			}
			if diff := cmp.Diff(tc.want, api.patches); diff != "" {
				t.Errorf("patches (-want +got):\n%s", diff)
			}
		})
	}
}

// Warnings of admission policies repeat what agents wrote (CWE-150, CVE-2021-42574).
func TestAWarningOfTheServerReordersNothing(t *testing.T) {
	api := &versions{all: []*v1alpha1.Approval{anApproval()}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Warning", "299 - \"task is \u202edevorppa\u2066\"")
		api.ServeHTTP(w, r)
	}))
	defer server.Close()
	_, stdout, stderr := airlock("", "approve", "airlock-0001", "--reason", "fine", "-n", "reporting", "--server", server.URL, "--kubeconfig", write(t, "kubeconfig", "apiVersion: v1\nkind: Config\n"))
	if !strings.Contains(stderr, "Warning: task is <U+202E>devorppa<U+2066>") || escapes(stdout+stderr) != "" {
		t.Errorf("got %q", stderr)
	}
}
