// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

const (
	namespace  = "bench"
	policyName = "bench"
	image      = "airlock.example/python@sha256:1111111111111111111111111111111111111111111111111111111111111111"
)

// workload is one way to run a program once.
type workload struct {
	name string
	// object makes the i-th object.
	object func(name string) client.Object
	// done says whether the object's end is on record.
	done func(client.Object) bool
}

var workloads = map[string]workload{
	"pod":      {name: "pod", object: barePod, done: podDone},
	"job":      {name: "job", object: job, done: jobDone},
	"request":  {name: "request", object: request("print(sum(range(10)))\n"), done: requestDone},
	"approval": {name: "approval", object: request("import os\n\nos.remove('/workspace/old.csv')\n"), done: requestDone},
}

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// podSpec asks for what a sandbox of the policy gets.
func podSpec() corev1.PodSpec {
	limits := corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("256Mi")}
	return corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		Containers: []corev1.Container{{
			Name: "main", Image: image, Command: []string{"/usr/bin/python3", "-c", "print(sum(range(10)))"},
			Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits},
		}},
	}
}

func barePod(name string) client.Object {
	return &corev1.Pod{ObjectMeta: objectMeta(name), Spec: podSpec()}
}

func podDone(obj client.Object) bool {
	pod, ok := obj.(*corev1.Pod)
	return ok && pod.Namespace == namespace && pod.Status.Phase == corev1.PodSucceeded
}

func job(name string) client.Object {
	return &batchv1.Job{ObjectMeta: objectMeta(name), Spec: batchv1.JobSpec{
		BackoffLimit: new(int32(0)), Template: corev1.PodTemplateSpec{Spec: podSpec()},
	}}
}

func jobDone(obj client.Object) bool {
	j, ok := obj.(*batchv1.Job)
	return ok && j.Status.CompletionTime != nil
}

func request(source string) func(string) client.Object {
	return func(name string) client.Object {
		return &v1alpha1.ExecutionRequest{ObjectMeta: objectMeta(name), Spec: v1alpha1.ExecutionRequestSpec{
			PolicyName: policyName,
			Code:       v1alpha1.Code{Language: v1alpha1.Python, Source: source},
			Inputs:     []v1alpha1.Input{{Name: "prompt", Origin: v1alpha1.OriginUser, Trust: v1alpha1.Internal}},
		}}
	}
}

// requestDone does not count a request that ended without having run: the benchmark then waits, and fails.
func requestDone(obj client.Object) bool {
	req, ok := obj.(*v1alpha1.ExecutionRequest)
	return ok && meta.IsStatusConditionTrue(req.Status.Conditions, v1alpha1.ConditionFinished) && req.Status.State == v1alpha1.StateSucceeded
}

// ownerOf names the object that a pod was made for, empty for a pod that is not the benchmark's.
func ownerOf(pod *corev1.Pod) string {
	if pod.Namespace == namespace {
		if name := pod.Labels[batchv1.JobNameLabel]; name != "" {
			return name
		}
		return pod.Name
	}
	owner, name, _ := strings.Cut(pod.Annotations[sandbox.AnnotationRequest], "/")
	if owner == namespace {
		return name
	}
	return ""
}

// benchPolicy allows the one program and asks about the other.
func benchPolicy() *v1alpha1.ExecutionPolicy {
	return &v1alpha1.ExecutionPolicy{ObjectMeta: metav1.ObjectMeta{Name: policyName}, Spec: v1alpha1.ExecutionPolicySpec{
		Runtimes: []v1alpha1.Runtime{{
			Language: v1alpha1.Python, Image: image, Inventory: gate.Inventory(gate.Python), Command: []string{"/usr/bin/python3", "-I", "-B"},
		}},
		OperationRules: v1alpha1.OperationRules{
			Allow: []v1alpha1.OperationRule{{Imports: []string{"*"}}},
			RequireApproval: []v1alpha1.ApprovalRule{{OperationRule: v1alpha1.OperationRule{
				Paths: &v1alpha1.Paths{Delete: []string{"/workspace/**"}},
			}}},
		},
		Limits: v1alpha1.Limits{TimeoutSeconds: 60, CPU: new(resource.MustParse("500m")), Memory: new(resource.MustParse("256Mi"))},
	}}
}

func objectName(w string, round, i int) string { return fmt.Sprintf("%s-%d-%d", w, round, i) }
