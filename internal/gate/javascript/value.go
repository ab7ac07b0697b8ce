// SPDX-License-Identifier: Apache-2.0

package javascript

import (
	"slices"
)

// kinds are the sorts of value that an expression may have. The analysis only ever adds kinds.
type kinds uint16

const (
	// primitive: numbers, booleans, null, undefined.
	primitive kinds = 1 << iota
	// named: strings of the source and symbols; as a key they are harmless, because
	// literals with a sensitive name count as text.
	named
	// text: strings that are made at run time; as a key they can be any.
	text
	// data: objects that hold nothing but what the code puts in them, and methods without effects.
	data
	// function: functions and classes of the source. Their constructor compiles text.
	function
	// builtin: functions of the language without an effect. Their constructor compiles text.
	builtin
	// handle: objects of modules with effects, as streams, whose class or properties open others.
	handle
	// global: the global object.
	global
	// instance: instances of classes of the source.
	instance
	// keyed: read by a key made at run time, from an object of the code's own; it may be
	// Function if such a key has given the object a function as its prototype.
	keyed
	// hot: may be Function, a prototype that reaches it, or another way to run text.
	hot
)

const (
	// unknownData is what comes from outside: JSON, files, arguments.
	unknownData = primitive | text | data
	// callers have a constructor that compiles text, or reach one in a step.
	callers = function | builtin | handle | global | hot
)

func (k kinds) has(x kinds) bool { return k&x != 0 }

// maxNames bounds the dotted names that one variable may stand for.
const maxNames = 12

// value is what an expression may be: kinds, and dotted names of modules and globals.
type value struct {
	kinds kinds
	names []string
}

func of(k kinds) value { return value{kinds: k} }

func (a *analysis) union(x, y value) value {
	x.kinds |= y.kinds
	for _, n := range y.names {
		if slices.Contains(x.names, n) {
			continue
		}
		if len(x.names) >= maxNames {
			a.out.Limit("aliases")
			continue
		}
		x.names = append(slices.Clip(x.names), n)
	}
	return x
}

// grow adds more to a set of kinds that the analysis keeps, and notes a change.
func (a *analysis) grow(to *kinds, more kinds) {
	if *to|more != *to {
		*to |= more
		a.changed = true
	}
}

// state is what the heap of the program may hold. It tells objects apart by the
// names of their properties only.
type state struct {
	properties map[string]*kinds
	// own are the values of all properties that were set by name.
	own kinds
	// dynamic are values that were stored under keys made at run time.
	dynamic kinds
	// elements are values in arrays, maps, sets, promises and generators.
	elements kinds
	// arguments and results are those of calls whose function is not known, this their receivers.
	arguments, results, this kinds
	thrown                   kinds
	// keyedInstances is set when an instance was stored into by a key made at run time.
	keyedInstances bool
	// receivers are the objects that were read by keys made at run time: a getter has them as this.
	receivers kinds
}

func (s *state) property(name string) *kinds {
	p := s.properties[name]
	if p == nil {
		p = new(kinds)
		s.properties[name] = p
	}
	return p
}

// read gives the value of a property that any object may have.
func (s *state) read(name string) kinds {
	k := unknownData | s.dynamic
	if p := s.properties[name]; p != nil {
		k |= *p
	}
	switch name {
	case "value", "reason", "cause", "detail", "actual", "expected", "errors":
		k |= s.elements // results of iterators and of Promise.allSettled, errors of assert
	}
	return k
}

// readOf gives the value of a property of base. What was stored under keys made at
// run time is not found in instances, unless such a store had one as its base.
func (s *state) readOf(base kinds, name string) kinds {
	if isPrimitiveKey(name) {
		return s.any()
	}
	k := s.read(name)
	if base&^(instance|primitive) != 0 || s.keyedInstances {
		return k
	}
	k = unknownData
	if p := s.properties[name]; p != nil {
		k |= *p
	}
	return k
}

// any is what any property of any object may hold.
func (s *state) any() kinds { return unknownData | s.own | s.dynamic | s.elements }

// isPrimitiveKey reports whether a name may also be written as a key that is no
// string, such as a number: const {0: x} = [f], o[!0] = f; o.true. Such keys are
// not told apart.
func isPrimitiveKey(name string) bool {
	switch name {
	case "undefined", "null", "true", "false", "NaN", "Infinity":
		return true
	}
	return name != "" && (name[0] >= '0' && name[0] <= '9' || name[0] == '-' || name[0] == '.')
}
