// SPDX-License-Identifier: Apache-2.0

package review

import (
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// maxDiffLines bounds what is compared line by line: beyond it, the time that a
// comparison takes grows faster than anybody wants to wait.
const maxDiffLines = 5000

// Previous gives the newest consumed Approval of the same requester, agent and
// policy, or nil: people agreed to that code, and it ran.
func Previous(a *v1alpha1.Approval, all []v1alpha1.Approval) *v1alpha1.Approval {
	var newest *v1alpha1.Approval
	for i := range all {
		o := &all[i]
		if o.UID == a.UID || o.Status.State != v1alpha1.ApprovalConsumed || !sameAsker(&a.Spec.Subject, &o.Spec.Subject) || a.CreationTimestamp.Before(&o.CreationTimestamp) {
			continue
		}
		if newest == nil || newest.CreationTimestamp.Before(&o.CreationTimestamp) {
			newest = o
		}
	}
	return newest
}

func sameAsker(a, b *v1alpha1.Subject) bool {
	return a.Requester.Username == b.Requester.Username && a.Requester.UID == b.Requester.UID && a.PolicyName == b.PolicyName &&
		a.Code.Language == b.Code.Language && agentName(a.Agent) == agentName(b.Agent)
}

func agentName(a *v1alpha1.Agent) string {
	if a == nil {
		return ""
	}
	return a.Name
}

// Changes shows what differs from the code of an earlier Approval, as a unified diff.
func Changes(a, previous *v1alpha1.Approval, columns int) []Line {
	if previous == nil {
		return []Line{{{"No code of this requester and agent was approved under this policy before.", Plain}}}
	}
	before, after := previous.Spec.Subject.Code.Source, a.Spec.Subject.Code.Source
	from := Safe("Compared with the request "+previous.Spec.Subject.RequestRef.Name+", which people approved and which ran.", Plain).Wrap(columns, true)
	switch {
	case before == after:
		return append(from, Line{{"The code is the same, byte by byte.", Good}})
	case strings.Count(before, "\n")+strings.Count(after, "\n") > maxDiffLines:
		return append(from, Line{{"The code is too long to be compared here.", Warning}})
	}
	diff := udiff.Unified("approved", "asked", before, after)
	return append(from, Diff(diff, columns)...)
}

// Diff colours a unified diff and makes it safe to print. A row that goes on
// with a long line is marked, so that it cannot pass for a line of the diff.
func Diff(diff string, columns int) []Line {
	const gutter, goesOn = "| ", "+ "
	var out []Line
	for line := range strings.SplitSeq(strings.TrimSuffix(diff, "\n"), "\n") {
		mark := gutter
		for _, row := range Safe(line, diffStyle(line, len(out))).Wrap(columns-len(gutter), false) {
			out = append(out, append(Line{{mark, Dim}}, row...))
			mark = goesOn
		}
	}
	return out
}

// diffStyle tells the style of a line of a diff that begins with two lines of names.
func diffStyle(line string, number int) Style {
	switch {
	case number < 2, strings.HasPrefix(line, "@@"):
		return Dim
	case strings.HasPrefix(line, "+"):
		return Good
	case strings.HasPrefix(line, "-"):
		return Bad
	default:
		return Plain
	}
}
