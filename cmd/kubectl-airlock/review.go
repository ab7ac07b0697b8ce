// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

const reviewHelp = `Read what an Approval asks, and decide.

Without NAME it starts with the list of open Approvals. NAME is an Approval or
the request that it is for. On a terminal this is an interface with keys, which
it shows; where standard output is no terminal, or with --text, it prints the
same: kubectl airlock review NAME | less

Characters of the code that do not show are written as <U+202E>, and what the
agent says of itself is marked as its claims.`

type reviewer struct {
	flags *genericclioptions.ConfigFlags
	text  bool
}

func newReviewCommand() *cobra.Command {
	r := reviewer{flags: newFlags()}
	cmd := &cobra.Command{
		Use:               "review [NAME]",
		Short:             "Read what is asked, and decide",
		Long:              reviewHelp,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeNames(r.flags, "Approval"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(cmd.Context(), strings.Join(args, ""), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().BoolVar(&r.text, "text", false, "print text, also on a terminal")
	addFlags(cmd, r.flags)
	return cmd
}

func (r *reviewer) run(ctx context.Context, name string, stdin io.Reader, stdout, stderr io.Writer) error {
	c, err := connect(r.flags, stderr)
	if err != nil {
		return err
	}
	var shown *v1alpha1.Approval
	if name != "" {
		if shown, err = c.findApproval(ctx, name); err != nil {
			return err
		}
	}
	in, out := fileOf(stdin), fileOf(stdout)
	if r.text || in == nil || out == nil {
		return c.reviewText(ctx, stdout, shown)
	}
	m := newModel(ctx, c, time.Now, highlight)
	if shown != nil {
		m.pending = shown
	}
	_, err = tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out)).Run()
	return err
}

// fileOf gives a stream that is a terminal on which an interface can be drawn, or nil.
func fileOf(stream any) *os.File {
	if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return f
	}
	return nil
}

// reviewText prints one Approval, or what is open where it is nil.
func (c *cluster) reviewText(ctx context.Context, stdout io.Writer, shown *v1alpha1.Approval) error {
	if shown != nil {
		_, err := io.WriteString(stdout, reviewed(shown, time.Now()))
		return err
	}
	all, err := c.approvals(ctx, c.namespace)
	if err != nil {
		return err
	}
	out, err := (&lister{}).sort(ctx, c, nil, all)
	if err != nil {
		return err
	}
	return writeList(stdout, out, false, time.Now())
}

// reviewed is the text of a review, without colours.
func reviewed(a *v1alpha1.Approval, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", review.Headline(a, now))
	for _, s := range review.Summary(a, now, columns) {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		writeLines(&b, s.Lines)
	}
	b.WriteString("\nCode\n")
	writeLines(&b, review.Code(a.Spec.Subject.Code, a.Spec.Subject.Verdict, columns, nil).Lines)
	b.WriteString("\nChanges\n")
	writeLines(&b, review.Changes(&a.Spec.Subject, columns))
	fmt.Fprintf(&b, `
To decide on exactly this
  kubectl airlock approve %[1]s -n %[2]s --envelope %[3]s --reason '...'
  kubectl airlock deny %[1]s -n %[2]s --reason '...'
`, a.Name, a.Namespace, a.Spec.Subject.EnvelopeDigest)
	return b.String()
}

// item is an Approval in the list of the interface.
type item struct {
	approval  *v1alpha1.Approval
	whyNotYou string
}

// load reads all Approvals of the namespace, and sorts the open ones: those
// that wait for the user first.
func (c *cluster) load(ctx context.Context, now time.Time) ([]item, []v1alpha1.Approval, error) {
	all, err := c.approvals(ctx, c.namespace)
	if err != nil {
		return nil, nil, err
	}
	open, err := c.sortOpen(ctx, all, now)
	if err != nil {
		return nil, nil, err
	}
	byName := map[string]*v1alpha1.Approval{}
	for i := range all {
		byName[all[i].Name] = &all[i]
	}
	var mine, others []item
	for _, o := range open {
		if o.WhyNotYou == "" {
			mine = append(mine, item{byName[o.Name], ""})
		} else {
			others = append(others, item{byName[o.Name], o.WhyNotYou})
		}
	}
	return append(mine, others...), all, nil
}
