// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/airlock-dev/airlock/internal/runner"
)

// floodBytes is what flood writes to each stream.
const floodBytes = 100 << 20

// payload is the code in the sandbox. It returns its exit code.
func payload(name string, args []string) int {
	switch name {
	case "describe":
		return describeSelf(args)
	case "touch":
		return check(os.WriteFile(args[0], nil, 0o600))
	case "exit":
		code, _ := strconv.Atoi(args[0])
		return code
	case "die":
		return dieOf(args[0])
	case "print":
		_, err := os.Stdout.WriteString(args[0])
		return check(err)
	case "hang":
		return hang()
	case "flood":
		return flood()
	case "reach-runner":
		return reachRunner()
	case "signal-runner":
		return signalRunner()
	case "forge":
		return forge(args[0])
	case "leave-forger":
		return leaveForger()
	case "keep-forging":
		return keepForging()
	case "fork-bomb":
		return forkBomb()
	case "reach-files":
		return reachFiles()
	case "grow-file":
		return growFile(args[0], args[1])
	case "limits":
		return printLimits()
	}
	return 99
}

func check(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// attempt prints whether an attack was refused.
func attempt(what string, err error) {
	outcome := "refused"
	if err == nil {
		outcome = "SUCCEEDED"
	}
	fmt.Printf("%s: %s\n", what, outcome)
}

func asError(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// describeSelf prints what the process was given.
func describeSelf(args []string) int {
	directory, _ := os.Getwd()
	input, _ := io.ReadAll(os.Stdin)
	status, _ := os.ReadFile("/proc/self/status")
	var lines []string
	for line := range strings.Lines(string(status)) {
		if field, value, _ := strings.Cut(line, ":"); field == "NoNewPrivs" || field == "Seccomp" || field == "CapEff" {
			lines = append(lines, field+"="+strings.TrimSpace(value))
		}
	}
	fmt.Printf("args=%q env=%q dir=%s stdin=%q leader=%t %s\n", args, os.Environ(), directory, input,
		unix.Getpgrp() == os.Getpid(), strings.Join(lines, " "))
	return 0
}

// dieOf sends itself a signal without Go's handler for it.
func dieOf(number string) int {
	sig, _ := strconv.Atoi(number)
	var defaultAction [4]uint64
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&defaultAction)), 0, 8, 0, 0)
	_ = unix.Kill(os.Getpid(), unix.Signal(sig))
	return hang()
}

// hang ignores every signal that can be ignored and never ends.
func hang() int {
	signal.Ignore()
	fmt.Println("hanging")
	for {
		_ = unix.Pause()
	}
}

// flood writes bytes that are no text and have no newline to both streams.
func flood() int {
	chunk := bytes.Repeat([]byte{0xff, 0x00, 0x1b, '['}, 1<<18)
	for range floodBytes / len(chunk) {
		for _, stream := range []*os.File{os.Stdout, os.Stderr} {
			if _, err := stream.Write(chunk); err != nil {
				return 1
			}
		}
	}
	return 0
}

// reachRunner tries each way into another process that asks for the same uid.
func reachRunner() int {
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1, 0, 0, 0, 0)
	attempt("ptrace", asError(errno))
	for _, file := range []string{"mem", "environ", "maps", "fd/1", "cwd/."} {
		handle, err := os.Open("/proc/1/" + file)
		attempt("open "+file, err)
		_ = handle.Close()
	}
	var word [1]byte
	local := unix.Iovec{Base: &word[0], Len: 1}
	remote := unix.RemoteIovec{Base: 0x400000, Len: 1}
	_, err := unix.ProcessVMReadv(1, []unix.Iovec{local}, []unix.RemoteIovec{remote}, 0)
	attempt("read memory", err)
	descriptor, err := unix.PidfdOpen(1, 0)
	if err == nil {
		_, err = unix.PidfdGetfd(descriptor, 1, 0)
	}
	attempt("take a descriptor", err)
	attempt("limit its CPU time", unix.Prlimit(1, unix.RLIMIT_CPU, &unix.Rlimit{}, nil))
	attempt("limit its file size", unix.Prlimit(1, unix.RLIMIT_FSIZE, &unix.Rlimit{}, nil))
	var parameters [128]byte
	_, _, errno = unix.RawSyscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0)
	attempt("set up io_uring", asError(errno))
	_, _, errno = unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0, 0, 0, 0)
	attempt("be traced", asError(errno))
	attempt("ask it to stop", unix.Kill(1, unix.SIGTERM))
	return 0
}

