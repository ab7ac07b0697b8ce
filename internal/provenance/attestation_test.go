// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"crypto/elliptic"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSignedContentIsAttested(t *testing.T) {
	lab, board, build := ed25519Signer(t, "lab"), ecdsaSigner(t, "board", elliptic.P256()), rsaSigner(t, "build", MinRSABits)
	all := []Attestor{lab.attestor(t), board.attestor(t), build.attestor(t)}
	for name, tc := range map[string]struct {
		envelope string
		want     []string
	}{
		"with Ed25519":                        {envelope(t, statement(), lab), []string{"lab"}},
		"with ECDSA on P-256":                 {envelope(t, statement(), board), []string{"board"}},
		"with RSA":                            {envelope(t, statement(), build), []string{"build"}},
		"by several, in the policy's order":   {envelope(t, statement(), build, lab), []string{"lab", "build"}},
		"as one of several subjects":          {envelope(t, statement(subjects(map[string]any{"sha256": sha("x")}, map[string]any{"sha256": sha(content)})), lab), []string{"lab"}},
		"with fields that are not known here": {envelope(t, statement(func(s map[string]any) { s["later"] = 1 }), lab), []string{"lab"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Verify([]byte(tc.envelope), sha(content), all)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

func TestAttestationAttacks(t *testing.T) {
	lab, board, stranger := ed25519Signer(t, "lab"), ecdsaSigner(t, "board", elliptic.P256()), ed25519Signer(t, "lab")
	both := []Attestor{lab.attestor(t), board.attestor(t)}
	good := statement()
	signed := func(payload string) string { return envelope(t, payload, lab) }
	sig := func(s signer, payload string) map[string]any {
		return map[string]any{"keyid": s.name, "sig": s.sign(t, payloadType, payload)}
	}
	double := strings.Replace(good, `"subject":`, `"subject":[{"name":"x","digest":{"sha256":"`+sha("evil")+`"}}],"subject":`, 1)
	other := strings.Replace(good, `"predicateType":`, `"predicatetype":"https://example.com/other","predicateType":`, 1)

	for name, tc := range map[string]struct {
		envelope string
		want     string
	}{
		"other subject":                     {signed(statement(subjects(map[string]any{"sha256": sha("evil")}))), "other content"},
		"other key":                         {envelope(t, good, stranger), "no attestor"},
		"other payload type, signed":        {rawEnvelope("text/plain", good, map[string]any{"sig": lab.sign(t, "text/plain", good)}), "its payload is"},
		"other payload type, swapped in":    {rawEnvelope(payloadType, good, map[string]any{"sig": lab.sign(t, "text/plain", good)}), "no attestor"},
		"payload changed after signing":     {rawEnvelope(payloadType, statement(func(s map[string]any) { s["x"] = 1 }), sig(lab, good)), "no attestor"},
		"signature of the bare payload":     {rawEnvelope(payloadType, good, map[string]any{"sig": lab.sign(t, "", good)}), "no attestor"},
		"other predicate type":              {signed(statement(func(s map[string]any) { s["predicateType"] = "https://example.com/seen/v1" })), "predicate type"},
		"no predicate type":                 {signed(statement(func(s map[string]any) { delete(s, "predicateType") })), "not valid"},
		"an older statement":                {signed(statement(func(s map[string]any) { s["_type"] = "https://in-toto.io/Statement/v0.1" })), "not https://in-toto.io/Statement/v1"},
		"no statement":                      {signed(`{"subject":[{"digest":{"sha256":"` + sha(content) + `"}}]}`), "its statement is"},
		"the digest as another algorithm's": {signed(statement(subjects(map[string]any{"sha3_256": sha(content)}))), "other content"},
		"the digest under another spelling": {signed(statement(subjects(map[string]any{"SHA256": sha(content), "sha-256": sha(content), "sha256 ": sha(content)}))), "other content"},
		"the digest in capitals":            {signed(statement(subjects(map[string]any{"sha256": strings.ToUpper(sha(content))}))), "other content"},
		"the digest as a name": {signed(statement(func(s map[string]any) {
			s["subject"] = []any{map[string]any{"name": sha(content), "uri": "sha256:" + sha(content)}}
		})), "not valid"},
		"the digest in the predicate":         {signed(statement(subjects(map[string]any{"sha256": sha("x")}), func(s map[string]any) { s["predicate"] = map[string]any{"sha256": sha(content)} })), "other content"},
		"duplicate JSON keys in the payload":  {signed(double), `"subject" comes twice`},
		"JSON keys that differ in case only":  {signed(other), "comes twice"},
		"duplicate JSON keys in the envelope": {strings.Replace(signed(good), `{"payload":`, `{"payload":"e30=","payload":`, 1), `"payload" comes twice`},
		"a second payload in other case":      {strings.Replace(signed(good), `{"payload":`, `{"PAYLOAD":"e30=","payload":`, 1), "comes twice"},
		"a payload that is not UTF-8":         {signed(strings.Replace(good, "jo", "j\xff", 1)), "not UTF-8"},
		"something behind the statement":      {signed(good + good), "behind"},
		"something behind the envelope":       {signed(good) + "{}", "behind"},
		"no signature":                        {rawEnvelope(payloadType, good), "0 signatures"},
		"an empty signature":                  {rawEnvelope(payloadType, good, map[string]any{"keyid": "lab", "sig": ""}), "no attestor"},
		"a signature that is no base64":       {rawEnvelope(payloadType, good, map[string]any{"sig": "!"}), "no attestor"},
		"a payload that is no base64":         {`{"payloadType":"` + payloadType + `","payload":"!","signatures":[{"sig":"AAAA"}]}`, "no attestor"},
		"many signatures":                     {rawEnvelope(payloadType, good, slices.Repeat([]any{sig(lab, good)}, MaxSignatures+1)...), "9 signatures"},
		"many subjects":                       {signed(statement(subjects(slices.Repeat([]map[string]any{{"sha256": sha(content)}}, MaxSubjects+1)...))), "subjects"},
		"a large envelope":                    {signed(statement(func(s map[string]any) { s["predicate"] = map[string]any{"x": strings.Repeat("x", MaxBytes)} })), "more than"},
		"deep nesting":                        {signed(strings.Replace(good, `"jo"`, strings.Repeat("[", 2000)+strings.Repeat("]", 2000), 1)), "nested"},
		"no JSON":                             {"DSSE", "not a JSON object"},
		"a list":                              {"[]", "not a JSON object"},
		"nothing":                             {"", "not a JSON object"},
		"an object that does not end":         {`{"payload":`, "not JSON"},
		"a field of another type":             {`{"payloadType":1}`, "another type"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Verify([]byte(tc.envelope), sha(content), both)
			if err == nil || got != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("attested by %v, error %v, want one with %q", got, err, tc.want)
			}
		})
	}
}

// Two signatures, one bad: the good one counts for its own attestor, and the bad
// one for nobody, whatever key it names.
func TestABadSignatureBesideAGoodOneRaisesNothing(t *testing.T) {
	lab, board := ed25519Signer(t, "lab"), ecdsaSigner(t, "board", elliptic.P256())
	good := map[string]any{"keyid": "board", "sig": lab.sign(t, payloadType, statement())}
	bad := map[string]any{"keyid": "board", "sig": board.sign(t, payloadType, statement(func(s map[string]any) { s["x"] = 1 }))}
	for _, signatures := range [][]any{{good, bad}, {bad, good}} {
		got, err := Verify([]byte(rawEnvelope(payloadType, statement(), signatures...)), sha(content), []Attestor{board.attestor(t), lab.attestor(t)})
		if diff := cmp.Diff([]string{"lab"}, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
}

func TestWithdrawingAnAttestorWithdrawsItsSignatures(t *testing.T) {
	lab, board := ed25519Signer(t, "lab"), ecdsaSigner(t, "board", elliptic.P256())
	signed := []byte(envelope(t, statement(), lab))
	for name, left := range map[string][]Attestor{
		"nobody is left":                         nil,
		"another is left":                        {board.attestor(t)},
		"its name is left with a key of another": {{Name: "lab", Key: board.attestor(t).Key, PredicateTypes: []string{predicate}}},
		"its name is left without a key":         {{Name: "lab", PredicateTypes: []string{predicate}}},
	} {
		if got, err := Verify(signed, sha(content), left); err == nil {
			t.Errorf("%s: attested by %v", name, got)
		}
	}
}

func TestAnAttestationWithoutContentIsAboutNothing(t *testing.T) {
	lab := ed25519Signer(t, "lab")
	for _, digest := range []string{"", "sha256:" + sha(content), sha(content)[:32]} {
		payload := statement(subjects(map[string]any{"sha512": sha(content) + sha(content)}, map[string]any{"x": digest}))
		if got, err := Verify([]byte(envelope(t, payload, lab)), digest, []Attestor{lab.attestor(t)}); err == nil {
			t.Errorf("digest %q: attested by %v", digest, got)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	lab := ed25519Signer(t, "lab")
	private := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEfuE4gpkqPBSmCwmtxXQXCnSLmNpiJdVrwXq3QlbeYJ\n-----END PRIVATE KEY-----\n"
	for name, tc := range map[string]struct{ pem, want string }{
		"no PEM":                 {"ssh-ed25519 AAAA", "not PEM"},
		"nothing":                {"", "not PEM"},
		"text before the key":    {"the key:\n" + lab.pem(t), "not PEM"},
		"two keys":               {lab.pem(t) + lab.pem(t), "behind"},
		"a private key":          {private, `"PRIVATE KEY"`},
		"headers":                {strings.Replace(lab.pem(t), "KEY-----\n", "KEY-----\nA: b\n\n", 1), "headers"},
		"no key within":          {"-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString([]byte("x")) + "\n-----END PUBLIC KEY-----\n", "can be read"},
		"ECDSA on another curve": {ecdsaSigner(t, "x", elliptic.P384()).pem(t), "P-384"},
		"a small RSA key":        {rsaSigner(t, "x", 1024).pem(t), "1024 bits"},
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := ParseKey(tc.pem); err == nil || !strings.Contains(err.Error(), tc.want) || key != (Key{}) {
				t.Errorf("%v, want an error with %q", err, tc.want)
			}
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":"AAAA"}]}`))
	f.Add([]byte(`{"a":[{"b":{}}]}`))
	key, err := ParseKey("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, envelope []byte) {
		if names, err := Verify(envelope, sha(content), []Attestor{{Name: "a", Key: key}}); err == nil {
			t.Errorf("attested by %v, without a private key", names)
		}
		_, _ = readStatement(envelope)
	})
}
