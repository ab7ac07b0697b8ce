// SPDX-License-Identifier: Apache-2.0

package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Section is a part of what an approver reads.
type Section struct {
	Title string
	Lines []Line
}

// shownFindings is how many findings the summary lists. The code has all that the verdict lists.
const shownFindings = 6

// Summary is what an approver reads first, the most important at the top.
func Summary(a *v1alpha1.Approval, now time.Time, columns int) []Section {
	s := &a.Spec.Subject
	return []Section{
		{"Task, in the requester's words", task(s, columns)},
		{"Why people are asked (" + Findings(s.Verdict) + ")", why(s, columns)},
		{"What it gets", Gets(s, columns)},
		{"Who asks", who(s, columns)},
		{"What drove the code", Provenance(s.Verdict, s.Inputs, columns)},
		{"How it runs", how(s, columns)},
		{"Decisions", decisions(a, now, columns)},
	}
}

// Short is the part of the summary that a decision on the command line repeats.
func Short(a *v1alpha1.Approval, columns int) []Section {
	s := &a.Spec.Subject
	return []Section{
		{"Who asks", field("requester", Safe(s.Requester.Username, Strong), columns)},
		{"Why", why(s, columns)},
		{"What it gets", Gets(s, columns)},
		{"Code", field("code", Safe(codeInShort(s.Code)+", under policy "+s.PolicyName, Plain), columns)},
	}
}

// Headline is the Approval in one line.
func Headline(a *v1alpha1.Approval, now time.Time) Line {
	s := &a.Spec.Subject
	return append(Safe(fmt.Sprintf("%s by %s", s.RequestRef.Name, s.Requester.Username), Strong), Span{" - ", Dim}, Span{State(a, now), Warning})
}

// State says in words what the Approval waits for, or how it ended.
func State(a *v1alpha1.Approval, now time.Time) string {
	switch a.Status.State {
	case v1alpha1.ApprovalDenied, v1alpha1.ApprovalExpired, v1alpha1.ApprovalConsumed, v1alpha1.ApprovalApproved, v1alpha1.ApprovalWithdrawn:
		return string(a.Status.State)
	case v1alpha1.ApprovalPending:
	}
	left := a.Spec.ExpiresAt.Sub(now)
	if left <= 0 {
		return "Expired"
	}
	return fmt.Sprintf("Pending, %d of %s, %s left", Agreed(a), count(int(a.Spec.Required), "approval"), Age(left))
}

// Agreed counts the recorded approvals of people; checkers approve in addition
// to them. The operator's count decides.
func Agreed(a *v1alpha1.Approval) int {
	n := 0
	for _, d := range a.Spec.Decisions {
		if d.Verdict == v1alpha1.Approved && !slices.Contains(a.Spec.Checkers, d.Approver) {
			n++
		}
	}
	return n
}

// Total counts all findings, also those that the verdict does not list.
func Total(v v1alpha1.Verdict) int32 {
	if v.FindingsTotal != nil {
		return max(*v.FindingsTotal, int32(len(v.Findings))) //nolint:gosec // the schema bounds the list to 32
	}
	return int32(len(v.Findings)) //nolint:gosec // the schema bounds the list to 32
}

// Findings is how many findings there are, in words.
func Findings(v v1alpha1.Verdict) string { return count(int(Total(v)), "finding") }

// quote stands before words that are somebody else's.
const quote = "  > "

func task(s *v1alpha1.Subject, columns int) []Line {
	if s.Task == "" {
		return []Line{{{"  (none was given)", Dim}}}
	}
	return prose(s.Task, columns)
}

// prose wraps text of several lines; runs of blank lines become one. The mark
// before each line is ours, so that no text can pass for another section.
func prose(text string, columns int) []Line {
	var out []Line
	blank := true
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		safe := Safe(strings.TrimRight(line, " \t\r"), Plain)
		if safe.Width() == 0 {
			if !blank {
				out = append(out, Line{{quote, Dim}})
			}
			blank = true
			continue
		}
		blank = false
		for _, row := range safe.Wrap(columns-len(quote), true) {
			out = append(out, append(Line{{quote, Dim}}, row...))
		}
	}
	return out
}

