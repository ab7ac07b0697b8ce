// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

const listHelp = `List what waits for you to decide, then what waits for others, then the other
requests, the newest first.

An Approval waits for you when you hold the verb "approve" on its policy, did
not make the request, and have not decided yet. The API server judges again when
you decide.`

// listed is what the list command prints; it is also its JSON.
type listed struct {
	ForYou    []openApproval `json:"waitingForYou"`
	ForOthers []openApproval `json:"waitingForOthers"`
	Requests  []otherRequest `json:"requests"`
}

// openApproval is an Approval that is not decided yet.
type openApproval struct {
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	Request   string      `json:"request"`
	Requester string      `json:"requester"`
	Policy    string      `json:"policy"`
	Approvals string      `json:"approvals"`
	ExpiresAt metav1.Time `json:"expiresAt"`
	Findings  int32       `json:"findings"`
	Task      string      `json:"task,omitempty"`
	// WhyNotYou says why it does not wait for you.
	WhyNotYou string `json:"whyNotYou,omitempty"`
}

// otherRequest is a request that nobody has to decide on.
type otherRequest struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	State     v1alpha1.RequestState `json:"state"`
	Requester string                `json:"requester"`
	Policy    string                `json:"policy"`
	ExitCode  *int32                `json:"exitCode,omitempty"`
	Created   metav1.Time           `json:"created"`
	Why       string                `json:"why,omitempty"`
}

type lister struct {
	flags  *genericclioptions.ConfigFlags
	all    bool
	output string
	limit  int
}

func newListCommand() *cobra.Command {
	l := lister{flags: newFlags()}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List what waits for you, and everything else",
		Long:    listHelp,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().BoolVarP(&l.all, "all-namespaces", "A", false, "look into all namespaces")
	cmd.Flags().IntVar(&l.limit, "limit", 20, "list at most this `NUMBER` of other requests, 0 for all")
	cmd.Flags().StringVarP(&l.output, "output", "o", "text", "`FORMAT`: text, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", fixed(formats...))
	addFlags(cmd, l.flags)
	return cmd
}

func (l *lister) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := checkFormat(l.output); err != nil {
		return err
	}
	c, err := connect(l.flags, stderr)
	if err != nil {
		return err
	}
	namespace := c.namespace
	if l.all {
		namespace = ""
	}
	requests, err := c.requests(ctx, namespace)
	if err != nil {
		return err
	}
	approvals, err := c.approvals(ctx, namespace)
	if apierrors.IsForbidden(err) { // a requester, who sees its requests alone
		approvals, err = nil, nil
	}
	if err != nil {
		return err
	}
	out, err := l.sort(ctx, c, requests, approvals)
	if err != nil {
		return err
	}
	if l.output != "text" {
		return writeObject(stdout, l.output, out)
	}
	return writeList(stdout, out, l.all, time.Now())
}

