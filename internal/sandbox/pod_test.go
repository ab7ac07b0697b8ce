// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// expand does what the kubelet does with commands, arguments and environment
// values (Kubernetes API, Container.args): "$(NAME)" becomes the variable if
// there is one, and "$$" a dollar sign.
func expand(s string, env map[string]string) string {
	var b strings.Builder
	for s != "" {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			break
		}
		name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
		value, known := env[name]
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteString("$")
			s = after[1:]
		case strings.HasPrefix(after, "(") && closed && known:
			b.WriteString(value)
			s = rest
		default:
			b.WriteString("$")
			s = after
		}
	}
	return b.String()
}

// "$(HOME)" in an argument must reach the program as these seven characters:
// that is what the gate read and people approved.
func TestVariableReferencesInArgumentsAreNotExpanded(t *testing.T) {
	args := []string{"$(HOME)", "$$(HOME)", "$$$(HOME)", "$", "$(", "$()", "a$(HOME)b$", "$HOME", "${HOME}"}
	p := testParams(func(p *Params) {
		p.Request.Spec.Args = args
		p.Runtime.Command = append(p.Runtime.Command, "-X$(HOME)")
		p.Request.Spec.Env = []v1alpha1.EnvVar{{Name: "APP_MODE", Value: new("$(PATH)$$")}}
	})
	c := mustPod(t, p).Spec.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = expand(e.Value, env)
	}
	if env["APP_MODE"] != "$(PATH)$$" {
		t.Errorf("the program gets APP_MODE=%q", env["APP_MODE"])
	}
	var got []string
	for _, arg := range c.Args {
		got = append(got, expand(arg, env))
	}
	after := got[slices.Index(got, "--")+1:]
	want := append([]string{"/usr/bin/python3", "-I", "-B", "-X$(HOME)", "/airlock/main.py"}, args...)
	if diff := cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
}

func FuzzArgumentsReachTheProgramUnchanged(f *testing.F) {
	f.Add("$(HOME)$$(X)$")
	f.Fuzz(func(t *testing.T, arg string) {
		if got := expand(unexpanded(arg), map[string]string{"HOME": "/root", "": "empty"}); got != arg {
			t.Errorf("%q became %q", arg, got)
		}
	})
}

// An argument that looks like a flag of the runner comes after "--".
func TestArgumentsCannotBecomeFlagsOfTheRunner(t *testing.T) {
	p := testParams(func(p *Params) { p.Request.Spec.Args = []string{"--timeout=24h", "--code-sha256=0", "--"} })
	args := mustPod(t, p).Spec.Containers[0].Args
	end := slices.Index(args, "--")
	for _, flag := range args[1:end] {
		if !strings.HasPrefix(flag, "--") || flag == "--timeout=24h" {
			t.Errorf("%q is among the runner's flags", flag)
		}
	}
	if got := args[len(args)-3:]; !slices.Equal(got, p.Request.Spec.Args) {
		t.Errorf("the program gets %q", got)
	}
}

// The code can arrive over any channel: both containers demand its digest.
func TestBothContainersDemandTheJudgedBytes(t *testing.T) {
	for name, edit := range map[string]func(*Params){"inline": func(*Params) {}, "ConfigMap": withBigCode, "with inputs": withEverything} {
		t.Run(name, func(t *testing.T) {
			p := testParams(edit)
			sum := sha256.Sum256([]byte(p.Request.Spec.Code.Source))
			want := "--code-sha256=" + hex.EncodeToString(sum[:])
			pod := mustPod(t, p)
			for _, c := range []corev1.Container{pod.Spec.InitContainers[0], pod.Spec.Containers[0]} {
				if !slices.Contains(c.Args, want) {
					t.Errorf("container %s does not demand the digest", c.Name)
				}
				for input, digest := range p.InputDigests {
					suffix := "/" + input + "=" + strings.TrimPrefix(digest, "sha256:")
					if !slices.ContainsFunc(c.Args, func(arg string) bool {
						return strings.HasPrefix(arg, "--input=") && strings.HasSuffix(arg, suffix)
					}) {
						t.Errorf("container %s does not demand the digest of %s", c.Name, input)
					}
				}
			}
		})
	}
}

func TestCodeTravelsByteForByte(t *testing.T) {
	for name, source := range map[string]string{
		"small":          "print(1)",
		"odd characters": "#\r\n\t\u202e \u2028<&>\x01\U0001f600",
		"at the bound":   strings.Repeat("x", InlineCodeBytes),
		"above":          strings.Repeat("x", InlineCodeBytes+1),
		"multi-byte":     strings.Repeat("é", InlineCodeBytes/2+1),
	} {
		t.Run(name, func(t *testing.T) {
			p := testParams(func(p *Params) { p.Request.Spec.Code.Source = source })
			pod, cm := mustPod(t, p), CodeConfigMap(p)
			inline, isInline := pod.Annotations[AnnotationCode]
			if isInline != (len(source) <= InlineCodeBytes) || isInline != (cm == nil) {
				t.Fatalf("inline %v, ConfigMap %v for %d bytes", isInline, cm != nil, len(source))
			}
			got := inline
			if cm != nil {
				got = string(cm.BinaryData[sourceFile])
			}
			if got != source {
				t.Error("the code was changed on its way")
			}
		})
	}
}

