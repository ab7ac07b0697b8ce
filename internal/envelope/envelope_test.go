// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full returns an envelope without a zero field.
func full() Envelope {
	return Envelope{
		Version:   Version,
		Request:   Request{Namespace: "team-a", Name: "report", UID: "4b1f3f2e-0000-4000-8000-000000000001"},
		Requester: v1alpha1.Requester{Username: "agent-7", UID: "u-7", Groups: []string{"agents", "team-a"}, PodName: "agent-0", PodUID: "p-0"},
		Task:      "Summarise the sales of October <b>&amp;</b> \u00e9\u20ac\U0001f600",
		Agent:     v1alpha1.Agent{Name: "analyst", Model: "m-1", Session: "s-1", Invocation: "i-1"},
		Policy:    Policy{Name: "data-analysis", Digest: "sha256:" + strings.Repeat("a", 64)},
		Code:      Code{Language: v1alpha1.SQL, Dialect: "PostgreSQL", SHA256: strings.Repeat("b", 64), Bytes: 42},
		Args:      []string{"--fast", "$(HOME)"},
		Env:       []EnvVar{{Name: "APP_MODE", Value: "test"}, {Name: "ZONE", Value: "b"}},
		Inputs: []Input{
			{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Trusted, Digest: "sha256:" + strings.Repeat("c", 64), ClaimedDigest: "sha256:" + strings.Repeat("c", 64), AttestationDigest: "sha256:" + strings.Repeat("e", 64)},
			{Name: "sales.csv", Origin: v1alpha1.OriginRetrieved, Trust: v1alpha1.Untrusted, Digest: "sha256:" + strings.Repeat("d", 64), ClaimedDigest: "sha256:" + strings.Repeat("d", 64), AttestationDigest: "sha256:" + strings.Repeat("f", 64)},
		},
		Runtime:          Runtime{Image: "registry.example/psql@sha256:" + strings.Repeat("e", 64), Command: []string{"/usr/bin/psql", "-f"}},
		RuntimeClassName: "gvisor",
		Egress:           []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 443}, {Host: "db.partner.example", Port: 5432}},
		Credentials:      []string{"partner", "warehouse"},
		Limits:           Limits{TimeoutSeconds: 30, CPU: "500m", Memory: "512Mi"},
		VerdictTrust:     v1alpha1.Untrusted,
	}
}

func digestOf(t *testing.T, e Envelope) string {
	t.Helper()
	d, err := e.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// leaves calls visit for every string and number below v, with its path.
func leaves(v reflect.Value, path string, visit func(path string, leaf reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, visit)
		}
	default:
		visit(path, v)
	}
}

// flip changes a string or a number and nothing else.
func flip(t *testing.T, path string, leaf reflect.Value) {
	t.Helper()
	switch leaf.Kind() {
	case reflect.String:
		leaf.SetString(leaf.String() + "x")
	case reflect.Int, reflect.Int32, reflect.Int64:
		leaf.SetInt(leaf.Int() + 1)
	default:
		t.Fatalf("%s is of kind %s: teach this test to flip it", path, leaf.Kind())
	}
}

// A field that is not under the digest could be swapped after the approval. The
// walk finds fields by reflection, so that a later field cannot be forgotten.
func TestSwappingAnyFieldAfterApprovalChangesTheDigest(t *testing.T) {
	want := digestOf(t, full())
	seen := map[string]string{want: "no change"}
	var paths []string
	e := full()
	leaves(reflect.ValueOf(&e).Elem(), "", func(path string, leaf reflect.Value) {
		if leaf.IsZero() {
			t.Errorf("%s is zero in the full envelope: give it a value there", path)
		}
		paths = append(paths, path)
	})
	for i, path := range paths {
		e := full()
		n := 0
		leaves(reflect.ValueOf(&e).Elem(), "", func(path string, leaf reflect.Value) {
			if n == i {
				flip(t, path, leaf)
			}
			n++
		})
		got := digestOf(t, e)
		if before, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same digest as %s", path, before)
		}
		seen[got] = path
	}
	if len(paths) < 40 {
		t.Errorf("the walk found %d fields only", len(paths))
	}
}

