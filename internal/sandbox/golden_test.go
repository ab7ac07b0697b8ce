// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A reviewer must see every change of what a sandbox is.
func TestGolden(t *testing.T) {
	content := map[string][]byte{"sales.csv": []byte("a,b\n"), "costs.csv": {0, 0xff}, "unasked": []byte("x")}
	everything := testParams(withEverything)
	for name, object := range map[string]any{
		"plain":                  mustPod(t, testParams()),
		"everything":             mustPod(t, everything),
		"everything-inputs":      InputsConfigMap(everything, content),
		"everything-credentials": CredentialsSecret(everything, map[string][]byte{"partner": []byte("s3cret"), "other": []byte("x")}),
		"big-code":               mustPod(t, testParams(withBigCode)),
		"runtime-class":          mustPod(t, testParams(withRuntimeClass)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			file := "testdata/" + name + ".yaml"
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
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
