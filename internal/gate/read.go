// SPDX-License-Identifier: Apache-2.0

// Package gate reads source code that an agent wrote and lists every operation
// that the code can perform. It judges nothing: internal/policy does.
//
// The gate assumes a closed world. References are reported, not only calls, and
// whatever is not provably inside the known world is an operation of kind
// Unknown. The package is pure: no I/O, no clock, no goroutine.
package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/airlock-dev/airlock/internal/gate/bash"
	"github.com/airlock-dev/airlock/internal/gate/javascript"
	"github.com/airlock-dev/airlock/internal/gate/python"
	"github.com/airlock-dev/airlock/internal/gate/sql"
)

// MaxSourceBytes is the largest source that is read at all.
const MaxSourceBytes = 256 << 10

// Code is source in one language.
type Code struct {
	Language Language
	// Dialect is the grammar of SQL source; other languages have none.
	Dialect Dialect
	Source  []byte
}

// Read lists the operations of code, and of the code in other languages that is
// embedded in it. It never panics and never returns nil; a language without a
// reader gives a Report with an Error.
func Read(code Code) *Report {
	r := readOne(code)
	(&embedding{}).expand(r, code.Source, 1)
	return r
}

// Inventory gives the digest of the libraries that code in a language has to run
// with, "" where the gate's tables depend on none: see report.Report.
func Inventory(lang Language) string {
	if lang == Python {
		return python.Inventory()
	}
	return ""
}

// readOne reads code without what is embedded in it.
func readOne(code Code) (r *Report) {
	lang, source := code.Language, code.Source
	sum := sha256.Sum256(source)
	digest := hex.EncodeToString(sum[:])
	defer func() {
		if p := recover(); p != nil {
			r = &Report{Language: lang, Error: &ReadError{Message: fmt.Sprintf("the reader failed: %v", p)}}
		}
		r.SourceSHA256 = digest
	}()
	if len(source) > MaxSourceBytes {
		return &Report{Language: lang, Limits: []string{"size"}, Error: &ReadError{Message: fmt.Sprintf("the source has %d bytes; at most %d are read", len(source), MaxSourceBytes)}}
	}
	switch lang {
	case Python:
		r = python.Read(source)
		r.Inventory = Inventory(lang)
		return r
	case Bash:
		return bash.Read(source)
	case JavaScript, TypeScript:
		return javascript.Read(lang, source)
	case SQL:
		return sql.Read(code.Dialect, source)
	default:
		return &Report{Language: lang, Error: &ReadError{Message: fmt.Sprintf("no reader for %q", lang)}}
	}
}
