// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAuditEventsAreCountedByClientVerbAndResource(t *testing.T) {
	const events = `{"verb":"create","user":{"username":"admin"},"objectRef":{"resource":"pods","namespace":"bench"},"responseStatus":{"code":201}}
{"verb":"patch","user":{"username":"admin"},"impersonatedUser":{"username":"system:serviceaccount:airlock-system:airlock-operator"},"objectRef":{"resource":"executionrequests","subresource":"status"},"responseStatus":{"code":200}}
{"verb":"patch","user":{"username":"admin"},"impersonatedUser":{"username":"system:serviceaccount:airlock-system:airlock-operator"},"objectRef":{"resource":"executionrequests","subresource":"status"},"responseStatus":{"code":409}}
{"verb":"patch","user":{"username":"admin"},"impersonatedUser":{"username":"system:node:simulated-3"},"objectRef":{"resource":"pods","subresource":"status"},"responseStatus":{"code":200}}
{"verb":"watch","user":{"username":"admin"},"objectRef":{"resource":"pods"},"responseStatus":{"code":200}}
{"verb":"update","user":{"username":"system:kube-scheduler"},"objectRef":{"resource":"leases"},"responseStatus":{"code":200}}
{"verb":"get","user":{"username":"admin"},"responseStatus":{"code":200}}
`
	const before = `{"verb":"delete","user":{"username":"admin"},"objectRef":{"resource":"pods"},"responseStatus":{"code":200}}` + "\n"
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(before+events), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := countRequests(path, int64(len(before)), int64(len(before+events)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"bench create pods": 1, "operator patch executionrequests/status": 1,
		"operator patch(409) executionrequests/status": 1, "kubelet patch pods/status": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	s := summary{Objects: 2, Cost: cost{Requests: got}}
	if writes := s.writes("operator"); writes != 1 {
		t.Errorf("the operator writes %v times for each of 2 objects, want 1: a refused write counts", writes)
	}
}

func TestCPUTimeOfAProcessGrowsWithItsWork(t *testing.T) {
	before, err := cpuSeconds(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now := before; now == before; { // spins until the kernel has counted one tick
		if now, err = cpuSeconds(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}