// What the sandbox can write to, the sandbox must not be made of.
func TestTheSandboxCannotWriteToItsCodeItsRunnerOrItsInputs(t *testing.T) {
	pod := mustPod(t, testParams(withEverything))
	writable := map[string]bool{}
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		if !m.ReadOnly {
			writable[m.MountPath] = true
		}
		if m.SubPath != "" || m.SubPathExpr != "" || m.MountPropagation != nil {
			t.Errorf("mount %s has a sub-path or propagation", m.MountPath)
		}
	}
	if diff := cmp.Diff(map[string]bool{"/workspace": true, "/tmp": true}, writable); diff != "" {
		t.Error(diff)
	}
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		if m.Name == volumeSource || m.Name == volumeInputsSource {
			t.Errorf("the sandbox sees %s, which was not verified", m.MountPath)
		}
	}
	for _, m := range pod.Spec.InitContainers[0].VolumeMounts {
		if m.Name == volumeCredentials || m.Name == volumeWorkspace {
			t.Errorf("prepare has %s, which it does not need", m.MountPath)
		}
	}
}

func TestNothingIsThereThatWasNotGranted(t *testing.T) {
	pod := mustPod(t, testParams())
	var volumes []string
	for _, v := range pod.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	if diff := cmp.Diff([]string{"airlock", "source", "workspace", "tmp"}, volumes); diff != "" {
		t.Error(diff)
	}
	if got := slices.Sorted(maps.Keys(pod.Labels)); !slices.Equal(got, []string{LabelEgressProfile, LabelSandbox}) {
		t.Errorf("labels %v; each value costs a Cilium identity", got)
	}
	p := testParams()
	if InputsConfigMap(p, map[string][]byte{"x": nil}) != nil || CredentialsSecret(p, map[string][]byte{"x": nil}) != nil || CodeConfigMap(p) != nil {
		t.Error("there are objects for nothing")
	}
}

// The kubelet ends the pod even if the runner hangs, and never before the runner would.
func TestARunCannotBecomeImmortal(t *testing.T) {
	for _, timeout := range []int32{1, 30, 86400} {
		pod := mustPod(t, testParams(func(p *Params) { p.Limits.TimeoutSeconds = timeout }))
		deadline := pod.Spec.ActiveDeadlineSeconds
		if deadline == nil || *deadline != int64(timeout)+60 {
			t.Errorf("deadline %v for a timeout of %d", deadline, timeout)
		}
		if pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
			t.Error("the pod would run the code again")
		}
	}
}

func TestLimitsHoldForBothContainers(t *testing.T) {
	pod := mustPod(t, testParams())
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
			limit, request := c.Resources.Limits[name], c.Resources.Requests[name]
			if limit.Sign() <= 0 || limit.Cmp(request) != 0 {
				t.Errorf("container %s: %s limit %s, request %s", c.Name, name, limit.String(), request.String())
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.EmptyDir != nil && (v.EmptyDir.SizeLimit == nil || v.EmptyDir.SizeLimit.Sign() <= 0) {
			t.Errorf("volume %s has no bound", v.Name)
		}
	}
}

func TestNumericLibrariesGetAsManyThreadsAsCPUs(t *testing.T) {
	for cpu, want := range map[string]string{"100m": "1", "1": "1", "1500m": "2", "8": "8"} {
		q := resource.MustParse(cpu)
		for _, e := range mustPod(t, testParams(func(p *Params) { p.Limits.CPU = &q })).Spec.Containers[0].Env {
			if e.Name == "OMP_NUM_THREADS" && e.Value != want {
				t.Errorf("%s threads for %s CPU, want %s", e.Value, cpu, want)
			}
		}
	}
}

