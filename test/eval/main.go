// SPDX-License-Identifier: Apache-2.0

// Command eval measures the gate on folders of labelled samples. It judges each
// sample with the operator's own gate and verdict, under the reference policies
// of internal/policy:
//
//	compute    no effect outside the process
//	workspace  files below the working directory, /tmp and the inputs as well;
//	           what is not known about a path is never allowed
//	analyst    SELECT on any table (SQL samples only)
//
// and with -policy under the ExecutionPolicy in that file as well, each sample as
// a request that internal content drove and that names no egress and no credentials.
// -uses takes only the Python samples that import one of the named modules, and
// otherwise nothing but those of -installed and the standard library.
//
// A folder holds *.jsonl and *.jsonl.gz files with an object a line: lang, code,
// id, and where there are any dialect, label and corpus. With -out it writes an
// object a line: id, corpus, lang, label, decision and reasons by policy, and
// the microseconds that reading and both verdicts took.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	corpora := flag.String("corpora", "", "`DIR` with the samples")
	out := flag.String("out", "", "`FILE` to write a decision a line to")
	policyFile := flag.String("policy", "", "`FILE` with an ExecutionPolicy to judge by as well")
	uses := flag.String("uses", "", "take only Python samples that import one of these top-level `MODULES`, separated by commas")
	installed := flag.String("installed", "", "with -uses: further top-level `MODULES` that samples may import, besides the standard library")
	flag.Parse()
	if *corpora == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(options{*corpora, *policyFile, *uses, *installed, *out}, os.Stdout, time.Now); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct{ corpora, policy, uses, installed, out string }

// run measures the samples of a folder. Lines that cannot be read are named in
// the error, and all others are measured.
func run(o options, table io.Writer, now func() time.Time) error {
	samples, unreadable := readFolder(o.corpora)
	if len(samples) == 0 {
		return fmt.Errorf("no samples in %s: want *.jsonl or *.jsonl.gz files, an object with lang and code a line (%w)", o.corpora, unreadable)
	}
	m := measurement{selection: selecting(o.uses, o.installed), now: now}
	if o.policy != "" {
		var err error
		if m.policy, err = readPolicy(o.policy); err != nil {
			return err
		}
	}
	results := make([]result, 0, len(samples))
	for _, s := range samples {
		if r, taken := m.measure(s); taken {
			results = append(results, r)
		}
	}
	if o.out != "" {
		if err := writeResults(o.out, results); err != nil {
			return err
		}
	}
	if err := printTable(table, results); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return unreadable
}

func writeResults(file string, results []result) error {
	f, err := os.Create(file) //nolint:gosec // writing the file that the user names is what the flag is for
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	for _, r := range results {
		if err := encoder.Encode(r); err != nil {
			return fmt.Errorf("encode sample %v: %w", r.ID, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return f.Close()
}
