// SPDX-License-Identifier: Apache-2.0

package bash

import (
	_ "embed"
	"strings"
	"testing"
)

//go:embed testdata/attacks.txt
var attacks string

//go:embed testdata/ordinary.txt
var ordinary string

// attackScripts gives the scripts of testdata/attacks.txt by their headings.
func attackScripts() map[string][]string {
	scripts := map[string][]string{}
	heading := ""
	unescape := strings.NewReplacer("⏎", "\n", "␀", "\x00", "␍", "\r")
	for line := range strings.SplitSeq(strings.TrimSpace(attacks), "\n") {
		if name, ok := strings.CutPrefix(line, "= "); ok {
			heading = name
		} else if line != "" && heading != "" {
			scripts[heading] = append(scripts[heading], unescape.Replace(line))
		}
	}
	return scripts
}

func ordinaryScripts() []string {
	return strings.Split(strings.TrimSpace(ordinary), "\n----\n")[1:]
}

func TestAttacksAreNotAllowed(t *testing.T) {
	for heading, scripts := range attackScripts() {
		t.Run(heading, func(t *testing.T) {
			for _, code := range scripts {
				if len(blocked(Read([]byte(code)))) == 0 {
					t.Errorf("allowed: %q", code)
				}
			}
		})
	}
}

func TestOrdinaryScriptsOfTheCorpusAreAllowed(t *testing.T) {
	for _, code := range ordinaryScripts() {
		for _, op := range blocked(Read([]byte(code))) {
			t.Errorf("%s %s %+v %s\n%s", op.Kind, op.Name, op.Args, op.Reason, code)
		}
	}
}