func why(s *v1alpha1.Subject, columns int) []Line {
	var out []Line
	v := s.Verdict
	if n := countHidden(s.Code.Source); n > 0 {
		out = append(out, hang(Line{{"beware: the code has " + count(n, "hidden character") + ", shown as <U+202E>", Bad}}, 2, 4, columns)...)
	}
	for _, f := range v.Findings[:min(len(v.Findings), shownFindings)] {
		out = append(out, Finding(f, columns)...)
	}
	if more := int(Total(v)) - min(len(v.Findings), shownFindings); more > 0 {
		out = append(out, Line{{fmt.Sprintf("  and %d more", more), Warning}})
	}
	return out
}

// Finding is one finding in words, with its place.
func Finding(f v1alpha1.Finding, columns int) []Line {
	place := "the request"
	if f.Line > 0 {
		place = fmt.Sprintf("line %d", f.Line)
	}
	text := append(Line{{place + "  ", Dim}}, Safe(f.Operation, Strong)...)
	text = append(text, Span{" " + Word(f.Decision), StyleOf(f.Decision)}, Span{": ", Plain})
	return hang(append(text, Safe(f.Reason, Plain)...), 2, 4, columns)
}

// Gets lists what leaves the sandbox: the network and the credentials.
func Gets(s *v1alpha1.Subject, columns int) []Line {
	return append(list("network", Hosts(s.Egress), columns), list("credentials", s.Credentials, columns)...)
}

// Hosts writes destinations as host:port.
func Hosts(egress []v1alpha1.EgressTarget) []string {
	hosts := make([]string, 0, len(egress))
	for _, e := range egress {
		hosts = append(hosts, fmt.Sprintf("%s:%d", e.Host, e.Port))
	}
	return hosts
}

// Without names what a narrowing takes away, or is "".
func Without(n *v1alpha1.Narrowing) string {
	if n == nil {
		return ""
	}
	return strings.Join(append(Hosts(n.Egress), n.Credentials...), ", ")
}

func list(label string, values []string, columns int) []Line {
	if len(values) == 0 {
		return field(label, Line{{"none", Good}}, columns)
	}
	return field(label, Safe(strings.Join(values, ", "), Warning), columns)
}

func who(s *v1alpha1.Subject, columns int) []Line {
	r := s.Requester
	name := append(Safe(r.Username, Strong), Span{" (the API server authenticated this name)", Dim})
	out := field("requester", name, columns)
	// Everybody is in system:authenticated, which tells nothing of who this is.
	if groups := slices.DeleteFunc(slices.Clone(r.Groups), func(g string) bool { return g == "system:authenticated" }); len(groups) > 0 {
		out = append(out, field("groups", Safe(strings.Join(groups, ", "), Plain), columns)...)
	}
	if r.PodName != "" {
		out = append(out, field("pod", Safe(r.PodName, Plain), columns)...)
	}
	return append(out, claims(s.Agent, columns)...)
}

// claims shows what the agent says of itself as what it is.
func claims(a *v1alpha1.Agent, columns int) []Line {
	if a == nil {
		return field("agent", Line{{"says nothing of itself", Dim}}, columns)
	}
	var said []string
	for _, c := range []struct{ name, value string }{{"name", a.Name}, {"model", a.Model}, {"session", a.Session}, {"invocation", a.Invocation}} {
		if c.value != "" {
			said = append(said, fmt.Sprintf("%s %q", c.name, c.value))
		}
	}
	return field("agent", append(Line{{"claims, unchecked: ", Warning}}, Safe(strings.Join(said, ", "), Plain)...), columns)
}

