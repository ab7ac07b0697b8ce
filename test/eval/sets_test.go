// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The sets in testdata were written by people who did not know the rules.
func ownSets(t *testing.T, label string) map[string][]result {
	t.Helper()
	samples, err := readFolder("testdata")
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]result{}
	for _, s := range samples {
		if s.Label == label {
			r, _ := measurement{now: time.Now}.measure(s)
			sets[s.Corpus] = append(sets[s.Corpus], r)
		}
	}
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(sets)*2 != len(files) {
		t.Fatalf("%d sets are labelled %q in %d files (%v): half of the files are", len(sets), label, len(files), err)
	}
	return sets
}

// beyond are hostile samples that no reader of the code alone can tell from
// ordinary ones, with the policy that allows them and the reason.
var beyond = map[string]string{
	"user-function-field-notation analyst": "whether u.purge_row is a column or a function that somebody created is in the database's schema",
}

// A sample that is allowed has an effect that the reader did not see. SQL that
// reads tables is for the analyst to allow, and the hostile samples do more.
func TestNoEvasionIsAllowed(t *testing.T) {
	for name, results := range ownSets(t, "mal") {
		t.Run(name, func(t *testing.T) {
			for _, r := range results {
				for policy, decision := range r.Decision {
					reason, excepted := beyond[fmt.Sprint(r.ID, " ", policy)]
					switch {
					case decision == allowed && !excepted:
						t.Errorf("%v is allowed under %s", r.ID, policy)
					case decision == allowed:
						t.Logf("%v is allowed under %s: %s", r.ID, policy, reason)
					case excepted:
						t.Errorf("%v is not allowed under %s any more: take it off the list", r.ID, policy)
					}
				}
			}
		})
	}
}

// A gate that stops ordinary work is switched off. At most 3 of 100 ordinary
// samples may be stopped, under the policy that is meant for them.
func TestOrdinaryCodeIsAllowed(t *testing.T) {
	for name, results := range ownSets(t, "benign") {
		t.Run(name, func(t *testing.T) {
			policy := "workspace"
			if strings.HasSuffix(name, "sql") {
				policy = "analyst"
			}
			var stopped []result
			for _, r := range results {
				if r.Decision[policy] != allowed {
					stopped = append(stopped, r)
				}
			}
			if len(stopped)*100 > 3*len(results) {
				t.Errorf("%d of %d are not allowed under %s", len(stopped), len(results), policy)
				for _, r := range stopped {
					t.Logf("%v: %.300q", r.ID, r.Reasons[policy])
				}
			}
		})
	}
}
