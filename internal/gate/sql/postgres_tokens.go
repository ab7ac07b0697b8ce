// SPDX-License-Identifier: Apache-2.0

package sql

import pganalyze "github.com/pganalyze/pg_query_go/v6"

// Bounds on a source, checked before a grammar sees it.
const (
	// maxRoughTokens bounds what is given to a lexer, and maxTokens what is parsed: some 50 ms.
	maxRoughTokens = 40_000
	maxTokens      = 10_000
	// maxBrackets and maxDepth bound the syntax tree. The C stack of the
	// PostgreSQL grammar has 64 KiB and nothing guards its end: 1,500 nested
	// calls overwrite its tables. The bounds are a fifth of what it stands.
	maxBrackets = 100
	maxDepth    = 300
)

// nesting bounds the depth of the syntax tree from above by its tokens. Within
// one item of a list each token may open a level of the tree.
type nesting struct {
	open  []level
	depth int
	last  pganalyze.Token
}

// level is what one pair of brackets has added to the depth so far: item is
// forgotten at the next comma, chain is not.
type level struct{ item, chain int }

// limitOf names the bound that the tokens break, or "".
func limitOf(tokens []*pganalyze.ScanToken) string {
	if len(tokens) > maxTokens {
		return "tokens"
	}
	n := &nesting{open: []level{{}}}
	for _, t := range tokens {
		if isComment(t) {
			continue
		}
		n.token(t.Token)
		n.last = t.Token
		if n.depth > maxDepth {
			return "depth"
		}
		if len(n.open) > maxBrackets {
			return "brackets"
		}
	}
	return ""
}

func isComment(t *pganalyze.ScanToken) bool {
	return t.Token == pganalyze.Token_SQL_COMMENT || t.Token == pganalyze.Token_C_COMMENT
}

func (n *nesting) token(t pganalyze.Token) {
	if n.last == pganalyze.Token_ASCII_46 || n.last == pganalyze.Token_AS { // a keyword behind "." or AS is a name
		n.count()
		return
	}
	switch t {
	case pganalyze.Token_ASCII_40, pganalyze.Token_ASCII_91: // ( [
		n.count()
		n.open = append(n.open, level{})
	case pganalyze.Token_ASCII_41, pganalyze.Token_ASCII_93: // ) ]
		n.leave()
	case pganalyze.Token_ASCII_59: // ;
		n.open, n.depth = []level{{}}, 0
	case pganalyze.Token_ASCII_44, pganalyze.Token_AND, pganalyze.Token_OR, // ,
		pganalyze.Token_SELECT, pganalyze.Token_WHERE, pganalyze.Token_ORDER, pganalyze.Token_HAVING, pganalyze.Token_ON:
		n.separate()
	case pganalyze.Token_UNION, pganalyze.Token_INTERSECT, pganalyze.Token_EXCEPT, pganalyze.Token_JOIN,
		pganalyze.Token_CASE, pganalyze.Token_BETWEEN: // what follows AND there is still inside
		n.count()
		n.freeze()
	default:
		n.count()
	}
}

func (n *nesting) top() *level { return &n.open[len(n.open)-1] }

func (n *nesting) count() {
	n.top().item++
	n.depth++
}

// separate starts a new item: what came before is no ancestor of what follows.
func (n *nesting) separate() {
	n.depth -= n.top().item
	n.top().item = 0
}

// freeze keeps what was counted until the bracket closes.
func (n *nesting) freeze() {
	n.top().chain += n.top().item
	n.top().item = 0
}

func (n *nesting) leave() {
	if len(n.open) > 1 {
		n.depth -= n.top().item + n.top().chain
		n.open = n.open[:len(n.open)-1]
	}
}

// ambiguities reports what clients and servers with other settings read in
// another way than this grammar does.
func ambiguities(source []byte, tokens []*pganalyze.ScanToken, e emitter) {
	for i, t := range tokens {
		at := span{int(t.Start), int(t.End)}
		text := source[at.from:at.to]
		switch t.Token {
		case pganalyze.Token_SCONST, pganalyze.Token_USCONST:
			if text[0] == '\'' && hidesQuote(text, '\'') {
				e.unknown(at, "string", "With standard_conforming_strings off, this string ends elsewhere.")
			}
		case pganalyze.Token_ASCII_58:
			if i+1 < len(tokens) && int(tokens[i+1].Start) == at.to && tokens[i+1].Token != pganalyze.Token_ICONST {
				e.unknown(at, "variable", "The client psql replaces a name behind a colon by the value of its variable.")
			}
		default:
		}
	}
}
