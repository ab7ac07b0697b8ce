// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
)

// AskedBytes bounds the annotation with what was asked for: an API object's
// annotations together may have 256 KiB, of which the code takes up to half.
const AskedBytes = 96 << 10

// askFor writes what differs between two sandbox pods into an annotation: the
// images, arguments, variables, limits, the egress profile and the user. The admission
// policy airlock-pod-shape reads the same list off the pod that arrives, after
// every webhook, and refuses it where the two are not the same.
func askFor(pod *corev1.Pod) error {
	text := asked(pod)
	if len(text) > AskedBytes {
		return errors.New("the arguments and environment variables are too long")
	}
	pod.Annotations[AnnotationAsked] = text
	return nil
}

// asked puts the number of its characters before each word, so that no two lists
// have one text.
func asked(pod *corev1.Pod) string {
	prepare, code := pod.Spec.InitContainers[0], pod.Spec.Containers[0]
	words := append([]string{prepare.Image, strconv.Itoa(len(prepare.Args))}, prepare.Args...)
	words = append(append(words, code.Image, strconv.Itoa(len(code.Args))), code.Args...)
	for _, e := range code.Env {
		words = append(words, e.Name+"="+e.Value)
	}
	limits, class := code.Resources.Limits, ""
	if pod.Spec.RuntimeClassName != nil {
		class = *pod.Spec.RuntimeClassName
	}
	words = append(words, limits.Cpu().String(), limits.Memory().String(), limits.StorageEphemeral().String(),
		strconv.FormatInt(*pod.Spec.ActiveDeadlineSeconds, 10), class, pod.Labels[LabelEgressProfile], strconv.FormatInt(*pod.Spec.SecurityContext.RunAsUser, 10))
	for i, word := range words {
		words[i] = strconv.Itoa(utf8.RuneCountInString(word)) + ":" + word
	}
	return strings.Join(words, ",")
}
