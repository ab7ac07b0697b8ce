// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
)

// engine is PostgreSQL's own lexer and grammar in WebAssembly. Its first use
// compiles it: seconds of time and some 260 MB, of which all but a few are
// garbage afterwards. Each concurrent use would compile another one, so there
// is one at a time.
type engine struct {
	mu     sync.Mutex
	loaded bool
	// broken is set when the grammar crashed. Its memory may be damaged then,
	// and it would read later sources wrongly: nothing is read any more.
	broken bool
}

// postgres is not loaded before the first source in its dialect.
var postgres engine

var errBroken = errors.New("the PostgreSQL grammar crashed earlier; nothing is read until the process starts anew")

// scan gives the tokens of source.
func (e *engine) scan(source string) (tokens []*pganalyze.ScanToken, err error) {
	err = e.run(func() error {
		result, err := pgquery.Scan(source)
		tokens = result.GetTokens()
		return err
	})
	return tokens, err
}

// parse gives the syntax tree of source.
func (e *engine) parse(source string) (tree *pganalyze.ParseResult, err error) {
	err = e.run(func() error {
		tree, err = pgquery.Parse(source)
		return err
	})
	return tree, err
}

func (e *engine) run(use func() error) (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken {
		return errBroken
	}
	defer func() {
		if p := recover(); p != nil {
			e.broken = true
			err = fmt.Errorf("the PostgreSQL grammar crashed: %v", p)
		}
	}()
	err = use()
	if !e.loaded {
		e.loaded = true
		debug.FreeOSMemory() // what compiling left behind
	}
	return err
}

// inUse reports whether the grammar has been loaded.
func (e *engine) inUse() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.loaded
}
