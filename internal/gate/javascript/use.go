// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/javascript/syntax"
	"github.com/airlock-dev/airlock/internal/gate/report"
)

// use is one use of something known by its dotted name.
type use struct {
	name string
	node *syntax.Node
	form report.Form
	// list are the arguments of a call, and passed what they may be.
	list   []*syntax.Node
	passed passed
	scope  *scope
}

// mapLike make objects whose forEach does not pass an index.
var mapLike = set{"Map": {}, "Set": {}, "WeakMap": {}, "URL": {}, "URLSearchParams": {}, "Headers": {}, "FormData": {}, "Map.groupBy": {}, "Response": {}, "Request": {}, "fetch": {}}

// use reports a dotted name, and gives the kinds of its value, or of its result if it is called.
func (a *analysis) use(u use) kinds {
	if mapLike.has(u.name) && !a.hasMaps {
		a.hasMaps, a.changed = true, true
	}
	a.noteHooks(u)
	if k, ok := a.special(u); ok {
		return k
	}
	if effects := a.known.effectsOf(u.name); effects != nil {
		return a.effects(u, effects)
	}
	p, known := a.known.pure[u.name]
	switch {
	case known:
		a.report(u.node, report.Operation{Kind: report.Compute, Form: u.form, Name: u.name, Core: a.isCore(u.name)})
		if u.form != report.FormCall && p.form != "value" {
			return builtin
		}
		if p.form == "value" && a.known.namespaces.has(u.name) {
			return p.result | builtin // Math, JSON, console: functions in an object
		}
		return p.result
	case a.known.modules.has(u.name) || a.known.namespaces.has(u.name):
		a.unknown(u.node, u.name, u.form, "the module itself is used as a value, which hides what is reached through it")
	default:
		a.unknown(u.node, u.name, u.form, "the name is not bound in the code, and not one of the globals and modules that are known to be without effects")
	}
	return hot
}

// noteHooks notes names that let the language or Node call functions of the source
// in ways of their own: with functions of Node, or with the left side of instanceof.
func (a *analysis) noteHooks(u use) {
	head, _, _ := strings.Cut(u.name, ".")
	switch {
	case u.name == "Symbol.hasInstance":
		if !a.hasInstance {
			a.hasInstance, a.changed = true, true
		}
	case u.name == "Promise" && len(u.list) > 0 && u.list[0].Kind == syntax.Function:
	case head == "stream", head == "readline", u.name == "Promise", slices.Contains([]string{"Symbol.for", "util.inspect.custom", "util.promisify", "util.callbackify", "util.debuglog"}, u.name):
		a.native()
	}
}

// isCore reports whether a name belongs to the language and not to a module that is loaded.
func (a *analysis) isCore(name string) bool {
	head, _, _ := strings.Cut(name, ".")
	return !a.known.modules.has(head) || head == "process" || head == "console"
}

// special handles the names with rules of their own.
func (a *analysis) special(u use) (kinds, bool) {
	head, rest, _ := strings.Cut(u.name, ".")
	switch {
	case u.name == "exports", u.name == "module.exports", head == "exports", strings.HasPrefix(u.name, "module.exports."):
		return a.exported(u), true
	case strings.HasPrefix(u.name, "process.env."):
		name, _, _ := strings.Cut(rest[len("env."):], ".")
		a.report(u.node, report.Operation{
			Kind: report.Environment, Form: u.form, Name: "process.env",
			Args: report.Args{Env: &report.Fact{Known: report.Literal, Value: name}},
		})
		return unknownData, true
	}
	return 0, false
}

// exported is a use of what the code exports, which are its own values.
func (a *analysis) exported(u use) kinds {
	a.report(u.node, report.Operation{Kind: report.Compute, Form: u.form, Name: "module.exports", Core: true})
	k := a.any()
	for part := range strings.SplitSeq(u.name, ".") {
		if a.checkName(u.node, part, report.FormAttribute) {
			return hot
		}
	}
	if u.form != report.FormCall {
		return k
	}
	if k.has(hot) {
		a.unknown(u.node, u.name, u.form, "the function may be one that compiles text, reached by a key made at run time")
	}
	a.grow(&a.arguments, u.passed.all)
	a.escapeMethods()
	return a.results | unknownData
}

// callName calls something known by its dotted name.
func (a *analysis) callName(n *syntax.Node, name string, list []*syntax.Node, s *scope) value {
	if name == "require" {
		return a.require(n, list, s)
	}
	u := use{name: name, node: n, form: report.FormCall, list: list, scope: s}
	u.passed = a.pureArguments(u)
	k := a.use(u)
	p, pure := a.known.pure[name]
	if !pure {
		return of(k)
	}
	return of(k | a.pureCall(u, p))
}

