// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

const explainHelp = `Say why a request got its verdict, and what would change it.

REQUEST is the name of an ExecutionRequest, or of its Approval. Each finding is
shown below its line of the code, with its reason, which names what to change:
the code, the request, or a rule of the policy.`

// explained is the JSON of the explain command.
type explained struct {
	Namespace  string                `json:"namespace"`
	Request    string                `json:"request"`
	State      v1alpha1.RequestState `json:"state"`
	Why        string                `json:"why"`
	Policy     string                `json:"policy"`
	Requester  v1alpha1.Requester    `json:"requester"`
	Envelope   string                `json:"envelopeDigest,omitempty"`
	Approval   string                `json:"approval,omitempty"`
	Verdict    *v1alpha1.Verdict     `json:"verdict,omitempty"`
	Inputs     []v1alpha1.Input      `json:"inputs,omitempty"`
	Change     []string              `json:"change,omitempty"`
	Conditions []metav1.Condition    `json:"conditions,omitempty"`
	Result     *v1alpha1.Result      `json:"result,omitempty"`
	Dropped    *v1alpha1.Narrowing   `json:"dropped,omitempty"`
	Grant      string                `json:"grant,omitempty"`
}

func newExplainCommand() *cobra.Command {
	flags := newFlags()
	var output string
	cmd := &cobra.Command{
		Use:               "explain REQUEST",
		Aliases:           []string{"show"},
		Short:             "Say why this verdict, and what to change",
		Long:              explainHelp,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNames(flags, "ExecutionRequest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explain(cmd.Context(), flags, output, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT`: text, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", fixed(formats...))
	addFlags(cmd, flags)
	return cmd
}

func explain(ctx context.Context, flags *genericclioptions.ConfigFlags, output, name string, stdout, stderr io.Writer) error {
	if err := checkFormat(output); err != nil {
		return err
	}
	c, err := connect(flags, stderr)
	if err != nil {
		return err
	}
	req, err := c.findRequest(ctx, name)
	if err != nil {
		return err
	}
	if output == "text" {
		_, err = io.WriteString(stdout, explanation(req))
		return err
	}
	return writeObject(stdout, output, explained{
		Namespace: req.Namespace, Request: req.Name, State: stateOf(req), Why: reasonOf(req), Policy: req.Spec.PolicyName,
		Requester: req.Spec.Requester, Envelope: req.Status.EnvelopeDigest, Approval: req.Status.ApprovalName, Verdict: req.Status.Verdict,
		Inputs: req.Spec.Inputs, Change: whatToChange(req), Conditions: req.Status.Conditions, Result: req.Status.Result,
		Dropped: req.Status.Dropped, Grant: req.Status.GrantName,
	})
}

// explanation is the text of the explain command.
func explanation(req *v1alpha1.ExecutionRequest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in namespace %s: %s\n", req.Name, req.Namespace, stateOf(req))
	writeWrapped(&b, tally(req))
	if without := review.Without(req.Status.Dropped); without != "" {
		writeWrapped(&b, "Approvers took away: "+without+".")
	}
	if req.Status.GrantName != "" {
		writeWrapped(&b, "Nobody had to be asked again: the ExecutionGrant "+req.Status.GrantName+" covers it.")
	}
	verdict := req.Status.Verdict
	if verdict == nil {
		b.WriteString("\nThere is no verdict.\n")
		writeChange(&b, req)
		return b.String()
	}
	fmt.Fprintf(&b, "\nVerdict: %s under policy %s", verdict.Decision, review.SafeString(req.Spec.PolicyName))
	if verdict.PolicyDigest != "" {
		fmt.Fprintf(&b, " (%s)", verdict.PolicyDigest)
	}
	if verdict.Approvals > 1 {
		fmt.Fprintf(&b, "; %d different people have to agree", verdict.Approvals)
	}
	fmt.Fprintf(&b, "\n\nWhat drove the code, as user %s says\n", review.SafeString(req.Spec.Requester.Username))
	writeLines(&b, review.Provenance(*verdict, req.Spec.Inputs, columns))
	if len(verdict.Findings) > 0 {
		fmt.Fprintf(&b, "\nFindings: %d\n", review.Total(*verdict))
		writeLines(&b, findingsInPlace(req))
	}
	writeChange(&b, req)
	return b.String()
}

// contextLines is how many lines of code are shown before each line that has a finding.
const contextLines = 1

// findingsInPlace shows the lines that have findings, with what is before them.
func findingsInPlace(req *v1alpha1.ExecutionRequest) []review.Line {
	listing := review.Code(req.Spec.Code, *req.Status.Verdict, columns, nil)
	near := map[int]bool{}
	for _, at := range listing.Findings {
		markNear(near, listing, at)
	}
	var out []review.Line
	for i, l := range listing.Lines {
		switch {
		case near[i]:
			out = append(out, l)
		case i > 0 && near[i-1]:
			out = append(out, review.Line{{Text: "  ..."}})
		}
	}
	return out
}

// markNear marks a finding to the end of its reason, its line, and the lines before that.
func markNear(near map[int]bool, listing review.Listing, at int) {
	near[at] = true
	for i := at + 1; i < len(listing.Lines) && listing.IsNote(i); i++ {
		near[i] = true
	}
	shown := 0
	for i := at - 1; i >= 0 && shown <= contextLines; i-- {
		near[i] = true
		if !listing.IsNote(i) {
			shown++
		}
	}
}

// whatToChange says what is not in the reasons of the findings.
func whatToChange(req *v1alpha1.ExecutionRequest) []string {
	v := req.Status.Verdict
	if v == nil || v.Decision == v1alpha1.Allow {
		return nil
	}
	var out []string
	inCode, inRequest := 0, 0
	for _, f := range v.Findings {
		if f.Line > 0 {
			inCode++
		} else {
			inRequest++
		}
	}
	if inCode > 0 {
		out = append(out, "The code: the reasons above say which of its operations to leave out or to write as literals, and which rule of the policy would list them.")
	}
	if inRequest > 0 {
		out = append(out, "The request: the findings without a line are about what it asks for, and not about its code.")
	}
	if v.Trust == v1alpha1.Untrusted {
		out = append(out, provenanceAdvice(req, v))
	}
	if len(out) > 0 {
		out = append(out, "A request cannot be changed: submit a new one. To judge the next version without a cluster: kubectl airlock check FILE --policy POLICY.yaml")
	}
	return out
}

func provenanceAdvice(req *v1alpha1.ExecutionRequest, v *v1alpha1.Verdict) string {
	switch {
	case len(req.Spec.Inputs) == 0:
		return "The inputs: none is named, so nothing is known of what drove the code, and the rules for untrusted code hold. Name each input with its origin and its trust."
	case v.DecidedBy != "":
		return fmt.Sprintf("The inputs: %s is Untrusted, so the rules for untrusted code hold. They hold for good where its content may come from outside; where it does not, say so, or have it vouched for.", review.SafeString(v.DecidedBy))
	default:
		return "The inputs: the least trusted of them is Untrusted, so the rules for untrusted code hold."
	}
}

func writeChange(b *strings.Builder, req *v1alpha1.ExecutionRequest) {
	change := whatToChange(req)
	if len(change) == 0 {
		return
	}
	switch decisionOf(req) {
	case v1alpha1.RequireApproval:
		b.WriteString("\nWhat to change, so that nobody has to be asked\n")
	case v1alpha1.Allow, v1alpha1.Deny:
		b.WriteString("\nWhat to change\n")
	}
	for _, text := range change {
		writeWrapped(b, text)
	}
}

// writeWrapped writes prose with an indent of two.
func writeWrapped(b *strings.Builder, text string) {
	for _, row := range review.Safe(text, review.Plain).Wrap(columns-2, true) {
		fmt.Fprintf(b, "  %s\n", row)
	}
}
