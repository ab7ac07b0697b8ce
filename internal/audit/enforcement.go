// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// PolicyRecord records what a policy is now, and the digest that it had before:
// "" where it is new.
func PolicyRecord(pol *v1alpha1.ExecutionPolicy, was string, at time.Time) Record {
	a := activity{3, "Update"}
	if was == "" {
		a = activity{1, "Create"}
	}
	details := &PolicyDetails{Digest: pol.Status.Digest, WasDigest: was, Generation: pol.Generation}
	if c := meta.FindStatusCondition(pol.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		details.Ready, details.Reason = string(c.Status), c.Reason
	}
	e := newEvent(entityManagement, a, medium, success, fmt.Sprintf("policy %s is now %s, Ready=%s", pol.Name, pol.Status.Digest, details.Ready))
	e.Unmapped.Policy = details
	return policyRecord(pol.Name, string(pol.UID), fmt.Sprintf("%d/%s/%s", pol.Generation, details.Ready, strings.TrimPrefix(pol.Status.Digest, "sha256:")), at, e)
}

// PolicyGoneRecord records that a policy does not exist any more.
func PolicyGoneRecord(name string, at time.Time) Record {
	e := newEvent(entityManagement, activity{4, "Delete"}, medium, success, fmt.Sprintf("policy %s is gone", name))
	e.Unmapped.Policy = &PolicyDetails{}
	return policyRecord(name, "", "gone/"+at.UTC().Format(time.RFC3339), at, e)
}

func policyRecord(name, uid, id string, at time.Time, e Event) Record {
	e.Time = at.UnixMilli()
	e.Entity = &Entity{Name: name, Type: "ExecutionPolicy", UID: uid, Version: e.Unmapped.Policy.Digest}
	return Record{ID: "policy/" + name + "/" + uid + "/" + id, Type: PolicyChanged, Subject: "executionpolicy/" + name, Time: at, Event: e}
}

// PreflightRecord records that the enforcement is not what it must be, or, without
// problems, that it is again.
func PreflightRecord(problems []string, at time.Time) Record {
	t, a, s, o, message := PreflightBack, activity{3, "Close"}, medium, success, "everything that launches lean on stands"
	if len(problems) > 0 {
		t, a, s, o, message = PreflightLost, activity{1, "Create"}, high, failure, fmt.Sprintf("launches stop: %s", problems[0])
	}
	e := newEvent(complianceFinding, a, s, o, message)
	e.Time = at.UnixMilli()
	e.FindingInfo = &Finding{Title: "Airlock preflight", UID: "airlock-preflight"}
	e.Compliance = &Compliance{Control: "preflight", Standards: []string{"Airlock"}, Status: map[outcome]string{success: "Pass", failure: "Fail"}[o], StatusID: map[outcome]int{success: 1, failure: 3}[o]}
	var short []string
	for _, p := range problems {
		short = append(short, text(p, maxMessage))
	}
	e.Unmapped.Preflight = &PreflightDetails{Problems: texts(short, MaxBytes/3)}
	id := fmt.Sprintf("preflight/%s/%s", e.Status, at.UTC().Format(time.RFC3339Nano))
	return Record{ID: id, Type: t, Subject: "preflight", Time: at, Event: e}
}
