// SPDX-License-Identifier: Apache-2.0

package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPackedImageIsFoundInItsArchive(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "pause")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, archive := range []string{"a.tar", "b.tar"} {
		path := filepath.Join(dir, archive)
		if err := Pack(path, "airlock.dev/cluster-pause:dev", program); err != nil {
			t.Fatal(err)
		}
		refs, err := References(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(refs) != 1 || refs[0].Name != "airlock.dev/cluster-pause:dev" {
			t.Fatalf("references = %+v", refs)
		}
		digests = append(digests, refs[0].Digest)
	}
	if digests[0] != digests[1] || !strings.HasPrefix(digests[0], "sha256:") {
		t.Errorf("the same program has digests %v, want one sha256", digests)
	}
}

func TestPinned(t *testing.T) {
	const digest = "sha256:abc"
	tests := map[string]struct{ name, want string }{
		"a name with a tag":            {"airlock.dev/python:dev", "airlock.dev/python@sha256:abc"},
		"a name without a tag":         {"airlock.dev/python", "airlock.dev/python@sha256:abc"},
		"a registry with a port":       {"localhost:5000/python", "localhost:5000/python@sha256:abc"},
		"a registry with port and tag": {"localhost:5000/python:dev", "localhost:5000/python@sha256:abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (Reference{Name: tt.name, Digest: digest}).Pinned(); got != tt.want {
				t.Errorf("Pinned() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseIndex(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := map[string]struct {
		index   string
		want    []Reference
		wantErr string
	}{
		"containerd's annotation wins": {
			index: `{"manifests":[{"digest":"` + digest + `","annotations":{"io.containerd.image.name":"airlock.dev/a:1","org.opencontainers.image.ref.name":"1"}}]}`,
			want:  []Reference{{Name: "airlock.dev/a:1", Digest: digest}},
		},
		"the OCI annotation is enough": {
			index: `{"manifests":[{"digest":"` + digest + `","annotations":{"org.opencontainers.image.ref.name":"airlock.dev/a:1"}}]}`,
			want:  []Reference{{Name: "airlock.dev/a:1", Digest: digest}},
		},
		"a name without a host":   {index: `{"manifests":[{"digest":"` + digest + `","annotations":{"org.opencontainers.image.ref.name":"dev"}}]}`, wantErr: "starting with a host name"},
		"an image without a name": {index: `{"manifests":[{"digest":"` + digest + `"}]}`, wantErr: "annotate it"},
		"no image":                {index: `{"manifests":[]}`, wantErr: "lists no image"},
		"not JSON":                {index: `<html>`, wantErr: "parse index.json"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseIndex(strings.NewReader(tt.index))
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error = %v, want one that says %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferencesRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, []byte("no tar file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := References(path); err == nil {
		t.Error("no error for a file that is no archive")
	}
}
