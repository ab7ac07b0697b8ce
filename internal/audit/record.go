// SPDX-License-Identifier: Apache-2.0

// Package audit makes the records of the audit log: what happened to a request,
// a policy or the enforcement, as a CloudEvent whose data follows OCSF, in
// canonical bytes. docs/spec/audit.md describes them. The package is pure; it
// takes objects and returns values, and it never sees the value of a credential.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/gowebpki/jcs"
)

// MaxBytes bounds the canonical bytes of a record. An entry of a tiled log has
// at most 65,535 (https://c2sp.org/tlog-tiles).
const MaxBytes = 60_000

// Type is the CloudEvents type of a record: the closed set of what is recorded.
type Type string

const (
	// Submitted: a request was seen for the first time, with its code.
	Submitted Type = "dev.airlock.request.submitted.v1"
	// Judged: the gate and the policy reached a verdict.
	Judged Type = "dev.airlock.request.judged.v1"
	// ApprovalRequested: people were asked.
	ApprovalRequested Type = "dev.airlock.approval.requested.v1"
	// Decided: one approver decided.
	Decided Type = "dev.airlock.approval.decided.v1"
	// Launch: the pod is about to be created. It is in the log before the pod exists.
	Launch Type = "dev.airlock.request.launch.v1"
	// Observed: the pod was created, as the API server admitted it.
	Observed Type = "dev.airlock.request.observed.v1"
	// Refused: the request ended without a run.
	Refused Type = "dev.airlock.request.refused.v1"
	// Finished: the run ended.
	Finished Type = "dev.airlock.request.finished.v1"
	// PolicyChanged: an ExecutionPolicy is new, changed, gone, or judges otherwise.
	PolicyChanged Type = "dev.airlock.policy.changed.v1"
	// PreflightLost: something that the promises lean on is missing; launches stop.
	PreflightLost Type = "dev.airlock.preflight.lost.v1"
	// PreflightBack: everything stands again.
	PreflightBack Type = "dev.airlock.preflight.back.v1"
)

// Record is one entry of the log, before it is encoded.
type Record struct {
	// ID says what is recorded: two records with the same ID tell the same event,
	// the second one after a crash. It is the CloudEvents id.
	ID string
	// Type is what happened.
	Type Type
	// Subject is what it happened to: namespace/name/uid of a request, or a name.
	Subject string
	// Time is when it happened, or when the operator saw it.
	Time time.Time
	// Event is the data.
	Event Event
	// Content are texts that are too long for the record, which names their
	// digests. They are stored beside the log, before the record.
	Content []Content
}

// Content is a text that a record names by its digest.
type Content struct {
	// SHA256 in hex.
	SHA256 string
	// Bytes that have this digest.
	Bytes []byte
}

// NewContent computes the digest of a text.
func NewContent(text string) Content {
	return Content{SHA256: hexSHA256([]byte(text)), Bytes: []byte(text)}
}

// Canonical returns the record as it is logged: a CloudEvent in JSON's
// structured mode, in the canonical form of RFC 8785. source is the origin of
// the log.
func (r *Record) Canonical(source string) ([]byte, error) {
	e := cloudevents.New(cloudevents.CloudEventsVersionV1)
	e.SetID(r.ID)
	e.SetSource(source)
	e.SetType(string(r.Type))
	e.SetSubject(r.Subject)
	e.SetTime(r.Time.UTC().Truncate(time.Millisecond))
	if err := e.SetData(cloudevents.ApplicationJSON, r.Event); err != nil {
		return nil, fmt.Errorf("encode the data of record %s: %w", r.ID, err)
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("record %s is no CloudEvent: %w", r.ID, err)
	}
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode record %s: %w", r.ID, err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return nil, fmt.Errorf("make record %s canonical: %w", r.ID, err)
	}
	if len(canonical) > MaxBytes {
		return nil, fmt.Errorf("record %s has %d bytes, more than %d", r.ID, len(canonical), MaxBytes)
	}
	return canonical, nil
}

// Digest is "sha256:" and the SHA-256, in hex, of a value in canonical JSON.
func Digest(value any) (string, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	canonical, err := jcs.Transform(encoded)
	if err != nil {
		return "", fmt.Errorf("make canonical: %w", err)
	}
	return "sha256:" + hexSHA256(canonical), nil
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
