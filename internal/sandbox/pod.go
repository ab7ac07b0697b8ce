// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// StartMargin is what a pod gets on top of the code's own timeout to pull its
	// images and start. The runner ends the code at its timeout; the kubelet ends
	// the pod when the margin is used up as well, whatever hangs.
	StartMargin = 60 * time.Second
	// MaxOutputBytes is how much of stdout, and of stderr, reaches the pod's log.
	MaxOutputBytes = 1 << 20
	// MaxProcesses and MinProcesses bound how many processes and threads a sandbox
	// may have, the runner's dozen included.
	MaxProcesses = 128
	MinProcesses = 32

	terminationLog = corev1.TerminationMessagePathDefault
	// gracePeriod is one second: with 0, deleting the pod would remove the object
	// before the kubelet has ended its processes.
	gracePeriod = 1
)

// Pod returns the pod that runs the request's program, and nothing else can be
// in it: the code travels in an annotation or a ConfigMap, both verified before
// they are executed. It meets Pod Security "restricted".
func Pod(p Params) (*corev1.Pod, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("make sandbox pod: %w", err)
	}
	file, ok := codeName(p.Request.Spec.Code.Language)
	if !ok {
		return nil, fmt.Errorf("make sandbox pod: unknown language %q", p.Request.Spec.Code.Language)
	}
	meta := objectMeta(p, Name(p.Request.UID))
	meta.Labels[LabelEgressProfile] = p.EgressProfile
	if source := p.Request.Spec.Code.Source; len(source) <= InlineCodeBytes {
		meta.Annotations[AnnotationCode] = source
	}
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: meta,
		Spec: corev1.PodSpec{
			ServiceAccountName:            p.ServiceAccountName,
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(p.Limits.TimeoutSeconds) + int64(StartMargin/time.Second)),
			TerminationGracePeriodSeconds: new(int64(gracePeriod)),
			Hostname:                      "sandbox",
			// Names are asked as the code writes them: the egress policy permits
			// no name with a search domain at its end.
			DNSPolicy:       corev1.DNSClusterFirst,
			DNSConfig:       &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}}},
			SecurityContext: podSecurity(userOf(p.Request.UID)),
			Volumes:         volumes(p),
			InitContainers:  []corev1.Container{prepare(p, file)},
			Containers:      []corev1.Container{run(p, file)},
		},
	}
	if p.RuntimeClassName != "" {
		pod.Spec.RuntimeClassName = &p.RuntimeClassName
	}
	if err := askFor(pod); err != nil {
		return nil, fmt.Errorf("make sandbox pod: %w", err)
	}
	return pod, nil
}

// prepare verifies and lays down the code, the inputs and the runner.
func prepare(p Params, file string) corev1.Container {
	args := []string{
		"prepare",
		"--source=" + sourcePath + "/" + sourceFile,
		"--code=" + preparedPath + "/" + file,
		"--code-sha256=" + codeSHA256(p),
		"--runner=" + preparedPath + "/" + runnerName,
		"--termination-log=" + terminationLog,
	}
	if inputs := inputFlags(p, inputsSourcePath); len(inputs) > 0 {
		args = append(append(args, inputs...), "--inputs-to="+InputsPath)
	}
	c := container(p, PrepareContainerName, p.OperatorImage)
	c.Command = []string{"/" + runnerName}
	c.Args = args
	c.VolumeMounts = prepareMounts(p)
	return c
}

// run executes the program under the runner.
func run(p Params, file string) corev1.Container {
	codePath := airlockPath + "/" + file
	args := []string{
		"run",
		"--code=" + codePath,
		"--code-sha256=" + codeSHA256(p),
		fmt.Sprintf("--timeout=%ds", p.Limits.TimeoutSeconds),
		fmt.Sprintf("--max-output=%d", MaxOutputBytes),
		fmt.Sprintf("--max-file=%d", p.Limits.Memory.Value()), // the size of the workspace
		fmt.Sprintf("--max-processes=%d", maxProcesses(p.Limits)),
		"--writable=" + WorkspacePath,
		"--writable=" + tmpPath,
		"--termination-log=" + terminationLog,
	}
	env := environment(p)
	for _, e := range env {
		args = append(args, "--env="+e.Name)
	}
	args = append(append(args, inputFlags(p, InputsPath)...), "--")
	for _, word := range p.Runtime.Command {
		args = append(args, unexpanded(word))
	}
	args = append(args, codePath)
	for _, word := range p.Request.Spec.Args {
		args = append(args, unexpanded(word))
	}
	c := container(p, ContainerName, p.Runtime.Image)
	c.Command = []string{airlockPath + "/" + runnerName}
	c.Args = args
	c.Env = env
	c.WorkingDir = WorkspacePath
	c.VolumeMounts = sandboxMounts(p)
	return c
}

// container returns what both containers share.
func container(p Params, name, image string) corev1.Container {
	return corev1.Container{
		Name:                     name,
		Image:                    image,
		ImagePullPolicy:          corev1.PullIfNotPresent,
		Resources:                resources(p.Limits),
		SecurityContext:          containerSecurity(userOf(p.Request.UID)),
		TerminationMessagePath:   terminationLog,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
}

// inputFlags names every mounted input below dir with its digest.
func inputFlags(p Params, dir string) []string {
	var flags []string
	for _, name := range p.mountedInputs() {
		digits := strings.TrimPrefix(p.InputDigests[name], digestPrefix)
		flags = append(flags, fmt.Sprintf("--input=%s/%s=%s", dir, name, digits))
	}
	return flags
}

func codeSHA256(p Params) string {
	sum := sha256.Sum256([]byte(p.Request.Spec.Code.Source))
	return hex.EncodeToString(sum[:])
}
