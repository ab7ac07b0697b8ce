// SPDX-License-Identifier: Apache-2.0

package auditlog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
	"github.com/airlock-dev/airlock/internal/auditverify"
)

// verified proves the log, and returns the IDs of its records by index.
func verified(t *testing.T, dir string) []string {
	t.Helper()
	read := func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, path)) }
	var earlier [][]byte
	if anchor, err := os.ReadFile(dir + ".anchor"); err == nil {
		earlier = append(earlier, anchor)
	}
	r, err := auditverify.Verify(read, auditverify.Options{Key: auditlogtest.Key(t, 1).Public, Earlier: earlier})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("%s: %s", f.Kind, f.Message)
	}
	ids := make([]string, r.Size)
	for e, err := range auditverify.Backwards(read, r.Size) {
		if err != nil {
			t.Fatal(err)
		}
		ids[e.Index] = e.Event.ID
	}
	return ids
}

func TestKill9AtRandomPointsLosesNoAcknowledgedRecord(t *testing.T) {
	const kills = 20
	dir := volume(t)
	acknowledged := map[int]int{} // request: index of its last record
	n := 0
	for range kills {
		c := startChild(t, dir)
		timer := time.AfterFunc(time.Duration(rand.Int64N(int64(400*time.Millisecond)))+50*time.Millisecond, func() { _ = c.cmd.Process.Kill() })
		for {
			answer := c.ask("append %d", n)
			var index int
			if _, err := fmt.Sscanf(answer, "index %d", &index); err == nil {
				acknowledged[n] = index
				n++
			}
			if answer == "" {
				break // the same request again, in the next life
			}
		}
		timer.Stop()
		c.kill()
	}
	c := startChild(t, dir)
	if got := c.ask("append %d", n); !strings.HasPrefix(got, "index ") {
		t.Fatalf("after %d kills: %s", kills, got)
	}
	awaitPublished(t, dir, c, n)
	ids := verified(t, dir)
	for request, index := range acknowledged {
		if want := string(auditlogtest.Request(request).UID) + "/finished"; index >= len(ids) || ids[index] != want {
			t.Errorf("record %d is lost: want %s", index, want)
		}
	}
	t.Logf("%d kills, %d acknowledged requests with 5 records, %d records in the log", kills, len(acknowledged), len(ids))
}

// awaitPublished waits until readers see the end of request n.
func awaitPublished(t *testing.T, dir string, c *child, n int) {
	t.Helper()
	var index uint64
	if _, err := fmt.Sscanf(c.ask("append %d", n), "index %d", &index); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		raw, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if err != nil {
			return err
		}
		if size, err := auditverify.SizeOf(raw); err != nil || size <= index {
			return fmt.Errorf("no checkpoint covers record %d: %w", index, err)
		}
		return nil
	})
}

// eventually repeats an assertion until it holds.
func eventually(t *testing.T, assert func() error) {
	t.Helper()
	var last error
	_ = wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		last = assert()
		return last == nil, nil
	})
	if last != nil {
		t.Fatal(last)
	}
}

// outage breaks the volume below a running child, and repairs it.
func outage(t *testing.T, fail, repair func(c *child, dir string), words string) {
	dir := volume(t)
	c := startChild(t, dir)
	if got := c.ask("append 0"); !strings.HasPrefix(got, "index ") {
		t.Fatal(got)
	}
	fail(c, dir)
	if got := c.ask("append 1"); !strings.Contains(got, "cannot be written") {
		t.Fatalf("append while it is broken: %s", got)
	}
	if got := c.ask("problems"); !strings.Contains(got, words) {
		t.Errorf("problems %q; want %q", got, words)
	}
	repair(c, dir)
	eventually(t, func() error {
		if got := c.ask("problems"); got != "problems " {
			return errors.New(got)
		}
		return nil
	})
	awaitPublished(t, dir, c, 2)
	ids := strings.Join(verified(t, dir), "\n")
	for n := range 3 {
		if want := string(auditlogtest.Request(n).UID) + "/finished"; !strings.Contains(ids, want) {
			t.Errorf("forgotten: %s", want)
		}
	}
}

func TestAFullVolumeStopsAndComesBackWithNothingForgotten(t *testing.T) {
	outage(t, func(c *child, _ string) {
		if got := c.ask("limit %d", 100); got != "<nil>" {
			t.Fatal(got)
		}
	}, func(c *child, _ string) { c.ask("limit %d", -1) }, "file too large")
}

func TestAReadOnlyVolumeStopsAndComesBackWithNothingForgotten(t *testing.T) {
	modes := map[string]fs.FileMode{}
	outage(t, func(_ *child, dir string) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			modes[path] = info.Mode().Perm()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for path, mode := range modes {
			if err := os.Chmod(path, mode&0o555); err != nil {
				t.Fatal(err)
			}
		}
	}, func(_ *child, _ string) {
		for path, mode := range modes {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}, "permission denied")
}

func TestALostVolumeStopsAndComesBackWithNothingForgotten(t *testing.T) {
	outage(t, func(_ *child, dir string) {
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
	}, func(_ *child, dir string) {
		if err := os.RemoveAll(dir); err != nil { // what was made meanwhile
			t.Fatal(err)
		}
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
	}, "no such file")
}
