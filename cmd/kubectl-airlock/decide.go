// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

const decideHelp = `
NAME is an Approval or the request that it is for. What is decided on is printed
first, and the decision is bound to exactly that: should the Approval be another
one by the time that the API server gets the decision, it is refused. With
--envelope, it is also refused when its digest is not the one given.

Who decides is what the API server authenticated. What it refuses, it says why.`

type decider struct {
	flags            *genericclioptions.ConfigFlags
	verdict          v1alpha1.ApprovalVerdict
	reason, envelope string
	stdout, stderr   io.Writer
}

func newApproveCommand() *cobra.Command {
	return newDecideCommand("approve", "Agree that a request runs", "Agree that exactly the code, with what it gets, as it was judged, runs once.", v1alpha1.Approved)
}

func newDenyCommand() *cobra.Command {
	return newDecideCommand("deny", "Refuse that a request runs", "Refuse a request. One denial ends it, whoever else approved.", v1alpha1.Denied)
}

func newRevokeCommand() *cobra.Command {
	return newDecideCommand("revoke", "Take back your own approval", "Take back your own approval, which works until the code is launched. It is final.", v1alpha1.Revoked)
}

func newDecideCommand(use, short, long string, verdict v1alpha1.ApprovalVerdict) *cobra.Command {
	d := decider{flags: newFlags(), verdict: verdict}
	cmd := &cobra.Command{
		Use:               use + " NAME --reason WORDS",
		Short:             short,
		Long:              long + "\n" + decideHelp,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNames(d.flags, "Approval"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.stdout, d.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return d.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&d.reason, "reason", "", "why, in `WORDS`, for the record")
	cmd.Flags().StringVar(&d.envelope, "envelope", "", "decide only if this is the `DIGEST` of the envelope")
	_ = cmd.MarkFlagRequired("reason")
	addFlags(cmd, d.flags)
	return cmd
}

func (d *decider) run(ctx context.Context, name string) error {
	if strings.TrimSpace(d.reason) == "" {
		return errors.New("--reason is empty: say why, for the record")
	}
	c, err := connect(d.flags, d.stderr)
	if err != nil {
		return err
	}
	appr, err := c.findApproval(ctx, name)
	if err != nil {
		return err
	}
	if err := sameEnvelope(d.envelope, appr); err != nil {
		return err
	}
	fmt.Fprint(d.stdout, inShort(appr, time.Now()))
	after, err := c.decideOnShown(ctx, appr, v1alpha1.DecisionInbox{Verdict: d.verdict, Reason: &d.reason})
	if err != nil {
		return err
	}
	fmt.Fprint(d.stdout, recorded(after, d.verdict))
	return nil
}

// sameEnvelope refuses an Approval that is not for the envelope that is meant.
func sameEnvelope(meant string, appr *v1alpha1.Approval) error {
	if is := appr.Spec.Subject.EnvelopeDigest; meant != "" && meant != is && "sha256:"+meant != is {
		return fmt.Errorf("nothing was decided: %s is for the envelope %s, not for %s", appr.Name, is, meant)
	}
	return nil
}

// attempts bounds how often a decision is sent again after a conflict.
const attempts = 5

// decideOnShown decides on exactly what was shown. A conflict because somebody
// else decided, or because the operator counted, is tried again; where anything
// that was shown is different, it is not.
func (c *cluster) decideOnShown(ctx context.Context, shown *v1alpha1.Approval, decision v1alpha1.DecisionInbox) (*v1alpha1.Approval, error) {
	at := shown
	for range attempts {
		after, err := c.decide(ctx, at, decision)
		if !apierrors.IsConflict(err) {
			return after, err
		}
		if at, err = c.approval(ctx, shown.Namespace, shown.Name); err != nil {
			return nil, err
		}
		if !sameTerms(shown, at) {
			return nil, fmt.Errorf("nothing was decided: the Approval %s is not the one that was shown any more. Look at it again: kubectl airlock review %[1]s -n %s", shown.Name, shown.Namespace)
		}
	}
	return nil, fmt.Errorf("nothing was decided: the Approval %s changes all the time. Try again", shown.Name)
}

// sameTerms reports whether two versions ask the same on the same terms: only
// the decisions and the operator's count of them may differ.
func sameTerms(a, b *v1alpha1.Approval) bool {
	x, y := a.Spec, b.Spec
	x.Decisions, y.Decisions = nil, nil
	return a.UID == b.UID && equality.Semantic.DeepEqual(x, y)
}

// inShort says what is decided on.
func inShort(a *v1alpha1.Approval, now time.Time) string {
	var b strings.Builder
	s := &a.Spec.Subject
	fmt.Fprintf(&b, "Approval %s in namespace %s: %s\n", a.Name, a.Namespace, review.State(a, now))
	for _, section := range review.Short(a, columns) {
		writeLines(&b, section.Lines)
	}
	fmt.Fprintf(&b, "  envelope    %s\n", visible(s.EnvelopeDigest))
	return b.String()
}

// recorded says what came of a decision.
func recorded(a *v1alpha1.Approval, verdict v1alpha1.ApprovalVerdict) string {
	switch verdict {
	case v1alpha1.Denied:
		return "Denied: the request ends and nothing runs.\n"
	case v1alpha1.Revoked:
		return fmt.Sprintf("Revoked: %d of %d approvals are left.\n", review.Agreed(a), a.Spec.Required)
	case v1alpha1.Approved:
		if missing := int(a.Spec.Required) - review.Agreed(a); missing > 0 {
			return fmt.Sprintf("Approved: %d of %d, and it runs when %d more did.\n", review.Agreed(a), a.Spec.Required, missing)
		}
		return fmt.Sprintf("Approved: %d of %d, so it runs. Until it is launched: kubectl airlock revoke %s -n %s --reason '...'\n",
			review.Agreed(a), a.Spec.Required, a.Name, a.Namespace)
	default:
		return ""
	}
}