func TestTakingAnElementAwayChangesTheDigest(t *testing.T) {
	want := digestOf(t, full())
	for name, edit := range map[string]func(*Envelope){
		"a group":      func(e *Envelope) { e.Requester.Groups = e.Requester.Groups[1:] },
		"an argument":  func(e *Envelope) { e.Args = e.Args[1:] },
		"a variable":   func(e *Envelope) { e.Env = e.Env[1:] },
		"an input":     func(e *Envelope) { e.Inputs = e.Inputs[1:] },
		"a host":       func(e *Envelope) { e.Egress = e.Egress[1:] },
		"a credential": func(e *Envelope) { e.Credentials = nil },
		"moving a character from one argument to the next": func(e *Envelope) { e.Args = []string{"--fast$", "(HOME)"} },
	} {
		e := full()
		edit(&e)
		if digestOf(t, e) == want {
			t.Errorf("%s does not change the digest", name)
		}
	}
}

func TestOrderMattersOnlyWhereItHasAMeaning(t *testing.T) {
	want := digestOf(t, full())
	tests := map[string]struct {
		edit func(*Envelope)
		same bool
	}{
		"groups":      {func(e *Envelope) { reverse(e.Requester.Groups) }, true},
		"variables":   {func(e *Envelope) { reverse(e.Env) }, true},
		"inputs":      {func(e *Envelope) { reverse(e.Inputs) }, true},
		"egress":      {func(e *Envelope) { reverse(e.Egress) }, true},
		"credentials": {func(e *Envelope) { reverse(e.Credentials) }, true},
		"arguments":   {func(e *Envelope) { reverse(e.Args) }, false},
		"command":     {func(e *Envelope) { reverse(e.Runtime.Command) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := full()
			tt.edit(&e)
			if got := digestOf(t, e) == want; got != tt.same {
				t.Errorf("the digest is the same: %v, want %v", got, tt.same)
			}
		})
	}
}

func reverse[T any](s []T) { s[0], s[1] = s[1], s[0] }

func TestAbsentAndEmptyAreTheSame(t *testing.T) {
	absent := Envelope{Version: Version}
	empty := Envelope{
		Version: Version, Requester: v1alpha1.Requester{Groups: []string{}}, Args: []string{}, Env: []EnvVar{}, Inputs: []Input{},
		Runtime: Runtime{Command: []string{}}, Egress: []v1alpha1.EgressTarget{}, Credentials: []string{},
	}
	if digestOf(t, absent) != digestOf(t, empty) {
		t.Error("absent and empty have different digests")
	}
}

// JSON replaces bytes that are not UTF-8 by one character, so two different
// arguments would share a digest.
func TestTextThatIsNotUTF8HasNoDigest(t *testing.T) {
	for _, edit := range []func(*Envelope){
		func(e *Envelope) { e.Args[0] = "\xff" },
		func(e *Envelope) { e.Env[0].Value = "a\xc3" },
		func(e *Envelope) { e.Task = "\xed\xa0\x80" },
	} {
		e := full()
		edit(&e)
		if d, err := e.Digest(); err == nil {
			t.Errorf("it has the digest %s, want an error", d)
		}
	}
}

func TestSortingLeavesTheCallersListsAlone(t *testing.T) {
	e := full()
	reverse(e.Credentials)
	digestOf(t, e)
	if e.Credentials[0] != "warehouse" {
		t.Error("the caller's list was sorted in place")
	}
}

func TestGolden(t *testing.T) {
	for name, e := range map[string]Envelope{"full": full(), "zero": {}} {
		t.Run(name, func(t *testing.T) {
			got, err := e.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, "\n"+digestOf(t, e)+"\n"...)
			file := "testdata/" + name + ".golden"
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("every approval that is open would be lost; a change needs a new Version (-want +got):\n%s", diff)
			}
		})
	}
}

// Two envelopes have the same bytes only if they are the same, and the bytes are
// canonical: one line, no escapes that are not needed.
func FuzzCanonicalIsInjective(f *testing.F) {
	f.Add("a", "b", "a", "c", int32(1))
	f.Add("\",\"x\":\"", "", "\\", "\u2028", int32(-1))
	f.Add("\xff", "\xfe", "\xff", "\xff", int32(0))
	f.Fuzz(func(t *testing.T, a1, b1, a2, b2 string, n int32) {
		build := func(a, b string) Envelope {
			return Envelope{Task: a, Args: []string{a, b}, Env: []EnvVar{{a, b}}, Credentials: []string{b, a}, Limits: Limits{TimeoutSeconds: n}}
		}
		one, errOne := build(a1, b1).Canonical()
		two, errTwo := build(a2, b2).Canonical()
		if errOne != nil || errTwo != nil {
			return
		}
		if same := a1 == a2 && b1 == b2; bytes.Equal(one, two) != same {
			t.Errorf("equal values: %v, equal bytes: %v\n%s\n%s", same, !same, one, two)
		}
	})
}
