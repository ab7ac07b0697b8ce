// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/airlock-dev/airlock/internal/sandbox/sandboxtest"
)

func inJSON(t *testing.T, pod *corev1.Pod) map[string]any {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// admitted is the pod as an API server answers: with what it adds.
func admitted(t *testing.T, pod *corev1.Pod) map[string]any {
	t.Helper()
	object := inJSON(t, pod)
	meta, spec := object["metadata"].(map[string]any), object["spec"].(map[string]any)
	meta["uid"], meta["resourceVersion"], meta["generation"], meta["managedFields"] = "x", "1", int64(1), []any{map[string]any{"manager": "airlock"}}
	spec["serviceAccount"], spec["schedulerName"], spec["priority"], spec["preemptionPolicy"] = ServiceAccount, "default-scheduler", int64(0), "PreemptLowerPriority"
	spec["tolerations"] = []any{map[string]any{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}}
	object["status"] = map[string]any{"phase": "Pending", "qosClass": "Guaranteed"}
	return object
}

func changedAt(t *testing.T, want *corev1.Pod, have map[string]any) string {
	t.Helper()
	at, err := Changed(want, have)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestWhatTheClusterAddsIsNoChange(t *testing.T) {
	for name, edit := range map[string]func(*Params){
		"plain": func(*Params) {}, "everything": withEverything, "big code": withBigCode, "runtime class": withRuntimeClass,
	} {
		t.Run(name, func(t *testing.T) {
			pod := mustPod(t, testParams(edit))
			have := admitted(t, pod)
			if at := changedAt(t, pod, have); at != "" {
				t.Errorf("changed at %s", at)
			}
			have["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["imagePullPolicy"] = "Always"
			have["spec"].(map[string]any)["nodeName"] = "one"
			if at := changedAt(t, pod, have); at != "" {
				t.Errorf("changed at %s", at)
			}
		})
	}
}

// One mutation of each property, and of each item of each list.
func TestEveryChangedPropertyOfAPodIsNoticed(t *testing.T) {
	pod := mustPod(t, testParams(withEverything))
	mutants := sandboxtest.Mutations(inJSON(t, pod))
	t.Logf("%d mutants", len(mutants))
	if len(mutants) < 300 {
		t.Fatalf("only %d mutants", len(mutants))
	}
	for _, name := range slices.Sorted(maps.Keys(mutants)) {
		if strings.HasPrefix(name, ".status") || strings.HasPrefix(name, ".metadata.creationTimestamp") {
			continue
		}
		if at := changedAt(t, pod, mutants[name]); at == "" {
			t.Errorf("not noticed: %s", name)
		}
	}
}

func TestEveryAdditionToAPodIsNoticed(t *testing.T) {
	placement := []string{"a toleration of control planes", "a chosen node", "another scheduler", "a priority over others"}
	restricted, more := sandboxtest.Weakenings()
	maps.Copy(restricted, more)
	for name, weaken := range restricted {
		pod := mustPod(t, testParams(withEverything))
		weakened := pod.DeepCopy()
		weaken(weakened)
		at := changedAt(t, pod, admitted(t, weakened))
		if noticed := at != ""; noticed == slices.Contains(placement, name) {
			t.Errorf("%s: changed at %q", name, at)
		}
	}
}

// The kernel counts processes by user.
func TestNoTwoSandboxesShareAUser(t *testing.T) {
	users := map[int64]bool{}
	for i := range 1000 {
		pod := mustPod(t, testParams(func(p *Params) { p.Request.UID = types.UID(fmt.Sprintf("4b1f3f2e-7c1d-4c1e-9d53-%012d", i)) }))
		user := *pod.Spec.SecurityContext.RunAsUser
		if users[user] || user < firstUser || user > math.MaxInt32 {
			t.Errorf("user %d is shared or out of range", user)
		}
		users[user] = true
	}
}

func TestAFieldThatThisBuildDoesNotKnowIsNoticed(t *testing.T) {
	pod := mustPod(t, testParams())
	have := admitted(t, pod)
	have["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["newPower"] = map[string]any{}
	if at, want := changedAt(t, pod, have), "pod.spec.containers[0].newPower"; at != want {
		t.Errorf("changed at %q, want %q", at, want)
	}
}

// "a","b" and "a,1:b" would be one text without the lengths.
func TestNoTwoPodsHaveOneTextOfWhatWasAskedFor(t *testing.T) {
	texts := map[string]string{}
	for name, args := range map[string][]string{
		"two words": {"a", "b"}, "one word like two": {"a,1:b"}, "one word": {"ab"}, "another order": {"b", "a"}, "an empty word": {"a", "", "b"}, "no words": nil,
		"a wide word": {"é"}, "its bytes": {"Ã©"},
	} {
		text := asked(mustPod(t, testParams(func(p *Params) { p.Request.Spec.Args = args })))
		if other, ok := texts[text]; ok {
			t.Errorf("%q has the text of %q", name, other)
		}
		texts[text] = name
	}
}
