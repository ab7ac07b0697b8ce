// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// prompt asks for a reason, and for the name of the request where more than one
// person has to agree: that is how a policy marks what destroys.
type prompt struct {
	verdict  v1alpha1.ApprovalVerdict
	approval *v1alpha1.Approval
	reason   string
	typed    []rune
	asked    int
}

// maxReason is the bound of the schema.
const maxReason = 1024

func (p *prompt) add(text string) {
	for _, r := range text {
		if r == '\n' || r == '\t' {
			r = ' '
		}
		if !hiddenRune(r) && len(p.typed) < maxReason {
			p.typed = append(p.typed, r)
		}
	}
}

func (p *prompt) remove() {
	if len(p.typed) > 0 {
		p.typed = p.typed[:len(p.typed)-1]
	}
}

func (p *prompt) clear() { p.typed = nil }

func (p *prompt) confirms() bool {
	return p.verdict == v1alpha1.Approved && p.approval.Spec.Required > 1
}

func (p *prompt) done() bool { return p.asked == 2 || p.asked == 1 && !p.confirms() }

// next takes what was typed as the answer to the present question, or says why it is none.
func (p *prompt) next() string {
	text := strings.TrimSpace(string(p.typed))
	switch {
	case p.asked == 0 && text == "":
		return "Say why, for the record."
	case p.asked == 0:
		p.reason = text
	case text != p.approval.Spec.Subject.RequestRef.Name:
		p.typed = nil
		return fmt.Sprintf("That is not the name of the request, %s.", p.approval.Spec.Subject.RequestRef.Name)
	}
	p.asked, p.typed = p.asked+1, nil
	return ""
}

// question is what the prompt asks now.
func (p *prompt) question() string {
	if p.asked == 0 {
		return map[v1alpha1.ApprovalVerdict]string{v1alpha1.Approved: "Approve", v1alpha1.Denied: "Deny", v1alpha1.Revoked: "Revoke"}[p.verdict] + ", because: "
	}
	return fmt.Sprintf("%d people have to agree to this. Type %s to approve: ", p.approval.Spec.Required, p.approval.Spec.Subject.RequestRef.Name)
}
