// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditverify"
	"github.com/airlock-dev/airlock/internal/review"
)

func newAuditListCommand() *cobra.Command {
	a, limit := &auditor{}, 0
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the latest records, the newest last", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.list(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "list at most this `NUMBER` of records, 0 for all")
	a.addTo(cmd)
	return cmd
}

func (a *auditor) list(ctx context.Context, stdout, stderr io.Writer, limit int) error {
	log, err := a.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer log.close()
	var entries []auditverify.Entry
	for e, err := range auditverify.Backwards(log.read, log.size) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
		if limit > 0 && len(entries) == limit {
			break
		}
	}
	slices.Reverse(entries)
	if a.output != "text" {
		return writeRecords(stdout, a.output, entries)
	}
	t := tabwriter.NewWriter(stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(t, "INDEX\tTIME\tEVENT\tSUBJECT\tMESSAGE")
	for _, e := range entries {
		subject, _ := trimUID(e.Event.Subject)
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", e.Index, review.SafeString(e.Event.Time), review.SafeString(eventName(e)), review.SafeString(subject), cell(e.Event.Data.Message))
	}
	return t.Flush()
}

// trimUID takes the UID off the subject of a request.
func trimUID(subject string) (name, uid string) {
	if parts := strings.Split(subject, "/"); len(parts) == 3 {
		return parts[0] + "/" + parts[1], parts[2]
	}
	return subject, ""
}

func newAuditShowCommand() *cobra.Command {
	a, code := &auditor{}, false
	cmd := &cobra.Command{
		Use: "show REQUEST", Short: "Tell the story of one request, by its name or UID", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.show(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], code)
		},
	}
	cmd.Flags().BoolVar(&code, "code", false, "show the code too")
	a.addTo(cmd)
	return cmd
}

func (a *auditor) show(ctx context.Context, stdout, stderr io.Writer, request string, code bool) error {
	log, err := a.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer log.close()
	namespace, _, err := a.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return err
	}
	story, err := storyOf(log, namespace+"/"+request, request)
	if err != nil {
		return err
	}
	if len(story) == 0 {
		return fmt.Errorf("no record is about request %q of namespace %s; name another namespace with -n, or the request's UID", request, namespace)
	}
	if a.output != "text" {
		return writeRecords(stdout, a.output, story)
	}
	name, uid := trimUID(story[0].Event.Subject)
	fmt.Fprintf(stdout, "Request %s (%s) in log %s\n\n", review.SafeString(name), review.SafeString(uid), review.SafeString(story[0].Event.Source))
	for _, e := range story {
		writeRecord(stdout, e)
	}
	if code {
		return writeCode(stdout, log, story)
	}
	return nil
}

// storyOf collects the records of the newest request of a name, or of a UID, in their order.
func storyOf(log *audited, name, uid string) ([]auditverify.Entry, error) {
	var story []auditverify.Entry
	for e, err := range auditverify.Backwards(log.read, log.size) {
		if err != nil {
			return nil, err
		}
		subject, id := trimUID(e.Event.Subject)
		if id == "" || (subject != name && id != uid) {
			continue
		}
		name, uid = "", id // of all requests of the name, this one
		story = append(story, e)
		if e.Event.Type == audit.Submitted {
			break
		}
	}
	slices.Reverse(story)
	return story, nil
}

// writeRecord tells one record: what happened, who did it, and what it binds to.
func writeRecord(w io.Writer, e auditverify.Entry) {
	d := e.Event.Data
	fmt.Fprintf(w, "%6d  %s  %-20s %s\n", e.Index, review.SafeString(e.Event.Time), review.SafeString(eventName(e)), review.SafeString(d.Message))
	for _, line := range detailsOf(e) {
		fmt.Fprintf(w, "%8s%s\n", "", review.SafeString(line))
	}
}

// lines collects what there is to say.
type lines []string

func (l *lines) add(format, value string) {
	if value != "" {
		*l = append(*l, fmt.Sprintf(format, value))
	}
}

func detailsOf(e auditverify.Entry) []string {
	var out lines
	switch d := e.Event.Data.Unmapped; {
	case d.Submitted != nil:
		out.submitted(e.Event.Data.Script, d.Submitted)
	case d.Judged != nil:
		out.judged(d.Judged)
	case d.Decided != nil:
		if d.Decided.Decision.Reason != nil {
			out.add("reason: %s", *d.Decided.Decision.Reason)
		}
		out.add("envelope %s", d.Decided.EnvelopeDigest)
	case d.Launch != nil:
		out.add("envelope %s", d.Launch.EnvelopeDigest)
		out.add("pod asked for %s", d.Launch.Pod.Digest)
		out.add("grant %s", d.Launch.GrantName)
	case d.Observed != nil:
		out.add("pod admitted %s", d.Observed.Pod.Digest)
	case d.End != nil:
		out = append(out, endOf(d.End)...)
	}
	return out
}

func (l *lines) submitted(script *audit.Script, d *audit.SubmittedDetails) {
	if script != nil && len(script.Hashes) > 0 {
		l.add("code sha256:%s", script.Hashes[0].Value)
	}
	l.add("task: %s", d.Task)
	for _, in := range d.Inputs {
		l.add("input %s", fmt.Sprintf("%s: %s, claimed %s %s", in.Name, in.Origin, in.Trust, in.Digest))
	}
}

func (l *lines) judged(d *audit.JudgedDetails) {
	l.add("envelope %s", d.EnvelopeDigest)
	l.add("report %s", d.ReportDigest)
	l.add("trust %s", string(d.Trust)+" "+d.TrustReason)
	for _, f := range d.Findings {
		l.add("%s", fmt.Sprintf("%d:%d %s: %s", f.Line, f.Column, f.Operation, f.Reason))
	}
}

func endOf(d *audit.EndDetails) []string {
	var out []string
	if d.ExitCode != nil {
		out = append(out, fmt.Sprintf("exit code %d, %s", *d.ExitCode, d.RunReason))
	}
	for name, s := range map[string]*audit.Stream{"stdout": d.Stdout, "stderr": d.Stderr} {
		if s != nil && s.Bytes > 0 {
			out = append(out, fmt.Sprintf("%s %d bytes, sha256:%s", name, s.Bytes, s.SHA256))
		}
	}
	slices.Sort(out)
	return out
}

// writeCode prints the code with characters that do not show made visible.
func writeCode(w io.Writer, log *audited, story []auditverify.Entry) error {
	s := story[0].Event.Data.Script
	if s == nil || len(s.Hashes) == 0 || story[0].Event.Type != audit.Submitted {
		return fmt.Errorf("the record of the submission is not there")
	}
	text := s.Content.Value
	if s.Content.IsTruncated {
		raw, err := log.read(auditverify.ContentPath(s.Hashes[0].Value))
		if err != nil {
			return fmt.Errorf("read the code: %w", err)
		}
		text = string(raw)
	}
	fmt.Fprintln(w)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintln(w, "  | "+review.SafeString(line))
	}
	return nil
}

// writeRecords prints records as they are in the log.
func writeRecords(w io.Writer, format string, entries []auditverify.Entry) error {
	out := make([]map[string]any, 0, len(entries))
	for _, e := range entries {
		var record any
		if err := json.Unmarshal(e.Raw, &record); err != nil {
			return err
		}
		out = append(out, map[string]any{"index": e.Index, "record": record})
	}
	return writeObject(w, format, out)
}
