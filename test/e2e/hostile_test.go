// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// The attacks of these tests are in testdata/attack.py. No policy of the gate lets such code pass, so a policy of this test
// runs it in the interpreter's place: as code that a person approved by mistake, in a pod like every other.

//go:embed testdata/attack.py
var attackSource string

// hostile makes the ConfigMap and the policy, and returns a request that runs a mode of the attacks.
func hostile(t *testing.T) func(t *testing.T, mode string, args ...string) *v1alpha1.ExecutionRequest {
	t.Helper()
	admin := as(t, "")
	script := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-", Namespace: namespace}, Data: map[string]string{"attack.py": attackSource}}
	create(t, script)
	base := &v1alpha1.ExecutionPolicy{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: "data-analysis"}, base); err != nil {
		t.Fatal(err)
	}
	pol := &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-hostile-"}, Spec: base.Spec}
	pol.Spec.Examples = nil
	pol.Spec.Runtimes[0].Command = []string{"/usr/bin/python3", "-I", "-B", "/inputs/attack.py"}
	pol.Spec.Limits = v1alpha1.Limits{TimeoutSeconds: 20, CPU: new(resource.MustParse("200m")), Memory: new(resource.MustParse("64Mi"))}
	create(t, pol)
	return func(t *testing.T, mode string, args ...string) *v1alpha1.ExecutionRequest {
		t.Helper()
		req := &v1alpha1.ExecutionRequest{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-" + mode + "-", Namespace: namespace},
			Spec: v1alpha1.ExecutionRequestSpec{
				PolicyName: pol.Name, Code: v1alpha1.Code{Language: v1alpha1.Python, Source: "print('harmless')\n"}, Args: append([]string{mode}, args...),
				Egress: []v1alpha1.EgressTarget{{Host: "api.partner.example", Port: 80}}, // There is a network to misuse.
				Inputs: []v1alpha1.Input{{
					Name: "attack.py", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal,
					ConfigMapRef: &v1alpha1.ConfigMapKey{Name: script.Name, Key: "attack.py"},
				}},
			},
		}
		create(t, req)
		return req
	}
}

// create creates an object and removes it at the end of the test.
func create(t *testing.T, obj client.Object) {
	t.Helper()
	admin := as(t, "")
	if err := admin.Create(t.Context(), obj); err != nil {
		t.Fatalf("create %T: %v", obj, err)
	}
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(admin.Delete(context.Background(), obj)); err != nil {
			t.Errorf("remove %T %s: %v", obj, obj.GetName(), err)
		}
	})
}

// targets are what a sandbox must not reach, each a server that does answer.
func targets(t *testing.T) []string {
	t.Helper()
	admin := as(t, "")
	var nodes corev1.NodeList
	var operators corev1.PodList
	service := &corev1.Service{}
	for _, err := range []error{
		admin.List(t.Context(), &nodes),
		admin.List(t.Context(), &operators, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": "airlock"}),
		admin.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "kubernetes"}, service),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	node, operator := nodes.Items[0].Status.Addresses[0].Address, operators.Items[0].Status.PodIP
	exposed := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-", Namespace: system},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app.kubernetes.io/name": "airlock"},
			Ports: []corev1.ServicePort{{Port: 8081}}},
	}
	create(t, exposed)
	return []string{
		"reach the API server=" + service.Spec.ClusterIP + ":443",
		"reach the API server on its node=" + node + ":6443",
		"reach the kubelet=" + node + ":10250",
		fmt.Sprintf("reach a node port=%s:%d", node, exposed.Spec.Ports[0].NodePort),
		"reach another pod=" + operator + ":8081",
		"reach the metadata service=169.254.169.254:80",
		"reach an address without a name=198.51.100.20:80",
		"open a reverse shell=198.51.100.20:8080",
	}
}

func TestHostileCodeGetsNowhere(t *testing.T) {
	run, targets := hostile(t), targets(t)
	req := run(t, "attack", targets...)
	control := unprotected(t, append([]string{"/attack.py", "attack"}, targets...))
	awaitFinished(t, req)
	if req.Status.State != v1alpha1.StateSucceeded {
		t.Fatalf("state %s, want Succeeded: %s", req.Status.State, conditions(req))
	}
	got := outcomes(req.Status.Result.Stdout.Tail)
	for _, attack := range slices.Sorted(maps.Keys(got)) {
		if got[attack] != "refused" {
			t.Errorf("in the sandbox: %s: %s", attack, got[attack])
		}
	}
	const attacks = 26
	if len(got) != attacks {
		t.Errorf("%d attacks were made, want %d: %s", len(got), attacks, req.Status.Result.Stdout.Tail)
	}

	// The same in a pod without Airlock. What this machine has nothing of is no proof there: no server answers DNS for the
	// attacker's names, and PID 1 is the attack itself.
	worked := outcomes(logOf(t, control))
	for _, attack := range slices.Sorted(maps.Keys(got)) {
		if worked[attack] != "SUCCEEDED" && attack != "send by DNS" && attack != "ask the runner to stop" && attack != "become root" {
			t.Errorf("the attack proves nothing, in an unprotected pod: %s: %s", attack, worked[attack])
		}
	}
}

func outcomes(output string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(output) {
		if name, outcome, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out[name] = outcome
		}
	}
	return out
}

