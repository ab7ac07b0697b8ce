// SPDX-License-Identifier: Apache-2.0

//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/airlock-dev/airlock/config"
)

// The operator holds what its code says it uses (the kubebuilder markers, generated into config/rbac), and nothing more.
func TestTheChartGrantsTheOperatorWhatItsCodeAsksFor(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "config/rbac/role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var role rbacv1.ClusterRole // A Role has the same fields, and a namespace.
		if err := yaml.UnmarshalStrict([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		namespace := map[string]string{"": "", "operator": config.OperatorNamespace, "sandboxes": config.SandboxNamespace}[role.Namespace]
		collect(asked, namespace, role.Rules)
	}
	rendered := render(t, config.OperatorNamespace)
	granted := map[string]bool{}
	for _, key := range []string{"ClusterRole//airlock-operator", "Role/" + config.OperatorNamespace + "/airlock-operator", "Role/" + config.SandboxNamespace + "/airlock-operator"} {
		var role rbacv1.ClusterRole
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(rendered[key].Object, &role); err != nil {
			t.Fatal(err)
		}
		collect(granted, role.Namespace, role.Rules)
	}
	if diff := cmp.Diff(asked, granted); diff != "" {
		t.Errorf("rights of the operator (-the code asks for, +the chart grants):\n%s", diff)
	}
}

// collect adds each right of the rules on its own. Names are left out: the markers have none, and the chart's only narrow.
func collect(rights map[string]bool, namespace string, rules []rbacv1.PolicyRule) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights[strings.Join([]string{"namespace=" + namespace, "group=" + group, resource, verb}, " ")] = true
				}
			}
		}
	}
}