// Provenance shows the trust, what decided it, and every input.
func Provenance(v v1alpha1.Verdict, inputs []v1alpha1.Input, columns int) []Line {
	trust := Line{{string(v.Trust), trustStyle(v.Trust)}}
	switch {
	case v.TrustReason != "":
		trust = append(append(trust, Span{": ", Plain}), Safe(v.TrustReason, Plain)...)
	case len(inputs) == 0:
		trust = append(trust, Span{", because nothing is said of what drove the code", Plain})
	case v.DecidedBy != "":
		trust = append(trust, Safe(fmt.Sprintf(", because of the input %q", v.DecidedBy), Plain)...)
	}
	out := field("trust", trust, columns)
	for _, in := range inputs {
		text := append(Safe(in.Name, Strong), Span{", from ", Plain})
		text = append(text, Safe(string(in.Origin), Plain)...)
		text = append(text, Span{", ", Plain}, Span{SafeString(string(in.Trust)), trustStyle(in.Trust)})
		if in.ConfigMapRef != nil {
			text = append(text, Safe(", mounted at /inputs/"+in.Name, Plain)...)
		}
		if in.Attestation != "" {
			text = append(text, Span{", with an attestation", Plain})
		}
		if in.Digest != "" {
			text = append(text, Safe(", "+in.Digest, Dim)...)
		}
		out = append(out, field("input", text, columns)...)
	}
	return out
}

func trustStyle(t v1alpha1.Trust) Style {
	switch t {
	case v1alpha1.Trusted:
		return Good
	case v1alpha1.Internal:
		return Plain
	case v1alpha1.Untrusted:
		return Bad
	default:
		return Bad
	}
}

func how(s *v1alpha1.Subject, columns int) []Line {
	out := field("code", Safe(codeInShort(s.Code), Plain), columns)
	if len(s.Args) > 0 {
		out = append(out, field("arguments", Safe(fmt.Sprintf("%q", s.Args), Plain), columns)...)
	}
	for _, e := range s.Env {
		value := ""
		if e.Value != nil {
			value = *e.Value
		}
		out = append(out, field("environment", Safe(fmt.Sprintf("%s=%q", e.Name, value), Plain), columns)...)
	}
	out = append(out, field("limits", Safe(limits(s.Limits), Plain), columns)...)
	out = append(out, field("policy", Safe(s.PolicyName, Plain), columns)...)
	return append(out, field("envelope", Safe(s.EnvelopeDigest, Dim), columns)...)
}

func codeInShort(c v1alpha1.Code) string {
	return fmt.Sprintf("%s, %s", c.Language, count(len(SourceLines(c.Language, strings.TrimRight(c.Source, "\r\n"))), "line"))
}

func limits(l v1alpha1.Limits) string {
	var out []string
	if l.TimeoutSeconds > 0 {
		out = append(out, fmt.Sprintf("%d s", l.TimeoutSeconds))
	}
	if l.CPU != nil {
		out = append(out, l.CPU.String()+" CPU")
	}
	if l.Memory != nil {
		out = append(out, l.Memory.String()+" memory")
	}
	return strings.Join(out, ", ")
}

func decisions(a *v1alpha1.Approval, now time.Time, columns int) []Line {
	out := field("state", Line{{State(a, now), Strong}}, columns)
	if a.Spec.Required > 1 {
		out = append(out, field("needs", Line{{fmt.Sprintf("%d different people", a.Spec.Required), Warning}}, columns)...)
	}
	if len(a.Spec.Checkers) > 0 {
		out = append(out, field("also needs", Safe(strings.Join(a.Spec.Checkers, ", "), Warning), columns)...)
	}
	if g := a.Spec.Grants; g != nil {
		ttl := Age(time.Duration(g.TTLSeconds) * time.Second)
		out = append(out, field("remember", Line{{fmt.Sprintf("at most %s within %s, if all who approve want that", count(int(g.MaxUses), "use"), ttl), Plain}}, columns)...)
	}
	for _, d := range a.Spec.Decisions {
		out = append(out, field("decided", decision(d), columns)...)
	}
	return out
}

func decision(d v1alpha1.ApproverDecision) Line {
	style := Bad
	if d.Verdict == v1alpha1.Approved {
		style = Good
	}
	text := append(Safe(d.Approver, Strong), Span{": ", Plain}, Span{SafeString(string(d.Verdict)), style})
	if without := Without(d.Without); without != "" {
		text = append(text, Safe(" without "+without, Warning)...)
	}
	if d.Remember != nil {
		text = append(text, Span{fmt.Sprintf(", for %s more", count(int(d.Remember.Uses), "time")), Warning})
	}
	if d.Reason != nil && *d.Reason != "" {
		text = append(text, Safe(fmt.Sprintf(", %q", *d.Reason), Plain)...)
	}
	return text
}
