// SPDX-License-Identifier: Apache-2.0

package precheck

import (
	"bytes"
	"strings"
	"testing"
)

func TestEverythingThatIsMissingIsSaidAtOnce(t *testing.T) {
	err := Missing{Problems: []string{"not root", "no BTF"}, Packages: []string{"clang-19", "llvm-19"}}.Err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"not root", "no BTF", "apt-get install --no-install-recommends clang-19 llvm-19"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if err := (Missing{}).Err(); err != nil {
		t.Errorf("nothing is missing: %v", err)
	}
}

func TestNothingIsInstalledWhenAPersonMustSolveAProblemFirst(t *testing.T) {
	var out bytes.Buffer
	err := Install(t.Context(), Missing{Problems: []string{"no BTF"}, Packages: []string{"clang-19"}}, &out)
	if err == nil || out.Len() > 0 {
		t.Errorf("Install = %v, printed %q", err, out.String())
	}
}

func TestMissingToolIsNoticed(t *testing.T) {
	tests := map[string]struct {
		tool Tool
		want bool
	}{
		"a program in PATH":     {Tool{Program: "sh"}, true},
		"a program that is not": {Tool{Program: "no-such-program"}, false},
		"a file":                {Tool{File: "/proc/self/stat"}, true},
		"a file that is not":    {Tool{File: "/no/such/file"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.tool.present(); got != tt.want {
				t.Errorf("present() = %t, want %t", got, tt.want)
			}
		})
	}
}
