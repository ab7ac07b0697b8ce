// SPDX-License-Identifier: Apache-2.0

package python

import (
	"strings"
	"testing"
	"time"
)

// TestLongPrivateNamesAreNotTakenApart holds the time for a name that could be
// that of tens of thousands of private ones.
func TestLongPrivateNamesAreNotTakenApart(t *testing.T) {
	name := "_A" + strings.Repeat("__b", 80_000)
	source := []byte("class A: pass\na = A()\na." + name + " = '/etc/x'\n")
	start := time.Now()
	Read(source)
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if isPlain(Read([]byte("from os import system as " + name + "\nclass A:\n  def f(self): pass\n"))) {
		t.Error("a long private name was bound under its full name")
	}
}
