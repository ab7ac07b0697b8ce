// SPDX-License-Identifier: Apache-2.0

package python

import (
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/python/syntax"
)

// field is everything that the source assigns to attributes of one name.
type field struct {
	values []bound
	// other is set when it is bound in any further way.
	other bool
	// folding guards against cycles.
	folding bool
}

// field notes an assignment to an attribute.
func (b *binder) field(name string, value syntax.Expr, s *scope) {
	if b.fields == nil {
		return
	}
	if mayBePrivate(name) && len(name) > maxPrivate {
		b.fields = nil
		return
	}
	for _, private := range privateNames(name, func(string) bool { return true }) {
		b.field(private, value, s) // x._C__path = "/etc/passwd"
	}
	f := b.fields[name]
	if f == nil {
		f = &field{}
		b.fields[name] = f
	}
	if value == nil {
		f.other = true
		return
	}
	f.values = append(f.values, bound{value, s})
}

// isParser reports whether a method may be one of argparse that sets attributes
// of an object by the names of options.
func isParser(method string) bool { return strings.HasPrefix(method, "parse_") }

// optionMaker is the method of argparse whose result, called, sets an attribute
// of any object: parser.add_argument("--path")(None, x, "/etc/passwd").
const optionMaker = "add_argument"

// names notes the attributes that a call defines by strings: the options of
// argparse and the fields of a named tuple.
func (b *binder) names(call *syntax.Call) {
	function := ""
	switch f := call.Func.(type) {
	case *syntax.Name:
		function = f.ID
	case *syntax.Attribute:
		function = f.Name
	}
	for _, arg := range call.Args {
		if arg.Name == "namespace" {
			b.fields = nil
		}
		if function == "add_argument" || function == "namedtuple" {
			b.nameIn(arg.Value)
		}
	}
}

func (b *binder) nameIn(x syntax.Expr) {
	if elements, ok := elementsOf(x); ok {
		for _, e := range elements {
			b.nameIn(e)
		}
	}
	text, ok := x.(*syntax.Str)
	if !ok {
		return
	}
	for word := range strings.FieldsFuncSeq(text.Value, func(r rune) bool { return r == ' ' || r == ',' }) {
		if name := strings.ReplaceAll(strings.TrimLeft(word, "-"), "-", "_"); !isDunder(name) {
			b.defined.add(name)
		}
	}
}

// classOf gives the scope of the class statement that x is certainly an object
// of, nil if there is none. Such an object has no attributes of a library.
func (a *analysis) classOf(x syntax.Expr, s *scope) *scope {
	name, ok := x.(*syntax.Name)
	if !ok {
		return nil
	}
	v := s.sole(name.ID)
	switch {
	case v == nil:
		return nil
	case a.isSelf(name, v.scope):
		return v.scope.parent
	case len(v.values) != 1 || v.bindings != 1:
		return nil
	}
	call, ok := v.values[0].expr.(*syntax.Call)
	if !ok {
		return nil
	}
	class, ok := call.Func.(*syntax.Name)
	if !ok || !a.isFunction(class, v.values[0].scope) {
		return nil
	}
	made := v.values[0].scope.sole(class.ID)
	if made.statement == nil || slices.ContainsFunc(made.bases, a.isForeignBase) {
		return nil
	}
	return a.scopes[made.statement]
}

// isOwnMethod reports whether a method is certainly one of the source.
func (a *analysis) isOwnMethod(u attributeUse, s *scope) bool {
	if u.receiver == nil {
		return false
	}
	class := a.classOf(u.receiver, s)
	if class == nil {
		return false
	}
	v := class.variables[u.name]
	return v != nil && v.definition && v.bindings == 1 && len(v.decorators) == 0 && a.fields != nil && a.fields[u.name] == nil
}

// fieldValues gives what an attribute of an object of the source can be, if all
// that is ever assigned to attributes of its name is known. A class that is
// decorated or has a base may have others.
func (a *analysis) fieldValues(x *syntax.Attribute, s *scope) facts {
	class := a.classOf(x.X, s)
	if class == nil || a.fields == nil || len(class.class.decorators)+len(class.class.bases) > 0 {
		return nothing
	}
	var out facts
	if v := class.variables[x.Name]; v != nil {
		if len(v.values) != v.bindings || len(v.targets) > 0 {
			return nothing
		}
		out = a.eachBound(v.values)
	}
	if f := a.fields[x.Name]; f != nil {
		if f.other || f.folding {
			return nothing
		}
		f.folding = true
		out = union(out, a.eachBound(f.values))
		f.folding = false
	}
	if len(out) == 0 {
		return nothing
	}
	return out
}

func (a *analysis) eachBound(all []bound) facts {
	var out facts
	for _, b := range all {
		out = union(out, a.values(b.expr, b.scope))
	}
	return out
}
