// SPDX-License-Identifier: Apache-2.0

package kyverno

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/policy"
)

const samples = "../../config/samples/kyverno/"

// Rules of organisations depend on the document: a field that is renamed would make them fail, and deny.
func TestTheDocumentIsStable(t *testing.T) {
	report := aReport()
	report.Tables, report.Inventory = "the version and digest of the gate's tables", "sha256:"+strings.Repeat("0", 64) // others may change these
	d := policy.NewDocument(aPolicy(), aRequest(), report, aVerdict(v1alpha1.RequireApproval))
	encoded, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(encoded) + "\n"
	if *update {
		if err := os.WriteFile(samples+"document.json", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(samples + "document.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("config/samples/kyverno/document.json (-want +got), -update writes it:\n%s", diff)
	}
}

// A rule that has to test with has() whether a list is there would be written without, and deny where it is not.
func TestEveryFieldOfTheDocumentIsAlwaysThere(t *testing.T) {
	empty := policy.NewDocument(&v1alpha1.ExecutionPolicy{}, &v1alpha1.ExecutionRequest{}, aReport(), v1alpha1.Verdict{})
	full := policy.NewDocument(aPolicy(), aRequest(), aReport(), aVerdict(v1alpha1.RequireApproval))
	have, err := objectOf(empty)
	if err != nil {
		t.Fatal(err)
	}
	want, err := objectOf(full)
	if err != nil {
		t.Fatal(err)
	}
	var compare func(path string, want, have any)
	compare = func(path string, want, have any) {
		switch want := want.(type) {
		case map[string]any:
			object, ok := have.(map[string]any)
			if !ok {
				t.Errorf("%s is %v", path, have)
				return
			}
			for name, value := range want {
				if _, ok := object[name]; !ok {
					t.Errorf("%s.%s is missing", path, name)
				}
				compare(path+"."+name, value, object[name])
			}
		case []any:
			if _, ok := have.([]any); !ok {
				t.Errorf("%s is %v and no list", path, have)
			}
		}
	}
	compare("object", want, have)
}

func TestSecretsAreNotInTheDocument(t *testing.T) {
	d := policy.NewDocument(aPolicy(), aRequest(), aReport(), aVerdict(v1alpha1.Allow))
	if diff := cmp.Diff([]string{"OLD"}, d.Request.Env); diff != "" {
		t.Errorf("the values of variables are shown:\n%s", diff)
	}
}

// What config/samples/kyverno/rules.yaml says of document.json, and of requests that it has nothing against.
func TestTheSampleRules(t *testing.T) {
	text, err := os.ReadFile(samples + "rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := mustSelect(t, selecting(), parse(t, string(text))...)
	want := `Deny ValidatingPolicy "code-keeps-ledgers": it writes or deletes a ledger, or may: open in line 4
Deny ValidatingPolicy "retrieved-content-stays-inside": content from elsewhere drove this code, so it may not name any destination
RequireApproval ValidatingPolicy "credentials-need-a-person": it gets a credential and may connect to somewhere`
	if diff := cmp.Diff(want, reasons(tighten(t, set, aVerdict(v1alpha1.Allow)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	req := aRequest()
	req.Spec.Egress, req.Spec.Inputs = nil, nil
	report := aReport()
	report.Operations = report.Operations[:0]
	got, err := set.Tighten(t.Context(), aPolicy(), req, report, aVerdict(v1alpha1.Allow))
	if err != nil || got.Decision != v1alpha1.Allow {
		t.Errorf("%v, %s", err, reasons(got))
	}
}

// Who cannot name a ledger may try what stands above it, or a name that is made up when the code runs.
func TestTheSampleRuleOnLedgersHoldsForWhatContainsThem(t *testing.T) {
	text, err := os.ReadFile(samples + "rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := mustSelect(t, selecting(), parse(t, string(text))...)
	for path, want := range map[string]v1alpha1.Decision{
		"/workspace/ledger/2026.csv": v1alpha1.Deny,
		"/workspace/ledger":          v1alpha1.Deny,
		"/workspace":                 v1alpha1.Deny,
		"/":                          v1alpha1.Deny,
		"/workspace/" + gate.MadeUp:  v1alpha1.Deny,
		"/workspace/ledgers.csv":     v1alpha1.Allow,
		"/workspace/led":             v1alpha1.Allow,
	} {
		req, report := aRequest(), aReport()
		req.Spec.Egress, req.Spec.Inputs = nil, nil
		report.Operations = []gate.Operation{{Kind: gate.KindFileDelete, Name: "shutil.rmtree", Args: gate.Args{Path: &gate.Fact{Known: gate.FactLiteral, Value: path}}}}
		got, err := set.Tighten(t.Context(), aPolicy(), req, report, aVerdict(v1alpha1.Allow))
		if err != nil || got.Decision != want {
			t.Errorf("%s: %s, want %s: %v, %s", path, got.Decision, want, err, reasons(got))
		}
	}
}
