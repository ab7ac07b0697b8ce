// SPDX-License-Identifier: Apache-2.0

package approval

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// maxChanges bounds the diff in an Approval, in bytes; the schema has the same.
const maxChanges = 64 << 10

const cutOff = "... cut off here\n"

// maxObject bounds code and diff together as JSON spells them, in bytes: etcd
// takes 1.5 MiB, and JSON may write six bytes for one character.
const maxObject = 1 << 20

// AddChanges sets what differs between the code of a subject and that of an
// earlier one, as a unified diff. The code is an agent's: a diff that is cut off
// says so in its last line, because the agent chooses what comes first.
func AddChanges(subject, earlier *v1alpha1.Subject) {
	diff, err := udiff.ToUnified(earlier.RequestRef.Name, subject.RequestRef.Name, earlier.Code.Source,
		udiff.Lines(earlier.Code.Source, subject.Code.Source), udiff.DefaultContextLines)
	if err != nil || diff == "" {
		return
	}
	if limit := min(maxChanges, maxObject-encodedSize(subject.Code.Source)); encodedSize(diff) > limit {
		diff = cut(diff, limit-len(cutOff)) + cutOff
	}
	subject.Changes, subject.ChangesFrom = diff, earlier.RequestRef.Name
}

// cut keeps the whole lines at the start that fit.
func cut(diff string, limit int) string {
	end := 0
	for line := range strings.Lines(diff) {
		if limit -= encodedSize(line); limit < 0 {
			break
		}
		end += len(line)
	}
	return diff[:end]
}

// encodedSize is the size of a text in JSON. What cannot be encoded has none that fits.
func encodedSize(text string) int {
	encoded, err := json.Marshal(text)
	if err != nil {
		return math.MaxInt
	}
	return len(encoded)
}
