// SPDX-License-Identifier: Apache-2.0

// Package syntax parses JavaScript (ECMAScript 2025, scripts and modules) and
// the TypeScript that compiles to it, as V8 and the TypeScript compiler do.
// Types are read and dropped. What the two goals of the grammar, or strict and
// sloppy code, would read in two ways is refused.
package syntax

// Kind is the kind of a node. The comments name the fields that are set.
type Kind uint8

// Expressions.
const (
	Invalid     Kind = iota
	Ident            // Text
	Number           // Text as written
	String           // Text decoded; Lossy when it holds a lone surrogate
	Literal          // Text: true, false, null
	RegExp           // Text as written
	Template         // List of expressions, Strings decoded; Lossy as above
	Tagged           // Left is the tag, Right the Template
	This             //
	Super            //
	Meta             // Text: new.target, import.meta
	Array            // List; nil for a hole
	Object           // List of Property and Spread
	Property         // Left is the key, Right the value; Flags; Text: get, set or ""
	Function         // Left is the name, Params, Body (Block or expression); Flags
	Class            // Left is the name, Right what it extends, List of members, Params decorators
	Field            // Left is the key, Right the value; Flags; Params decorators
	StaticInit       // Body
	Member           // Left . Text
	Index            // Left [ Right ]
	Call             // Left ( List )
	New              // new Left ( List )
	ImportCall       // import ( List )
	Unary            // Text, Left
	Update           // Text, Left
	Binary           // Text, Left, Right; logical operators, too
	Assign           // Text, Left, Right
	Conditional      // Left ? Right : Third
	Sequence         // List
	Spread           // Left; in patterns the rest
	Yield            // Left
	Await            // Left
	PrivateName      // Text with #
)

// Patterns.
const (
	ArrayPattern  Kind = iota + 64 // List; nil for a hole
	ObjectPattern                  // List of Property and Spread
	Default                        // Left = Right
)

// Statements.
const (
	Block        Kind = iota + 96 // List
	Empty                         //
	Expression                    // Left
	Var                           // Text: var, let, const, using; List of Declarator
	Declarator                    // Left, Right
	Return                        // Left
	If                            // Left, Right, Third
	For                           // Left; Right; Third; Body
	ForIn                         // Left in Right; Body
	ForOf                         // Left of Right; Body
	While                         // Left, Body
	DoWhile                       // Left, Body
	Jump                          // break and continue
	Throw                         // Left
	Try                           // Body, Left is the catch parameter, Right its block, Third the finally block
	Switch                        // Left, List of Case
	Case                          // Left (nil for default), List
	Labeled                       // Body
	Import                        // Text is the module, List of ImportName
	ImportName                    // Text is the imported name ("*" for all), Left the local name
	ImportEquals                  // Left is the local name, Right what it stands for (TypeScript)
	Export                        // Left is a declaration or expression; Text is the module of export … from; List of ImportName
	Enum                          // Left is the name, List of Property (TypeScript)
	Namespace                     // Left is the name, Body (TypeScript)
)

// Flags of a node.
type Flags uint16

// Flags.
const (
	Computed Flags = 1 << iota // the key or member name is an expression
	Shorthand
	Method
	Static
	Arrow
	Async
	Generator
	Optional // ?.
	Strict   // the code is in strict mode by its own directive or class
	Lossy
	Declaration // a function or class statement
	Parameter   // a constructor parameter that is also a property (TypeScript)
	Star        // export *
	Prefix
)

// Node is a node of the tree. From and To are byte offsets into the source; To is exclusive.
type Node struct {
	Kind               Kind
	Flags              Flags
	height             int32
	From, To           int
	Text               string
	Left, Right, Third *Node
	Body               *Node
	List, Params       []*Node
	Strings            []string
}

// Has reports whether all of flags are set.
func (n *Node) Has(flags Flags) bool { return n.Flags&flags == flags }

// Children calls f for each direct child.
func (n *Node) Children(f func(*Node)) {
	for _, c := range [...]*Node{n.Left, n.Right, n.Third, n.Body} {
		if c != nil {
			f(c)
		}
	}
	for _, list := range [...][]*Node{n.Params, n.List} {
		for _, c := range list {
			if c != nil {
				f(c)
			}
		}
	}
}

// Oddity is something in the source that people and programs read differently.
type Oddity struct {
	Offset  int
	Message string
}

// File is a parsed source.
type File struct {
	Body []*Node
	// Module is set when import or export statements make it a module for certain.
	Module bool
	// Strict is set when the whole file is in strict mode.
	Strict   bool
	Oddities []Oddity
}

// Error says why a source could not be parsed. Limit names the cap that it hit, if any.
type Error struct {
	Offset  int
	Message string
	Limit   string
}

func (e *Error) Error() string { return e.Message }
