// SPDX-License-Identifier: Apache-2.0

package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// digest names the cache entry of a component: it changes with its go.mod, go.sum, sources, build settings and the Go toolchain.
func digest(dir string, c Component, toolchain string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", fmt.Errorf("list sources: %w", err)
	}
	slices.Sort(files)
	files = append(files, filepath.Join(dir, "go.mod"))
	if sum := filepath.Join(dir, "go.sum"); exists(sum) {
		files = append(files, sum)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%+v\n", toolchain, c)
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // a file of this repository
		if err != nil {
			return "", fmt.Errorf("read source: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(file), len(content))
		h.Write(content)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
