// SPDX-License-Identifier: Apache-2.0

package syntax

// Node is a node of the syntax tree. Pos and End are byte offsets into
// File.Source; End is exclusive.
type Node interface {
	Pos() int
	End() int
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Pattern is a pattern of a match statement.
type Pattern interface {
	Node
	pattern()
}

// Span is the range of a node.
type Span struct{ from, to int32 }

// Pos is the offset of the first byte.
func (s *Span) Pos() int { return int(s.from) }

// End is the offset after the last byte.
func (s *Span) End() int { return int(s.to) }

func (s *Span) span() *Span { return s }

type (
	statement   struct{ Span }
	expression  struct{ Span }
	patternNode struct{ Span }
)

func (*statement) stmt()      {}
func (*expression) expr()     {}
func (*patternNode) pattern() {}

// Statements.
type (
	// FunctionDef is a def or async def.
	FunctionDef struct {
		statement
		Name       *Name
		Decorators []Expr
		TypeParams []*TypeParam
		Params     []*Param
		Returns    Expr
		Body       []Stmt
	}
	// ClassDef is a class statement.
	ClassDef struct {
		statement
		Name       *Name
		Decorators []Expr
		TypeParams []*TypeParam
		Args       []*Argument
		Body       []Stmt
	}
	// Return is a return statement; X may be nil.
	Return struct {
		statement
		X Expr
	}
	// Delete is a del statement; X may be a tuple of targets.
	Delete struct {
		statement
		X Expr
	}
	// Assign is target = target = value.
	Assign struct {
		statement
		Targets []Expr
		Value   Expr
	}
	// AugAssign is target += value.
	AugAssign struct {
		statement
		Target Expr
		Value  Expr
	}
	// AnnAssign is target: annotation = value; Value may be nil.
	AnnAssign struct {
		statement
		Target     Expr
		Annotation Expr
		Value      Expr
	}
	// TypeAlias is type Name[TypeParams] = Value (PEP 695).
	TypeAlias struct {
		statement
		Name       *Name
		TypeParams []*TypeParam
		Value      Expr
	}
	// For is a for or async for.
	For struct {
		statement
		Target Expr
		Iter   Expr
		Body   []Stmt
		Else   []Stmt
	}
	// While is a while loop.
	While struct {
		statement
		Cond Expr
		Body []Stmt
		Else []Stmt
	}
	// If is an if statement with its elif ladder kept flat, so that a long
	// ladder does not make a deep tree.
	If struct {
		statement
		Branches []*Branch
		Else     []Stmt
	}
	// With is a with or async with.
	With struct {
		statement
		Items []*WithItem
		Body  []Stmt
	}
	// Match is a match statement.
	Match struct {
		statement
		Subject Expr
		Cases   []*Case
	}
	// Raise is raise X from Cause; both may be nil.
	Raise struct {
		statement
		X     Expr
		Cause Expr
	}
	// Try is a try statement.
	Try struct {
		statement
		Body     []Stmt
		Handlers []*Handler
		Else     []Stmt
		Finally  []Stmt
	}
	// Assert is an assert statement; Message may be nil.
	Assert struct {
		statement
		Test    Expr
		Message Expr
	}
	// Import is import a.b as c, ...
	Import struct {
		statement
		Names []*Alias
	}
	// ImportFrom is from Module import names; Level counts leading dots, and a
	// single name "*" is a star import.
	ImportFrom struct {
		statement
		Module string
		Level  int
		Names  []*Alias
	}
	// Declaration is a global or nonlocal statement.
	Declaration struct {
		statement
		Global bool
		Names  []*Name
	}
	// ExprStmt is an expression used as a statement.
	ExprStmt struct {
		statement
		X Expr
	}
	// Pass is pass, break or continue.
	Pass struct{ statement }
)

// Expressions.
type (
	// Name is an identifier, NFKC normalised as Python does it (PEP 3131).
	Name struct {
		expression
		ID string
	}
	// Str is a string literal, adjacent literals joined and escapes resolved.
	// Opaque is set when an escape could not be resolved (\N{...}, surrogates),
	// so that Value is not what Python sees.
	Str struct {
		expression
		Value  string
		Opaque bool
	}
	// Bytes is a bytes literal.
	Bytes struct {
		expression
		Value string
	}
	// Number is a numeric literal as written.
	Number struct {
		expression
		Text string
	}
	// Constant is None, True, False or "...".
	Constant struct {
		expression
		Text string
	}
	// JoinedStr is an f-string or a t-string (PEP 701, PEP 750). Parts are *Str and *Formatted.
	JoinedStr struct {
		expression
		Parts []Expr
	}
	// Formatted is one replacement field {X:Spec}.
	Formatted struct {
		expression
		X          Expr
		Conversion bool
		Spec       []Expr
	}
	// Tuple is a tuple, with or without parentheses.
	Tuple struct {
		expression
		Elts []Expr
	}
	// List is a list display.
	List struct {
		expression
		Elts []Expr
	}
	// Set is a set display.
	Set struct {
		expression
		Elts []Expr
	}
	// Dict is a dict display.
	Dict struct {
		expression
		Items []DictItem
	}
	// Comprehension is a list, set or dict comprehension or a generator
	// expression. Value is set for dict comprehensions only.
	Comprehension struct {
		expression
		Elt     Expr
		Value   Expr
		Clauses []*Clause
	}
	// BoolOp is a chain of "and" or of "or".
	BoolOp struct {
		expression
		Values []Expr
	}
	// Compare is a chain of comparisons.
	Compare struct {
		expression
		Operands []Expr
	}
	// BinOp is a chain of one binary operator; a + b + c has three operands.
	BinOp struct {
		expression
		Op       Operator
		Operands []Expr
		closed   bool // parenthesised or right-associative: operands must not be added
	}
	// UnaryOp is -X, +X, ~X or not X.
	UnaryOp struct {
		expression
		X Expr
	}
	// NamedExpr is Target := Value.
	NamedExpr struct {
		expression
		Target *Name
		Value  Expr
	}
	// IfExp is Then if Cond else Else.
	IfExp struct {
		expression
		Cond Expr
		Then Expr
		Else Expr
	}
	// Lambda is a lambda expression.
	Lambda struct {
		expression
		Params []*Param
		Body   Expr
	}
	// Await is await X.
	Await struct {
		expression
		X Expr
	}
	// Yield is yield X or yield from X; X may be nil.
	Yield struct {
		expression
		X Expr
	}
	// Call is Func(Args).
	Call struct {
		expression
		Func Expr
		Args []*Argument
	}
	// Attribute is X.Name; the name itself starts at NamePos.
	Attribute struct {
		expression
		X       Expr
		Name    string
		NamePos int
	}
	// Subscript is X[Index].
	Subscript struct {
		expression
		X     Expr
		Index Expr
	}
	// Slice is a:b:c inside a subscript; Parts holds those that are present.
	Slice struct {
		expression
		Parts []Expr
	}
	// Starred is *X in a display, target or subscript.
	Starred struct {
		expression
		X Expr
	}
)

// Patterns.
type (
	// ValuePattern compares with a literal or dotted name.
	ValuePattern struct {
		patternNode
		X Expr
	}
	// CapturePattern binds Name ("_" binds nothing), or, when Star is set, the rest of a sequence or mapping.
	CapturePattern struct {
		patternNode
		Name string
		Star bool
	}
	// SequencePattern is [a, b] or (a, b).
	SequencePattern struct {
		patternNode
		Elts []Pattern
	}
	// MappingPattern is {key: pattern, **rest}; rest is a starred CapturePattern among Values, with a nil key.
	MappingPattern struct {
		patternNode
		Keys   []Expr
		Values []Pattern
	}
	// ClassPattern is Class(patterns, name=pattern); Names[i] is "" for positional ones.
	ClassPattern struct {
		patternNode
		Class  Expr
		Names  []*Name
		Values []Pattern
	}
	// OrPattern is a | b.
	OrPattern struct {
		patternNode
		Alternatives []Pattern
	}
	// AsPattern is pattern as Name.
	AsPattern struct {
		patternNode
		X    Pattern
		Name string
	}
)

// Star says how an argument or parameter is starred.
type Star uint8

// Kinds of star.
const (
	NoStar     Star = iota
	SingleStar      // *args
	DoubleStar      // **kwargs
)

// Parts of statements and expressions.
type (
	// Param is a parameter; a bare "*" or "/" has no name.
	Param struct {
		Span
		Name       string
		Star       Star
		Annotation Expr
		Default    Expr
	}
	// Argument is an argument of a call or class statement; Name is set for keywords.
	Argument struct {
		Span
		Name  string
		Star  Star
		Value Expr
	}
	// TypeParam is a type parameter (PEP 695, PEP 696).
	TypeParam struct {
		Span
		Name    string
		Bound   Expr
		Default Expr
	}
	// Alias is one name of an import; As is nil when it is not renamed.
	Alias struct {
		Span
		Name string
		As   *Name
	}
	// Branch is one condition of an if ladder.
	Branch struct {
		Span
		Cond Expr
		Body []Stmt
	}
	// WithItem is X as Target; Target may be nil.
	WithItem struct {
		Span
		X      Expr
		Target Expr
	}
	// Case is one case of a match statement.
	Case struct {
		Span
		Pattern Pattern
		Guard   Expr
		Body    []Stmt
	}
	// Handler is one except clause.
	Handler struct {
		Span
		Type Expr
		Name *Name
		Body []Stmt
	}
	// Clause is one "for target in iter if ..." of a comprehension.
	Clause struct {
		Span
		Target Expr
		Iter   Expr
		Ifs    []Expr
	}
	// DictItem is Key: Value, or **Value when Key is nil.
	DictItem struct {
		Key   Expr
		Value Expr
	}
)