// sort asks the API server who the user is, and once for each policy what it may decide.
func (l *lister) sort(ctx context.Context, c *cluster, requests []v1alpha1.ExecutionRequest, approvals []v1alpha1.Approval) (listed, error) {
	out := listed{ForYou: []openApproval{}, ForOthers: []openApproval{}, Requests: []otherRequest{}}
	open, err := c.sortOpen(ctx, approvals, time.Now())
	if err != nil {
		return out, err
	}
	waiting := map[string]bool{}
	for _, a := range open {
		waiting[a.Namespace+"/"+a.Request] = true
		if a.WhyNotYou == "" {
			out.ForYou = append(out.ForYou, a)
		} else {
			out.ForOthers = append(out.ForOthers, a)
		}
	}
	slices.SortStableFunc(requests, func(a, b v1alpha1.ExecutionRequest) int {
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	for _, r := range requests {
		if waiting[r.Namespace+"/"+r.Name] || l.limit > 0 && len(out.Requests) == l.limit {
			continue
		}
		out.Requests = append(out.Requests, otherOf(&r))
	}
	return out, nil
}

// sortOpen gives the open Approvals, those that expire first at the top, each
// with why it does not wait for the user, "" where it does.
func (c *cluster) sortOpen(ctx context.Context, approvals []v1alpha1.Approval, now time.Time) ([]openApproval, error) {
	open := openOnes(approvals, now)
	if len(open) == 0 {
		return nil, nil
	}
	me, err := c.whoami(ctx)
	if err != nil {
		return nil, err
	}
	may := map[string]bool{}
	out := make([]openApproval, 0, len(open))
	for _, a := range open {
		policy := a.Spec.Subject.PolicyName
		allowed, known := may[policy]
		if !known {
			if allowed, err = c.mayApprove(ctx, policy); err != nil {
				return nil, err
			}
			may[policy] = allowed
		}
		out = append(out, openApproval{
			Namespace: a.Namespace, Name: a.Name, Request: a.Spec.Subject.RequestRef.Name, Requester: a.Spec.Subject.Requester.Username,
			Policy: policy, Approvals: fmt.Sprintf("%d/%d", review.Agreed(a), a.Spec.Required), ExpiresAt: a.Spec.ExpiresAt,
			Findings: review.Total(a.Spec.Subject.Verdict), Task: a.Spec.Subject.Task, WhyNotYou: whyNotYou(a, me, allowed),
		})
	}
	return out, nil
}

// openOnes gives the Approvals that can still be decided, those that expire first at the top.
func openOnes(approvals []v1alpha1.Approval, now time.Time) []*v1alpha1.Approval {
	var open []*v1alpha1.Approval
	for i := range approvals {
		a := &approvals[i]
		if (a.Status.State == "" || a.Status.State == v1alpha1.ApprovalPending) && now.Before(a.Spec.ExpiresAt.Time) {
			open = append(open, a)
		}
	}
	slices.SortStableFunc(open, func(a, b *v1alpha1.Approval) int { return a.Spec.ExpiresAt.Compare(b.Spec.ExpiresAt.Time) })
	return open
}

// whyNotYou says why the user cannot decide, as far as can be told from here.
func whyNotYou(a *v1alpha1.Approval, me authenticationv1.UserInfo, mayApprove bool) string {
	requester := a.Spec.Subject.Requester
	switch {
	case requester.Username == me.Username, requester.UID != "" && requester.UID == me.UID:
		return "you asked for it"
	case !mayApprove:
		return "you do not hold approve on the policy"
	case strings.HasPrefix(me.Username, "system:serviceaccount:") && a.Spec.ServiceAccounts != v1alpha1.ServiceAccountsAllowed && !slices.Contains(a.Spec.Checkers, me.Username):
		return "people decide, and you are a service account"
	}
	for _, d := range a.Spec.Decisions {
		if d.Approver == me.Username {
			return "you decided: " + string(d.Verdict)
		}
	}
	return ""
}

func otherOf(r *v1alpha1.ExecutionRequest) otherRequest {
	o := otherRequest{Namespace: r.Namespace, Name: r.Name, State: stateOf(r), Requester: r.Spec.Requester.Username, Policy: r.Spec.PolicyName, Created: r.CreationTimestamp}
	if r.Status.Result != nil {
		o.ExitCode = r.Status.Result.ExitCode
	}
	switch o.State {
	case v1alpha1.StateDenied, v1alpha1.StateFailed, v1alpha1.StatePending:
		o.Why = reasonOf(r)
	case v1alpha1.StateAwaitingApproval, v1alpha1.StateRunning, v1alpha1.StateSucceeded, v1alpha1.StateJudged:
	}
	return o
}

// maxCell bounds what a table shows of a text.
const maxCell = 60

func cell(text string) string {
	runes := []rune(review.SafeString(strings.Join(strings.Fields(text), " ")))
	if len(runes) > maxCell {
		return string(runes[:maxCell-3]) + "..."
	}
	return string(runes)
}

// table writes aligned rows, with or without the column of namespaces.
type table struct {
	*tabwriter.Writer
	namespaces bool
}

func (t table) row(namespace string, cells ...string) {
	if t.namespaces {
		cells = append([]string{namespace}, cells...)
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

func writeList(w io.Writer, out listed, namespaces bool, now time.Time) error {
	var text strings.Builder
	t := table{tabwriter.NewWriter(&text, 0, 8, 3, ' ', 0), namespaces}
	fmt.Fprintf(t, "Waiting for you: %d\n", len(out.ForYou))
	t.open(out.ForYou, "TASK", func(a openApproval) string { return a.Task }, now)
	if len(out.ForOthers) > 0 {
		fmt.Fprintf(t, "\nWaiting for others: %d\n", len(out.ForOthers))
		t.open(out.ForOthers, "WHY NOT YOU", func(a openApproval) string { return a.WhyNotYou }, now)
	}
	if len(out.Requests) > 0 {
		fmt.Fprintf(t, "\nOther requests: %d\n", len(out.Requests))
		t.others(out.Requests, now)
	}
	if len(out.ForYou) > 0 {
		a := out.ForYou[0]
		fmt.Fprintf(t, "\nTo decide: kubectl airlock review %s -n %s\n", a.Request, a.Namespace)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	return nil
}

func (t table) open(approvals []openApproval, last string, lastOf func(openApproval) string, now time.Time) {
	if len(approvals) == 0 {
		return
	}
	t.row("NAMESPACE", "REQUEST", "REQUESTER", "POLICY", "APPROVALS", "LEFT", last)
	for _, a := range approvals {
		t.row(a.Namespace, cell(a.Request), cell(a.Requester), cell(a.Policy), a.Approvals, review.Age(a.ExpiresAt.Sub(now)), cell(lastOf(a)))
	}
}

func (t table) others(requests []otherRequest, now time.Time) {
	t.row("NAMESPACE", "REQUEST", "REQUESTER", "STATE", "EXIT", "AGE", "WHY")
	for _, r := range requests {
		exit := "-"
		if r.ExitCode != nil {
			exit = fmt.Sprint(*r.ExitCode)
		}
		t.row(r.Namespace, r.Name, cell(r.Requester), review.SafeString(string(r.State)), exit, review.Age(now.Sub(r.Created.Time)), cell(r.Why))
	}
}