// pureArguments evaluates the arguments of a known function, which calls the functions it is given.
func (a *analysis) pureArguments(u use) passed {
	base := unknownData
	switch {
	case u.name == "Promise":
		base |= builtin // resolve and reject
	case a.known.pure[u.name].result.has(handle):
		base |= handle
	}
	c := a.callbackOf(u.name, base, a.callsLiterals(u.name))
	if strings.HasPrefix(u.name, "process.") {
		c.self = handle // listeners are called on the process
		base = unknownData
	}
	return a.callbackArguments(u.list, u.scope, base, c)
}

// pureCall is what a known function without effects does with its arguments.
func (a *analysis) pureCall(u use, p pure) kinds {
	args := u.passed.all
	a.specialCall(u)
	if strings.HasPrefix(u.name, "assert.") || strings.HasPrefix(u.name, "process.") {
		a.grow(&a.elements, args) // an error that holds them, or the arguments of a callback
	}
	if args.has(hot) && callsArguments(u.name) {
		a.unknown(u.node, u.name, u.form, "a value that a key made at run time may have reached is passed to a function that may call it")
	}
	out := a.replaced(u)
	if p.result&^(primitive|text) == 0 {
		return out
	}
	if args.has(keyed) {
		args |= hot
	}
	a.grow(&a.elements, args)
	if args.has(function) {
		a.grow(&a.elements, a.results)
	}
	return out | args | a.elements
}

// assertsCalls call the functions that they are given.
var assertsCalls = set{"assert.throws": {}, "assert.doesNotThrow": {}, "assert.rejects": {}, "assert.doesNotReject": {}}

// callsLiterals reports whether a function only calls the function literals that it is
// given, and neither keeps nor returns them.
func (a *analysis) callsLiterals(name string) bool {
	switch name {
	case "Array.from", "JSON.parse", "Promise", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "process.nextTick", "process.on", "process.once":
		return true
	}
	return assertsCalls.has(name) || strings.HasPrefix(name, "fs.") && a.known.effectsOf(name) != nil
}

// callsArguments lists the functions of the language and of modules that call what they are given.
func callsArguments(name string) bool {
	switch name {
	case "Array.from", "JSON.parse", "Promise", "Map.groupBy", "Object.groupBy", "queueMicrotask", "EventEmitter", "assert.throws", "assert.rejects", "assert.doesNotThrow":
		return true
	}
	head, _, _ := strings.Cut(name, ".")
	return strings.HasPrefix(name, "set") || slices.Contains([]string{"util", "process", "events", "stream", "timers", "zlib", "crypto", "assert", "readline"}, head)
}

// replaced is what a call of the name does if the code has put a function of its
// own in its place, as obj[key].keys = f may do with a key made at run time.
func (a *analysis) replaced(u use) kinds {
	k := a.read(u.name[strings.LastIndexByte(u.name, '.')+1:])
	if !k.has(callers) || !a.polluted {
		return 0
	}
	a.grow(&a.arguments, u.passed.all)
	a.grow(&a.this, builtin)
	return a.results
}

// specialCall minds the functions of the language that move values between properties.
func (a *analysis) specialCall(u use) {
	switch u.name {
	case "JSON.stringify":
		if len(u.list) > 1 {
			a.grow(&a.arguments, a.any()) // of a replacer
			a.grow(&a.this, a.any())
		}
	case "Object.fromEntries", "Object.groupBy":
		a.grow(&a.dynamic, a.elements|u.passed.all)
	case "Object.values", "Object.entries", "structuredClone":
		a.grow(&a.elements, a.own|a.dynamic)
	case "JSON.parse":
		if len(u.list) > 1 {
			a.grow(&a.dynamic, a.results)
		}
	case "Object.assign":
		a.inherit(a.dynamic.has(callers))
		if len(u.passed.each) > 0 && (u.passed.each[0].has(handle|hot) || u.passed.spread) {
			a.unknown(u.node, u.name, u.form, "it changes a stream or another object that reaches files")
		}
		if len(u.passed.each) > 0 && u.passed.each[0].has(builtin|global) {
			a.pollute()
			a.storeBase(u.node, u.passed.each[0]&global, "[]")
		}
		if len(u.passed.each) > 0 && u.passed.each[0].has(instance|callers) {
			a.keyInstances()
		}
	case "Object.create":
		if len(u.list) > 1 || u.passed.all.has(callers&^function) {
			a.unknown(u.node, u.name, u.form, "the prototype or the properties of the object are not plain")
		}
	case "setTimeout", "setInterval", "setImmediate", "timers.setTimeout", "queueMicrotask", "process.nextTick":
		if len(u.list) > 0 && runsText(u.passed.each[0]) {
			a.report(u.node, report.Operation{Kind: report.Dynamic, Form: u.form, Name: u.name, Reason: "it is given text to run, or a function that a key made at run time may have reached"})
		}
	}
}

// runsText reports whether what a timer is given may compile text, or is text and
// never a function. Node itself never runs text there, it throws
// ERR_INVALID_ARG_TYPE; other runtimes do, so text alone is refused all the same.
func runsText(k kinds) bool {
	return k.has(hot) || k.has(named) && !k.has(callers)
}