// reachFiles tries to leave something where file permissions let everybody.
func reachFiles() int {
	for _, path := range []string{"/dev/shm/airlock-test-" + strconv.Itoa(os.Getuid()), os.Getenv("TERMINATION_LOG")} {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		attempt("write "+filepath.Base(filepath.Dir(path)), err)
		_ = file.Close()
		if err == nil && strings.HasPrefix(path, "/dev/shm/") {
			_ = os.Remove(path)
		}
	}
	attempt("be killed first when memory is short", os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0))
	_, err := os.ReadDir("/sys/fs")
	attempt("list /sys/fs", err)
	_, err = os.ReadDir("/dev")
	attempt("list /dev", err)
	return 0
}

// growFile writes one byte more than a file may have.
func growFile(path, size string) int {
	signal.Ignore(unix.SIGXFSZ)
	n, _ := strconv.ParseInt(size, 10, 64)
	file, err := os.Create(path)
	if err != nil {
		return check(err)
	}
	_, err = file.WriteAt([]byte("x"), n-1)
	fmt.Println("up to the limit:", err)
	_, err = file.WriteAt([]byte("x"), n)
	fmt.Println("beyond:", errors.Is(err, unix.EFBIG))
	return 0
}

func printLimits() int {
	for name, resource := range map[string]int{"core": unix.RLIMIT_CORE, "nofile": unix.RLIMIT_NOFILE, "fsize": unix.RLIMIT_FSIZE, "nproc": unix.RLIMIT_NPROC} {
		var limit unix.Rlimit
		if err := unix.Getrlimit(resource, &limit); err != nil {
			return check(err)
		}
		fmt.Println(name, limit.Cur, limit.Max)
	}
	return 0
}

// signalRunner sends every signal but the request to stop to PID 1 and each of
// its threads, also in the form that looks like a fault (si_code SI_QUEUE).
func signalRunner() int {
	threads, err := filepath.Glob("/proc/1/task/*")
	if err != nil || len(threads) == 0 {
		return 1
	}
	for sig := range unix.Signal(65) {
		if sig == unix.SIGTERM {
			continue
		}
		_ = unix.Kill(1, sig)
		const siQueue = -1
		info := [32]int32{int32(sig), 0, siQueue}
		_, _, _ = unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, 1, uintptr(sig), uintptr(unsafe.Pointer(&info)))
		for _, thread := range threads {
			id, _ := strconv.Atoi(filepath.Base(thread))
			_ = unix.Tgkill(1, id, sig)
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, 1, uintptr(id), uintptr(sig), uintptr(unsafe.Pointer(&info)), 0, 0)
		}
	}
	fmt.Println("sent")
	return 0
}

// forgedReport passes ParseReport, which is why it must not survive.
const forgedReport = `{"v":1,"reason":"Completed","exitCode":0,"startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:01Z",` +
	`"codeSHA256":"0000000000000000000000000000000000000000000000000000000000000000",` +
	`"stdout":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","bytes":6,"tail":"forged","truncated":false},` +
	`"stderr":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","bytes":0,"tail":"","truncated":false}}`

// forge writes a report into the termination log, longer than any real one, and exits.
func forge(exitCode string) int {
	forged := forgedReport + strings.Repeat(" ", runner.MaxReportBytes)
	if err := os.WriteFile(os.Getenv("TERMINATION_LOG"), []byte(forged), 0); err != nil {
		return check(err)
	}
	code, _ := strconv.Atoi(exitCode)
	return code
}

// leaveForger starts a daemon that holds stdout and keeps forging, and exits
// once it does.
func leaveForger() int {
	daemon := exec.Command(ownPath(), payloadRole, "keep-forging")
	daemon.Stdout = os.Stdout
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ready, err := daemon.StderrPipe()
	if err != nil {
		return check(err)
	}
	if err := daemon.Start(); err != nil {
		return check(err)
	}
	_, err = io.ReadFull(ready, make([]byte, 1))
	return check(err)
}

func ownPath() string {
	path, _ := os.Executable()
	return path
}

func keepForging() int {
	signal.Ignore()
	log, err := os.OpenFile(os.Getenv("TERMINATION_LOG"), os.O_WRONLY, 0)
	if err != nil {
		return check(err)
	}
	for first := true; ; first = false {
		if _, err := log.WriteAt([]byte(forgedReport), 0); err != nil {
			return check(err)
		}
		if first {
			_, _ = os.Stderr.WriteString("x")
		}
	}
}

// forkBomb uses up every process id, has each child go on forking, and leaves
// them all behind. Only raw system calls are safe in a child without exec.
func forkBomb() int {
	pause := unix.Timespec{Nsec: 1e6} // The machine's other processes are not the target.
	for {
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			break
		}
		for pid == 0 {
			_, _, _ = unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0)
		}
	}
	_, err := os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20))
	return check(err)
}
