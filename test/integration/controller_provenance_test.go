// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

const reviewed = "https://example.com/reviewed/v1"

// lab signs as the attestor "lab".
var lab = ed25519.NewKeyFromSeed([]byte(strings.Repeat("l", ed25519.SeedSize)))

// attestedBy lists an attestor whose word makes content Internal.
func attestedBy(key ed25519.PrivateKey) func(*v1alpha1.ExecutionPolicySpec) {
	return func(p *v1alpha1.ExecutionPolicySpec) {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			panic(err)
		}
		p.Provenance = &v1alpha1.Provenance{Attestors: []v1alpha1.Attestor{{
			Name: "lab", Trust: v1alpha1.Internal, PredicateTypes: []string{reviewed},
			PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		}}}
	}
}

// attest signs a statement about content.
func attest(key ed25519.PrivateKey, content string) string {
	const payloadType = "application/vnd.in-toto+json"
	payload := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"data","digest":{"sha256":"%x"}}],"predicateType":%q,"predicate":{}}`,
		sha256.Sum256([]byte(content)), reviewed)
	text, err := json.Marshal(dsse.Envelope{
		PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString([]byte(payload)),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(ed25519.Sign(key, dsse.PAE(payloadType, []byte(payload))))}},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// fetchedWith mounts the input as something that was fetched, with its digest and an attestation.
func fetchedWith(content, attestation string) func(*v1alpha1.ExecutionRequest) {
	return func(r *v1alpha1.ExecutionRequest) {
		mounted("data", "data.csv")(r)
		in := &r.Spec.Inputs[len(r.Spec.Inputs)-1]
		in.Origin, in.Trust = v1alpha1.OriginRetrieved, v1alpha1.Untrusted
		in.Digest, in.Attestation = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))), attestation
	}
}

func TestASignatureRaisesTheTrustOfAnInput(t *testing.T) {
	const content = "a,b\n"
	stranger := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	w := newWorld(t, attestedBy(lab))
	w.operate()
	w.input(content)

	t.Run("by an attestor of the policy", func(t *testing.T) {
		w := w.in(t)
		req := w.request(allowedSource, fetchedWith(content, attest(lab, content)))
		w.pod(req)
		req = w.until(req, "the verdict says whose word counted", func(now *v1alpha1.ExecutionRequest) bool { return now.Status.Verdict != nil })
		if v := req.Status.Verdict; v.Trust != v1alpha1.Internal || v.TrustReason == "" {
			t.Errorf("trust %s by %q: %s", v.Trust, v.DecidedBy, v.TrustReason)
		}
	})
	for name, test := range map[string]struct{ attestation, words string }{
		"not by somebody else":      {attest(stranger, content), "no attestor of the policy signed it"},
		"not about other content":   {attest(lab, "evil\n"), "it is about other content"},
		"not by its own word alone": {`{"trust":"Trusted"}`, "its payload is"},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			req := w.request(allowedSource, fetchedWith(content, test.attestation))
			req = w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionFinished, v1alpha1.ReasonDenied, "Untrusted content drove this code")
			if v := req.Status.Verdict; v.Trust != v1alpha1.Untrusted || v.DecidedBy != "data.csv" || !strings.Contains(v.TrustReason, test.words) {
				t.Errorf("trust %s by %q: %s; want %q", v.Trust, v.DecidedBy, v.TrustReason, test.words)
			}
			w.neverRan(req)
		})
	}
	t.Run("not where the content is another than was signed", func(t *testing.T) {
		w := w.in(t)
		req := w.request(allowedSource, fetchedWith("signed\n", attest(lab, "signed\n")))
		w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionValidated, v1alpha1.ReasonInputMismatch, "spec.inputs[1].digest")
		w.neverRan(req)
	})
}

// What a signature permitted before the attestor was removed, or before the content was exchanged, does not run after.
func TestASignatureThatNoLongerCountsRunsNothing(t *testing.T) {
	const content = "a,b\n"
	for name, change := range map[string]func(*world){
		"the attestor is removed": func(w *world) { w.changePolicy(func(p *v1alpha1.ExecutionPolicySpec) { p.Provenance = nil }) },
		"the content is exchanged": func(w *world) {
			cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "data"}}
			w.must(w.admin.Get(w.ctx, client.ObjectKeyFromObject(cm), cm))
			cm.Data["data.csv"] = "evil\n"
			w.must(w.admin.Update(w.ctx, cm))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, attestedBy(lab))
			w.operate()
			w.holdLaunches("held by the test")
			w.input(content)
			req := w.request(allowedSource, fetchedWith(content, attest(lab, content)))
			w.waits(req, v1alpha1.ConditionLaunched, v1alpha1.ReasonPreflightFailed, "held by the test")
			change(w)
			w.holdLaunches()
			w.nudge(req)
			w.ends(req, v1alpha1.StateDenied, v1alpha1.ConditionLaunched, v1alpha1.ReasonEnvelopeChanged, "create a new request")
			w.neverRan(req)
		})
	}
}

func TestAPolicyThatTheSchemaCannotRefuseIsNotReady(t *testing.T) {
	for name, test := range map[string]struct {
		edit  func(*v1alpha1.ExecutionPolicySpec)
		words string
	}{
		"a key that cannot be read": {func(p *v1alpha1.ExecutionPolicySpec) {
			attestedBy(lab)(p)
			p.Provenance.Attestors[0].PublicKey = "-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("A", 64) + "\n-----END PUBLIC KEY-----\n"
		}, "spec.provenance.attestors[0].publicKey"},
		"any option without a person": {func(p *v1alpha1.ExecutionPolicySpec) {
			p.Allow = append(p.Allow, v1alpha1.OperationRule{Commands: []v1alpha1.Command{{Name: "git", Options: []string{"*"}}}})
		}, "spec.allow[2].commands[0].options"},
		"an example that names a credential nobody lists": {func(p *v1alpha1.ExecutionPolicySpec) {
			p.Examples = []v1alpha1.Example{{Name: "x", Language: v1alpha1.Python, Code: "1", Trust: v1alpha1.Internal, Credentials: []string{"root"}, Expect: v1alpha1.Deny}}
		}, "spec.examples[0].credentials[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.edit)
			w.operate()
			w.ready(metav1.ConditionFalse, test.words)
		})
	}
}

// Naming a credential asks people, though every operation of the code is allowed.
func TestACredentialAsksPeople(t *testing.T) {
	w := newWorld(t, withCredential, func(p *v1alpha1.ExecutionPolicySpec) { p.Credentials[0].Approvals = new(int32(2)) })
	w.credential()
	w.operate()
	req := w.request(allowedSource, needs)
	appr := w.approval(req)
	if appr.Spec.Required != 2 || appr.Spec.Subject.Verdict.Approvals != 2 {
		t.Errorf("it needs %d approvals by a verdict of %d, want 2", appr.Spec.Required, appr.Spec.Subject.Verdict.Approvals)
	}
	w.neverRan(req)
}
