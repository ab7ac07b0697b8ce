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
	flag.Parse()
	if *corpora == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*corpora, *out, os.Stdout, time.Now); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run measures all samples below dir. Lines that cannot be read are named in
// the error, and all others are measured.
func run(dir, out string, table io.Writer, now func() time.Time) error {
	samples, unreadable := readFolder(dir)
	if len(samples) == 0 {
		return fmt.Errorf("no samples in %s: want *.jsonl or *.jsonl.gz files, an object with lang and code a line (%w)", dir, unreadable)
	}
	results := make([]result, 0, len(samples))
	for _, s := range samples {
		results = append(results, measure(s, now))
	}
	if out != "" {
		if err := writeResults(out, results); err != nil {
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
