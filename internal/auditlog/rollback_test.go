// SPDX-License-Identifier: Apache-2.0

package auditlog_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airlock-dev/airlock/internal/auditlog"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
)

// A volume that was exchanged while the operator was down must not be continued.
func TestAVolumeThatIsNotTheOneBeforeStopsLaunches(t *testing.T) {
	original, older, changed := t.TempDir(), t.TempDir(), t.TempDir()
	cfg := auditlogtest.Config(t, original)
	appendStories(t, cfg, 0, 3)
	if err := os.CopyFS(older, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	appendStories(t, cfg, 3, 6)
	kept, err := cfg.Anchor.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	forged := auditlogtest.Config(t, changed) // by somebody who has the key, but not the anchor
	appendStories(t, forged, 1, 8)

	for name, c := range map[string]struct {
		from   string
		edit   func(*auditlog.Config)
		words  string
		intact bool
	}{
		"unchanged":                {from: original, intact: true},
		"an older copy":            {from: older, words: "set back or lost"},
		"an empty volume":          {words: "set back or lost"},
		"another history":          {from: changed, words: "its records were changed"},
		"another key":              {from: original, edit: func(c *auditlog.Config) { c.Key = auditlogtest.Key(t, 2) }, words: "not of this log and its key"},
		"an older copy, no anchor": {from: older, edit: withPlace(auditlogtest.Request(5).UID, 29), words: "request 00000000-0000-0000-0000-000000000005 has its record at 29"},
		"another history, no anchor": {from: changed, edit: withPlace(auditlogtest.Request(5).UID, 29),
			words: "record 29 is not about request 00000000-0000-0000-0000-000000000005"},
		"unchanged, no anchor": {from: original, edit: withPlace(auditlogtest.Request(5).UID, 29), intact: true},
		"the tree was cut": {from: original, edit: func(c *auditlog.Config) {
			if err := os.RemoveAll(filepath.Join(c.Dir, "tile")); err != nil {
				t.Fatal(err)
			}
		}, words: "read the tree"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.from != "" {
				if err := os.CopyFS(dir+"/log", os.DirFS(c.from)); err != nil {
					t.Fatal(err)
				}
			}
			cfg := auditlogtest.Config(t, dir+"/log")
			if err := cfg.Anchor.Save(t.Context(), kept); err != nil {
				t.Fatal(err)
			}
			if c.edit != nil {
				c.edit(&cfg)
			}
			l, _ := auditlogtest.Start(t, cfg)
			_, err := l.Append(t.Context(), auditlogtest.Story(t, 9)...)
			switch {
			case c.intact && err != nil:
				t.Error(err)
			case !c.intact && (err == nil || !strings.Contains(err.Error(), c.words)):
				t.Errorf("append: %v; want %q", err, c.words)
			case !c.intact && len(l.Problems()) == 0:
				t.Error("launches are not stopped")
			}
		})
	}
}

// withPlace takes the anchor away, and lets one request say where its record is.
func withPlace[T ~string](uid T, index uint64) func(*auditlog.Config) {
	return func(c *auditlog.Config) {
		c.Anchor = &auditlogtest.Anchor{}
		c.Places = func(context.Context, string) ([]auditlog.Place, error) {
			return []auditlog.Place{{Request: string(uid), Index: index}}, nil
		}
	}
}

func appendStories(t *testing.T, cfg auditlog.Config, from, to int) {
	t.Helper()
	l, stop := auditlogtest.Start(t, cfg)
	for n := from; n < to; n++ {
		if _, err := l.Append(t.Context(), auditlogtest.Story(t, n)...); err != nil {
			t.Fatal(err)
		}
	}
	stop()
}

// After a restart the log knows what it has: what is appended again is not logged again.
func TestARecordIsNotLoggedTwiceAfterARestart(t *testing.T) {
	cfg := auditlogtest.Config(t, t.TempDir())
	appendStories(t, cfg, 0, 4)
	l, stop := auditlogtest.Start(t, cfg)
	if index, err := l.Append(t.Context(), auditlogtest.Story(t, 2)...); err != nil || index != 14 {
		t.Errorf("got index %d, %v; want 14", index, err)
	}
	if index, err := l.Append(t.Context(), auditlogtest.Story(t, 4)...); err != nil || index != 24 {
		t.Errorf("got index %d, %v; want 24", index, err)
	}
	stop()
}

// A standby does not open the log, and is no reason to call the operator not ready.
func TestALogThatWasNotStartedHasNoProblemsAndAppendsNothing(t *testing.T) {
	l, err := auditlog.New(auditlogtest.Config(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if problems := l.Problems(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := l.Append(ctx, auditlogtest.Story(t, 0)...); err == nil {
		t.Error("a record was appended to a log that nobody opened")
	}
}

// The cost of one request that is allowed: its records in two appends, as the operator makes them.
func BenchmarkAppendRequest(b *testing.B) {
	l, _ := auditlogtest.Start(b, auditlogtest.Config(b, b.TempDir()))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		story := auditlogtest.Story(b, n)
		n++
		for _, part := range [][2]int{{0, 3}, {3, 5}} {
			if _, err := l.Append(b.Context(), story[part[0]:part[1]]...); err != nil {
				b.Fatal(err)
			}
		}
	}
}
