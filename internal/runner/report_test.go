// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const someDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// completed returns a report of a run that went well.
func completed() Report {
	return Report{
		Version:    ReportVersion,
		Reason:     Completed,
		StartedAt:  time.Date(2026, 11, 21, 10, 0, 0, 120e6, time.UTC),
		FinishedAt: time.Date(2026, 11, 21, 10, 0, 1, 500e6, time.UTC),
		CodeSHA256: someDigest,
		Stdout:     Output{SHA256: someDigest, Bytes: 3, Tail: "ok\n"},
		Stderr:     Output{SHA256: someDigest},
	}
}

func TestReportSurvivesEncodingAndParsing(t *testing.T) {
	want := completed()
	encoded, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseReport(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report changed (-want +got):\n%s", diff)
	}
	if !got.Succeeded() {
		t.Error("a completed run with exit code 0 is not a success")
	}
}

func TestOnlyACompletedRunWithExitCodeZeroSucceeds(t *testing.T) {
	for name, r := range map[string]Report{
		"zero value":      {},
		"unknown version": {Version: 2, Reason: Completed},
		"no reason":       {Version: ReportVersion},
		"unknown reason":  {Version: ReportVersion, Reason: "completed"},
		"exit code 1":     {Version: ReportVersion, Reason: Completed, ExitCode: 1},
		"deadline":        {Version: ReportVersion, Reason: DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			if r.Succeeded() {
				t.Error("counts as a success")
			}
		})
	}
}

func TestParseReportRefusesWhatTheRunnerNeverWrites(t *testing.T) {
	good, err := completed().Encode()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(from, to string) string {
		if !strings.Contains(string(good), from) {
			t.Fatalf("%q is not in %s", from, good)
		}
		return strings.Replace(string(good), from, to, 1)
	}
	for name, message := range map[string]string{
		"nothing":                        "",
		"null":                           "null",
		"empty object":                   "{}",
		"text":                           "Traceback (most recent call last)",
		"trailing data":                  string(good) + "{}",
		"trailing newline":               string(good) + "\n",
		"too long":                       string(good) + strings.Repeat(" ", MaxReportBytes),
		"unknown key":                    edit(`"v":1`, `"v":1,"x":1`),
		"duplicate key":                  edit(`"exitCode":0`, `"exitCode":1,"exitCode":0`),
		"key in other case":              edit(`"reason"`, `"Reason"`),
		"unknown version":                edit(`"v":1`, `"v":2`),
		"unknown reason":                 edit(`"Completed"`, `"Done"`),
		"no reason":                      edit(`"Completed"`, `""`),
		"negative exit code":             edit(`"exitCode":0`, `"exitCode":-1`),
		"exit code over 255":             edit(`"exitCode":0`, `"exitCode":256`),
		"exit code of another reason":    edit(`"Completed"`, `"DeadlineExceeded"`),
		"a signal although it completed": edit(`"exitCode":0`, `"exitCode":0,"signal":"SIGKILL"`),
		"a run without its start":        edit(`"startedAt":"2026-11-21T10:00:00.12Z",`, ``),
		"finished before started":        edit(`"finishedAt":"2026`, `"finishedAt":"2025`),
		"another time zone":              edit(`10:00:01.5Z`, `10:00:01.5+00:00`),
		"finer than a millisecond":       edit(`10:00:01.5Z`, `10:00:01.5000001Z`),
		"code digest in upper case":      edit(`"codeSHA256":"e3`, `"codeSHA256":"E3`),
		"short output digest":            edit(`"sha256":"e3`, `"sha256":"`),
		"negative size":                  edit(`"bytes":3`, `"bytes":-3`),
		"terminal escape in the tail":    edit(`ok\n`, `\u001b[2J`),
		"invalid UTF-8":                  edit(`ok\n`, "\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := ParseReport([]byte(message)); err == nil {
				t.Errorf("accepted as %+v", r)
			}
		})
	}
}

func TestARefusalSaysNothingAboutARun(t *testing.T) {
	r := completed()
	r.Reason, r.ExitCode = CodeDigestMismatch, ExitRefused
	encoded, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseReport(encoded); err == nil {
		t.Error("accepted a refusal with output and a start time")
	}
}

func TestReportFitsIntoATerminationMessage(t *testing.T) {
	for name, tail := range map[string]string{
		"plain text":          strings.Repeat("x", 2*MaxReportBytes),
		"quotes and newlines": strings.Repeat("\"\\\n\t", MaxReportBytes),
		"markup":              strings.Repeat("<&>", MaxReportBytes),
		"wide characters":     strings.Repeat("漢字🙂", MaxReportBytes),
	} {
		t.Run(name, func(t *testing.T) {
			r := completed()
			r.Stdout.Tail, r.Stderr.Tail = tail, tail[:len(tail)/2]
			r.Message = strings.Repeat("\x1b[31m\"", MaxReportBytes)
			encoded, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if len(encoded) > MaxReportBytes {
				t.Errorf("%d bytes, more than %d", len(encoded), MaxReportBytes)
			}
			got, err := ParseReport(encoded)
			if err != nil {
				t.Fatal(err)
			}
			for stream, o := range map[string]Output{"stdout": got.Stdout, "stderr": got.Stderr} {
				if !o.Truncated || len(o.Tail) < 500 || !strings.HasSuffix(tail, o.Tail) {
					t.Errorf("%s: truncated %t, %d bytes of tail", stream, o.Truncated, len(o.Tail))
				}
			}
		})
	}
}

func TestAReportOfAnotherExitIsNotBelieved(t *testing.T) {
	r := completed()
	for name, tc := range map[string]struct {
		exitCode int32
		reason   string
		want     bool
	}{
		"what the runner returned":                 {0, "Completed", true},
		"the runner was killed":                    {137, "Error", false},
		"the kernel ran out of memory for the pod": {0, "OOMKilled", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.CheckExit(tc.exitCode, tc.reason) == nil; got != tc.want {
				t.Errorf("believed: %t, want %t", got, tc.want)
			}
		})
	}
}

func FuzzParseReport(f *testing.F) {
	good, err := completed().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"v":1,"reason":"Completed"}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := ParseReport(message)
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil || string(again) != string(message) {
			t.Errorf("accepted %q, which encodes as %q (%v)", message, again, err)
		}
	})
}
