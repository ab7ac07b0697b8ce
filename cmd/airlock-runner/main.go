// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command airlock-runner verifies and executes the code of one sandbox pod. It
// is run by pods that the operator makes; people have no use for it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/airlock-dev/airlock/internal/runner"
)

const usage = `Usage:
  airlock-runner prepare --source=FILE --code=FILE --code-sha256=HEX --runner=FILE [--input=FILE=HEX ...] [--inputs-to=DIR]
  airlock-runner run --code=FILE --code-sha256=HEX [--input=FILE=HEX ...] [--env=NAME ...] [--writable=DIR ...]
                     [--timeout=30s] [--max-output=BYTES] [--max-file=BYTES] [--max-processes=N] [--canary-wait=100ms] -- COMMAND [ARG ...]
`

func main() {
	os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr))
}

func dispatch(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "prepare":
			return prepare(args[1:], stderr)
		case "run":
			return run(args[1:], stdout, stderr)
		}
	}
	_, _ = fmt.Fprint(stderr, usage)
	return runner.ExitRefused
}

func prepare(args []string, stderr io.Writer) int {
	var o runner.PrepareOptions
	flags := newFlags("prepare", stderr, &o.TerminationLog, &o.Inputs)
	flags.StringVar(&o.Source.Path, "source", "", "`FILE` with the code as it arrived")
	flags.StringVar(&o.Source.SHA256, "code-sha256", "", "SHA-256 that the code must have, in `HEX`")
	flags.StringVar(&o.Code, "code", "", "`FILE` to write the verified code to")
	flags.StringVar(&o.InputsTo, "inputs-to", "", "`DIR` to write the verified inputs to")
	flags.StringVar(&o.Runner, "runner", "", "`FILE` to copy this executable to")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		_, _ = fmt.Fprint(stderr, usage)
		return runner.ExitRefused
	}
	return runner.Prepare(o, stderr, time.Now)
}

func run(args []string, stdout, stderr io.Writer) int {
	var o runner.RunOptions
	flags := newFlags("run", stderr, &o.TerminationLog, &o.Inputs)
	flags.StringVar(&o.Code.Path, "code", "", "`FILE` that the command executes")
	flags.StringVar(&o.Code.SHA256, "code-sha256", "", "SHA-256 that the code must have, in `HEX`")
	flags.DurationVar(&o.Timeout, "timeout", 30*time.Second, "how long the code may run")
	flags.Int64Var(&o.MaxOutput, "max-output", 1<<20, "`BYTES` of stdout, and of stderr, to forward")
	flags.Int64Var(&o.MaxFile, "max-file", 1<<30, "`BYTES` that a file of the code may have")
	flags.Int64Var(&o.MaxProcesses, "max-processes", 128, "`NUMBER` of processes and threads of the user")
	flags.DurationVar(&o.CanaryWait, "canary-wait", 100*time.Millisecond, "how long the API server has to stay silent")
	flags.Func("env", "`NAME` of a variable that the code gets, may be repeated", appendTo(&o.Env))
	flags.Func("writable", "`DIR` that the code may write to, may be repeated", appendTo(&o.Writable))
	if err := flags.Parse(args); err != nil {
		_, _ = fmt.Fprint(stderr, usage)
		return runner.ExitRefused
	}
	o.Command = flags.Args()
	return runner.Run(o, stdout, stderr, time.Now)
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

// newFlags makes the flags that both commands have.
func newFlags(name string, stderr io.Writer, terminationLog *string, inputs *[]runner.File) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(terminationLog, "termination-log", "/dev/termination-log", "existing `FILE` that takes the report")
	flags.Func("input", "an input as `FILE=HEX`, may be repeated", func(value string) error {
		file, err := runner.ParseFile(value)
		*inputs = append(*inputs, file)
		return err
	})
	return flags
}
