// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestConfigurationIsRenderedAsReviewed(t *testing.T) {
	c := testCluster(t)
	dns, err := c.coreDNS()
	if err != nil {
		t.Fatal(err)
	}
	kubelet, err := c.kubeletConfig()
	if err != nil {
		t.Fatal(err)
	}
	containerd, err := c.containerdConfig()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"coredns.yaml":    dns,
		"kubelet.yaml":    kubelet,
		"containerd.toml": containerd,
		"arguments.txt": strings.Join([]string{
			arguments(c.etcd()), arguments(c.apiServer()), arguments(c.controllerManager()), arguments(c.scheduler()),
			arguments(c.kubelet()), arguments(c.ciliumAgent()),
		}, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

func TestUnknownNameInATemplateIsAnError(t *testing.T) {
	if out, err := render("{{ .Nothing }}", map[string]string{}); err == nil {
		t.Errorf("rendered %q", out)
	}
}

func arguments(c component) string {
	return c.Name + "\n  " + strings.Join(c.Args, "\n  ") + "\n"
}
