// SPDX-License-Identifier: Apache-2.0

// Package javascript lists the operations of JavaScript and TypeScript for Node.
//
// It assumes a closed world: every free name, module and method is in its
// tables, or it is Unknown. Every reference to a name with an effect is
// reported, whether it is called or not. One way to effects cannot be found by
// name: a property whose key is made at run time may be "constructor", and the
// constructor of a function compiles text. So the package computes what kinds of
// value every expression may have, and reports every call of a value that such a
// key may have reached. docs/gate-javascript.md has the rules.
package javascript

import (
	"bytes"
	"errors"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// Parser names this reader in reports. Its version changes whenever the same
// source may give another report.
const Parser = "airlock-javascript/1"

// maxPasses bounds how often the whole source is evaluated until nothing changes.
const maxPasses = 40

// maxSteps bounds how many expressions are evaluated in all passes.
const maxSteps = 160_000

// analysis is the state of reading one source.
type analysis struct {
	known *knowledge
	out   *report.Builder
	*binder
	state
	// report is set in the last pass, which reports.
	reporting bool
	changed   bool
	strict    bool
	module    bool
	// moved is set when the code changes the working directory.
	moved bool
	// inherits is set when a function may have become the prototype of an object, by a
	// store under a key made at run time.
	inherits bool
	// polluted is set when a store may change a prototype that all objects share.
	polluted bool
	// readMethods are names of methods that are read and not only called; allRead is set
	// when any of them may be.
	readMethods set
	allRead     bool
	// storesGlobal is set when code may store into the global object, and keyedGlobal
	// when it does so under names that are not known.
	storesGlobal, keyedGlobal bool
	// hasInstance is set when the code may say what instanceof does.
	hasInstance bool
	// hasMaps is set when the code may make a Map or a Set.
	hasMaps bool
	// steps counts expressions that were evaluated.
	steps int
	// fn is the function that is being evaluated, and scope the scope.
	fn   *callable
	self value
	// inFunction is set in functions that have arguments of their own; elsewhere those are of the loader.
	inFunction bool
	program    *scope
	// choice says which call of a function folding takes the arguments from, and
	// chosen the function with several calls that was met.
	choice int
	chosen *callable
}

// Tables names the version of the tables in use.
func Tables() string { return world().version }

// Read lists the operations of source, which is in JavaScript or TypeScript.
func Read(lang report.Language, source []byte) *report.Report {
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	known := world()
	out := report.NewBuilder(lang, Parser, known.version, source)
	file, err := syntax.Parse(source, lang == report.TypeScript)
	if err != nil {
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			out.Fail(bad.Offset, bad.Message)
			if bad.Limit != "" {
				out.Limit(bad.Limit)
			}
		} else {
			out.Fail(0, err.Error())
		}
		return out.Report()
	}
	for _, o := range file.Oddities {
		out.Add(o.Offset, o.Offset+1, report.Operation{Kind: report.Unknown, Form: report.FormReference, Name: "source", Reason: o.Message})
	}
	analyse(file, known, out)
	return out.Report()
}

func analyse(file *syntax.File, known *knowledge, out *report.Builder) {
	b := &binder{scopes: map[*syntax.Node]*scope{}, callables: map[*syntax.Node]*callable{}, methods: map[string][]*callable{}, accessors: map[string][]*callable{}, defined: set{}, mutable: map[string]int{},
		mentions: map[string]int{}, bases: map[string]int{}}
	program := &scope{function: true, variables: map[string]*variable{}}
	b.each(file.Body, program)
	a := &analysis{
		known: known, out: out, binder: b, strict: file.Strict, module: file.Module, program: program,
		readMethods: set{}, state: state{properties: map[string]*kinds{}},
	}
	b.implicit(known, program)
	a.prepare()
	a.prepareHooks()
	for range maxPasses {
		a.changed = false
		a.pass(file)
		if a.steps > maxSteps {
			break
		}
		if !a.changed {
			a.reporting = true
			if a.pass(file); a.steps > maxSteps {
				break
			}
			return
		}
	}
	out.Limit("passes")
}

func (a *analysis) pass(file *syntax.File) {
	a.self = of(data)
	if !a.module {
		a.self = of(data | global) // a script that Node reads from its input
	}
	a.statements(file.Body, a.program)
	if a.usesArguments {
		a.grow(&a.elements, a.arguments)
	}
}

// implicit binds names that are assigned without a declaration: sloppy code makes globals of them.
func (b *binder) implicit(known *knowledge, program *scope) {
	for _, x := range b.assigned {
		if v := x.scope.lookup(x.node.Text); v != nil {
			v.bindings++
		} else if !known.isGlobal(x.node.Text) {
			program.bind(x.node.Text).bindings++
		}
	}
}
