// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// reference is the approval protocol once more, as short as it can be said. It
// shares no code with the operator or the admission policies.
type reference struct {
	bot string
	// current is the policy in force, by its content and digest.
	current variant
	digest  string

	requests  map[string]*request  // by UID
	approvals map[string]*question // by name
	grants    map[string]*memory   // by name
}

type request struct {
	uid, name, who, agent string
	source                source
	egress                []v1alpha1.EgressTarget
	credentials           []string
	gone, launched        bool
	// excuses are why it may end without a launch.
	excuses map[string]bool
}

func (r *request) asks() bool {
	return len(r.source.asks) > 0 || slices.Contains(r.credentials, credentials[0])
}

// question is an Approval.
type question struct {
	request   *request
	terms     variant
	digest    string
	required  int32
	expiresAt time.Time
	decisions map[string]decision
	// used is set when the operator wrote Consumed.
	used bool
	last v1alpha1.ApprovalState
}

type decision struct {
	verdict  v1alpha1.ApprovalVerdict
	without  *v1alpha1.Narrowing
	remember *v1alpha1.Remembrance
}

// memory is an ExecutionGrant.
type memory struct {
	request     *request // whose approval was remembered
	digest      string
	approvals   int32
	egress      []v1alpha1.EgressTarget
	credentials []string
	uses        int32
	expiresAt   time.Time
	withdrawn   bool
}

func (ref *reference) required(req *request) int32 {
	n := ref.current.required
	if len(req.source.asks) > 0 {
		n = max(n, ref.current.ruleApprovals)
	}
	return n
}

// accepts says whether a decision is to be accepted, and whether it is to be
// recorded: a repetition is accepted and changes nothing.
func (ref *reference) accepts(who string, q *question, state v1alpha1.ApprovalState, d decision, now time.Time) (accepted, recorded bool) {
	own, has := q.decisions[who]
	if has && reflect.DeepEqual(own, d) {
		return true, false
	}
	fits := ref.mayDecide(who, q) && q.open(state, now) && follows(own, has, d) && q.allows(d)
	return fits, fits
}

// mayDecide: approvers, never on their own requests, and the bot where the policy wants it.
func (ref *reference) mayDecide(who string, q *question) bool {
	if who == ref.bot {
		return q.terms.serviceAccounts || q.terms.checker
	}
	return who != Stranger && who != q.request.who
}

func (q *question) open(state v1alpha1.ApprovalState, now time.Time) bool {
	return slices.Contains([]v1alpha1.ApprovalState{"", v1alpha1.ApprovalPending, v1alpha1.ApprovalApproved}, state) && now.Before(q.expiresAt)
}

// follows: a first decision is no revocation, and only an approval can be followed, by its revocation.
func follows(own decision, has bool, d decision) bool {
	if !has {
		return d.verdict != v1alpha1.Revoked
	}
	return own.verdict == v1alpha1.Approved && d.verdict == v1alpha1.Revoked
}

// allows: only an approval takes away or remembers, what is asked for and within the terms.
func (q *question) allows(d decision) bool {
	if d.verdict != v1alpha1.Approved {
		return d.without == nil && d.remember == nil
	}
	if w := d.without; w != nil && !(contained(w.Egress, q.request.egress) && contained(w.Credentials, q.request.credentials)) {
		return false
	}
	terms := q.terms.grants
	return d.remember == nil || terms != nil && d.remember.Uses <= terms.MaxUses && d.remember.TTLSeconds <= terms.TTLSeconds
}

func contained[T comparable](some, all []T) bool {
	return !slices.ContainsFunc(some, func(t T) bool { return !slices.Contains(all, t) })
}

// tally counts who agreed: people, and whether the checker did.
func (ref *reference) tally(q *question) (people int32, checked bool) {
	for who, d := range q.decisions {
		switch {
		case d.verdict != v1alpha1.Approved:
		case who == ref.bot && q.terms.checker:
			checked = true
		default:
			people++
		}
	}
	return people, checked || !q.terms.checker
}

// permits says why the approval does not permit a launch now, nil where it does.
func (ref *reference) permits(q *question, now time.Time) error {
	for who, d := range q.decisions {
		if d.verdict == v1alpha1.Denied {
			return fmt.Errorf("%s denied it", who)
		}
	}
	people, checked := ref.tally(q)
	switch {
	case people < ref.required(q.request):
		return fmt.Errorf("%d people agreed, %d have to", people, ref.required(q.request))
	case !checked:
		return fmt.Errorf("the checker did not agree")
	case !now.Before(q.expiresAt):
		return fmt.Errorf("it expired at %s", q.expiresAt)
	case q.digest != ref.digest:
		return fmt.Errorf("the policy is not the one that was judged by")
	default:
		return nil
	}
}

// left is what an approved request runs with.
func (q *question) left() (egress []v1alpha1.EgressTarget, credentials []string) {
	egress, credentials = slices.Clone(q.request.egress), slices.Clone(q.request.credentials)
	for _, d := range q.decisions {
		if d.verdict == v1alpha1.Approved && d.without != nil {
			egress = slices.DeleteFunc(egress, func(t v1alpha1.EgressTarget) bool { return slices.Contains(d.without.Egress, t) })
			credentials = slices.DeleteFunc(credentials, func(c string) bool { return slices.Contains(d.without.Credentials, c) })
		}
	}
	return egress, credentials
}

// use is the operator's Consumed. Where everybody remembers, a grant follows.
func (ref *reference) use(name string, q *question, now time.Time) error {
	if q.used {
		return fmt.Errorf("approval %s is used twice", name)
	}
	if err := ref.permits(q, now); err != nil {
		return fmt.Errorf("approval %s is used though %w", name, err)
	}
	q.used = true
	uses, ttl := int32(1<<30), int32(1<<30)
	for _, d := range q.decisions {
		if d.verdict != v1alpha1.Approved {
			continue
		}
		if d.remember == nil {
			return nil
		}
		uses, ttl = min(uses, d.remember.Uses), min(ttl, d.remember.TTLSeconds)
	}
	if q.request.source.computed {
		return nil
	}
	people, _ := ref.tally(q)
	m := &memory{request: q.request, digest: q.digest, approvals: people, uses: uses, expiresAt: now.Add(time.Duration(ttl) * time.Second)}
	m.egress, m.credentials = q.left()
	ref.grants[name] = m
	return nil
}

// covers says why a grant does not cover a request, nil where it does.
func (ref *reference) covers(m *memory, req *request, now time.Time) error {
	switch {
	case m.withdrawn:
		return fmt.Errorf("it was withdrawn")
	case !now.Before(m.expiresAt):
		return fmt.Errorf("it expired at %s", m.expiresAt)
	case m.digest != ref.digest:
		return fmt.Errorf("the policy changed")
	case m.request.who != req.who, m.request.agent != req.agent:
		return fmt.Errorf("it is for another requester or agent")
	case req.source.computed, !contained(req.source.asks, m.request.source.asks):
		return fmt.Errorf("it does not name every operation")
	case !contained(req.egress, m.egress), !contained(req.credentials, m.credentials):
		return fmt.Errorf("it does not name every destination and credential")
	case m.approvals < ref.required(req):
		return fmt.Errorf("%d people gave it, %d are needed", m.approvals, ref.required(req))
	default:
		return nil
	}
}