// unprotected runs the attacks in a pod with all rights, without a runner or a network policy.
func unprotected(t *testing.T, args []string) *corev1.Pod {
	t.Helper()
	admin := as(t, "")
	pol := &v1alpha1.ExecutionPolicy{}
	if err := admin.Get(t.Context(), client.ObjectKey{Name: "data-analysis"}, pol); err != nil {
		t.Fatal(err)
	}
	script := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-", Namespace: namespace}, Data: map[string]string{"attack.py": attackSource}}
	create(t, script)
	scratch := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "unprotected-", Namespace: namespace},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Volumes: []corev1.Volume{
				{Name: "attack", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: script.Name}}}},
				{Name: "workspace", VolumeSource: scratch}, {Name: "airlock", VolumeSource: scratch}, {Name: "inputs", VolumeSource: scratch},
			},
			Containers: []corev1.Container{{
				Name: "attack", Image: pol.Spec.Runtimes[0].Image,
				Command:         append([]string{"/usr/bin/python3", "-I", "-B", "/attack/attack.py"}, args...),
				SecurityContext: &corev1.SecurityContext{Privileged: new(true), RunAsUser: new(int64(0))},
				VolumeMounts: []corev1.VolumeMount{
					{Name: "attack", MountPath: "/attack"}, {Name: "workspace", MountPath: "/workspace"},
					{Name: "airlock", MountPath: "/airlock"}, {Name: "inputs", MountPath: "/inputs"},
				},
			}},
		},
	}
	create(t, pod)
	return pod
}

// logOf waits until the pod has ended and returns what it printed.
func logOf(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	awaitEnded(t, pod)
	clients, err := kubernetes.NewForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	text, err := clients.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func awaitEnded(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	c := as(t, "")
	err := wait.PollUntilContextTimeout(t.Context(), pollEvery, patience, true, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod)
		return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed, err
	})
	if err != nil {
		t.Fatalf("wait until pod %s ends: %v; it is %s", pod.Name, err, pod.Status.Phase)
	}
}

// Each bomb goes off in a pod of its own, all at the same time. None may hurt the node, and each request ends as it must.
func TestBombsEndWithTheirSandbox(t *testing.T) {
	run := hostile(t)
	tests := map[string]struct {
		state   v1alpha1.RequestState
		reasons []string
		message string
	}{
		"fork-bomb":    {v1alpha1.StateFailed, []string{v1alpha1.ReasonDeadlineExceeded}, "still running at its deadline"},
		"memory-bomb":  {v1alpha1.StateFailed, []string{v1alpha1.ReasonFailed}, "needed more memory"},
		"fill-disk":    {v1alpha1.StateFailed, []string{v1alpha1.ReasonFailed, v1alpha1.ReasonDeadlineExceeded}, ""},
		"flood-inodes": {v1alpha1.StateFailed, []string{v1alpha1.ReasonFailed, v1alpha1.ReasonDeadlineExceeded}, ""},
		"flood-output": {v1alpha1.StateSucceeded, []string{v1alpha1.ReasonSucceeded}, ""},
		"daemon":       {v1alpha1.StateSucceeded, []string{v1alpha1.ReasonSucceeded}, ""},
	}
	requests := map[string]*v1alpha1.ExecutionRequest{}
	for mode := range tests {
		requests[mode] = run(t, mode)
	}
	for mode, test := range tests {
		t.Run(mode, func(t *testing.T) {
			req := requests[mode]
			awaitFinished(t, req)
			c := meta.FindStatusCondition(req.Status.Conditions, v1alpha1.ConditionFinished)
			if req.Status.State != test.state || !slices.Contains(test.reasons, c.Reason) || !strings.Contains(c.Message, test.message) {
				t.Errorf("state %s, want %s: %s", req.Status.State, test.state, conditions(req))
			}
			t.Logf("%s: %s", c.Reason, c.Message)
			pod := &corev1.Pod{}
			if err := as(t, "").Get(t.Context(), client.ObjectKey{Namespace: req.Status.PodNamespace, Name: req.Status.PodName}, pod); client.IgnoreNotFound(err) != nil {
				t.Fatal(err)
			}
			if left := processesOf(t, string(pod.UID)); len(left) > 0 {
				t.Errorf("processes outlive the run: %v", left)
			}
		})
	}
	flood := requests["flood-output"].Status.Result.Stdout
	if want := int64(64 * 6 << 18); *flood.Bytes != want || !*flood.Truncated {
		t.Errorf("%d bytes of output, want %d, cut off", *flood.Bytes, want)
	}
}

// processesOf lists the processes in a pod's cgroup with their commands, the pause container's left out.
func processesOf(t *testing.T, podUID string) map[int]string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil || podUID == "" {
		t.Fatalf("processes of pod %q: %v", podUID, err)
	}
	found := map[int]string{}
	for _, path := range paths {
		cgroups, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(cgroups), podUID) {
			continue // It ended, or is somebody else's.
		}
		command, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		pid, notPID := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && notPID == nil && len(command) > 0 && !strings.HasPrefix(string(command), "/pause") {
			found[pid] = strings.ReplaceAll(string(command), "\x00", " ")
		}
	}
	return found
}
