// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/kyverno/kyverno/pkg/pss"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/airlock-dev/airlock/internal/sandbox/sandboxtest"
)

// violations judges a pod by Pod Security "restricted" at its latest version, with Kyverno's implementation, which also
// names the fields.
func violations(pod *corev1.Pod) (reasons []string) {
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	_, results := pss.EvaluatePod(&level, nil, pod)
	for _, result := range results {
		reasons = append(reasons, result.CheckResult.ForbiddenReason)
	}
	return reasons
}

// additions lists the fields that a pod and its containers set beyond the closed
// set of a sandbox: whatever else Kubernetes offers, a sandbox does not have it.
func additions(pod *corev1.Pod) []string {
	found := beyond("pod", pod.Spec, "Volumes", "InitContainers", "Containers", "RestartPolicy", "TerminationGracePeriodSeconds", "ActiveDeadlineSeconds",
		"DNSPolicy", "DNSConfig", "ServiceAccountName", "AutomountServiceAccountToken", "SecurityContext", "Hostname", "EnableServiceLinks", "RuntimeClassName")
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		found = append(found, beyond(c.Name, c, "Name", "Image", "Command", "Args", "WorkingDir", "Env", "Resources", "VolumeMounts",
			"TerminationMessagePath", "TerminationMessagePolicy", "ImagePullPolicy", "SecurityContext")...)
	}
	for _, v := range pod.Spec.Volumes {
		found = append(found, beyond("volume "+v.Name, v.VolumeSource, "EmptyDir", "ConfigMap", "Secret", "DownwardAPI")...)
	}
	if *pod.Spec.AutomountServiceAccountToken || *pod.Spec.EnableServiceLinks {
		found = append(found, "a token or service links")
	}
	return found
}

// beyond names the fields of a struct that are set and not listed.
func beyond(what string, s any, listed ...string) (found []string) {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; !v.Field(i).IsZero() && !slices.Contains(listed, name) {
			found = append(found, fmt.Sprintf("%s: %s", what, name))
		}
	}
	return found
}

func TestEverySandboxIsRestricted(t *testing.T) {
	for name, edit := range map[string]func(*Params){
		"plain": func(*Params) {}, "everything": withEverything, "big code": withBigCode, "runtime class": withRuntimeClass,
	} {
		t.Run(name, func(t *testing.T) {
			pod := mustPod(t, testParams(edit))
			if found := append(violations(pod), additions(pod)...); len(found) > 0 {
				t.Errorf("the pod violates %v", found)
			}
		})
	}
}

// Each way to weaken the pod must be noticed, or the test above proves nothing.
func TestAWeakenedSandboxIsNoticed(t *testing.T) {
	restricted, more := sandboxtest.Weakenings()
	for name, weaken := range restricted {
		t.Run(name, func(t *testing.T) {
			pod := mustPod(t, testParams(withEverything))
			weaken(pod)
			if len(violations(pod)) == 0 {
				t.Error("Pod Security did not notice")
			}
		})
	}
	for name, weaken := range more {
		t.Run(name, func(t *testing.T) {
			pod := mustPod(t, testParams(withEverything))
			weaken(pod)
			if len(additions(pod)) == 0 {
				t.Error("the closed set did not notice")
			}
		})
	}
}
