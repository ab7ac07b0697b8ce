// SPDX-License-Identifier: Apache-2.0

package mounts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBelow(t *testing.T) {
	const table = `22 1 8:1 / / rw - ext4 /dev/root rw
30 22 0:5 / /var/lib/airlock-cluster/a/run/bpf rw - bpf bpffs rw
31 22 0:6 / /var/lib/airlock-cluster/ab/run/bpf rw - bpf bpffs rw
32 30 0:7 / /var/lib/airlock-cluster/a/kubelet/pods/1/volumes/with\040space rw - tmpfs tmpfs rw
33 22 0:8 / /var/lib/airlock-cluster/a rw - tmpfs tmpfs rw
`
	got, err := below(strings.NewReader(table), "/var/lib/airlock-cluster/a")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/var/lib/airlock-cluster/a",
		"/var/lib/airlock-cluster/a/kubelet/pods/1/volumes/with space",
		"/var/lib/airlock-cluster/a/run/bpf",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestBelowRefusesATableItCannotRead(t *testing.T) {
	if _, err := below(strings.NewReader("22 1 8:1\n"), "/x"); err == nil {
		t.Error("no error for a line that is cut short")
	}
}
