// SPDX-License-Identifier: Apache-2.0

package build

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDigestChangesWithEverythingThatChangesAProgram(t *testing.T) {
	component := Component{Name: "etcd", Tags: "a"}
	files := map[string]string{"go.mod": "module x", "go.sum": "sum", "main.go": "package main"}
	write := func(t *testing.T, change map[string]string) string {
		t.Helper()
		dir := t.TempDir()
		for _, source := range []map[string]string{files, change} {
			for name, content := range source {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		return dir
	}
	const toolchain = "go1.26.8 linux amd64"
	first, err := digest(write(t, nil), component, toolchain)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change    map[string]string
		component Component
		toolchain string
		wantSame  bool
	}{
		"nothing":                 {component: component, toolchain: toolchain, wantSame: true},
		"a file that is no input": {change: map[string]string{"notes.txt": "x"}, component: component, toolchain: toolchain, wantSame: true},
		"a version in go.mod":     {change: map[string]string{"go.mod": "module y"}, component: component, toolchain: toolchain},
		"a hash in go.sum":        {change: map[string]string{"go.sum": "other"}, component: component, toolchain: toolchain},
		"a source":                {change: map[string]string{"main.go": "package main // x"}, component: component, toolchain: toolchain},
		"another source file":     {change: map[string]string{"other.go": "package main"}, component: component, toolchain: toolchain},
		"a build tag":             {component: Component{Name: "etcd", Tags: "b"}, toolchain: toolchain},
		"the Go version":          {component: component, toolchain: "go1.27.0 linux amd64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := digest(write(t, tt.change), tt.component, tt.toolchain)
			if err != nil {
				t.Fatal(err)
			}
			if (got == first) != tt.wantSame {
				t.Errorf("digest %s after %s, want the same: %t", got, first, tt.wantSame)
			}
		})
	}
}

func TestEveryComponentHasAModuleOfItsOwn(t *testing.T) {
	for _, c := range Node() {
		if _, err := os.Stat(filepath.Join("..", "..", "components", c.Name, "go.mod")); err != nil {
			t.Error(err)
		}
	}
}
