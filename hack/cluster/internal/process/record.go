// SPDX-License-Identifier: Apache-2.0

// Package process starts long-running programs, remembers exactly which processes they are, and ends exactly those.
package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTicks is USER_HZ, the unit of times in /proc/PID/stat, which is 100 on every architecture that Go knows (proc(5)).
const clockTicks = 100

// Record identifies one process for good: a PID alone is reused, together with its start time and the boot it is not.
type Record struct {
	// PID is the process id in the host's PID namespace.
	PID int `json:"pid"`
	// StartTicks is field 22 of /proc/PID/stat: clock ticks since boot.
	StartTicks uint64 `json:"startTicks"`
	// BootID is /proc/sys/kernel/random/boot_id.
	BootID string `json:"bootID"`
}

// Identify returns the record of a running process.
func Identify(pid int) (Record, error) {
	ticks, _, err := stat(pid)
	if err != nil {
		return Record{}, err
	}
	boot, err := bootID()
	if err != nil {
		return Record{}, err
	}
	return Record{PID: pid, StartTicks: ticks, BootID: boot}, nil
}

// Alive reports whether this very process still runs; a zombie does not.
func (r Record) Alive() bool {
	if r.PID <= 0 {
		return false
	}
	boot, err := bootID()
	if err != nil || boot != r.BootID {
		return false
	}
	ticks, state, err := stat(r.PID)
	return err == nil && ticks == r.StartTicks && state != 'Z' && state != 'X'
}

// Age is how long ago the process started.
func (r Record) Age() (time.Duration, error) {
	content, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, fmt.Errorf("read the uptime: %w", err)
	}
	seconds, _, _ := strings.Cut(string(content), " ")
	uptime, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return 0, fmt.Errorf("parse the uptime: %w", err)
	}
	return time.Duration((uptime - float64(r.StartTicks)/clockTicks) * float64(time.Second)), nil
}

// Save writes the record of the named component into dir.
func (r Record) Save(dir, name string) error {
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the process record: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), content, 0o600); err != nil {
		return fmt.Errorf("save the process record: %w", err)
	}
	return nil
}

// Load reads the record of the named component. A component that was never started has the zero Record, which is not alive.
func Load(dir, name string) (Record, error) {
	content, err := os.ReadFile(filepath.Join(dir, name+".json")) //nolint:gosec // below the cluster's own state directory
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("read the process record: %w", err)
	}
	var r Record
	if err := json.Unmarshal(content, &r); err != nil {
		return Record{}, fmt.Errorf("process record of %s is damaged: %w", name, err)
	}
	return r, nil
}

func bootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func stat(pid int) (startTicks uint64, state byte, err error) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0, fmt.Errorf("read process %d: %w", pid, err)
	}
	return parseStat(content)
}

// parseStat reads fields 3 and 22 of /proc/PID/stat. The command name before them may hold spaces and parentheses, so that the last
// closing parenthesis counts (proc(5)).
func parseStat(content []byte) (startTicks uint64, state byte, err error) {
	end := bytes.LastIndexByte(content, ')')
	fields := strings.Fields(string(content[end+1:]))
	const stateField, startField = 0, 19 // the first field after the name is field 3
	if end < 0 || len(fields) <= startField {
		return 0, 0, errors.New("process status is cut short")
	}
	startTicks, err = strconv.ParseUint(fields[startField], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("parse the process start time: %w", err)
	}
	return startTicks, fields[stateField][0], nil
}
