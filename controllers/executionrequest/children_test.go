// SPDX-License-Identifier: Apache-2.0

package executionrequest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/airlock-dev/airlock/internal/sandbox"
)

func childMeta(name, uid string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Name: name}
	if uid != "" {
		meta.Annotations = map[string]string{sandbox.AnnotationRequest: "agents/report", sandbox.AnnotationRequestUID: uid}
	}
	return meta
}

func names(objects []client.Object) []string {
	var out []string
	for _, obj := range objects {
		out = append(out, obj.GetName())
	}
	return out
}

func TestChildrenAreToldApartByTheRequestsUID(t *testing.T) {
	mine, other, nobodys := &corev1.Pod{ObjectMeta: childMeta("mine", "1")}, &corev1.Pod{ObjectMeta: childMeta("other", "2")}, &corev1.Pod{ObjectMeta: childMeta("nobodys", "")}
	kids := children{
		pods: []*corev1.Pod{other, mine, nobodys},
		data: []client.Object{&corev1.ConfigMap{ObjectMeta: childMeta("my-code", "1")}, &corev1.Secret{ObjectMeta: childMeta("other-secret", "2")}},
	}
	own := kids.of("1")
	if own.pod != mine {
		t.Errorf("the pod is %v, want mine", own.pod)
	}
	if diff := cmp.Diff([]string{"mine", "my-code"}, names(own.all())); diff != "" {
		t.Errorf("own children (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other", "nobodys", "other-secret"}, names(kids.foreign("1"))); diff != "" {
		t.Errorf("foreign children (-want +got):\n%s", diff)
	}
	if got := kids.of("3"); got.pod != nil || len(got.all()) != 0 {
		t.Errorf("a request without children has %v", names(got.all()))
	}
}

func TestAChildLeadsBackToItsRequestOnly(t *testing.T) {
	for name, test := range map[string]struct {
		annotations map[string]string
		want        []string
	}{
		"by namespace and name": {map[string]string{sandbox.AnnotationRequest: "agents/report"}, []string{"agents/report"}},
		"without an annotation": {nil, nil},
		"with half of a name":   {map[string]string{sandbox.AnnotationRequest: "report"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range requestsNamed(requestOfChild(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: test.annotations}})) {
				got = append(got, r.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
