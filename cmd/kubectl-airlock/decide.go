// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
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
	remember         string
	withoutEgress    []string
	without          []string // credentials
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
	if verdict == v1alpha1.Approved {
		cmd.Flags().StringArrayVar(&d.withoutEgress, "without-egress", nil, "approve, but take this `HOST:PORT` away; may be repeated")
		cmd.Flags().StringArrayVar(&d.without, "without-credential", nil, "approve, but take the credential of this `NAME` away; may be repeated")
		cmd.Flags().StringVar(&d.remember, "remember", "", "do not ask again for the same operations: `USES,DURATION`, for example 5,24h, within what the policy permits")
	}
	addFlags(cmd, d.flags)
	return cmd
}

func (d *decider) run(ctx context.Context, name string) error {
	if strings.TrimSpace(d.reason) == "" {
		return errors.New("--reason is empty: say why, for the record")
	}
	decision, err := d.decision()
	if err != nil {
		return err
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
	if without := review.Without(decision.Without); without != "" {
		fmt.Fprintf(d.stdout, "  without     %s\n", review.SafeString(without))
	}
	after, err := c.decideOnShown(ctx, appr, decision)
	if err != nil {
		return err
	}
	fmt.Fprint(d.stdout, recorded(after, d.verdict))
	return nil
}

// decision is what the flags say.
func (d *decider) decision() (v1alpha1.DecisionInbox, error) {
	out := v1alpha1.DecisionInbox{Verdict: d.verdict, Reason: &d.reason}
	if len(d.withoutEgress)+len(d.without) > 0 {
		out.Without = &v1alpha1.Narrowing{Credentials: d.without}
	}
	for _, text := range d.withoutEgress {
		target, err := parseEgress(text)
		if err != nil {
			return out, fmt.Errorf("--without-egress %w", err)
		}
		out.Without.Egress = append(out.Without.Egress, target)
	}
	if d.remember == "" {
		return out, nil
	}
	uses, ttl, ok := strings.Cut(d.remember, ",")
	number, err := strconv.ParseInt(uses, 10, 32)
	duration, ttlErr := time.ParseDuration(ttl)
	if !ok || err != nil || ttlErr != nil || number < 1 || duration < time.Second || duration > math.MaxInt32*time.Second {
		return out, fmt.Errorf("--remember %q: write USES,DURATION, for example 5,24h", d.remember)
	}
	out.Remember = &v1alpha1.Remembrance{Uses: int32(number), TTLSeconds: int32(duration.Seconds())}
	return out, nil
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
	fmt.Fprintf(&b, "  envelope    %s\n", review.SafeString(s.EnvelopeDigest))
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
		if len(a.Spec.Checkers) > 0 {
			return fmt.Sprintf("Approved: %d of %d. It runs when %s approved too.\n", review.Agreed(a), a.Spec.Required, review.SafeString(strings.Join(a.Spec.Checkers, ", ")))
		}
		return fmt.Sprintf("Approved: %d of %d, so it runs. Until it is launched: kubectl airlock revoke %s -n %s --reason '...'\n",
			review.Agreed(a), a.Spec.Required, a.Name, a.Namespace)
	default:
		return ""
	}
}
