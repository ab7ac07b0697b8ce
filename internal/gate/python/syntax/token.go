// SPDX-License-Identifier: Apache-2.0

package syntax

type tokenKind uint8

const (
	tokenEOF tokenKind = iota
	tokenNewline
	tokenIndent
	tokenDedent
	tokenName
	tokenKeyword
	tokenNumber
	tokenString
	tokenOperator
	tokenFStart  // prefix and opening quote of an f-string
	tokenFMiddle // literal text of an f-string
	tokenFEnd    // closing quote of an f-string
)

type token struct {
	kind     tokenKind
	op       Operator // for tokenOperator
	keyword  keyword  // for tokenKeyword
	from, to int32
}

// Operator is an operator or delimiter.
type Operator uint8

// Operators and delimiters of Python.
const (
	NoOperator Operator = iota
	LeftParen
	RightParen
	LeftBracket
	RightBracket
	LeftBrace
	RightBrace
	Comma
	Colon
	Semicolon
	Dot
	Ellipsis
	Equal
	Walrus
	Arrow
	At
	Plus
	Minus
	Star1
	Star2
	Slash
	DoubleSlash
	Percent
	Ampersand
	Pipe
	Caret
	Tilde
	ShiftLeft
	ShiftRight
	Comparison // < > <= >= == != <>
	Augmented  // += and its like
	Bang       // only before a conversion in an f-string
)

// operatorAt gives the operator that starts s, and its length; 0 if there is none.
//

func operatorAt(s []byte) (Operator, int) {
	if len(s) >= 3 {
		switch string(s[:3]) {
		case "...":
			return Ellipsis, 3
		case "<<=", ">>=", "**=", "//=":
			return Augmented, 3
		}
	}
	if len(s) >= 2 {
		switch string(s[:2]) {
		case "<=", ">=", "==", "!=", "<>":
			return Comparison, 2
		case "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=":
			return Augmented, 2
		case ":=":
			return Walrus, 2
		case "->":
			return Arrow, 2
		case "**":
			return Star2, 2
		case "//":
			return DoubleSlash, 2
		case "<<":
			return ShiftLeft, 2
		case ">>":
			return ShiftRight, 2
		}
	}
	if op := singleOperators[s[0]]; op != NoOperator {
		return op, 1
	}
	return NoOperator, 0
}

var singleOperators = [256]Operator{
	'(': LeftParen, ')': RightParen, '[': LeftBracket, ']': RightBracket, '{': LeftBrace, '}': RightBrace,
	',': Comma, ':': Colon, ';': Semicolon, '.': Dot, '=': Equal, '@': At,
	'+': Plus, '-': Minus, '*': Star1, '/': Slash, '%': Percent,
	'&': Ampersand, '|': Pipe, '^': Caret, '~': Tilde, '<': Comparison, '>': Comparison,
}

type keyword uint8

const (
	notKeyword keyword = iota
	kwFalse
	kwNone
	kwTrue
	kwAnd
	kwAs
	kwAssert
	kwAsync
	kwAwait
	kwBreak
	kwClass
	kwContinue
	kwDef
	kwDel
	kwElif
	kwElse
	kwExcept
	kwFinally
	kwFor
	kwFrom
	kwGlobal
	kwIf
	kwImport
	kwIn
	kwIs
	kwLambda
	kwNonlocal
	kwNot
	kwOr
	kwPass
	kwRaise
	kwReturn
	kwTry
	kwWhile
	kwWith
	kwYield
)

var keywords = map[string]keyword{
	"False": kwFalse, "None": kwNone, "True": kwTrue, "and": kwAnd, "as": kwAs, "assert": kwAssert,
	"async": kwAsync, "await": kwAwait, "break": kwBreak, "class": kwClass, "continue": kwContinue,
	"def": kwDef, "del": kwDel, "elif": kwElif, "else": kwElse, "except": kwExcept, "finally": kwFinally,
	"for": kwFor, "from": kwFrom, "global": kwGlobal, "if": kwIf, "import": kwImport, "in": kwIn, "is": kwIs,
	"lambda": kwLambda, "nonlocal": kwNonlocal, "not": kwNot, "or": kwOr, "pass": kwPass, "raise": kwRaise,
	"return": kwReturn, "try": kwTry, "while": kwWhile, "with": kwWith, "yield": kwYield,
}
