// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"mvdan.cc/sh/v3/syntax"
)

// Arithmetic evaluates the values of variables as expressions again, with
// subscripts that run commands: x='a[$(id)]'; echo $((x)). So each operand must
// be provably a number (bash(1), ARITHMETIC EVALUATION).

const notANumber = "arithmetic evaluates the value as code, and it is not provably a number"

func isAssignment(op syntax.BinAritOperator) bool {
	switch op {
	case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
		syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
		return true
	default:
		return false
	}
}

// arithmeticName gives the name of the variable that an operand is, "" when it is none.
func arithmeticName(x syntax.ArithmExpr) string {
	w, ok := x.(*syntax.Word)
	if !ok || len(w.Parts) != 1 {
		return ""
	}
	switch p := w.Parts[0].(type) {
	case *syntax.Lit:
		if identifier.MatchString(p.Value) {
			return p.Value
		}
	case *syntax.ParamExp:
		if !p.Dollar.IsValid() && p.Param != nil {
			return p.Param.Value
		}
	}
	return ""
}

// arithmetic reports what evaluating an expression does.
func (s *script) arithmetic(x syntax.ArithmExpr) {
	switch x := x.(type) {
	case nil:
	case *syntax.BinaryArithm:
		s.binaryArithmetic(x)
	case *syntax.UnaryArithm:
		if x.Op == syntax.Inc || x.Op == syntax.Dec {
			s.arithmetic(x.X)
			s.arithmeticTarget(x.X)
			return
		}
		s.arithmetic(x.X)
	case *syntax.ParenArithm:
		s.arithmetic(x.X)
	case *syntax.Word:
		s.operand(x)
	default:
		s.dynamic(x, "((", "syntax of another shell")
	}
}

func (s *script) binaryArithmetic(x *syntax.BinaryArithm) {
	if !isAssignment(x.Op) {
		if x.Op == syntax.XorBool || x.Op == syntax.AndBoolAssgn || x.Op == syntax.OrBoolAssgn {
			s.dynamic(x, "((", "syntax of another shell")
		}
		s.arithmetic(x.X)
		s.arithmetic(x.Y)
		return
	}
	s.arithmetic(x.Y)
	if x.Op == syntax.Assgn {
		s.targetIndex(x.X)
	} else {
		s.arithmetic(x.X)
	}
	s.arithmeticTarget(x.X)
}

// arithmeticTarget reports the assignment of a number to a variable.
func (s *script) arithmeticTarget(x syntax.ArithmExpr) {
	name := arithmeticName(x)
	if name == "" {
		s.dynamic(x, "((", "the variable that is assigned is computed")
		return
	}
	s.assignsName(name, spanOf(x))
}

// targetIndex reports the subscript of a[i] = …, whose old value is not read.
func (s *script) targetIndex(x syntax.ArithmExpr) {
	if w, ok := x.(*syntax.Word); ok && len(w.Parts) == 1 {
		if p, ok := w.Parts[0].(*syntax.ParamExp); ok && !p.Dollar.IsValid() {
			s.arithmetic(p.Index)
		}
	}
}

// operand reports a leaf of an expression.
func (s *script) operand(w *syntax.Word) {
	if name := arithmeticName(w); name != "" {
		s.nameOperand(name, w)
		return
	}
	s.word(w)
	e := s.evaluator()
	e.value = true
	ts := e.word(w).texts
	if !ts.areNumbers() {
		s.dynamic(w, "((", notANumber)
	}
}

func (s *script) nameOperand(name string, w *syntax.Word) {
	s.readVariable(name, spanOf(w))
	e := s.evaluator()
	if ts := e.parameter(name); !ts.areNumbers() {
		s.dynamic(w, "((", notANumber)
	}
	if p, ok := w.Parts[0].(*syntax.ParamExp); ok && p.Index != nil {
		// Even of a map: ((m[$k]++)) expands the key again.
		s.arithmetic(p.Index)
	}
}

// subscript reports what evaluating the subscript of a variable does: the key
// of a map is only text, every other subscript is arithmetic.
func (s *script) subscript(name string, index syntax.ArithmExpr) {
	if index == nil {
		return
	}
	w, ok := index.(*syntax.Word)
	if ok && (w.Lit() == "@" || w.Lit() == "*") {
		return
	}
	if s.isDefined("[]"+name) && !s.unsets[name] {
		s.keys(index)
		return
	}
	s.arithmetic(index)
}

// keys reports the expansions inside of the key of a map.
func (s *script) keys(x syntax.ArithmExpr) {
	switch x := x.(type) {
	case *syntax.Word:
		s.word(x)
	case *syntax.BinaryArithm:
		s.keys(x.X)
		s.keys(x.Y)
	case *syntax.UnaryArithm:
		s.keys(x.X)
	case *syntax.ParenArithm:
		s.keys(x.X)
	default:
		s.dynamic(x, "[", "a subscript that the gate cannot read")
	}
}

// test reports what [[ … ]] does.
func (s *script) test(x syntax.TestExpr) {
	switch x := x.(type) {
	case *syntax.ParenTest:
		s.test(x.X)
	case *syntax.BinaryTest:
		s.binaryTest(x)
	case *syntax.UnaryTest:
		s.unaryTest(x)
	case *syntax.Word:
		s.word(x)
	default:
		s.unknown(spanOf(x), "[[", "a test that the gate does not know")
	}
}

func (s *script) binaryTest(x *syntax.BinaryTest) {
	switch x.Op {
	case syntax.AndTest, syntax.OrTest:
		s.test(x.X)
		s.test(x.Y)
		return
	default:
	}
	left, okLeft := x.X.(*syntax.Word)
	right, okRight := x.Y.(*syntax.Word)
	if !okLeft || !okRight {
		s.test(x.X)
		s.test(x.Y)
		return
	}
	switch x.Op {
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		s.operand(left)
		s.operand(right)
	case syntax.TsNewer, syntax.TsOlder, syntax.TsDevIno:
		s.word(left)
		s.word(right)
		s.files(readsFile, "[[", s.evaluator().word(left), spanOf(left))
		s.files(readsFile, "[[", s.evaluator().word(right), spanOf(right))
	default:
		s.word(left)
		s.pattern(right)
	}
}

func (s *script) unaryTest(x *syntax.UnaryTest) {
	w, ok := x.X.(*syntax.Word)
	if !ok {
		s.test(x.X)
		return
	}
	s.word(w)
	switch x.Op {
	case syntax.TsVarSet, syntax.TsRefVar:
		if !identifier.MatchString(staticLit(w)) {
			s.dynamic(x, "[[ -v", "the subscript of the name would be evaluated")
			return
		}
		s.readVariable(staticLit(w), spanOf(w))
	case syntax.TsEmpStr, syntax.TsNempStr, syntax.TsOptSet, syntax.TsFdTerm, syntax.TsNot, syntax.TsParen:
	default:
		a := s.evaluator()
		a.value = true
		s.files(readsFile, "[[", a.word(w), spanOf(w))
	}
}
