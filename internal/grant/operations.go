// SPDX-License-Identifier: Apache-2.0

package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/gate"
)

// Bounds of the schema. What is larger is not remembered.
const (
	maxOperations = 128
	maxText       = 2048 // bytes
)

// Operations writes operations out so that two are equal only where they do the
// same to the same things. It returns false where one of them cannot be: an
// argument is computed, or the operation is not known.
//
// An SQL program is bound as a whole, because "DELETE FROM a" and "DELETE FROM a
// WHERE id = 1" have the same verb and the same table. That holds where only its
// credentials are asked about, too: they go to every statement.
func Operations(asked []gate.Operation, code v1alpha1.Code) ([]string, bool) {
	var texts []string
	for i := range asked {
		text, ok := text(&asked[i])
		if !ok || len(text) > maxText {
			return nil, false
		}
		texts = append(texts, text)
	}
	if code.Language == v1alpha1.SQL {
		sum := sha256.Sum256([]byte(code.Source))
		texts = append(texts, "SQL source sha256="+hex.EncodeToString(sum[:]))
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	return texts, len(texts) <= maxOperations
}

// plainName keeps a name from looking like an argument.
var plainName = regexp.MustCompile(`^[^\s="]{1,256}$`)

// text is one operation: language, kind, name and its arguments, quoted as in Go.
func text(op *gate.Operation) (string, bool) {
	if !complete(op) || !plainName.MatchString(op.Name) {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", op.Language, op.Kind, op.Name)
	for _, arg := range []struct {
		name string
		fact *gate.Fact
	}{{"path", op.Args.Path}, {"host", op.Args.Host}, {"sql", op.Args.SQL}, {"table", op.Args.Table}} {
		if arg.fact == nil {
			continue
		}
		if arg.fact.Known != gate.FactLiteral {
			return "", false
		}
		fmt.Fprintf(&b, " %s=%q", arg.name, arg.fact.Value)
	}
	if op.Args.Verb != "" {
		fmt.Fprintf(&b, " verb=%q", op.Args.Verb)
	}
	for _, word := range op.Args.Argv {
		if word.Known != gate.FactLiteral {
			return "", false
		}
		fmt.Fprintf(&b, " argv=%q", word.Value)
	}
	return b.String(), true
}

// complete says whether the report has what makes the operation what it is. A
// name that is only mentioned can be called with anything.
func complete(op *gate.Operation) bool {
	called := op.Form == gate.FormCall
	switch op.Kind {
	case gate.KindImport, gate.KindCompute:
		return true
	case gate.KindFileRead, gate.KindFileWrite, gate.KindFileDelete, gate.KindNetwork, gate.KindProcess, gate.KindSQL:
		return called && hasTarget(op)
	case gate.KindEnvironment:
		// A report does not tell reading a variable from setting it, and has no value:
		// GIT_SSH_COMMAND is a command line.
		return false
	case gate.KindDynamic, gate.KindUnknown:
		fallthrough
	default:
		return false
	}
}

// hasTarget says whether the report names what an effect is done to.
func hasTarget(op *gate.Operation) bool {
	switch op.Kind {
	case gate.KindNetwork:
		return op.Args.Host != nil
	case gate.KindProcess:
		return len(op.Args.Argv) > 0
	case gate.KindSQL:
		return op.Args.SQL != nil || op.Language == gate.SQL
	default:
		return op.Args.Path != nil
	}
}
