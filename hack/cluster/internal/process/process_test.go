// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const tail = " 1 2 3 0 -1 4194560 100 0 0 0 1 1 0 0 20 0 1 0 "
	tests := map[string]struct {
		content   string
		wantTicks uint64
		wantState byte
		wantErr   bool
	}{
		"an ordinary process":                          {content: "42 (etcd) S" + tail + "9876 0 0", wantTicks: 9876, wantState: 'S'},
		"a name made to look like the end of the name": {content: "42 (x) Z 1 (y) S" + tail + "9876 0 0", wantTicks: 9876, wantState: 'S'},
		"a zombie":                       {content: "42 (etcd) Z" + tail + "5 0 0", wantTicks: 5, wantState: 'Z'},
		"a line that is cut short":       {content: "42 (etcd) S 1 2", wantErr: true},
		"nothing":                        {wantErr: true},
		"a start time that is no number": {content: "42 (etcd) S" + tail + "x 0 0", wantErr: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ticks, state, err := parseStat([]byte(tt.content))
			if (err != nil) != tt.wantErr {
				t.Fatalf("error = %v, want error: %t", err, tt.wantErr)
			}
			if ticks != tt.wantTicks || state != tt.wantState {
				t.Errorf("parseStat = %d, %c, want %d, %c", ticks, state, tt.wantTicks, tt.wantState)
			}
		})
	}
}

func TestReusedPIDIsNotTheRecordedProcess(t *testing.T) {
	self, err := Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	later, reboot := self, self
	later.StartTicks--
	reboot.BootID = "00000000-0000-0000-0000-000000000000"
	tests := map[string]struct {
		record Record
		want   bool
	}{
		"this process":                             {self, true},
		"the same PID with another start time":     {later, false},
		"the same PID and time in an earlier boot": {reboot, false},
		"a process that was never started":         {Record{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.record.Alive(); got != tt.want {
				t.Errorf("Alive() = %t, want %t", got, tt.want)
			}
			if !tt.want {
				if err := tt.record.Kill(t.Context()); err != nil { // would end this test if it hit
					t.Errorf("Kill() = %v, want nil", err)
				}
			}
		})
	}
}

func TestStartSaveLoadKill(t *testing.T) {
	dir := t.TempDir()
	p, err := Start(Spec{Name: "sleeper", Path: "/bin/sleep", Args: []string{"600"}, Log: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(dir, "sleeper"); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir, "sleeper")
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Alive() {
		t.Fatal("the started process is not alive")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 2 {
		if err := loaded.Kill(ctx); err != nil {
			t.Fatal(err)
		}
	}
	<-p.Exited
	if loaded.Alive() {
		t.Error("the process is alive after Kill")
	}
}

func TestEnvironmentOfTheCallerIsNotHandedOn(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://gateway.invalid")
	p, err := Start(Spec{
		Name: "sleeper", Path: "/bin/sleep", Args: []string{"600"}, Env: []string{"KEPT=yes"}, Log: filepath.Join(t.TempDir(), "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "environ"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(content), "KEPT=yes\x00"; got != want {
		t.Errorf("environment of the program = %q, want %q", got, want)
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWaitReadyNamesComponentLogAndLastLines(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("first\nbind: address in use\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	close(exited)
	errNotYet := errors.New("connection refused")
	tests := map[string]struct {
		process Process
		timeout time.Duration
		want    []string
	}{
		"a program that ended":          {Process{Exited: exited}, time.Minute, []string{"etcd: it ended", log, "bind: address in use"}},
		"a program that is never ready": {Process{}, time.Millisecond, []string{"etcd: not ready after 1ms", "connection refused", log}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := WaitReady(t.Context(), "etcd", log, tt.process, tt.timeout, func(context.Context) error { return errNotYet })
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}
