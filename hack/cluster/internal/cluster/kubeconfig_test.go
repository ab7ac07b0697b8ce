// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"
)

func TestUserNamesCannotChangeTheKubeconfig(t *testing.T) {
	const hostile = "a\"\n- name: b\n  user: {exec: {command: sh}}"
	out, err := render(kubeconfigTemplate, map[string]string{
		"Cluster": "test", "Server": "https://127.0.0.1", "User": hostile, "CA": "", "Cert": "", "Key": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "\n- name: b") {
		t.Errorf("a user name added an entry:\n%s", out)
	}
}