func TestPodRefuses(t *testing.T) {
	tests := map[string]struct {
		edit func(*Params)
		want string
	}{
		"no request":                         {func(p *Params) { p.Request = nil }, "no namespace, name or UID"},
		"no UID":                             {func(p *Params) { p.Request.UID = "" }, "no namespace, name or UID"},
		"no envelope":                        {func(p *Params) { p.EnvelopeDigest = "" }, "envelope's digest"},
		"no namespace":                       {func(p *Params) { p.Namespace = "" }, "namespace, service account or operator image"},
		"no service account":                 {func(p *Params) { p.ServiceAccountName = "" }, "namespace, service account or operator image"},
		"no operator image":                  {func(p *Params) { p.OperatorImage = "" }, "namespace, service account or operator image"},
		"a runtime of another language":      {func(p *Params) { p.Runtime.Language = v1alpha1.Bash }, `the runtime is for "Bash"`},
		"an unknown language":                {func(p *Params) { p.Runtime.Language, p.Request.Spec.Code.Language = "Perl", "Perl" }, "unknown language"},
		"no image":                           {func(p *Params) { p.Runtime.Image = "" }, "no image or command"},
		"no command":                         {func(p *Params) { p.Runtime.Command = nil }, "no image or command"},
		"no code":                            {func(p *Params) { p.Request.Spec.Code.Source = "" }, "no code"},
		"no profile":                         {func(p *Params) { p.EgressProfile = "" }, "no egress profile"},
		"a profile that is no label":         {func(p *Params) { p.EgressProfile = "a/b" }, "no egress profile"},
		"egress with the profile none":       {func(p *Params) { withEverything(p); p.EgressProfile = "none" }, "does not fit"},
		"a profile without egress":           {func(p *Params) { p.EgressProfile = "abc" }, "does not fit"},
		"no timeout":                         {func(p *Params) { p.Limits.TimeoutSeconds = 0 }, "limits"},
		"no CPU":                             {func(p *Params) { p.Limits.CPU = nil }, "limits"},
		"no memory":                          {func(p *Params) { p.Limits.Memory = resource.NewQuantity(0, resource.BinarySI) }, "limits"},
		"an input without digest":            {func(p *Params) { withEverything(p); delete(p.InputDigests, "sales.csv") }, `input "sales.csv"`},
		"an input with half a digest":        {func(p *Params) { withEverything(p); p.InputDigests["sales.csv"] = "sha256:12" }, `input "sales.csv"`},
		"a digest of nothing":                {func(p *Params) { p.InputDigests = map[string]string{"x": "y"} }, "does not mount"},
		"an input that leaves its directory": {func(p *Params) { withEverything(p); p.Request.Spec.Inputs[0].Name = "../airlock/main.py" }, "no file name"},
		"an input with a newline":            {func(p *Params) { withEverything(p); p.Request.Spec.Inputs[0].Name = "a\nb" }, "no file name"},
		"a loader variable":                  {func(p *Params) { p.Request.Spec.Env = []v1alpha1.EnvVar{{Name: "LD_PRELOAD"}} }, `"LD_PRELOAD" is reserved`},
		"another search path":                {func(p *Params) { p.Request.Spec.Env = []v1alpha1.EnvVar{{Name: "PATH"}} }, `"PATH" is reserved`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pod, err := Pod(testParams(tt.edit))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a part %q", err, tt.want)
			}
			if pod != nil {
				t.Error("there is a pod beside the error")
			}
		})
	}
}

// With these, an environment variable is code that the gate has never read.
func TestAnEnvironmentVariableCannotBringCode(t *testing.T) {
	for _, name := range []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "NODE_OPTIONS", "NODE_PATH", "BASH_ENV", "ENV", "IFS", "PS4",
		"GCONV_PATH", "GLIBC_TUNABLES", "PERL5OPT", "RUBYOPT", "PATH", "HOME", "KUBERNETES_SERVICE_HOST", "ld_preload", "PythonPath", "MPLCONFIGDIR",
	} {
		if !ReservedEnv(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"APP_MODE", "TZ", "PGHOST", "LDAP_URL", "HOMEPAGE", "ENVIRONMENT"} {
		if ReservedEnv(name) {
			t.Errorf("%s is reserved", name)
		}
	}
	for _, e := range environment(testParams()) {
		if !ReservedEnv(e.Name) {
			t.Errorf("a request could replace %s", e.Name)
		}
	}
}

func TestNames(t *testing.T) {
	uid := types.UID("4b1f3f2e-7c1d-4c1e-9d53-0c54dd3e6f0a")
	names := []string{Name(uid), CodeName(uid), InputsName(uid), CredentialsName(uid)}
	for _, name := range names {
		if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 || !strings.HasPrefix(name, "airlock-sbx-") {
			t.Errorf("%s: %v", name, errs)
		}
	}
	if errs := validation.IsDNS1123Label(Name(uid)); len(errs) > 0 {
		t.Errorf("a pod name has to be one label: %v", errs)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Error("two objects share a name")
	}
	if _, ok := codeName("Perl"); ok {
		t.Error("an unknown language has a file name")
	}
}

func TestObjectsAreImmutable(t *testing.T) {
	everything := testParams(withEverything)
	code := CodeConfigMap(testParams(withBigCode))
	inputs := InputsConfigMap(everything, nil)
	credentials := CredentialsSecret(everything, nil)
	for name, immutable := range map[string]*bool{"code": code.Immutable, "inputs": inputs.Immutable, "credentials": credentials.Immutable} {
		if immutable == nil || !*immutable {
			t.Errorf("the %s can be changed under a starting pod", name)
		}
	}
}

// A fork bomb runs out of processes before it runs out of memory.
func TestProcessesAreBoundedByTheMemory(t *testing.T) {
	for memory, want := range map[string]string{"16Mi": "--max-processes=32", "64Mi": "--max-processes=64", "8Gi": "--max-processes=128"} {
		q := resource.MustParse(memory)
		args := mustPod(t, testParams(func(p *Params) { p.Limits.Memory = &q })).Spec.Containers[0].Args
		if !slices.Contains(args, want) {
			t.Errorf("with %s of memory: %q lacks %s", memory, args, want)
		}
	}
}
