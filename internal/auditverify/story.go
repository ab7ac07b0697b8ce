// SPDX-License-Identifier: Apache-2.0

package auditverify

import (
	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/audit"
)

// story is what the log tells of one request.
type story struct {
	uid     string
	entries []Entry

	// What was told so far.
	submitted, judged, launched, ended bool
	verdict                            *audit.JudgedDetails
	required                           int
	approved                           map[string]bool
	launch                             *audit.LaunchDetails
}

// checkStories requires of every request that its records are there and in an
// order in which they can have happened. What is told twice, after a crash, is
// one event.
func (v *verifier) checkStories() {
	for _, uid := range v.order {
		s := v.stories[uid]
		s.approved = map[string]bool{}
		v.result.Requests++
		told := map[string]bool{}
		for _, e := range s.entries {
			if told[e.Event.ID] {
				continue
			}
			told[e.Event.ID] = true
			if why := s.tell(e); why != "" {
				v.result.add(Story, &e.Index, uid, "record %d: %s", e.Index, why)
			}
		}
		if !s.ended {
			v.result.Open = append(v.result.Open, uid)
		}
	}
	if v.opts.Request != "" && len(v.order) == 0 {
		v.result.add(Story, nil, v.opts.Request, "no record is about request %s", v.opts.Request)
	}
}

// tell takes the next record, and says what is missing before it.
func (s *story) tell(e Entry) string {
	d := e.Event.Data.Unmapped
	if !s.submitted && e.Event.Type != audit.Submitted && d.End == nil {
		s.submitted = true // said once
		return "the submission of the request is missing before it"
	}
	switch e.Event.Type {
	case audit.Submitted:
		s.submitted = true
		return ""
	case audit.PolicyChanged, audit.PreflightLost, audit.PreflightBack:
		return "it is not about a request"
	default:
		return s.tellStep(e.Event.Type, d)
	}
}

// tellStep takes a record of what was done about the request.
func (s *story) tellStep(what audit.Type, d audit.Details) string {
	switch what {
	case audit.Judged:
		return s.tellVerdict(d.Judged)
	case audit.ApprovalRequested:
		return s.tellAsked(d.Asked)
	case audit.Decided:
		return s.tellDecision(d.Decided)
	case audit.Launch:
		return s.tellLaunch(d.Launch)
	case audit.Observed:
		return s.tellObserved(d.Observed)
	case audit.Refused, audit.Finished:
		return s.tellEnd(what, d.End)
	default:
		return "its type is not known"
	}
}

func (s *story) tellVerdict(d *audit.JudgedDetails) string {
	if d == nil {
		return "it has no verdict"
	}
	s.judged, s.verdict = true, d
	return ""
}

func (s *story) tellAsked(d *audit.AskedDetails) string {
	if d == nil || s.verdict == nil || s.verdict.Decision != v1alpha1.RequireApproval {
		return "people were asked without a verdict that asks for them"
	}
	s.required = int(d.Required)
	return ""
}

func (s *story) tellDecision(d *audit.DecidedDetails) string {
	if d == nil || s.verdict == nil || d.EnvelopeDigest != s.verdict.EnvelopeDigest {
		return "the decision is about something else than what was judged"
	}
	s.approved[d.Decision.Approver] = d.Decision.Verdict == v1alpha1.Approved
	return ""
}

// tellLaunch is the rule that all others serve: what runs was judged, and agreed to.
func (s *story) tellLaunch(d *audit.LaunchDetails) string {
	s.launched, s.launch = true, d
	switch {
	case d == nil:
		return "it does not say what was launched"
	case s.verdict == nil:
		return "it was launched, and no verdict is recorded before"
	case d.EnvelopeDigest != s.verdict.EnvelopeDigest:
		return "what was launched is not what was judged: the envelopes differ"
	case s.verdict.Decision == v1alpha1.Allow:
		return ""
	case s.verdict.Decision != v1alpha1.RequireApproval:
		return "it was launched although the verdict is " + string(s.verdict.Decision)
	}
	return s.agreed(d)
}

// agreed requires the approvals that were asked for.
func (s *story) agreed(d *audit.LaunchDetails) string {
	approvals := 0
	for _, yes := range s.approved {
		if yes {
			approvals++
		}
	}
	switch {
	case d.GrantName != "":
		return "" // the decisions that made the grant belong to an earlier request
	case d.Approval == nil:
		return "it was launched without an approval, which the verdict asks for"
	case s.required == 0:
		return "it was launched with an approval that nobody is recorded to have been asked for"
	case approvals < s.required:
		return "it was launched before enough approvals are recorded"
	default:
		return ""
	}
}

func (s *story) tellObserved(d *audit.ObservedDetails) string {
	switch {
	case d == nil || !s.launched:
		return "a pod ran, and no launch is recorded before"
	case s.launch != nil && d.EnvelopeDigest != s.launch.EnvelopeDigest:
		return "the pod that ran is not the one that was launched: the envelopes differ"
	default:
		return ""
	}
}

func (s *story) tellEnd(t audit.Type, d *audit.EndDetails) string {
	s.ended = true
	switch {
	case d == nil:
		return "it does not say how the request ended"
	case !s.submitted:
		return "the request ended, and its submission is not recorded before"
	case t == audit.Finished && !s.launched:
		return "a run ended, and no launch is recorded before"
	default:
		return ""
	}
}
