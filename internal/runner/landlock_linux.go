// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Landlock (landlock(7)) holds the code to these files even where a mount is
// writable by mistake: the workspace and /tmp, which execute nothing; the image,
// the code and the inputs, which it reads and executes; a few harmless devices.
// Everything else is closed: the termination log, shared memory, message queues
// and the writable parts of /proc.
const (
	readAccess    = ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSReadDir
	procAccess    = ll.AccessFSReadFile | ll.AccessFSReadDir
	deviceAccess  = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	writeAccess   = ll.AccessFSReadFile | ll.AccessFSReadDir | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRefer | makeAccess
	makeAccess    = ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSym | ll.AccessFSMakeSock | ll.AccessFSMakeFifo
	fileOnly      = ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	processorInfo = "/sys/devices/system" // how many processors there are: numeric libraries ask
)

// special are directories of the root that are no part of an image.
var special = []string{"/dev", "/proc", "/sys"}

var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// restrictFiles puts the calling thread, and what it executes, into a Landlock
// domain, and returns the version of the kernel's interface: 0 where the kernel
// has no Landlock. Signals and abstract sockets do not leave the domain either,
// so that the code cannot signal the runner.
func restrictFiles(writable []string) (int, error) {
	version, err := ll.LandlockGetABIVersion()
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return 0, nil
	}
	if err != nil {
		return 0, errConfine("ask for Landlock", err)
	}
	handled := handledBy(version)
	attr := ll.RulesetAttr{HandledAccessFS: uint64(handled.HandledAccessFS), Scoped: uint64(handled.Scoped)}
	ruleset, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return 0, errConfine("make Landlock rules", err)
	}
	defer unix.Close(ruleset) //nolint:errcheck // Nothing depends on it.
	granted, err := grants(writable)
	if err != nil {
		return 0, err
	}
	for path, access := range granted {
		if err := grant(ruleset, path, access&attr.HandledAccessFS); err != nil {
			return 0, errConfine("grant "+path, err)
		}
	}
	if err := ll.LandlockRestrictSelf(ruleset, 0); err != nil {
		return 0, errConfine("enforce Landlock rules", err)
	}
	return version, nil
}

// handledBy returns everything that a version of the interface can close.
func handledBy(version int) landlock.Config {
	known := []landlock.Config{
		landlock.V1, landlock.V2, landlock.V3, landlock.V4, landlock.V5, landlock.V6, landlock.V7, landlock.V8, landlock.V9,
	}
	return known[min(version, len(known))-1]
}

// grants lists what stays open, by path.
func grants(writable []string) (map[string]uint64, error) {
	top, err := os.ReadDir("/")
	if err != nil {
		return nil, errConfine("list the image", err)
	}
	open := map[string]uint64{"/proc": procAccess, processorInfo: procAccess}
	for _, entry := range top {
		if path := filepath.Join("/", entry.Name()); !slices.Contains(special, path) {
			open[path] = readAccess
		}
	}
	for _, path := range devices {
		open[path] = deviceAccess
	}
	for _, path := range writable {
		open[filepath.Clean(path)] = writeAccess
	}
	return open, nil
}

// grant opens a path. One that does not exist (a device that the image lacks, a
// dangling link) needs no grant.
func grant(ruleset int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // Nothing depends on it.
	var at unix.Stat_t
	if err := unix.Fstat(fd, &at); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if at.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileOnly
	}
	return ll.LandlockAddPathBeneathRule(ruleset, &ll.PathBeneathAttr{ParentFd: fd, AllowedAccess: access}, 0)
}
