// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// reservedPrefixes and reservedNames steer the dynamic loader, an interpreter's
// module search or the shell: with them, an environment variable is code that
// the gate has never read (PYTHONPATH=/inputs turns an input into a module).
// KUBERNETES_ leads the runner's canary to the API server.
var (
	reservedPrefixes = []string{"LD_", "DYLD_", "GLIBC_", "PYTHON", "NODE_", "BASH_", "PERL", "RUBY", "AIRLOCK_", "KUBERNETES_"}
	reservedNames    = []string{
		"BASHOPTS", "SHELLOPTS", "ENV", "IFS", "PS4", "PROMPT_COMMAND", "GCONV_PATH", "LOCPATH", "NLSPATH",
		"HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN", "PATH", "HOME", "TMPDIR", "LANG",
		"MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
	}
)

// ReservedEnv says whether a request can never set the environment variable,
// whatever its policy lists. Names that only differ in case are reserved too.
func ReservedEnv(name string) bool {
	name = strings.ToUpper(name)
	return slices.Contains(reservedNames, name) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// environment returns what the sandboxed process sees: what the request sets
// and what every sandbox has. Nothing comes from the operator or the cluster.
func environment(p Params) []corev1.EnvVar {
	// Numeric libraries start a thread for each core of the node otherwise.
	threads := strconv.FormatInt(max(1, p.Limits.CPU.Value()), 10)
	env := []corev1.EnvVar{
		{Name: "HOME", Value: WorkspacePath},
		{Name: "LANG", Value: "C.UTF-8"},
		{Name: "MPLBACKEND", Value: "Agg"},
		{Name: "MPLCONFIGDIR", Value: tmpPath + "/matplotlib"},
		{Name: "OMP_NUM_THREADS", Value: threads},
		{Name: "OPENBLAS_NUM_THREADS", Value: threads},
		{Name: "PATH", Value: "/usr/local/bin:/usr/bin:/bin"},
		{Name: "TMPDIR", Value: tmpPath},
	}
	for _, e := range p.Request.Spec.Env {
		v := corev1.EnvVar{Name: e.Name}
		if e.Value != nil {
			v.Value = unexpanded(*e.Value)
		}
		env = append(env, v)
	}
	return env
}

// unexpanded escapes what the kubelet would expand in commands, arguments and
// environment values: "$(NAME)" is a reference there and "$$" a dollar sign.
// What was judged is what the process gets, byte for byte.
func unexpanded(s string) string {
	return strings.ReplaceAll(s, "$", "$$")
}
